-- Records: rows of an import on its way, what changed of the registry, answers that are given again,
-- and devices that nobody registered.
CREATE TABLE record_staged (
    import    TEXT COLLATE "C" NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    document  TEXT    NOT NULL,
    staged_at BIGINT NOT NULL,
    PRIMARY KEY (import, id)
);

-- Records of the registry that were written beside the log: the writer puts them in force.
CREATE TABLE registry_change (
    kind TEXT COLLATE "C" NOT NULL,
    id   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE idempotent_request (
    actor   TEXT COLLATE "C" NOT NULL,
    key     TEXT    NOT NULL,
    digest  TEXT    NOT NULL,
    answer  TEXT    NOT NULL,
    done_at BIGINT NOT NULL,
    PRIMARY KEY (actor, key)
);

CREATE INDEX idempotent_request_by_age ON idempotent_request (done_at);

CREATE TABLE unknown_device (
    device        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    topic         TEXT    NOT NULL,
    messages      BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL
);
