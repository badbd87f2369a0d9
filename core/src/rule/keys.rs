//! The keys of a rule document, each with what it looks like where it is right.

/// A key and an example of its value, as TOML writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) example: &'static str,
}

const fn key(name: &'static str, example: &'static str) -> Key {
    Key { name, example }
}

pub(super) const ID: Key = key("id", "\"charger-care\"");
pub(super) const KIND: Key = key("kind", "\"trigger\"");
pub(super) const TITLE: Key =
    key("title", "{ en = \"Repeated charging failures\", zh = \"连续充电失败\" }");
pub(super) const EN: Key = key("en", "\"Repeated charging failures\"");
pub(super) const ZH: Key = key("zh", "\"连续充电失败\"");

pub(super) const STAGE: Key = key("stage", "\"shadow\"");

pub(super) const WHEN: Key =
    key("when", "{ pattern = \"consecutive\", event = \"charge_failed\" }");
pub(super) const PATTERN: Key = key("pattern", "\"consecutive\"");
pub(super) const PER: Key = key("per", "\"device\"");
pub(super) const NOT_WHILE: Key = key("not_while", "\"maintenance\"");
pub(super) const RESET_BY: Key = key("reset_by", "[\"charge_ok\"]");

pub(super) const EVENT: Key = key("event", "\"charge_failed\"");
pub(super) const WHERE: Key = key("where", "'event.cause == \"charger\"'");
pub(super) const ANY: Key =
    key("any", "[{ event = \"charge_failed\" }, { event = \"ticket_opened\" }]");
pub(super) const ALL: Key =
    key("all", "[{ event = \"charge_failed\" }, { event = \"ticket_opened\" }]");
pub(super) const TIMES: Key = key("times", "3");
pub(super) const WITHIN: Key = key("within", "\"24h\"");
pub(super) const SEQUENCE: Key =
    key("steps", "[{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]");
pub(super) const NOT: Key = key("not", "[{ event = \"charge_ok\" }]");
pub(super) const FOR: Key = key("for", "\"1h\"");
pub(super) const AFTER: Key = key("after", "{ event = \"session_start\" }");
pub(super) const VALUE: Key = key("value", "\"event.temperature\"");
pub(super) const ABOVE: Key = key("above", "80");
pub(super) const BELOW: Key = key("below", "5");
pub(super) const CLEAR: Key = key("clear", "75");
pub(super) const RISE: Key = key("rise", "10");
pub(super) const FALL: Key = key("fall", "10");
pub(super) const CHANGE: Key = key("change", "10");
pub(super) const MEASURE: Key = key("measure", "\"difference\"");

/// The patterns, and the keys of `[when]` that each has besides those that all have.
pub(super) const PATTERNS: &[(&str, &[Key])] = &[
    ("consecutive", &[EVENT, WHERE, ANY, TIMES, WITHIN]),
    ("count", &[EVENT, WHERE, ANY, ALL, TIMES, WITHIN]),
    ("sequence", &[SEQUENCE, NOT, WITHIN]),
    ("absence", &[EVENT, WHERE, ANY, FOR, AFTER]),
    ("sustained", &[EVENT, WHERE, ANY, VALUE, ABOVE, BELOW, CLEAR, FOR]),
    ("change", &[EVENT, WHERE, ANY, VALUE, RISE, FALL, CHANGE, MEASURE, WITHIN]),
];

pub(super) const EPISODE: Key = key("episode", "{ cooldown = \"7d\" }");
pub(super) const COOLDOWN: Key = key("cooldown", "\"7d\"");
pub(super) const CLOSE: Key = key("close", "{ on = [\"charge_ok\"], after_quiet = \"24h\" }");
pub(super) const ON: Key = key("on", "[\"charge_ok\"]");
pub(super) const AFTER_QUIET: Key = key("after_quiet", "\"24h\"");
pub(super) const ON_TASK_DONE: Key = key("on_task_done", "true");
pub(super) const REOPEN_WITHIN: Key = key("reopen_within", "\"1h\"");

pub(super) const GUARD: Key = key("guard", "{ needs_consent = true }");
pub(super) const JOIN_OPEN_TASK_OF: Key = key("join_open_task_of", "\"account\"");
pub(super) const NOT_WHILE_OPEN: Key = key("not_while_open", "[\"severe-ticket\"]");
pub(super) const MAX_PER_ACCOUNT: Key = key("max_per_account", "{ tasks = 2, every = \"30d\" }");
pub(super) const TASKS: Key = key("tasks", "2");
pub(super) const EVERY: Key = key("every", "\"30d\"");
pub(super) const NEEDS_CONSENT: Key = key("needs_consent", "true");

pub(super) const THEN: Key = key("then", "[{ task = \"care\" }]");
pub(super) const TASK: Key = key("task", "\"care\"");
pub(super) const STEPS: Key = key("steps", "[\"send_coupon\", \"book_consultant\"]");
pub(super) const DUE: Key = key("due", "\"2 business hours\"");
pub(super) const ROUTE: Key = key("route", "\"account-owner, else pool:ev-advisors\"");
pub(super) const GROUP_BY: Key = key("group_by", "\"site\"");
pub(super) const GROUP_WITHIN: Key = key("group_within", "\"1h\"");
