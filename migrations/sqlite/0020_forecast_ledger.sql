-- Forecasts as they were made, what came, and what that says of them. Rows of the first four tables are
-- added and never changed.

-- Each revision of each deal, written with it: what was known of a deal on a day.
CREATE TABLE deal_history (
    deal     TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    document TEXT    NOT NULL,
    PRIMARY KEY (deal, revision)
) STRICT;
CREATE INDEX deal_history_by_time ON deal_history (at);
INSERT INTO deal_history (deal, revision, at, document)
    SELECT id, revision, updated_at, document FROM record WHERE kind = 'deal';

-- What was said. Days are as 2025-01-31; a forecast is of the days from `as_of_on` to before `due_on`.
CREATE TABLE forecast (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind     TEXT    NOT NULL CHECK (kind IN ('demand', 'win')),
    -- A product and a place, or a deal.
    subject  TEXT    NOT NULL,
    as_of_on TEXT    NOT NULL,
    due_on   TEXT    NOT NULL,
    -- Periods of demand, or days of a deal.
    horizon  INTEGER NOT NULL,
    -- The deal's revision that it rests on; 0 of demand.
    revision INTEGER NOT NULL,
    method   TEXT    NOT NULL,
    version  TEXT    NOT NULL,
    -- The place in the log up to which was known what it rests on.
    position INTEGER NOT NULL,
    made_at  INTEGER NOT NULL,
    said     TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX forecast_once ON forecast (kind, subject, as_of_on, horizon, revision);
CREATE INDEX forecast_by_day ON forecast (kind, as_of_on);
CREATE INDEX forecast_due ON forecast (kind, due_on);

-- What came: units, or whether a deal was won in time (1 or 0).
CREATE TABLE forecast_score (
    forecast_id INTEGER NOT NULL PRIMARY KEY REFERENCES forecast (id),
    came        TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    scored_at   INTEGER NOT NULL
) STRICT;

-- Forecasts of a kind have become worse.
CREATE TABLE forecast_alarm (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- What is watched.
    watched   TEXT    NOT NULL,
    -- The look that raised it.
    as_of_on  TEXT    NOT NULL,
    detail    TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    raised_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX forecast_alarm_once ON forecast_alarm (watched, as_of_on);

-- What forecasts of the past would have been worth, as people asked.
CREATE TABLE forecast_trial (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL CHECK (kind IN ('demand', 'win')),
    actor      TEXT    NOT NULL,
    wanted_at  INTEGER NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    result     TEXT
) STRICT;
CREATE UNIQUE INDEX forecast_trial_open ON forecast_trial (kind) WHERE ended_at IS NULL;
