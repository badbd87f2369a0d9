-- The rule engine: all inputs in the log, the life of rules, and what people do with tasks.

-- Inputs of the fold that are no events, in the same order of places: ticks, registries, rules,
-- what people did.
CREATE TABLE log_input (
    position    INTEGER NOT NULL PRIMARY KEY,
    received_at INTEGER NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('tick', 'registry', 'rules', 'action')),
    body        TEXT    NOT NULL
) STRICT;

-- The registries that were in force, by the hash of their text.
CREATE TABLE registry_version (
    digest   TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What is in force since when stands in the log now.
DROP TABLE rule_activation;

ALTER TABLE task ADD COLUMN rule_version TEXT NOT NULL DEFAULT '';
ALTER TABLE task ADD COLUMN stage TEXT NOT NULL DEFAULT 'live' CHECK (stage IN ('live', 'shadow'));
-- What people did with it, beside whether it stands.
ALTER TABLE task ADD COLUMN progress TEXT NOT NULL DEFAULT 'new'
    CHECK (progress IN ('new', 'accepted', 'done', 'dismissed'));
-- Late evidence took away what it was based on after somebody had touched it.
ALTER TABLE task ADD COLUMN contradicted_at INTEGER;
ALTER TABLE task ADD COLUMN joined INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN joined_at INTEGER;

DROP INDEX task_open_episode;
CREATE UNIQUE INDEX task_open_episode ON task (rule_id, scope, stage)
    WHERE episode = 'open' AND status <> 'withdrawn';

-- The newest snapshot of the fold, in pieces: a cache, which may be deleted.
CREATE TABLE snapshot (
    piece    INTEGER NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    bytes    BLOB    NOT NULL
) STRICT;

-- Pages, newest first, and counts. What is open stays small while what is closed grows, so each
-- state has an index of its own; conditions are word for word those of the statements.
DROP INDEX task_newest;
DROP INDEX task_newest_withdrawn;
DROP INDEX task_due;
CREATE INDEX task_open ON task (created_at, id)
    WHERE stage = 'live' AND status = 'new' AND progress IN ('new', 'accepted');
CREATE INDEX task_open_of_owner ON task (owner, created_at, id)
    WHERE stage = 'live' AND status = 'new' AND progress IN ('new', 'accepted');
CREATE INDEX task_open_due ON task (due_at)
    WHERE stage = 'live' AND status = 'new' AND progress IN ('new', 'accepted');
CREATE INDEX task_closed ON task (created_at, id)
    WHERE stage = 'live' AND status = 'new' AND progress IN ('done', 'dismissed');
CREATE INDEX task_withdrawn ON task (created_at, id)
    WHERE stage = 'live' AND status = 'withdrawn';
CREATE INDEX task_trial ON task (created_at, id) WHERE stage = 'shadow' AND status = 'new';
CREATE INDEX task_open_of_rule ON task (rule_id, stage)
    WHERE status = 'new' AND progress IN ('new', 'accepted');

-- Rules and actions among the many ticks.
CREATE INDEX log_input_of_kind ON log_input (kind, position) WHERE kind <> 'tick';

-- A message that comes again, as after a crash, is the same row: its hash, how often it came, and
-- when last. What an older Upturn kept has no hash.
ALTER TABLE dead_letter ADD COLUMN digest TEXT;
ALTER TABLE dead_letter ADD COLUMN times INTEGER NOT NULL DEFAULT 1;
ALTER TABLE dead_letter ADD COLUMN last_at INTEGER;
CREATE UNIQUE INDEX dead_letter_digest ON dead_letter (digest);
