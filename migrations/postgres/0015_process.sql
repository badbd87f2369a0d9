-- The rules of the house on selling as they were in force, deals on their way through processes, quotes,
-- and approvals.
CREATE TABLE policy_version (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    actor    TEXT    NOT NULL,
    document TEXT    NOT NULL
);

CREATE INDEX policy_version_position ON policy_version (position);

-- Who has read of a change.
CREATE TABLE policy_confirmation (
    digest TEXT COLLATE "C" NOT NULL REFERENCES policy_version (digest),
    person TEXT COLLATE "C" NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (digest, person)
);

-- What was done with deals; never changed. A deal stands as the fold of its acts says.
CREATE TABLE deal_act (
    deal TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    position BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    actor    TEXT    NOT NULL,
    process  TEXT    NOT NULL,
    policy   TEXT    NOT NULL REFERENCES policy_version (digest),
    action   TEXT    NOT NULL,
    PRIMARY KEY (deal, revision)
);

-- What is to happen to deals when log time has come so far.
CREATE TABLE deal_timer (
    deal TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    at   BIGINT NOT NULL,
    PRIMARY KEY (deal, kind)
);

CREATE INDEX deal_timer_at ON deal_timer (at);

-- Frozen quotes, each by the digest of all that is in it.
CREATE TABLE quote (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    number TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    deal TEXT COLLATE "C",
    seller   TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    at       BIGINT NOT NULL,
    is_clear BIGINT NOT NULL,
    document TEXT    NOT NULL
);

CREATE INDEX quote_at ON quote (at);
CREATE INDEX quote_deal ON quote (deal) WHERE deal IS NOT NULL;

-- What somebody was asked to allow, and what became of it; one case for a content.
CREATE TABLE approval (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    content TEXT COLLATE "C" NOT NULL,
    quote TEXT COLLATE "C" NOT NULL REFERENCES quote (digest),
    deal TEXT COLLATE "C",
    person TEXT COLLATE "C" NOT NULL,
    amount      TEXT,
    currency    TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    asked_at    BIGINT NOT NULL,
    state       TEXT    NOT NULL,
    decided_by  TEXT,
    decided_at  BIGINT,
    comment     TEXT,
    valid_from  TEXT,
    valid_until TEXT,
    revision    BIGINT NOT NULL,
    -- Who asked, where somebody asked in the name of the person.
    asked_by    TEXT    NOT NULL
);

CREATE INDEX approval_content ON approval (content);
CREATE INDEX approval_asked ON approval (asked_at);
CREATE INDEX approval_deal ON approval (deal) WHERE deal IS NOT NULL;
