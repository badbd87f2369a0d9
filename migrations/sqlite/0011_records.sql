-- Records: what other systems keep and Upturn looks up, one document of its kind's columns each.
CREATE TABLE record (
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    document   TEXT    NOT NULL,
    revision   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
