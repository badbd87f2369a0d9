//! Explanations: why there is a task, and why there is none, as commands, pages and programs get
//! them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use upturn_core::condition::Term;
use upturn_core::event::Position;
use upturn_core::registry::Registry;
use upturn_core::registry::entry::Entry;

use crate::runtime::reading::LoggedRegistry;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::log;

pub(crate) mod task;
pub(crate) mod why_not;

/// A part of a condition.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct TermRow {
    /// As it is written.
    pub(crate) text: String,
    /// What the name in it read as, as JSON text.
    pub(crate) value: Option<String>,
    /// Whether it holds; null where that is an error.
    pub(crate) holds: Option<bool>,
}

impl TermRow {
    /// Returns `term` as it is told.
    pub(crate) fn of(term: Term) -> Self {
        let Term { text, value, holds } = term;
        Self { text, value, holds }
    }

    /// Returns the part as a sentence for people.
    pub(crate) fn said(&self) -> String {
        let outcome = match self.holds {
            Some(true) => "holds",
            Some(false) => "does not hold",
            None => "cannot be said",
        };
        match &self.value {
            Some(value) => format!("{} {outcome} ({value})", self.text),
            None => format!("{} {outcome}", self.text),
        }
    }
}

/// The version of the registry that was asked, and since when it is in force.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct RegistryRow {
    /// The hash of the registry that came into force last as a whole; entries may have changed since.
    pub(crate) digest: String,
    /// The place of its last change in the log.
    pub(crate) position: Position,
    /// Log time since which it is in force.
    pub(crate) since: DateTime<Utc>,
    /// How many seconds of log time that was before it was asked.
    pub(crate) age_s: i64,
}

/// Returns the newest registry of the log at or before `position`, asked at log time `at`; `None`
/// where there was none.
pub(crate) async fn registry_at(
    store: &Store,
    (position, at): (Position, DateTime<Utc>),
) -> Result<Option<RegistryRow>, StoreError> {
    Ok(changes_until(store, (position, at)).await?.map(|(row, _)| row))
}

/// Returns the registry of the log at or before `position`, and which it is, asked at log time `at`;
/// an empty one where there was none.
pub(crate) async fn registry_of(
    store: &Store,
    place: (Position, DateTime<Utc>),
) -> Result<(Registry, Option<RegistryRow>), StoreError> {
    let Some((row, entries)) = changes_until(store, place).await? else {
        return Ok((Registry::default(), None));
    };
    let mut registry: Registry = log::parsed(&log::registry(store, &row.digest).await?)?;
    registry.extend(entries);
    Ok((registry, Some(row)))
}

/// Returns the newest change of the registry, and all entries that changed since it came as a whole.
async fn changes_until(
    store: &Store,
    (position, at): (Position, DateTime<Utc>),
) -> Result<Option<(RegistryRow, Vec<Entry>)>, StoreError> {
    let Some(whole) = log::whole_registry_at(store, position).await? else { return Ok(None) };
    let LoggedRegistry::Whole { digest } = log::parsed(&whole.body)? else { return Ok(None) };
    let changes = log::registry_between(store, whole.position, position).await?;
    let newest = changes.last().unwrap_or(&whole);
    let (since, place) = (newest.received_at, newest.position);
    let row = RegistryRow { digest, position: place, since, age_s: (at - since).num_seconds() };
    let mut entries = Vec::new();
    for change in &changes {
        match log::parsed(&change.body)? {
            LoggedRegistry::Entries { entries: of_change } => entries.extend(of_change),
            // The newest whole one is before all of them.
            LoggedRegistry::Whole { .. } => {}
        }
    }
    Ok(Some((row, entries)))
}

/// Returns a span in its two largest units: `3h 20m`; a day is `24h`, as rules write it.
pub(crate) fn span_text(span: TimeDelta) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = span.num_seconds();
    let mut words = Vec::new();
    let is_short = left < 2 * 86_400;
    for (seconds, unit) in UNITS.into_iter().skip(usize::from(is_short)) {
        if seconds <= left && words.len() < 2 {
            words.push(format!("{}{unit}", left / seconds));
            left %= seconds;
        } else if !words.is_empty() {
            break;
        }
    }
    if words.is_empty() { "0s".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_largest_units() {
        let cases = [
            (TimeDelta::hours(24), "24h"),
            (TimeDelta::days(7), "7d"),
            (TimeDelta::minutes(200), "3h 20m"),
            (TimeDelta::seconds(180_061), "2d 2h"),
            (TimeDelta::seconds(86_401), "24h"),
            (TimeDelta::seconds(59), "59s"),
            (TimeDelta::zero(), "0s"),
        ];
        for (span, expected) in cases {
            assert_eq!(span_text(span), expected);
        }
    }
}
