-- What comes of a task: the deal it opens, and the coupon that goes out because of it.

-- The deal that a task opened, at most one; the deal itself is a record. `offer` is what could be offered
-- then, as JSON. `contradicted_at` is when late evidence spoke against the task.
CREATE TABLE task_deal (
    task_id         TEXT    NOT NULL PRIMARY KEY,
    deal_id         TEXT    NOT NULL UNIQUE,
    account         TEXT    NOT NULL,
    product         TEXT,
    offer           TEXT    NOT NULL,
    opened_at       INTEGER NOT NULL,
    opened_by       TEXT    NOT NULL,
    contradicted_at INTEGER
) STRICT, WITHOUT ROWID;

-- Coupons that were issued: one for each task, one for each contact of a campaign, each code once. Pools and
-- budgets are records.
CREATE TABLE coupon_issue (
    task_id    TEXT    NOT NULL PRIMARY KEY,
    code       TEXT    NOT NULL,
    campaign   TEXT    NOT NULL,
    contact    TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    currency   TEXT    NOT NULL,
    expires_on TEXT    NOT NULL,
    month      TEXT    NOT NULL,
    issued_at  INTEGER NOT NULL,
    issued_by  TEXT    NOT NULL,
    UNIQUE (campaign, contact),
    UNIQUE (campaign, code)
) STRICT, WITHOUT ROWID;
CREATE INDEX coupon_issue_of_month ON coupon_issue (campaign, month);
