-- The rules of the house on selling as they were in force, deals on their way through processes, quotes,
-- and approvals.
CREATE TABLE policy_version (
    digest   TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    document TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX policy_version_position ON policy_version (position);

-- Who has read of a change.
CREATE TABLE policy_confirmation (
    digest TEXT    NOT NULL REFERENCES policy_version (digest),
    person TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (digest, person)
) STRICT, WITHOUT ROWID;

-- What was done with deals; never changed. A deal stands as the fold of its acts says.
CREATE TABLE deal_act (
    deal     TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    process  TEXT    NOT NULL,
    policy   TEXT    NOT NULL REFERENCES policy_version (digest),
    action   TEXT    NOT NULL,
    PRIMARY KEY (deal, revision)
) STRICT, WITHOUT ROWID;

-- What is to happen to deals when log time has come so far.
CREATE TABLE deal_timer (
    deal TEXT    NOT NULL,
    kind TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    PRIMARY KEY (deal, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX deal_timer_at ON deal_timer (at);

-- Frozen quotes, each by the digest of all that is in it.
CREATE TABLE quote (
    digest   TEXT    NOT NULL PRIMARY KEY,
    number   TEXT    NOT NULL,
    content  TEXT    NOT NULL,
    deal     TEXT,
    seller   TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    is_clear INTEGER NOT NULL,
    document TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX quote_at ON quote (at);
CREATE INDEX quote_deal ON quote (deal) WHERE deal IS NOT NULL;

-- What somebody was asked to allow, and what became of it; one case for a content.
CREATE TABLE approval (
    id          TEXT    NOT NULL PRIMARY KEY,
    content     TEXT    NOT NULL,
    quote       TEXT    NOT NULL REFERENCES quote (digest),
    deal        TEXT,
    person      TEXT    NOT NULL,
    amount      TEXT,
    currency    TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    asked_at    INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    decided_by  TEXT,
    decided_at  INTEGER,
    comment     TEXT,
    valid_from  TEXT,
    valid_until TEXT,
    revision    INTEGER NOT NULL,
    -- Who asked, where somebody asked in the name of the person.
    asked_by    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX approval_content ON approval (content);
CREATE INDEX approval_asked ON approval (asked_at);
CREATE INDEX approval_deal ON approval (deal) WHERE deal IS NOT NULL;
