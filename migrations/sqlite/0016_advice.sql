-- Advice on stock: what a plan says is to be sent, and what people did with it.

-- One row for each piece. Of one key one row stands at most; another that says something else takes its
-- place and names it.
CREATE TABLE advice (
    id            TEXT    NOT NULL PRIMARY KEY,
    -- What makes two plans speak of the same: item, place, source, and the closure it is before.
    key           TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN
        ('open', 'snoozed', 'firmed', 'shipped', 'rejected', 'superseded', 'withdrawn')),
    revision      INTEGER NOT NULL,
    -- Digests of what is to be done, and of all that is said of it.
    decision      TEXT    NOT NULL,
    figures       TEXT    NOT NULL,
    document      TEXT    NOT NULL,
    item          TEXT    NOT NULL,
    source        TEXT,
    place         TEXT    NOT NULL,
    -- What the plan says, or a person has made of it.
    quantity      INTEGER NOT NULL,
    -- Days as texts: 2025-01-26.
    ship_on       TEXT,
    arrive_on     TEXT,
    cover_until   TEXT    NOT NULL,
    replaces      TEXT,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    actor         TEXT,
    reason        TEXT,
    snoozed_until INTEGER
) STRICT;
CREATE UNIQUE INDEX advice_standing ON advice (key) WHERE state IN ('open', 'snoozed');
CREATE INDEX advice_by_state ON advice (state, ship_on, id);
CREATE INDEX advice_replaces ON advice (replaces) WHERE replaces IS NOT NULL;

-- The newest plan. What changes advice counts its revision up, so that no plan is kept that was made of
-- what is no longer so.
CREATE TABLE advice_plan (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    revision   INTEGER NOT NULL,
    as_of      INTEGER,
    planned_at INTEGER,
    document   TEXT    NOT NULL
) STRICT;
INSERT INTO advice_plan (id, revision, document) VALUES (1, 0, '{}');

-- Counts writings of records, so that whoever reads them sees that there is something new.
CREATE TABLE record_mark (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    changes INTEGER NOT NULL
) STRICT;
INSERT INTO record_mark (id, changes) VALUES (1, 0);
