-- The life of a task: what people do with it beyond taking it on and closing it, when, and its clocks.

-- Who is at it since when: a task in progress is an accepted one with a time here.
ALTER TABLE task ADD COLUMN started_at BIGINT;
-- When a person last did anything with it. What was touched is not withdrawn in silence.
ALTER TABLE task ADD COLUMN touched_at BIGINT;
-- When it was first taken on, and when somebody first spoke with the customer.
ALTER TABLE task ADD COLUMN taken_at BIGINT;
ALTER TABLE task ADD COLUMN contacted_at BIGINT;
ALTER TABLE task ADD COLUMN closed_at BIGINT;
-- How it ended: an outcome of one that is done.
ALTER TABLE task ADD COLUMN outcome TEXT COLLATE "C";
-- Until when it is put off.
ALTER TABLE task ADD COLUMN snoozed_until BIGINT;
-- The steps that are done, by their places from 0 on, as JSON.
ALTER TABLE task ADD COLUMN checked TEXT COLLATE "C" NOT NULL DEFAULT '[]';
-- How often superiors were told that its time is over.
ALTER TABLE task ADD COLUMN escalated BIGINT NOT NULL DEFAULT 0;

UPDATE task SET touched_at = updated_at WHERE progress <> 'new';

-- What happened to each task, in order; rows are never changed. `done_at` is when it was done, where it
-- was told later.
CREATE TABLE task_history (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    detail  TEXT NOT NULL,
    done_at BIGINT NOT NULL
);
CREATE INDEX task_history_of_task ON task_history (task_id, id);
INSERT INTO task_history (task_id, at, actor, action, detail, done_at)
    SELECT subject, at, actor, action, detail, at FROM audit
    WHERE subject IN (SELECT id FROM task) ORDER BY id;

-- What is to happen to a task when log time has come so far, at most one of each kind.
CREATE TABLE task_timer (
    task_id TEXT COLLATE "C" NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    kind    TEXT COLLATE "C" NOT NULL CHECK (kind IN ('wake', 'overdue', 'silent')),
    at      BIGINT NOT NULL,
    PRIMARY KEY (task_id, kind)
);
CREATE INDEX task_timer_due ON task_timer (at, task_id, kind);

-- Contacts that were told later: each counts once somebody else has approved it.
CREATE TABLE task_back_fill (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id    TEXT COLLATE "C" NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    done_at    BIGINT NOT NULL,
    told_at    BIGINT NOT NULL,
    actor      TEXT NOT NULL,
    detail     TEXT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    approved   BIGINT NOT NULL
);
CREATE INDEX task_back_fill_of_task ON task_back_fill (task_id, id);
-- Whether the first contact was told later, so that it does not count as in time.
ALTER TABLE task ADD COLUMN contacted_late BIGINT NOT NULL DEFAULT 0;
