//! Why a rule has made no task for a scope: how near it came, and what held it back.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use upturn_core::derive::Derivation;
use upturn_core::engine::{Attempt, Engine, Fate, Hold, NearMiss, Occurrence, WhyNot};
use upturn_core::event::witness::Witness;
use upturn_core::event::{Event, EventRef, by_order};
use upturn_core::id::{DeviceId, RuleId};
use upturn_core::pattern::{Pattern, Progress, Unit};
use upturn_core::rule::{Rule, Stage};

use super::{RegistryRow, TermRow, span_text};
use crate::store::error::StoreError;
use crate::store::{self, Store};

/// How many of the newest events are told.
const EVENTS_MAX: usize = 20;

/// What is said of a rule and a scope.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct WhyNotExplained {
    pub(crate) rule: String,
    pub(crate) version: String,
    /// The stage of the version that was asked.
    pub(crate) stage: Stage,
    /// The stages that a version of the rule is in force in.
    pub(crate) stages: Vec<Stage>,
    pub(crate) scope: String,
    /// Log time.
    pub(crate) at: DateTime<Utc>,
    pub(crate) nearest: Option<NearRow>,
    pub(crate) occurrences: Vec<OccurrenceRow>,
    /// The newest ones, oldest first.
    pub(crate) events: Vec<EventRow>,
    /// What is known of devices and accounts; null for a registry that stands in no log.
    pub(crate) registry: Option<RegistryRow>,
}

/// How near the pattern is.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct NearRow {
    pub(crate) have: f64,
    pub(crate) need: f64,
    #[schemars(with = "String")]
    pub(crate) unit: Unit,
    pub(crate) text: String,
    pub(crate) evidence: Vec<String>,
    pub(crate) quiet_until: Option<DateTime<Utc>>,
}

/// What became of an occurrence.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct OccurrenceRow {
    pub(crate) opened_at: DateTime<Utc>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) fate: &'static str,
    pub(crate) task: Option<String>,
    pub(crate) text: String,
}

/// What the rule makes of an event.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct EventRow {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) channel: Option<String>,
    pub(crate) kind: String,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) attempt: &'static str,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) terms: Vec<TermRow>,
}

/// A rule and what it counts by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The rule.
    pub(crate) rule: RuleId,
    /// In which stage; where absent the live version, or else the one on trial.
    pub(crate) stage: Option<Stage>,
    /// What it counts by.
    pub(crate) scope: String,
}

/// What an engine says.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The rule, in the version that was asked.
    pub(crate) rule: Arc<Rule>,
    /// The stages that a version of it is in force in.
    pub(crate) stages: Vec<Stage>,
    pub(crate) why: WhyNot,
    /// Log time.
    pub(crate) at: DateTime<Utc>,
    /// The devices whose events may be counted under the scope.
    pub(crate) devices: BTreeSet<DeviceId>,
}

/// An event and what a rule makes of it.
pub(crate) type Examined = (Event, Attempt);

/// Asks `engine`; `None` for a rule that is not in force, or not in that stage.
pub(crate) fn ask(engine: &Engine, question: &Question) -> Option<Answer> {
    let Question { rule, stage, scope } = question;
    let versions = || engine.rules().filter(|active| active.rule.id == *rule);
    let mut stages: Vec<Stage> = versions().map(|active| active.rule.stage).collect();
    stages.sort_by_key(|stage| *stage != Stage::Live);
    let stage = (*stage).or_else(|| stages.first().copied())?;
    let active = versions().find(|active| active.rule.stage == stage)?;
    Some(Answer {
        rule: Arc::clone(&active.rule),
        stages,
        why: engine.why_not(rule, stage, scope)?,
        at: engine.log_time(),
        devices: devices_of(engine, (rule, stage), scope),
    })
}

/// Loads the events that count so far, of which the engine may only know the places.
pub(crate) async fn recall(store: &Store, answer: &mut Answer) -> Result<(), StoreError> {
    let Some(near) = &mut answer.why.nearest else { return Ok(()) };
    for witness in &mut near.progress.evidence {
        if let Witness::Placed(place) = witness
            && let Some(event) = store::event::find(store, place.position()).await?
        {
            *witness = Witness::Whole(EventRef::new(event));
        }
    }
    Ok(())
}

/// Returns the devices whose events may be counted under `scope`.
fn devices_of(engine: &Engine, (rule, stage): (&RuleId, Stage), scope: &str) -> BTreeSet<DeviceId> {
    let mut devices: BTreeSet<_> = engine.devices_in(rule, stage, scope).into_iter().collect();
    let named = scope.rsplit_once('/').map_or(scope, |(device, _)| device);
    devices.extend(DeviceId::new(scope).ok());
    devices.extend(DeviceId::new(named).ok());
    let registry = engine.registry();
    let belongs = registry.devices.iter().filter(|(id, device)| {
        device.site.as_deref() == Some(scope) || registry.known().find_account_of(id) == Some(scope)
    });
    devices.extend(belongs.map(|(id, _)| id.clone()));
    devices
}

/// Returns the events of one device, and what is derived from them.
pub(crate) fn with_derived(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by(by_order);
    let mut derivation = Derivation::default();
    let mut all = Vec::with_capacity(events.len());
    for event in events {
        let derived = derivation.observe(&event);
        all.extend(derived.iter().map(|event| (**event).clone()));
        all.push(event);
    }
    all
}

/// Returns the newest of `events` that the rule could have counted under the scope, oldest first.
pub(crate) fn examine(
    engine: &Engine,
    (rule, scope): (&Rule, &str),
    mut events: Vec<Event>,
) -> Vec<Examined> {
    events.sort_by(by_order);
    let examined = events.into_iter().rev().filter_map(|event| {
        let (found, attempt) = engine.examine(&rule.id, rule.stage, &event)?;
        // Raw messages are told by what is derived from them.
        let is_raw = attempt == Attempt::NotAsked && Derivation::reads(&event.kind);
        let is_told = !is_raw && found.is_none_or(|found| found == scope);
        is_told.then_some((event, attempt))
    });
    let mut newest: Vec<_> = examined.take(EVENTS_MAX).collect();
    newest.reverse();
    newest
}

/// Tells what the engine said.
pub(crate) fn explain(
    scope: String,
    answer: Answer,
    examined: Vec<Examined>,
    registry: Option<RegistryRow>,
) -> WhyNotExplained {
    let Answer { rule, stages, why: WhyNot { version, nearest, occurrences }, at, .. } = answer;
    WhyNotExplained {
        rule: rule.id.as_str().to_owned(),
        version: version.to_string(),
        stage: rule.stage,
        stages,
        scope,
        at,
        nearest: nearest.map(|near| near_row(&rule, near)),
        occurrences: occurrences.into_iter().map(occurrence_row).collect(),
        events: examined.into_iter().map(event_row).collect(),
        registry,
    }
}

fn near_row(rule: &Rule, near: NearMiss) -> NearRow {
    let NearMiss { progress, quiet_until } = near;
    let text = progress_text(&rule.when.pattern, &progress);
    let Progress { have, need, unit, evidence } = progress;
    let events = evidence.iter().filter_map(Witness::whole);
    let evidence = events.map(|event| event.id.as_str().to_owned()).collect();
    NearRow { have, need, unit, text, evidence, quiet_until }
}

fn progress_text(pattern: &Pattern, progress: &Progress) -> String {
    let Progress { have, need, unit, .. } = progress;
    let within = match pattern {
        Pattern::Consecutive(config) => Some(config.within),
        Pattern::Count(config) => Some(config.within),
        Pattern::Sequence(config) => Some(config.within),
        Pattern::Change(config) => Some(config.within),
        Pattern::Absence(_) | Pattern::Sustained(_) => None,
    };
    let within = within.map(|within| format!(" within {}", span_text(within))).unwrap_or_default();
    match unit {
        Unit::Events => {
            let row = if matches!(pattern, Pattern::Consecutive(_)) { " in a row" } else { "" };
            format!("{have} of {need} events{row}{within}")
        }
        Unit::Steps => format!("{have} of {need} steps{within}"),
        Unit::Seconds => {
            let what = if matches!(pattern, Pattern::Absence(_)) { "silent" } else { "held" };
            format!("{what} for {} of {}", seconds_text(*have), seconds_text(*need))
        }
        Unit::Value => format!("{have} of {need}{within}"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a duration has few enough seconds")]
fn seconds_text(seconds: f64) -> String {
    span_text(TimeDelta::seconds(seconds as i64))
}

fn occurrence_row(occurrence: Occurrence) -> OccurrenceRow {
    let Occurrence { opened_at, closed_at, fate } = occurrence;
    let (fate, task, text) = match fate {
        Fate::Task(task) => ("task", Some(task), "it is a task".to_owned()),
        Fate::Joined(task) => {
            ("joined", task, "it joined the task of another occurrence".to_owned())
        }
        Fate::Held(hold) => ("held", None, hold_text(hold).to_owned()),
    };
    let task = task.map(|task| task.as_str().to_owned());
    OccurrenceRow { opened_at, closed_at, fate, task, text }
}

fn hold_text(hold: Hold) -> &'static str {
    match hold {
        Hold::SevereTicket => "held back: a severe ticket of the account was open",
        Hold::NoConsent => "held back: the account has not agreed to be approached",
        Hold::Cap => "held back: the account had got as many tasks as it may",
    }
}

fn event_row((event, attempt): Examined) -> EventRow {
    let mut terms: Vec<TermRow> = Vec::new();
    let (attempt, text) = match attempt {
        Attempt::Counts => ("counts", "counts".to_owned()),
        Attempt::Against => ("against", "speaks against it: breaks the run or ends it".to_owned()),
        Attempt::Refused(parts) => {
            terms = parts.into_iter().map(TermRow::of).collect();
            let failing: Vec<_> =
                terms.iter().filter(|term| term.holds != Some(true)).map(TermRow::said).collect();
            let why = if failing.is_empty() {
                String::new()
            } else {
                format!(": {}", failing.join("; "))
            };
            ("refused", format!("does not count{why}"))
        }
        Attempt::Trial => {
            ("trial", "left out: work or a trial on the device, or a test contact".to_owned())
        }
        Attempt::NoScope => {
            ("no-scope", "left out: nobody knows what it is to be counted under".to_owned())
        }
        Attempt::NotAsked => ("not-asked", "the rule does not ask about its kind".to_owned()),
    };
    EventRow {
        id: event.id.as_str().to_owned(),
        device: event.device.as_str().to_owned(),
        channel: event.channel.as_deref().map(str::to_owned),
        kind: event.kind.to_string(),
        occurred_at: event.occurred_at,
        attempt,
        text,
        terms,
    }
}
