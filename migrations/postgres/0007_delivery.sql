-- Delivery: letters by destination, what became of them, and what comes back.

-- One row for each cause and destination. `begun` counts the times sending was begun: before any but
-- the first the destination is asked whether it has the letter. A claim holds until `claimed_until`.
ALTER TABLE outbox ADD COLUMN destination TEXT COLLATE "C" NOT NULL DEFAULT 'mqtt';
ALTER TABLE outbox ADD COLUMN state TEXT NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'collecting', 'collected', 'parked', 'sent', 'dropped'));
ALTER TABLE outbox ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
ALTER TABLE outbox ADD COLUMN recipient TEXT;
-- The key of the letter that this one goes out in, with others.
ALTER TABLE outbox ADD COLUMN digest TEXT COLLATE "C";
ALTER TABLE outbox ADD COLUMN begun BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN claimed_until BIGINT;
UPDATE outbox SET state = 'sent' WHERE sent_at IS NOT NULL;

DROP INDEX outbox_pending;
-- What is due at a destination, and what stands before it there on the same subject.
CREATE INDEX outbox_due ON outbox (destination, next_at, id)
    WHERE state IN ('waiting', 'collecting');
CREATE INDEX outbox_line ON outbox (destination, subject, id)
    WHERE state IN ('waiting', 'collecting', 'parked');
CREATE INDEX outbox_of_subject ON outbox (subject, id);
CREATE INDEX outbox_of_destination ON outbox (destination, id);
CREATE INDEX outbox_digest ON outbox (digest) WHERE state = 'collecting';
-- Counts.
CREATE INDEX outbox_unsent ON outbox (destination, state, created_at)
    WHERE state IN ('waiting', 'collecting', 'parked');

-- How each destination does.
CREATE TABLE destination_state (
    id         TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    failures   BIGINT NOT NULL,
    open_until BIGINT,
    off_reason TEXT,
    last_error TEXT,
    failed_at  BIGINT,
    worked_at  BIGINT
);

-- What letters became elsewhere: one record for each subject and destination.
CREATE TABLE remote_record (
    destination TEXT COLLATE "C"    NOT NULL,
    subject     TEXT COLLATE "C"    NOT NULL,
    remote      TEXT COLLATE "C",
    url         TEXT,
    heard       TEXT CHECK (heard IN ('open', 'done', 'dismissed')),
    heard_at    BIGINT,
    asked_at    BIGINT NOT NULL,
    PRIMARY KEY (destination, subject)
);
CREATE INDEX remote_record_remote ON remote_record (destination, remote);
CREATE INDEX remote_record_asked ON remote_record (destination, asked_at);

-- What other systems told by themselves, and what they were answered.
CREATE TABLE inbound_delivery (
    destination TEXT COLLATE "C"    NOT NULL,
    id          TEXT COLLATE "C"    NOT NULL,
    received_at BIGINT NOT NULL,
    answer      TEXT    NOT NULL,
    PRIMARY KEY (destination, id)
);
CREATE INDEX inbound_delivery_age ON inbound_delivery (received_at);

-- What people asked for because of a task: it becomes a ticket elsewhere.
CREATE TABLE requirement (
    id         TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    task_id    TEXT COLLATE "C"    NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL CHECK (kind IN ('requirement', 'feedback')),
    priority   TEXT    NOT NULL CHECK (priority IN ('low', 'normal', 'high')),
    text       TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX requirement_of_task ON requirement (task_id, created_at);
