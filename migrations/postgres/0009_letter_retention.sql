-- Letters that are over are deleted for their age.

CREATE INDEX outbox_over ON outbox (created_at, id) WHERE state IN ('sent', 'collected', 'dropped');
