-- Records: what other systems keep and Upturn looks up, one document of its kind's columns each.
CREATE TABLE record (
    kind       TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    document   TEXT   NOT NULL,
    revision   BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT   NOT NULL,
    PRIMARY KEY (kind, id)
);
