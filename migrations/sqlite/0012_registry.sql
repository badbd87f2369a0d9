-- Records: rows of an import on its way, what changed of the registry, answers that are given again,
-- and devices that nobody registered.
CREATE TABLE record_staged (
    import    TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    document  TEXT    NOT NULL,
    staged_at INTEGER NOT NULL,
    PRIMARY KEY (import, id)
) STRICT, WITHOUT ROWID;

-- Records of the registry that were written beside the log: the writer puts them in force.
CREATE TABLE registry_change (
    kind TEXT NOT NULL,
    id   TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotent_request (
    actor   TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    digest  TEXT    NOT NULL,
    answer  TEXT    NOT NULL,
    done_at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotent_request_by_age ON idempotent_request (done_at);

CREATE TABLE unknown_device (
    device        TEXT    NOT NULL PRIMARY KEY,
    topic         TEXT    NOT NULL,
    messages      INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
