-- Times (`_at`) are milliseconds since 1970 in UTC; JSON is text, kept byte for byte.
-- COLLATE "C" orders keys by their bytes, as SQLite does, whatever the database's language.

-- The log of events. `stated_at` is 0 where the message states no time.
CREATE TABLE event (
    position      BIGINT PRIMARY KEY,
    stated_at     BIGINT NOT NULL,
    device        TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    occurred_at   BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    seq           BIGINT,
    kind          TEXT NOT NULL,
    channel       TEXT,
    source        TEXT NOT NULL,
    clock_suspect BOOLEAN NOT NULL,
    attributes    TEXT NOT NULL,
    -- Time first: keys arrive nearly sorted, so an insert touches the same few pages.
    CONSTRAINT event_key UNIQUE (stated_at, device, id)
);

-- The history of a device, in blocks of 4,096 positions: inserts touch the pages of the newest
-- block only, however many events there are, and a look-up costs one seek for each block.
CREATE INDEX event_of_device ON event ((position >> 12), device);

-- How far the log has been folded: one row, and the fence between two writers.
CREATE TABLE log_cursor (
    id       BIGINT PRIMARY KEY CHECK (id = 1),
    position BIGINT NOT NULL
);
INSERT INTO log_cursor (id, position) VALUES (1, 0);

-- Messages that could not be read, as they came.
CREATE TABLE dead_letter (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at BIGINT NOT NULL,
    topic       TEXT NOT NULL,
    payload     BYTEA NOT NULL,
    source      TEXT,
    code        TEXT NOT NULL,
    reason      TEXT NOT NULL
);

-- What people are asked to do.
CREATE TABLE task (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    rule_id    TEXT COLLATE "C" NOT NULL,
    scope      TEXT COLLATE "C" NOT NULL,
    device     TEXT COLLATE "C" NOT NULL,
    account    TEXT,
    kind       TEXT NOT NULL,
    title      TEXT NOT NULL,
    steps      TEXT NOT NULL,
    owner      TEXT COLLATE "C" NOT NULL,
    due_at     BIGINT,
    created_at BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    episode    TEXT NOT NULL CHECK (episode IN ('open', 'closed')),
    status     TEXT NOT NULL CHECK (status IN ('new', 'withdrawn')),
    revision   BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- One open episode for each rule and scope.
CREATE UNIQUE INDEX task_open_episode ON task (rule_id, scope)
    WHERE episode = 'open' AND status <> 'withdrawn';
-- Pages, newest first.
CREATE INDEX task_newest ON task (created_at, id);
CREATE INDEX task_newest_withdrawn ON task (created_at, id) WHERE status = 'withdrawn';
CREATE INDEX task_newest_of_owner ON task (owner, created_at, id);
CREATE INDEX task_newest_of_rule ON task (rule_id, created_at, id);
CREATE INDEX task_newest_of_device ON task (device, created_at, id);
-- Counts.
CREATE INDEX task_due ON task (due_at) WHERE status <> 'withdrawn';

-- Why a task stands, in event order.
CREATE TABLE task_evidence (
    task_id     TEXT COLLATE "C" NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    ordinal     BIGINT NOT NULL,
    event_id    TEXT NOT NULL,
    device      TEXT COLLATE "C" NOT NULL,
    channel     TEXT,
    kind        TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    attributes  TEXT NOT NULL,
    PRIMARY KEY (task_id, ordinal)
);

-- Who did what to what.
CREATE TABLE audit (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    detail  TEXT NOT NULL
);
CREATE INDEX audit_of_subject ON audit (subject, id);

-- Letters on their way to other systems.
CREATE TABLE outbox (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key        TEXT COLLATE "C" NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    body       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    sent_at    BIGINT,
    last_error TEXT
);
CREATE INDEX outbox_pending ON outbox (next_at, id) WHERE sent_at IS NULL;

-- People who may log in.
CREATE TABLE app_user (
    name          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    password_hash TEXT NOT NULL,
    language      TEXT,
    created_at    BIGINT NOT NULL
);

-- Who is logged in. The token itself is with the browser only.
CREATE TABLE session (
    token_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_name  TEXT COLLATE "C" NOT NULL REFERENCES app_user (name) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_expiry ON session (expires_at);
CREATE INDEX session_of_user ON session (user_name);

-- The documents rules were read from, by the hash of their text.
CREATE TABLE rule_version (
    rule_id      TEXT COLLATE "C" NOT NULL,
    version_hash TEXT COLLATE "C" NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (rule_id, version_hash)
);

-- Which version of a rule has been in force behind which place in the log.
CREATE TABLE rule_activation (
    rule_id      TEXT COLLATE "C" NOT NULL,
    position     BIGINT NOT NULL,
    version_hash TEXT COLLATE "C" NOT NULL,
    activated_at BIGINT NOT NULL,
    PRIMARY KEY (rule_id, position),
    FOREIGN KEY (rule_id, version_hash) REFERENCES rule_version (rule_id, version_hash)
);
