//! One device's raw messages, and what is derived from them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::timeline::{Fold, Ordered, Placed, Timeline};
use crate::derive::Derivation;
use crate::event::{Event, Order, Position};

/// A raw message with its place in the log.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) position: Position,
    pub(super) event: Arc<Event>,
}

impl Ordered for Item {
    fn order(&self) -> Order<'_> {
        self.event.order()
    }
}

impl Fold for Derivation {
    type Context = ();
    type Item = Item;
    type Output = (Position, Arc<Event>);

    fn step(&mut self, (): &(), item: &Item) -> Vec<Self::Output> {
        self.observe(&item.event).into_iter().map(|derived| (item.position, derived)).collect()
    }
}

/// What became of a derived event.
#[derive(Debug)]
pub(super) enum RawChange {
    /// It was not there before.
    New(Position, Arc<Event>),
    /// A late message showed that it never was.
    Gone(Arc<Event>),
}

/// The state of one device.
#[derive(Debug)]
pub(super) struct Raw {
    timeline: Timeline<Derivation>,
    /// What is derived from the recent part, in event order.
    derived: Vec<(Position, Arc<Event>)>,
}

impl Default for Raw {
    fn default() -> Self {
        Self { timeline: Timeline::new(Derivation::default()), derived: Vec::new() }
    }
}

impl Raw {
    /// Returns the state after a whole history in event order, and all that is derived from it.
    pub(super) fn rebuilt(
        history: impl Iterator<Item = Item>,
    ) -> (Self, Vec<(Position, Arc<Event>)>) {
        let mut raw = Self::default();
        for item in history {
            if let Placed::Last(derived) = raw.timeline.place(&(), item) {
                raw.derived.extend(derived);
            }
        }
        let derived = raw.derived.clone();
        (raw, derived)
    }

    /// Takes a message and returns what changes; `None` where it lies before what is kept.
    pub(super) fn take(&mut self, item: Item) -> Option<Vec<RawChange>> {
        match self.timeline.place(&(), item) {
            Placed::Last(derived) => {
                self.derived.extend(derived.iter().cloned());
                Some(derived.into_iter().map(|(at, event)| RawChange::New(at, event)).collect())
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
            self.timeline.settle(&(), horizon);
            self.derived.retain(|(_, event)| !self.timeline.is_settled(event.occurred_at));
        }
    }

    fn fold_again(&mut self) -> Vec<RawChange> {
        let new = self.timeline.replay(&());
        let old = std::mem::replace(&mut self.derived, new);
        let is_in = |list: &[(Position, Arc<Event>)], event: &Event| {
            list.iter().any(|(_, other)| other.id == event.id)
        };
        let gone = old.iter().filter(|(_, event)| !is_in(&self.derived, event));
        let gone = gone.map(|(_, event)| RawChange::Gone(Arc::clone(event)));
        let fresh = self.derived.iter().filter(|(_, event)| !is_in(&old, event));
        let fresh = fresh.map(|(at, event)| RawChange::New(*at, Arc::clone(event)));
        gone.chain(fresh).collect()
    }
}
