-- Which engine writes: every engine that begins to write raises it, and those before it are refused.
ALTER TABLE log_cursor ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
