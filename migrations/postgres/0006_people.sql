-- People: what they may do and see, who stands in for whom, tokens for programs; and a trail of
-- changes that shows whether anybody has changed it.

-- Lists are JSON. A region `*` is every region, and what has none.
ALTER TABLE app_user ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE app_user ADD COLUMN email TEXT;
ALTER TABLE app_user ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
ALTER TABLE app_user ADD COLUMN regions TEXT NOT NULL DEFAULT '[]';
ALTER TABLE app_user ADD COLUMN teams TEXT NOT NULL DEFAULT '[]';
ALTER TABLE app_user ADD COLUMN superior TEXT;
ALTER TABLE app_user ADD COLUMN substitute TEXT;
ALTER TABLE app_user ADD COLUMN substitute_from_at BIGINT;
ALTER TABLE app_user ADD COLUMN substitute_until_at BIGINT;
ALTER TABLE app_user ADD COLUMN disabled_at BIGINT;
-- Since when the password is one that somebody else gave, to be changed at the next sign-in.
ALTER TABLE app_user ADD COLUMN password_given_at BIGINT;
ALTER TABLE app_user ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

-- Whoever could sign in before could do everything, and still can.
UPDATE app_user SET roles = '["admin","operations","sales-manager"]', regions = '["*"]';

-- What programs sign in with. The token itself is with the program only.
CREATE TABLE api_token (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    token_hash   TEXT COLLATE "C" NOT NULL UNIQUE,
    user_name    TEXT COLLATE "C" NOT NULL REFERENCES app_user (name) ON DELETE CASCADE,
    label        TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT
);
CREATE INDEX api_token_of_user ON api_token (user_name);

-- The region of the site a task is about, as of when it was made.
ALTER TABLE task ADD COLUMN region TEXT;
-- What has changed since a page was last told.
CREATE INDEX task_updated ON task (updated_at);

-- Each entry's digest is that of the entry and of the digest before it; those from before this step
-- have none. The head says how many there are, and which the last one is.
ALTER TABLE audit ADD COLUMN digest TEXT;
CREATE TABLE audit_head (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    entries BIGINT NOT NULL,
    digest  TEXT    NOT NULL
);
INSERT INTO audit_head (id, entries, digest) VALUES (1, 0, '');
CREATE INDEX audit_of_actor ON audit (actor, id);
