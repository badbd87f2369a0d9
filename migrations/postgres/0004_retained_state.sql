-- What a broker replayed from before our subscription: the last state of each topic, not an event.
CREATE TABLE retained_state (
    topic       TEXT   NOT NULL PRIMARY KEY,
    received_at BIGINT NOT NULL,
    payload     BYTEA  NOT NULL
);
