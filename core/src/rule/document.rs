//! The shape of a rule document, from which its JSON Schema is made (`upturn schema rule`).
//!
//! Editors complete and check a document by the schema; `upturn check` reads it by
//! [`super::parse`], whose messages say more. A test keeps the two at the same keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::when::WhenDocument;
use super::Stage;
use crate::task::Title;

pub mod when;

/// A rule: which events become which task.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn rule")]
pub struct RuleDocument {
    /// The rule's identity, stable over its versions: letters, digits, '-' or '_'.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_-]{1,64}$"))]
    pub id: String,
    /// The kind of rule.
    pub kind: RuleKind,
    /// What the rule is about, for people, in at least one language.
    #[schemars(extend("minProperties" = 1))]
    pub title: Title,
    /// Where the rule is in its life.
    #[serde(default)]
    pub stage: Stage,
    /// What the rule waits for.
    pub when: WhenDocument,
    /// What holds while an occurrence stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeDocument>,
    /// What keeps it from asking too much of one customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardDocument>,
    /// The task it makes; exactly one.
    #[schemars(length(min = 1, max = 1))]
    pub then: Vec<ThenDocument>,
}

/// The kinds of rules.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// Makes a task when a pattern is seen.
    Trigger,
}

/// What holds while an occurrence stands, and after. Times are event time.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EpisodeDocument {
    /// How long no second occurrence opens on the same device (or whatever the rule counts by),
    /// from the match that opened the first: `7d`. `0s` says that every further match makes a task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+[smhdw]$"))]
    pub cooldown: Option<String>,
    /// What closes the occurrence, whichever comes first; while it is open, further matches join it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close: Option<CloseDocument>,
    /// A match at most so long after the close opens the same occurrence again; never, where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+[smhdw]$"))]
    pub reopen_within: Option<String>,
}

/// What closes an occurrence.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct CloseDocument {
    /// An event of one of these kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub on: Vec<String>,
    /// So long a time without an event that counts: `24h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+[smhdw]$"))]
    pub after_quiet: Option<String>,
    /// A person says that the task is done, or dismisses it.
    pub on_task_done: bool,
}

/// What keeps a rule from asking too much of one customer.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GuardDocument {
    /// An occurrence joins a task of the account that is still open, of whatever rule, and makes
    /// none of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_open_task_of: Option<GuardedName>,
    /// Nothing is asked for while one of these of the account is open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_while_open: Vec<HindranceName>,
    /// How many tasks the account may get from all rules together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_account: Option<CapDocument>,
    /// Whether the account must have agreed to be approached.
    pub needs_consent: bool,
}

/// Whose open task an occurrence joins.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GuardedName {
    /// Any task of the same customer.
    Account,
}

/// What hinders a rule while it is open.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HindranceName {
    /// A ticket whose severity is `severe`.
    SevereTicket,
}

/// So many tasks in so long a time.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapDocument {
    /// How many at most.
    #[schemars(range(min = 1, max = 1000))]
    pub tasks: u32,
    /// Within which time: `30d`.
    #[schemars(regex(pattern = r"^[0-9]+[smhdw]$"))]
    pub every: String,
}

/// The task a rule makes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThenDocument {
    /// The kind of task: `care`.
    #[schemars(length(min = 1, max = 64))]
    pub task: String,
    /// What it is about, for people; the rule's title where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// What to do, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub steps: Vec<String>,
    /// When it must be done: `2 business hours`, `30 business minutes` or `36h`. Never, where
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+ business (hour|minute)s?|[0-9]+[smhdw])$"))]
    pub due: Option<String>,
    /// Who gets it: the first of the targets that names somebody, `account-owner` or `pool:NAME`.
    #[serde(default = "the_owner")]
    pub route: String,
    /// What makes one task of the occurrences on many devices: `site`, `account` or `event.NAME`,
    /// the value of an attribute. Each has its own task where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^(site|account|event\.[^.\s]+)$"))]
    pub group_by: Option<String>,
    /// How long after the newest occurrence another one still joins the task, in event time; `1h`
    /// where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+[smhdw]$"))]
    pub group_within: Option<String>,
}

fn the_owner() -> String {
    "account-owner".to_owned()
}

/// Returns the JSON Schema of rule documents as text that ends with a newline.
pub fn schema() -> String {
    let schema = schemars::schema_for!(RuleDocument);
    format!("{:#}\n", schema.to_value())
}
