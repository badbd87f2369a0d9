//! One device's raw messages, and what is derived from them.

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::timeline::{Fold, Placed, Timeline};
use crate::derive::Derivation;
use crate::event::{Event, EventRef};

impl Fold for Derivation {
    type Context = ();
    type Item = EventRef;
    type Output = EventRef;

    fn step(&mut self, (): &(), event: &EventRef, out: &mut Vec<EventRef>) {
        out.extend(self.observe(event));
    }
}

/// What became of a derived event.
#[derive(Debug)]
pub(super) enum RawChange {
    /// It was not there before.
    New(EventRef),
    /// A late message showed that it never was.
    Gone(EventRef),
}

/// The state of one device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Raw {
    timeline: Timeline<Derivation>,
    /// What is derived from the recent part, in event order.
    derived: Vec<EventRef>,
}

impl Default for Raw {
    fn default() -> Self {
        Self { timeline: Timeline::new(Derivation::default()), derived: Vec::new() }
    }
}

impl Raw {
    /// Returns the state after a whole history in event order, and all that is derived from it.
    pub(super) fn rebuilt(history: impl Iterator<Item = EventRef>) -> (Self, Vec<EventRef>) {
        let mut raw = Self::default();
        for event in history {
            raw.timeline.place(&(), event, &mut raw.derived);
        }
        let derived = raw.derived.clone();
        (raw, derived)
    }

    /// Takes a message and returns what changes; `None` where it lies before what is kept.
    pub(super) fn take(&mut self, event: EventRef) -> Option<Vec<RawChange>> {
        let mut derived = Vec::new();
        match self.timeline.place(&(), event, &mut derived) {
            Placed::Last => {
                self.derived.extend(derived.iter().cloned());
                Some(derived.into_iter().map(RawChange::New).collect())
            }
            Placed::Amid => Some(self.fold_again()),
            Placed::Again => Some(Vec::new()),
            Placed::Before => None,
        }
    }

    /// Settles what lies further back than anybody needs.
    pub(super) fn settle(&mut self, log_time: DateTime<Utc>, recent: TimeDelta) {
        let horizon = log_time - recent;
        if self.timeline.first_at().is_some_and(|first_at| first_at < horizon) {
            self.timeline.settle(&(), horizon, &mut Vec::new());
            self.derived.retain(|event| !self.timeline.is_settled(event.occurred_at));
        }
    }

    fn fold_again(&mut self) -> Vec<RawChange> {
        let new = self.timeline.replay(&(), DateTime::<Utc>::MIN_UTC);
        let old = std::mem::replace(&mut self.derived, new);
        let is_in =
            |list: &[EventRef], event: &Event| list.iter().any(|other| other.id == event.id);
        let gone = old.iter().filter(|event| !is_in(&self.derived, event));
        let gone = gone.map(|event| RawChange::Gone(EventRef::clone(event)));
        let fresh = self.derived.iter().filter(|event| !is_in(&old, event));
        gone.chain(fresh.map(|event| RawChange::New(EventRef::clone(event)))).collect()
    }
}
