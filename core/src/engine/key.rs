//! One (rule, scope): what its history folds to, and the episodes that stand in it.
//!
//! Most keys wait in quiet for an event that may never come; such a one is a pattern's state and
//! nothing else. It comes to [`Live`] with the next event, and goes quiet again once that is
//! settled.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::ActiveRule;
use super::episode::Number;
use super::track::Track;
use crate::pattern::State;

pub(super) use self::live::Live;

mod live;

/// What a key works with.
#[derive(Debug)]
pub(super) struct Work<'w> {
    /// The rule.
    pub(super) active: &'w ActiveRule,
    /// Deadlines before this have passed.
    pub(super) log_time: DateTime<Utc>,
    /// The last number that was given to an episode.
    pub(super) numbers: &'w mut Number,
}

/// The state of one (rule, scope).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Key {
    /// The rule's place in the list.
    rule: u32,
    /// Whether anything came in since the rule is in force; for a quiet one.
    has_news: bool,
    life: Life,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Life {
    /// Nothing is recent, and there never was an episode.
    Quiet(State),
    /// All else.
    Live(Box<Live>),
    /// It is just being changed.
    Away,
}

impl Key {
    /// Returns the key of the rule at `rule`, without history.
    pub(super) fn new(rule: usize, active: &ActiveRule) -> Self {
        let life = Life::Live(Box::new(Live::new(active)));
        Self { rule: number(rule), has_news: false, life }
    }

    /// Returns the rule's place in the list.
    pub(super) fn rule(&self) -> usize {
        // u32 fits into usize on every machine this runs on.
        usize::try_from(self.rule).unwrap_or(usize::MAX)
    }

    /// Returns the same for the rule at `rule`.
    pub(super) fn moved_to(self, rule: usize) -> Self {
        Self { rule: number(rule), ..self }
    }

    /// Lets `act` change it; `active` is its rule.
    pub(super) fn change<T>(&mut self, active: &ActiveRule, act: impl FnOnce(&mut Live) -> T) -> T {
        let mut live = match std::mem::replace(&mut self.life, Life::Away) {
            Life::Quiet(pattern) => {
                let deadline = active.rule.when.pattern.next_deadline(&pattern);
                Box::new(Live::quiet(Track::idle(pattern, self.has_news), deadline))
            }
            Life::Live(live) => live,
            Life::Away => Box::new(Live::new(active)),
        };
        let result = act(&mut live);
        self.life = match live.into_quiet() {
            Ok(track) => {
                self.has_news = track.has_news();
                Life::Quiet(track.into_pattern())
            }
            Err(live) => Life::Live(live),
        };
        result
    }

    /// Returns the state after everything.
    pub(super) fn track(&self) -> Option<Cow<'_, Track>> {
        match &self.life {
            Life::Quiet(pattern) => Some(Cow::Owned(Track::idle(pattern.clone(), self.has_news))),
            Life::Live(live) => Some(Cow::Borrowed(live.track())),
            Life::Away => None,
        }
    }

    /// Returns where the engine has it among its deadlines.
    pub(super) fn deadline(&self, active: &ActiveRule) -> Option<DateTime<Utc>> {
        match &self.life {
            Life::Quiet(pattern) => active.rule.when.pattern.next_deadline(pattern),
            Life::Live(live) => live.deadline,
            Life::Away => None,
        }
    }

    /// Returns the event time of the earliest evidence of the episode that is open, if one is.
    pub(super) fn open_since(&self) -> Option<DateTime<Utc>> {
        self.live()?.open_since()
    }

    /// Returns whether it is as one without history to whatever comes in later, where history is
    /// settled up to `settled_at`, and its newest event was at `newest_at`.
    pub(super) fn is_spent(
        &self,
        active: &ActiveRule,
        settled_at: DateTime<Utc>,
        newest_at: DateTime<Utc>,
    ) -> bool {
        match &self.life {
            Life::Quiet(pattern) => {
                let pattern_is = |at| active.rule.when.pattern.is_spent(pattern, at);
                pattern_is(newest_at) && (settled_at == newest_at || pattern_is(settled_at))
            }
            Life::Live(live) => live.is_spent(active, settled_at, newest_at),
            Life::Away => true,
        }
    }

    /// Returns whether something that is settled came in since the rule is in force.
    pub(super) fn has_settled_news(&self) -> bool {
        self.live().map_or(self.has_news, Live::has_settled_news)
    }

    /// Returns a time not after `at` at which no episode stood open, or could be opened again, and
    /// all deadlines had passed.
    pub(super) fn calm_at(&self, active: &ActiveRule, at: DateTime<Utc>) -> DateTime<Utc> {
        let is_due = |deadline: &DateTime<Utc>| *deadline <= at;
        if let Some(deadline) = self.deadline(active).filter(is_due) {
            return deadline - TimeDelta::milliseconds(1);
        }
        self.live().map_or(at, |live| live.calm_at(active, at))
    }

    /// Returns it in full, where it is.
    pub(super) fn live(&self) -> Option<&Live> {
        match &self.life {
            Life::Live(live) => Some(live),
            Life::Quiet(_) | Life::Away => None,
        }
    }
}

fn number(rule: usize) -> u32 {
    // As many rules do not fit into memory.
    u32::try_from(rule).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn a_key_is_small() {
        // There is one for each rule and device.
        assert!(size_of::<Key>() <= 40);
    }
}
