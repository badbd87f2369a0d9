-- The life of a task: what people do with it beyond taking it on and closing it, when, and its clocks.

-- Who is at it since when: a task in progress is an accepted one with a time here.
ALTER TABLE task ADD COLUMN started_at INTEGER;
-- When a person last did anything with it. What was touched is not withdrawn in silence.
ALTER TABLE task ADD COLUMN touched_at INTEGER;
-- When it was first taken on, and when somebody first spoke with the customer.
ALTER TABLE task ADD COLUMN taken_at INTEGER;
ALTER TABLE task ADD COLUMN contacted_at INTEGER;
ALTER TABLE task ADD COLUMN closed_at INTEGER;
-- How it ended: an outcome of one that is done.
ALTER TABLE task ADD COLUMN outcome TEXT;
-- Until when it is put off.
ALTER TABLE task ADD COLUMN snoozed_until INTEGER;
-- The steps that are done, by their places from 0 on, as JSON.
ALTER TABLE task ADD COLUMN checked TEXT NOT NULL DEFAULT '[]';
-- How often superiors were told that its time is over.
ALTER TABLE task ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0;

UPDATE task SET touched_at = updated_at WHERE progress <> 'new';

-- What happened to each task, in order; rows are never changed. `done_at` is when it was done, where it
-- was told later.
CREATE TABLE task_history (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    done_at INTEGER NOT NULL
) STRICT;
CREATE INDEX task_history_of_task ON task_history (task_id, id);
INSERT INTO task_history (task_id, at, actor, action, detail, done_at)
    SELECT subject, at, actor, action, detail, at FROM audit
    WHERE subject IN (SELECT id FROM task) ORDER BY id;

-- What is to happen to a task when log time has come so far, at most one of each kind.
CREATE TABLE task_timer (
    task_id TEXT NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    kind    TEXT NOT NULL CHECK (kind IN ('wake', 'overdue', 'silent')),
    at      INTEGER NOT NULL,
    PRIMARY KEY (task_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_timer_due ON task_timer (at, task_id, kind);

-- Contacts that were told later: each counts once somebody else has approved it.
CREATE TABLE task_back_fill (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id    TEXT NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    done_at    INTEGER NOT NULL,
    told_at    INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    detail     TEXT NOT NULL,
    decided_at INTEGER,
    decided_by TEXT,
    approved   INTEGER NOT NULL
) STRICT;
CREATE INDEX task_back_fill_of_task ON task_back_fill (task_id, id);
-- Whether the first contact was told later, so that it does not count as in time.
ALTER TABLE task ADD COLUMN contacted_late INTEGER NOT NULL DEFAULT 0;
