//! `upturn explain why-not`: how near a rule came for a scope, and what held it back.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use upturn_core::derive::Derivation;
use upturn_core::engine::{Attempt, Engine, Fate, Hold, NearMiss, Occurrence};
use upturn_core::event::{Event, by_order};
use upturn_core::id::{DeviceId, RuleId};
use upturn_core::pattern::{Pattern, Progress, Unit};
use upturn_core::rule::Rule;

use super::{ExplainError, Inputs, TermRow, fold, lines, span_text, time_text};
use crate::cli::{backtest, output};
use crate::replay::Folded;

/// How many of the newest events are shown.
const EVENTS_MAX: usize = 20;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The rule's id
    #[arg(long)]
    rule: String,
    /// What it counts by: a device, `device/channel`, an account, a site, a contact
    #[arg(long)]
    scope: String,
    /// As of this log time instead of the end of the log
    #[arg(long, value_name = "TIME", value_parser = backtest::time)]
    at: Option<DateTime<Utc>>,
    #[command(flatten)]
    inputs: Inputs,
}

#[derive(Debug, Serialize)]
struct Explained {
    rule: String,
    version: String,
    scope: String,
    at: DateTime<Utc>,
    nearest: Option<NearRow>,
    occurrences: Vec<OccurrenceRow>,
    /// Oldest first.
    events: Vec<EventRow>,
}

#[derive(Debug, Serialize)]
struct NearRow {
    have: f64,
    need: f64,
    unit: Unit,
    text: String,
    evidence: Vec<String>,
    quiet_until: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct OccurrenceRow {
    opened_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    fate: &'static str,
    task: Option<String>,
    text: String,
}

#[derive(Debug, Serialize)]
struct EventRow {
    id: String,
    device: String,
    channel: Option<String>,
    kind: String,
    occurred_at: DateTime<Utc>,
    attempt: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    terms: Vec<TermRow>,
}

pub(super) async fn run(args: &Args, config: Option<&Path>) -> Result<(), ExplainError> {
    let folded = fold(&args.inputs, config, args.at).await?;
    let engine = folded.engine();
    let known = engine.rules().find(|active| active.rule.id.as_str() == args.rule);
    let Some(active) = known else {
        let known: Vec<_> = engine.rules().map(|active| active.rule.id.as_str()).collect();
        return Err(ExplainError::NoRule { rule: args.rule.clone(), known: known.join(", ") });
    };
    let rule = Arc::clone(&active.rule);
    let events = newest_events(&folded, &rule, &args.scope).await?;
    let why = engine.why_not(&rule.id, &args.scope);
    let (nearest, occurrences) = why.map(|why| (why.nearest, why.occurrences)).unwrap_or_default();
    let explained = Explained {
        rule: args.rule.clone(),
        version: active.version.to_string(),
        scope: args.scope.clone(),
        at: engine.log_time(),
        nearest: nearest.map(|near| near_row(&rule, near)),
        occurrences: occurrences.into_iter().map(occurrence_row).collect(),
        events: events.iter().filter_map(|event| event_row(engine, &rule.id, event)).collect(),
    };
    if args.inputs.json {
        let text = serde_json::to_string_pretty(&explained).map_err(io::Error::from)?;
        return Ok(output::say_json(text)?);
    }
    Ok(print(&explained)?)
}

/// Returns the newest events that the rule could have counted under `scope`, oldest first.
async fn newest_events(
    folded: &Folded,
    rule: &Rule,
    scope: &str,
) -> Result<Vec<Event>, ExplainError> {
    let engine = folded.engine();
    let mut events = Vec::new();
    for device in devices_of(engine, &rule.id, scope) {
        let mut own = folded.events_of(&device).await?;
        own.sort_by(by_order);
        let mut derivation = Derivation::default();
        for event in own {
            let derived = derivation.observe(&event);
            events.extend(derived.iter().map(|event| (**event).clone()));
            events.push(event);
        }
    }
    events.retain(|event| {
        let examined = engine.examine(&rule.id, event);
        examined.is_some_and(|(found, attempt)| {
            // Raw messages are told by what is derived from them.
            let is_raw = attempt == Attempt::NotAsked && Derivation::reads(&event.kind);
            !is_raw && found.is_none_or(|found| found == scope)
        })
    });
    events.sort_by(by_order);
    let from = events.len().saturating_sub(EVENTS_MAX);
    Ok(events.split_off(from))
}

/// Returns the devices whose events may be counted under `scope`.
fn devices_of(engine: &Engine, rule: &RuleId, scope: &str) -> BTreeSet<DeviceId> {
    let mut devices: BTreeSet<_> = engine.devices_in(rule, scope).into_iter().collect();
    let named = scope.rsplit_once('/').map_or(scope, |(device, _)| device);
    devices.extend(DeviceId::new(scope).ok());
    devices.extend(DeviceId::new(named).ok());
    let registry = engine.registry();
    let belongs = registry.devices.iter().filter(|(id, device)| {
        device.site.as_deref() == Some(scope) || registry.find_account_of(id) == Some(scope)
    });
    devices.extend(belongs.map(|(id, _)| id.clone()));
    devices
}

fn near_row(rule: &Rule, near: NearMiss) -> NearRow {
    let NearMiss { progress, quiet_until } = near;
    let text = progress_text(&rule.when.pattern, &progress);
    let Progress { have, need, unit, evidence } = progress;
    let evidence = evidence.iter().map(|event| event.id.as_str().to_owned()).collect();
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

fn event_row(engine: &Engine, rule: &RuleId, event: &Event) -> Option<EventRow> {
    let (_, attempt) = engine.examine(rule, event)?;
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
    Some(EventRow {
        id: event.id.as_str().to_owned(),
        device: event.device.as_str().to_owned(),
        channel: event.channel.as_deref().map(str::to_owned),
        kind: event.kind.to_string(),
        occurred_at: event.occurred_at,
        attempt,
        text,
        terms,
    })
}

fn print(explained: &Explained) -> io::Result<()> {
    let Explained { rule, version, scope, at, nearest, occurrences, events } = explained;
    let progress = match nearest {
        Some(near) => near.text.clone(),
        None => "no event of it ever met the rule".to_owned(),
    };
    let mut rows = vec![
        ("rule", format!("{rule}, version {version}")),
        ("for", scope.clone()),
        ("as of", time_text(*at)),
        ("progress", progress),
    ];
    let quiet = nearest.as_ref().and_then(|near| near.quiet_until);
    rows.extend(
        quiet.map(|until| ("quiet", format!("until {}, after the last one", time_text(until)))),
    );
    lines(&rows)?;
    if !occurrences.is_empty() {
        output::say("\nWhat the rule found so far:")?;
    }
    for OccurrenceRow { opened_at, closed_at, task, text, .. } in occurrences {
        let state = match closed_at {
            Some(at) if at == opened_at => String::new(),
            Some(at) => format!(", closed {}", time_text(*at)),
            None => ", still open".to_owned(),
        };
        let task = task.as_ref().map(|task| format!(" {task}")).unwrap_or_default();
        output::say(format_args!("  {}{state}  {text}{task}", time_text(*opened_at)))?;
    }
    if events.is_empty() {
        return output::say("\nThere are no events of its devices.");
    }
    output::say(format_args!("\nThe newest events, and what the rule makes of each:"))?;
    let width = |of: fn(&EventRow) -> usize| events.iter().map(of).max().unwrap_or_default();
    let (kinds, ids) = (width(|row| row.kind.len()), width(|row| row.id.len().min(36)));
    for EventRow { id, kind, occurred_at, text, .. } in events {
        let at = time_text(*occurred_at);
        let id: String = id.chars().take(36).collect();
        output::say(format_args!("  {at}  {kind:kinds$}  {id:ids$}  {text}"))?;
    }
    Ok(())
}
