-- Retention: what was deleted from the log, so that nobody judges what has lost its history.

-- One row. Events up to `position` are gone, but for those that keep a state; nothing that happened
-- before `horizon` is judged any more. 0 and 0: nothing was ever deleted.
CREATE TABLE retention (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    horizon  INTEGER NOT NULL
) STRICT;
INSERT INTO retention (id, position, horizon) VALUES (1, 0, 0);

CREATE INDEX dead_letter_age ON dead_letter (received_at);
