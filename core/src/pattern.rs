//! Patterns: the shapes of occurrences that rules wait for.
//!
//! Each is a machine without IO, clock or undo: it is fed one key's events in event order, and
//! says at which of them its rule holds. When an event comes late, the key's history is fed to a
//! fresh machine and what comes out is compared. A pattern that can hold without an event names
//! the next deadline at which it would, in event time.
//!
//! To add one: its file here, with its [`Machine`], and one variant in [`Pattern`] and [`State`].

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use crate::event::EventRef;
use crate::event::witness::Witness;

pub mod absence;
pub mod change;
pub mod consecutive;
pub mod count;
mod run;
pub mod sequence;
pub mod sustained;

/// What an event is to a pattern.
#[derive(Clone, Copy, Debug)]
pub struct Signal<'e> {
    /// Which of the rule's steps the event meets.
    pub steps: Steps,
    /// Whether it breaks what was gathered so far.
    pub resets: bool,
    /// The number the pattern watches, where the rule names one and the event has it.
    pub value: Option<f64>,
    /// The event.
    pub event: &'e EventRef,
}

/// A set of a rule's steps, as bits: the first step is bit 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps(pub u16);

impl Steps {
    /// The most steps a rule can have.
    pub const MAX: usize = 15;
    /// No step at all.
    pub const NONE: Self = Self(0);
    /// The first step alone, which is all that most patterns have.
    pub const FIRST: Self = Self(1);
    /// What must not come in between; see [`sequence`].
    pub const FORBIDDEN: Self = Self(1 << Self::MAX);

    /// Returns the set of step `number` alone, counted from 0; none beyond [`Steps::MAX`].
    pub fn of(number: usize) -> Self {
        if number < Self::MAX { Self(1 << number) } else { Self::NONE }
    }

    /// Returns whether any step of `other` is in this set.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the steps of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How near a pattern is to holding, for "why not".
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// How much there is of what is needed: `2.0` of three events.
    pub have: f64,
    /// How much is needed.
    pub need: f64,
    /// What is measured.
    pub unit: Unit,
    /// The events that count so far, in event order.
    pub evidence: Vec<Witness>,
}

/// What [`Progress`] measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Events that count.
    Events,
    /// Steps of a sequence, or conditions of several.
    Steps,
    /// Seconds of silence, or of a condition that lasts.
    Seconds,
    /// The number the rule watches, or how much it changed.
    Value,
}

/// One pattern's state for one key.
pub trait Machine: Clone + Default {
    /// The pattern's settings.
    type Config;

    /// Takes the key's next event in event order; returns whether the rule holds at it.
    fn observe(&mut self, config: &Self::Config, signal: Signal<'_>) -> bool;

    /// Returns the events it holds on, in event order, right after it said that it does.
    fn evidence(&self) -> Vec<Witness>;

    /// Keeps of events that can be found again only their places, and nothing of what it held on.
    fn settle(&mut self);

    /// Returns the event time at which it will hold if nothing comes before, or at it: whoever
    /// feeds the machine hands in a deadline after all events of that time, before all later ones.
    fn next_deadline(&self, _config: &Self::Config) -> Option<DateTime<Utc>> {
        None
    }

    /// Takes the passing of the deadline `at`; returns whether the rule holds at it.
    fn handle_deadline(&mut self, _config: &Self::Config, _at: DateTime<Utc>) -> bool {
        false
    }

    /// Returns how far before a time the events lie at most that its state at that time can hang on,
    /// as far as that matters to later events; `None` where there is no bound.
    fn lookback(config: &Self::Config) -> Option<TimeDelta>;

    /// Returns whether nothing it has gathered can matter to an event after `at`.
    fn is_spent(&self, config: &Self::Config, at: DateTime<Utc>) -> bool;

    /// Returns how near it is to holding at `at`, which is not before the last event.
    fn progress(&self, config: &Self::Config, at: DateTime<Utc>) -> Progress;
}

/// Makes the enums over all patterns, and hands each call to the one it is for. There is one state
/// for each rule and scope, so the large ones lie in boxes.
macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident($module:ident::$state:ident in $held:ty),)*) => {
        /// One of the shapes, with its settings.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Pattern {
            $($(#[$doc])* $name($module::Config),)*
        }

        /// The state of one of the shapes, for one key.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum State {
            $($(#[$doc])* $name($held),)*
        }

        impl Pattern {
            /// Returns the state in which nothing was seen yet.
            pub fn start(&self) -> State {
                match self {
                    $(Self::$name(_) => State::$name(<$held>::default()),)*
                }
            }

            /// As [`Machine::observe`].
            pub fn observe(&self, state: &mut State, signal: Signal<'_>) -> bool {
                match (self, state) {
                    $((Self::$name(config), State::$name(state)) => state.observe(config, signal),)*
                    // A state belongs to the pattern that started it.
                    _ => false,
                }
            }

            /// As [`Machine::next_deadline`].
            pub fn next_deadline(&self, state: &State) -> Option<DateTime<Utc>> {
                match (self, state) {
                    $((Self::$name(config), State::$name(state)) => state.next_deadline(config),)*
                    _ => None,
                }
            }

            /// As [`Machine::handle_deadline`].
            pub fn handle_deadline(&self, state: &mut State, at: DateTime<Utc>) -> bool {
                match (self, state) {
                    $((Self::$name(config), State::$name(state)) => {
                        state.handle_deadline(config, at)
                    })*
                    _ => false,
                }
            }

            /// As [`Machine::lookback`].
            pub fn lookback(&self) -> Option<TimeDelta> {
                match self {
                    $(Self::$name(config) => $module::$state::lookback(config),)*
                }
            }

            /// As [`Machine::is_spent`].
            pub fn is_spent(&self, state: &State, at: DateTime<Utc>) -> bool {
                match (self, state) {
                    $((Self::$name(config), State::$name(state)) => state.is_spent(config, at),)*
                    _ => true,
                }
            }

            /// As [`Machine::progress`]; `None` for the state of another pattern.
            pub fn progress(&self, state: &State, at: DateTime<Utc>) -> Option<Progress> {
                match (self, state) {
                    $((Self::$name(config), State::$name(state)) => {
                        Some(state.progress(config, at))
                    })*
                    _ => None,
                }
            }
        }

        impl State {
            /// As [`Machine::evidence`].
            pub fn evidence(&self) -> Vec<Witness> {
                match self {
                    $(Self::$name(state) => state.evidence(),)*
                }
            }

            /// As [`Machine::settle`].
            pub fn settle(&mut self) {
                match self {
                    $(Self::$name(state) => state.settle(),)*
                }
            }
        }
    };
}

patterns! {
    /// N events in a row with none of another kind between them.
    Consecutive(consecutive::Consecutive in consecutive::Consecutive),
    /// N events within a sliding window, or each of several conditions that often.
    Count(count::Count in count::Count),
    /// One step after another, with nothing forbidden in between.
    Sequence(sequence::Sequence in Box<sequence::Sequence>),
    /// No event for some time.
    Absence(absence::Absence in absence::Absence),
    /// A number beyond a level for some time.
    Sustained(sustained::Sustained in Box<sustained::Sustained>),
    /// A number that rises or falls within a window.
    Change(change::Change in Box<change::Change>),
}

/// Returns `witnesses`, which are in event order, each once.
fn distinct<const N: usize>(witnesses: [&Witness; N]) -> Vec<Witness> {
    let mut distinct = witnesses.map(Witness::clone).to_vec();
    distinct.dedup_by(|one, other| one.is_one_with(other));
    distinct
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn a_state_is_small() {
        // There is one for each rule and device.
        assert!(size_of::<State>() <= 32);
    }
}

/// Returns a count as a number that can stand beside measurements.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn as_number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod testing;
