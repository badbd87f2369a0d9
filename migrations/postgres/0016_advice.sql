-- Advice on stock: what a plan says is to be sent, and what people did with it.

-- One row for each piece. Of one key one row stands at most; another that says something else takes its
-- place and names it.
CREATE TABLE advice (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- What makes two plans speak of the same: item, place, source, and the closure it is before.
    key           TEXT COLLATE "C" NOT NULL,
    state         TEXT COLLATE "C" NOT NULL CHECK (state IN
        ('open', 'snoozed', 'firmed', 'shipped', 'rejected', 'superseded', 'withdrawn')),
    revision      BIGINT NOT NULL,
    -- Digests of what is to be done, and of all that is said of it.
    decision      TEXT COLLATE "C" NOT NULL,
    figures       TEXT COLLATE "C" NOT NULL,
    document      TEXT    NOT NULL,
    item          TEXT COLLATE "C" NOT NULL,
    source        TEXT COLLATE "C",
    place         TEXT COLLATE "C" NOT NULL,
    -- What the plan says, or a person has made of it.
    quantity      BIGINT NOT NULL,
    -- Days as texts: 2025-01-26.
    ship_on       TEXT COLLATE "C",
    arrive_on     TEXT COLLATE "C",
    cover_until   TEXT COLLATE "C" NOT NULL,
    replaces      TEXT COLLATE "C",
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    actor         TEXT COLLATE "C",
    reason        TEXT,
    snoozed_until BIGINT
);
CREATE UNIQUE INDEX advice_standing ON advice (key) WHERE state IN ('open', 'snoozed');
CREATE INDEX advice_by_state ON advice (state, ship_on, id);
CREATE INDEX advice_replaces ON advice (replaces) WHERE replaces IS NOT NULL;

-- The newest plan. What changes advice counts its revision up, so that no plan is kept that was made of
-- what is no longer so.
CREATE TABLE advice_plan (
    id         BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    revision   BIGINT NOT NULL,
    as_of      BIGINT,
    planned_at BIGINT,
    document   TEXT    NOT NULL
);
INSERT INTO advice_plan (id, revision, document) VALUES (1, 0, '{}');

-- Counts writings of records, so that whoever reads them sees that there is something new.
CREATE TABLE record_mark (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    changes BIGINT NOT NULL
);
INSERT INTO record_mark (id, changes) VALUES (1, 0);
