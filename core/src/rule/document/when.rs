//! The shape of `[when]`: one table for all patterns, and which keys each of them has.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::rule::keys;

/// What a rule waits for.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = split_by_pattern)]
pub struct WhenDocument {
    /// The shape of the occurrence.
    pub pattern: PatternName,
    /// What occurrences are counted by: `device` (where absent), `channel`, `site`, `account`,
    /// `contact`, or `event.NAME`, the value of an attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^(device|channel|site|account|contact|event\.[^.\s]+)$"))]
    pub per: Option<String>,
    /// The kinds of events that break what was gathered so far; none where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub reset_by: Vec<String>,
    /// Leaves out events of devices that are worked on or being put up, and of test tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_while: Option<UnlessName>,

    /// The kind of event that counts: `charge_failed`. What should come, of `absence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub event: Option<String>,
    /// Which events of that kind count, in CEL, over event, device, account and site:
    /// `event.cause == "charger"`. All, where absent. Texts have `startsWith`, `endsWith`,
    /// `contains` and `matches` (a regular expression without look-around, of up to 512 bytes, that
    /// is found anywhere in a text of up to 4 KiB).
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub condition: Option<String>,
    /// Several kinds of events, each with its own condition, of which any counts; instead of
    /// `event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub any: Option<Vec<TestDocument>>,
    /// Several steps, each of which must be met `times` times (once, where absent), in any order;
    /// instead of `event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 15))]
    pub all: Option<Vec<StepDocument>>,
    /// The steps of a sequence, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 15))]
    pub steps: Option<Vec<StepDocument>>,
    /// What must not come between the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub not: Option<Vec<TestDocument>>,

    /// How many events; 3 where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub times: Option<u32>,
    /// The longest time from the first to the last of them: `90s`, `15m`, `24h` (where absent),
    /// `7d`, `2w`. For `change` the stretch of time that is looked at, which must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+[smhdw]$"))]
    pub within: Option<String>,
    /// How long nothing came, or how long the number was beyond its level: `1h`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+[smhdw]$"))]
    pub lasts: Option<String>,
    /// After what something should come. Where absent, it should come again after itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<StepDocument>,

    /// The number that is watched: `event.temperature`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,
    /// The level at which, and above which, the number is too high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// The level at which, and below which, the number is too low.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// The level at which the number is good again; the other level where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear: Option<f64>,
    /// How much the number rises, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub rise: Option<f64>,
    /// How much the number falls, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub fall: Option<f64>,
    /// How much the number rises or falls, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub change: Option<f64>,
    /// How the change is measured; the difference, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<MeasureName>,
}

/// The shapes of occurrences.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PatternName {
    /// Events in a row, with none of the kinds in `reset_by` between them.
    Consecutive,
    /// Events within a sliding window; or each of several steps that often, in any order.
    Count,
    /// One step after another, with nothing in between that `not` names.
    Sequence,
    /// Nothing comes for some time.
    Absence,
    /// A number is beyond a level for some time.
    Sustained,
    /// A number rises or falls within a window.
    Change,
}

/// What keeps events from counting.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnlessName {
    /// The device is under a work order or being put up, or the event is of a test tag.
    Maintenance,
}

/// How change is measured.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureName {
    /// The newest reading less the lowest or highest one of the window.
    Difference,
    /// The slope of the straight line that fits the readings of the window best, per hour.
    Slope,
    /// The change from the reading before, per hour of the time between.
    Rate,
}

/// One kind of event, and which events of it count.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestDocument {
    /// The kind of event: `charge_failed`.
    #[schemars(length(min = 1, max = 64))]
    pub event: String,
    /// Which events of that kind count, in CEL; all, where absent.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub condition: Option<String>,
}

/// A step: one kind of event, or any of several.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["event"] }, { "required": ["any"] }]))]
pub struct StepDocument {
    /// The kind of event: `charge_failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub event: Option<String>,
    /// Which events of that kind count, in CEL; all, where absent.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub condition: Option<String>,
    /// Several kinds of events, of which any is enough; instead of `event`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub any: Option<Vec<TestDocument>>,
}

/// Adds for each pattern which keys it must have, and which belong to others.
fn split_by_pattern(schema: &mut Schema) {
    let cases = keys::PATTERNS.iter().map(|(name, own)| {
        let foreign = keys::PATTERNS.iter().flat_map(|(_, keys)| *keys);
        let foreign = foreign.filter(|key| own.iter().all(|own| own.name != key.name));
        let refused: Map<String, Value> =
            foreign.map(|key| (key.name.to_owned(), Value::Bool(false))).collect();
        let groups: Vec<_> = required(name).iter().map(|keys| one_of(keys)).collect();
        json!({
            "if": { "properties": { "pattern": { "const": name } }, "required": ["pattern"] },
            "then": { "properties": refused, "allOf": groups },
        })
    });
    let cases: Vec<_> = cases.collect();
    schema.insert("allOf".to_owned(), cases.into());
}

/// Returns the groups of keys of which a pattern must have exactly one each.
fn required(pattern: &str) -> &'static [&'static [&'static str]] {
    match pattern {
        "count" => &[&["event", "any", "all"]],
        "sequence" => &[&["steps"]],
        "absence" => &[&["event", "any"], &["for"]],
        "sustained" => &[&["event", "any"], &["value"], &["above", "below"], &["for"]],
        "change" => &[&["event", "any"], &["value"], &["rise", "fall", "change"], &["within"]],
        _ => &[&["event", "any"]],
    }
}

fn one_of(keys: &[&str]) -> Value {
    match keys {
        [key] => json!({ "required": [key] }),
        several => {
            let each: Vec<_> = several.iter().map(|key| json!({ "required": [key] })).collect();
            json!({ "oneOf": each })
        }
    }
}
