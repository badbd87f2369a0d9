-- Rows of an import on their way, in the order of the table: written one behind another, whatever their keys.
DROP TABLE record_staged;
CREATE TABLE record_staged (
    import    TEXT COLLATE "C" NOT NULL,
    line      BIGINT NOT NULL,
    id        TEXT COLLATE "C" NOT NULL,
    document  TEXT   NOT NULL,
    staged_at BIGINT NOT NULL,
    PRIMARY KEY (import, line)
);
