-- Feeds: what was fetched when, what became of it, and secrets that sources ask for.

-- How each feed does, and what people decided about it.
CREATE TABLE feed_state (
    feed       TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    failures   BIGINT NOT NULL,
    -- Before this time the source is left alone; where there are failures, it is tried again then.
    retry_at   BIGINT,
    -- When the source last answered well, also with nothing new.
    checked_at BIGINT,
    paused_by  TEXT COLLATE "C",
    paused_at  BIGINT
);

-- One row for each run. A slot runs at most once; a run that a person asked for has none. A run that
-- nobody has begun yet has no `started_at`.
CREATE TABLE feed_run (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed       TEXT COLLATE "C"    NOT NULL,
    slot       BIGINT,
    missed     BIGINT NOT NULL,
    cause      TEXT COLLATE "C"    NOT NULL CHECK (cause IN ('schedule', 'retry', 'person')),
    actor      TEXT COLLATE "C",
    wanted_at  BIGINT NOT NULL,
    started_at BIGINT,
    ended_at   BIGINT,
    outcome    TEXT COLLATE "C" CHECK (outcome IN
        ('active', 'unchanged', 'held', 'rejected', 'failed', 'interrupted', 'dropped')),
    sentence   TEXT,
    facts      BIGINT
);
CREATE UNIQUE INDEX feed_run_slot ON feed_run (feed, slot);
CREATE INDEX feed_run_of_feed ON feed_run (feed, id);
CREATE INDEX feed_run_open ON feed_run (id) WHERE ended_at IS NULL;

-- One row for each set: what one run brought, as it came, with the settings it is read by. Of a feed
-- one set is in force at most, from its place in the log on.
CREATE TABLE feed_set (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed            TEXT COLLATE "C"    NOT NULL,
    run_id          BIGINT NOT NULL,
    fetched_at      BIGINT NOT NULL,
    digest          TEXT COLLATE "C"    NOT NULL,
    kind            TEXT    NOT NULL,
    settings        TEXT    NOT NULL,
    state           TEXT COLLATE "C"    NOT NULL CHECK (state IN ('active', 'held', 'superseded', 'rejected')),
    reasons         TEXT    NOT NULL,
    validators      TEXT    NOT NULL,
    configured_by   TEXT    NOT NULL,
    facts           BIGINT NOT NULL,
    decided_by      TEXT COLLATE "C",
    decided_at      BIGINT,
    active_position BIGINT,
    active_at       BIGINT
);
CREATE INDEX feed_set_of_feed ON feed_set (feed, id);
CREATE UNIQUE INDEX feed_set_active ON feed_set (feed) WHERE state = 'active';
CREATE INDEX feed_set_in_force ON feed_set (feed, active_position);

-- The documents of a set, packed.
CREATE TABLE feed_document (
    set_id  BIGINT NOT NULL REFERENCES feed_set (id) ON DELETE CASCADE,
    ordinal BIGINT NOT NULL,
    address TEXT    NOT NULL,
    packed  BYTEA    NOT NULL,
    PRIMARY KEY (set_id, ordinal)
);

-- Secrets that sources ask for, encrypted by a key that is not in the database.
CREATE TABLE named_secret (
    name   TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    key_id TEXT    NOT NULL,
    sealed BYTEA    NOT NULL,
    set_by TEXT COLLATE "C"    NOT NULL,
    set_at BIGINT NOT NULL
);
