//! One device's raw messages, and what is derived from them.

use serde::{Deserialize, Serialize};

use super::recent::{Placed, Recent};
use crate::derive::Derivation;
use crate::event::{Event, EventRef};

/// What became of a derived event.
#[derive(Debug)]
pub(super) enum RawChange {
    /// It was not there before.
    New(EventRef),
    /// A late message showed that it never was.
    Gone(EventRef),
}

/// The state of one device.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Raw {
    /// The state before what is recent.
    base: Derivation,
    recent: Recent,
    /// The state after it.
    head: Derivation,
    /// What is derived from the recent part, in event order.
    derived: Vec<EventRef>,
}

impl Raw {
    /// Returns the state after a whole history in event order, and all that is derived from it.
    pub(super) fn rebuilt(history: impl Iterator<Item = EventRef>) -> (Self, Vec<EventRef>) {
        let mut raw = Self::default();
        for event in history {
            raw.recent.place(&event);
        }
        raw.derived = raw.replay();
        let derived = raw.derived.clone();
        (raw, derived)
    }

    /// Takes a message and returns what changes; `None` where it lies before what is kept.
    pub(super) fn take(&mut self, event: &EventRef) -> Option<Vec<RawChange>> {
        match self.recent.place(event) {
            Placed::Last => {
                let derived = self.head.observe(event);
                self.derived.extend(derived.iter().cloned());
                Some(derived.into_iter().map(RawChange::New).collect())
            }
            Placed::Amid => Some(self.fold_again()),
            Placed::Again => Some(Vec::new()),
            Placed::Before => None,
        }
    }

    /// Settles the oldest message.
    pub(super) fn settle_oldest(&mut self) {
        let Some(at) = self.recent.oldest_at() else { return };
        while let Some(event) = self.recent.settle_next(at) {
            self.base.observe(&event);
        }
        self.derived.retain(|event| !self.recent.is_settled(event.occurred_at));
    }

    /// Returns the messages that can be folded again.
    pub(super) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Folds the recent part and returns all that is derived from it.
    fn replay(&mut self) -> Vec<EventRef> {
        self.head = self.base.clone();
        self.recent.iter().flat_map(|event| self.head.observe(event)).collect()
    }

    fn fold_again(&mut self) -> Vec<RawChange> {
        let new = self.replay();
        let old = std::mem::replace(&mut self.derived, new);
        let is_in =
            |list: &[EventRef], event: &Event| list.iter().any(|other| other.id == event.id);
        let gone = old.iter().filter(|event| !is_in(&self.derived, event));
        let gone = gone.map(|event| RawChange::Gone(EventRef::clone(event)));
        let fresh = self.derived.iter().filter(|event| !is_in(&old, event));
        gone.chain(fresh.map(|event| RawChange::New(EventRef::clone(event)))).collect()
    }
}
