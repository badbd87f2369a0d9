-- Times (`_at`) are milliseconds since 1970 in UTC; JSON is text, kept byte for byte.

-- The log of events. `stated_at` is 0 where the message states no time.
CREATE TABLE event (
    position      INTEGER PRIMARY KEY,
    stated_at     INTEGER NOT NULL,
    device        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    occurred_at   INTEGER NOT NULL,
    received_at   INTEGER NOT NULL,
    seq           INTEGER,
    kind          TEXT    NOT NULL,
    channel       TEXT,
    source        TEXT    NOT NULL,
    clock_suspect INTEGER NOT NULL,
    attributes    TEXT    NOT NULL,
    -- Time first: keys arrive nearly sorted, so an insert touches the same few pages.
    CONSTRAINT event_key UNIQUE (stated_at, device, id)
) STRICT;

-- The history of a device, in blocks of 4,096 positions: inserts touch the pages of the newest
-- block only, however many events there are, and a look-up costs one seek for each block.
CREATE INDEX event_of_device ON event (position >> 12, device);

-- How far the log has been folded: one row, and the fence between two writers.
CREATE TABLE log_cursor (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO log_cursor (id, position) VALUES (1, 0);

-- Messages that could not be read, as they came.
CREATE TABLE dead_letter (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    topic       TEXT    NOT NULL,
    payload     BLOB    NOT NULL,
    source      TEXT,
    code        TEXT    NOT NULL,
    reason      TEXT    NOT NULL
) STRICT;

-- What people are asked to do.
CREATE TABLE task (
    id         TEXT    NOT NULL PRIMARY KEY,
    rule_id    TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    device     TEXT    NOT NULL,
    account    TEXT,
    kind       TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    steps      TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    due_at     INTEGER,
    created_at INTEGER NOT NULL,
    created_by INTEGER NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    episode    TEXT    NOT NULL CHECK (episode IN ('open', 'closed')),
    status     TEXT    NOT NULL CHECK (status IN ('new', 'withdrawn')),
    revision   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

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
    task_id     TEXT    NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    ordinal     INTEGER NOT NULL,
    event_id    TEXT    NOT NULL,
    device      TEXT    NOT NULL,
    channel     TEXT,
    kind        TEXT    NOT NULL,
    occurred_at INTEGER NOT NULL,
    attributes  TEXT    NOT NULL,
    PRIMARY KEY (task_id, ordinal)
) STRICT, WITHOUT ROWID;

-- Who did what to what.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_of_subject ON audit (subject, id);

-- Letters on their way to other systems.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    sent_at    INTEGER,
    last_error TEXT
) STRICT;
CREATE INDEX outbox_pending ON outbox (next_at, id) WHERE sent_at IS NULL;

-- People who may log in.
CREATE TABLE app_user (
    name          TEXT NOT NULL PRIMARY KEY,
    password_hash TEXT NOT NULL,
    language      TEXT,
    created_at    INTEGER NOT NULL
) STRICT;

-- Who is logged in. The token itself is with the browser only.
CREATE TABLE session (
    token_hash TEXT    NOT NULL PRIMARY KEY,
    user_name  TEXT    NOT NULL REFERENCES app_user (name) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_expiry ON session (expires_at);
CREATE INDEX session_of_user ON session (user_name);

-- The documents rules were read from, by the hash of their text.
CREATE TABLE rule_version (
    rule_id      TEXT NOT NULL,
    version_hash TEXT NOT NULL,
    document     TEXT NOT NULL,
    PRIMARY KEY (rule_id, version_hash)
) STRICT;

-- Which version of a rule has been in force behind which place in the log.
CREATE TABLE rule_activation (
    rule_id      TEXT    NOT NULL,
    position     INTEGER NOT NULL,
    version_hash TEXT    NOT NULL,
    activated_at INTEGER NOT NULL,
    PRIMARY KEY (rule_id, position),
    FOREIGN KEY (rule_id, version_hash) REFERENCES rule_version (rule_id, version_hash)
) STRICT;
