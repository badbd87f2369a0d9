//! What the fold needs of a log whose beginning is deleted.
//!
//! Whoever deletes keeps what [`reach`] and [`Engine::open_since`] ask for, and tells the engine by
//! [`Engine::forget_before`] from where on its history is whole. What happened before is not judged
//! again: episodes that opened before stand as they are, whatever comes late.

use chrono::{DateTime, TimeDelta, Utc};

use super::family::Family;
use super::key::Key;
use super::maintenance::{ENDED, STARTED};
use super::{Engine, TICKET_CLOSED, TICKET_OPENED};
use crate::event::{Event, Position};
use crate::pattern::Pattern;
use crate::rule::Rule;

/// Kinds of events that count until another one ends what they began, however long that takes.
pub const STATEFUL: [&str; 4] = [TICKET_OPENED, TICKET_CLOSED, STARTED, ENDED];

/// How long a charging session may take whose messages become one event.
const SESSION: TimeDelta = TimeDelta::days(1);

/// Returns how far back `rule` looks: what events are derived from, its window, and then the longest
/// of what it minds after an episode opened.
pub fn reach(rule: &Rule) -> TimeDelta {
    let window = match &rule.when.pattern {
        Pattern::Consecutive(config) => config.within,
        Pattern::Count(config) => config.within,
        Pattern::Sequence(config) => config.within,
        Pattern::Absence(config) => config.silence,
        Pattern::Sustained(config) => config.lasts,
        Pattern::Change(config) => config.within,
    };
    let policy = &rule.episode;
    let cap = rule.guard.max_per_account.map_or(TimeDelta::zero(), |cap| cap.every);
    let group = rule.then.group.as_ref().map_or(TimeDelta::zero(), |group| group.within);
    let close = policy.close.after_quiet.unwrap_or_default() + policy.reopen_within;
    SESSION + window + policy.cooldown.max(close).max(cap).max(group)
}

impl Engine {
    /// Returns the event time of the earliest evidence of any episode that is still open.
    pub fn open_since(&self) -> Option<DateTime<Utc>> {
        let kept = self.families.iter().flat_map(Family::kept);
        let keys = kept.flat_map(|(_, history)| history.keys());
        keys.filter_map(Key::open_since).min()
    }

    /// Says from where on, in event time, the history is whole; nothing that happened before is
    /// judged. Up to `place` in the log nothing is left that happened since: what the registry was there
    /// is let go. Both move forward only.
    pub fn forget_before(&mut self, horizon: Option<DateTime<Utc>>, place: Position) {
        self.horizon = self.horizon.max(horizon);
        self.registries.forget(place);
    }

    /// Returns whether `event` happened before the history that is whole.
    pub fn is_forgotten(&self, event: &Event) -> bool {
        self.horizon.is_some_and(|horizon| event.occurred_at < horizon)
    }
}
