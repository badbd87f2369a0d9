-- Feeds: what was fetched when, what became of it, and secrets that sources ask for.

-- How each feed does, and what people decided about it.
CREATE TABLE feed_state (
    feed       TEXT    NOT NULL PRIMARY KEY,
    failures   INTEGER NOT NULL,
    -- Before this time the source is left alone; where there are failures, it is tried again then.
    retry_at   INTEGER,
    -- When the source last answered well, also with nothing new.
    checked_at INTEGER,
    paused_by  TEXT,
    paused_at  INTEGER
) STRICT;

-- One row for each run. A slot runs at most once; a run that a person asked for has none. A run that
-- nobody has begun yet has no `started_at`.
CREATE TABLE feed_run (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    feed       TEXT    NOT NULL,
    slot       INTEGER,
    missed     INTEGER NOT NULL,
    cause      TEXT    NOT NULL CHECK (cause IN ('schedule', 'retry', 'person')),
    actor      TEXT,
    wanted_at  INTEGER NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    outcome    TEXT CHECK (outcome IN
        ('active', 'unchanged', 'held', 'rejected', 'failed', 'interrupted', 'dropped')),
    sentence   TEXT,
    facts      INTEGER
) STRICT;
CREATE UNIQUE INDEX feed_run_slot ON feed_run (feed, slot);
CREATE INDEX feed_run_of_feed ON feed_run (feed, id);
CREATE INDEX feed_run_open ON feed_run (id) WHERE ended_at IS NULL;

-- One row for each set: what one run brought, as it came, with the settings it is read by. Of a feed
-- one set is in force at most, from its place in the log on.
CREATE TABLE feed_set (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    feed            TEXT    NOT NULL,
    run_id          INTEGER NOT NULL,
    fetched_at      INTEGER NOT NULL,
    digest          TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    settings        TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('active', 'held', 'superseded', 'rejected')),
    reasons         TEXT    NOT NULL,
    validators      TEXT    NOT NULL,
    configured_by   TEXT    NOT NULL,
    facts           INTEGER NOT NULL,
    decided_by      TEXT,
    decided_at      INTEGER,
    active_position INTEGER,
    active_at       INTEGER
) STRICT;
CREATE INDEX feed_set_of_feed ON feed_set (feed, id);
CREATE UNIQUE INDEX feed_set_active ON feed_set (feed) WHERE state = 'active';
CREATE INDEX feed_set_in_force ON feed_set (feed, active_position);

-- The documents of a set, packed.
CREATE TABLE feed_document (
    set_id  INTEGER NOT NULL REFERENCES feed_set (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    address TEXT    NOT NULL,
    packed  BLOB    NOT NULL,
    PRIMARY KEY (set_id, ordinal)
) STRICT;

-- Secrets that sources ask for, encrypted by a key that is not in the database.
CREATE TABLE named_secret (
    name   TEXT    NOT NULL PRIMARY KEY,
    key_id TEXT    NOT NULL,
    sealed BLOB    NOT NULL,
    set_by TEXT    NOT NULL,
    set_at INTEGER NOT NULL
) STRICT;
