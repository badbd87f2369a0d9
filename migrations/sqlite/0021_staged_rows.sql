-- Rows of an import on their way, in the order of the table: written one behind another, whatever their keys.
DROP TABLE record_staged;
CREATE TABLE record_staged (
    import    TEXT    NOT NULL,
    line      INTEGER NOT NULL,
    id        TEXT    NOT NULL,
    document  TEXT    NOT NULL,
    staged_at INTEGER NOT NULL,
    PRIMARY KEY (import, line)
) STRICT, WITHOUT ROWID;
