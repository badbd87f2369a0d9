-- Meetings of customers with consultants, one for each task; of a consultant no two begin at one time, and
-- the writer lets none overlap.
CREATE TABLE booking (
    task_id    TEXT    NOT NULL PRIMARY KEY,
    consultant TEXT    NOT NULL,
    starts_at  INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    booked_at  INTEGER NOT NULL,
    booked_by  TEXT    NOT NULL,
    UNIQUE (consultant, starts_at)
) STRICT, WITHOUT ROWID;
