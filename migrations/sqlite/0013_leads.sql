-- Leads: what was decided about each task when it was made, and what people decided over it.

-- `frozen` is all that was decided and what it was decided on, as JSON; `score`, `grade` and `route` are the
-- machine's, `score_now` and `grade_now` with what people decided over it, `ranked` orders by `score_now`.
-- `last` is what came of it last: the result of a contact, or the outcome.
CREATE TABLE lead (
    task_id   TEXT    NOT NULL PRIMARY KEY REFERENCES task (id) ON DELETE CASCADE,
    score     TEXT    NOT NULL,
    grade     TEXT    NOT NULL,
    route     TEXT    NOT NULL,
    score_now TEXT    NOT NULL,
    grade_now TEXT    NOT NULL,
    ranked    INTEGER NOT NULL,
    last      TEXT,
    frozen    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- What people decided over what the machine says; rows are never deleted. One stands as long as it has not
-- ended: at `until`, or when somebody took it back or put another in its place.
CREATE TABLE override (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    subject_kind  TEXT    NOT NULL CHECK (subject_kind IN ('task', 'deal')),
    subject_id    TEXT    NOT NULL,
    what          TEXT    NOT NULL CHECK (what IN ('grade', 'score', 'route', 'probability')),
    value         TEXT    NOT NULL,
    machine_value TEXT,
    reason        TEXT    NOT NULL,
    actor         TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    until         INTEGER NOT NULL,
    ended_at      INTEGER,
    ended_by      TEXT
) STRICT;
CREATE UNIQUE INDEX override_standing ON override (subject_kind, subject_id, what)
    WHERE ended_at IS NULL;
CREATE INDEX override_until ON override (until) WHERE ended_at IS NULL;
CREATE INDEX override_of_subject ON override (subject_kind, subject_id, id);

-- What is known of an account is looked up when a task of it is made.
CREATE INDEX task_of_account ON task (account, created_at);
ALTER TABLE record ADD COLUMN account TEXT GENERATED ALWAYS AS (document ->> 'account') VIRTUAL;
CREATE INDEX record_of_account ON record (kind, account, id);
