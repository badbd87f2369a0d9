-- Meetings of customers with consultants, one for each task; of a consultant no two begin at one time, and
-- the writer lets none overlap.
CREATE TABLE booking (
    task_id    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    consultant TEXT COLLATE "C" NOT NULL,
    starts_at  BIGINT  NOT NULL,
    ends_at    BIGINT  NOT NULL,
    booked_at  BIGINT  NOT NULL,
    booked_by  TEXT    NOT NULL,
    UNIQUE (consultant, starts_at)
);
