//! The shape of a rule document, from which its JSON Schema is made (`upturn schema rule`).
//!
//! Editors complete and check a document by the schema; `upturn check` reads it by
//! [`super::parse`], whose messages say more. A test keeps the two at the same keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::task::Title;

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
    /// What the rule waits for.
    pub when: WhenDocument,
    /// What holds while an occurrence stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeDocument>,
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

/// What a rule waits for.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhenDocument {
    /// The shape of the occurrence.
    pub pattern: PatternName,
    /// The kind of event that counts: `charge_failed`.
    #[schemars(length(min = 1, max = 64))]
    pub event: String,
    /// The kinds of events that break a run; none where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub reset_by: Vec<String>,
    /// How many in a row.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 1000))]
    pub times: u32,
    /// The longest time from the first to the last of them: `90s`, `15m`, `24h`, `7d`, `2w`.
    #[serde(default = "a_day")]
    #[schemars(regex(pattern = r"^[0-9]+[smhdw]$"))]
    pub within: String,
    /// What occurrences are counted by.
    #[serde(default)]
    pub per: ScopeName,
    /// Which events of the counted kind count, in CEL, over event, device, account and site:
    /// `event.cause == "charger"`. All, where absent.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub condition: Option<String>,
}

/// The shapes of occurrences.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PatternName {
    /// Events of one kind in a row, with none of the kinds in `reset_by` between them.
    Consecutive,
}

/// What a rule counts by.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeName {
    /// Each device by itself.
    #[default]
    Device,
    /// Each channel (connector) of each device by itself.
    Channel,
}

/// What holds while an occurrence stands.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EpisodeDocument {
    /// How long the rule makes no second task for the same device or channel, from the last event
    /// of the first: `7d`. `0s` says that every further event makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+[smhdw]$"))]
    pub cooldown: Option<String>,
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
}

fn three() -> u32 {
    3
}

fn a_day() -> String {
    "24h".to_owned()
}

fn the_owner() -> String {
    "account-owner".to_owned()
}

/// Returns the JSON Schema of rule documents as text that ends with a newline.
pub fn schema() -> String {
    let schema = schemars::schema_for!(RuleDocument);
    format!("{:#}\n", schema.to_value())
}
