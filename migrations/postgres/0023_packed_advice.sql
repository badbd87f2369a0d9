-- All that is said of a piece of advice, packed. Rows of earlier builds have it in `document`, which is empty in
-- others.
ALTER TABLE advice ADD COLUMN packed BYTEA;

-- Retention deletes what is over by the time at which it ended.
CREATE INDEX advice_ended ON advice (updated_at) WHERE state IN ('superseded', 'withdrawn');
