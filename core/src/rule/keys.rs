//! The keys of a rule document, each with what it looks like where it is right.

/// A key and an example of its value, as TOML writes it.
#[derive(Clone, Copy, Debug)]
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

pub(super) const WHEN: Key =
    key("when", "{ pattern = \"consecutive\", event = \"charge_failed\" }");
pub(super) const PATTERN: Key = key("pattern", "\"consecutive\"");
pub(super) const EVENT: Key = key("event", "\"charge_failed\"");
pub(super) const RESET_BY: Key = key("reset_by", "[\"charge_ok\"]");
pub(super) const TIMES: Key = key("times", "3");
pub(super) const WITHIN: Key = key("within", "\"24h\"");
pub(super) const PER: Key = key("per", "\"device\"");
pub(super) const WHERE: Key = key("where", "'event.cause == \"charger\"'");

pub(super) const EPISODE: Key = key("episode", "{ cooldown = \"7d\" }");
pub(super) const COOLDOWN: Key = key("cooldown", "\"7d\"");

pub(super) const THEN: Key = key("then", "[{ task = \"care\" }]");
pub(super) const TASK: Key = key("task", "\"care\"");
pub(super) const STEPS: Key = key("steps", "[\"send_coupon\", \"book_consultant\"]");
pub(super) const DUE: Key = key("due", "\"2 business hours\"");
pub(super) const ROUTE: Key = key("route", "\"account-owner, else pool:ev-advisors\"");
