//! The recent part of a history, which may grow in its middle.
//!
//! Events come mostly in order. A late one is put in its place, and what is recent is folded
//! again. What is old is settled; a late event before that cannot be placed, and its history must
//! be loaded.

use std::collections::VecDeque;
use std::collections::vec_deque::Iter;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::{EventRef, Order, Position};

/// Events that can be folded again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Recent {
    /// Invariant: in event order, no two with the same place, none at or before `settled_at`.
    events: VecDeque<EventRef>,
    /// The newest event time that was settled.
    #[serde(with = "crate::snapshot::time_if_any")]
    settled_at: Option<DateTime<Utc>>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It came last.
    Last,
    /// It came late.
    Amid,
    /// It stands there already.
    Again,
    /// Its place is before what is recent.
    Before,
}

impl Recent {
    /// Returns nothing recent, behind what was settled up to `settled_at`.
    pub(super) fn behind(settled_at: Option<DateTime<Utc>>) -> Self {
        Self { events: VecDeque::new(), settled_at }
    }

    /// Puts `event` in its place.
    pub(super) fn place(&mut self, event: &EventRef) -> Placed {
        if self.is_settled(event.occurred_at) {
            return Placed::Before;
        }
        let order = event.order();
        if self.events.back().is_none_or(|last| last.order() < order) {
            self.events.push_back(EventRef::clone(event));
            return Placed::Last;
        }
        match self.find(order) {
            Ok(_) => Placed::Again,
            Err(at) => {
                self.events.insert(at, EventRef::clone(event));
                Placed::Amid
            }
        }
    }

    /// Takes the event at `order` out, if it is there.
    pub(super) fn remove(&mut self, order: Order<'_>) {
        if let Ok(at) = self.find(order) {
            self.events.remove(at);
        }
    }

    /// Takes the next event out that happened at `at`, the time of the oldest: it is settled. To be
    /// called until there is none.
    pub(super) fn settle_next(&mut self, at: DateTime<Utc>) -> Option<EventRef> {
        let event = self.events.pop_front_if(|event| event.occurred_at == at);
        self.settled_at = self.settled_at.max(Some(at));
        if self.events.is_empty() {
            // Most scopes are quiet most of the time.
            self.events = VecDeque::new();
        }
        event
    }

    /// Takes everything up to `at` for settled; nothing recent may be before.
    pub(super) fn settle_until(&mut self, at: DateTime<Utc>) {
        self.settled_at = self.settled_at.max(Some(at));
    }

    /// Returns the newest event time that was settled.
    pub(super) fn settled_at(&self) -> Option<DateTime<Utc>> {
        self.settled_at
    }

    /// Returns whether what happened at `at` lies in the settled part.
    pub(super) fn is_settled(&self, at: DateTime<Utc>) -> bool {
        self.settled_at.is_some_and(|settled| at <= settled)
    }

    /// Returns when the oldest event happened.
    pub(super) fn oldest_at(&self) -> Option<DateTime<Utc>> {
        self.events.front().map(|event| event.occurred_at)
    }

    /// Returns the events, oldest first.
    pub(super) fn iter(&self) -> Iter<'_, EventRef> {
        self.events.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns whether all of it came in at `since` or later.
    pub(super) fn is_since(&self, since: Position) -> bool {
        since == 0 || self.events.iter().all(|event| since <= event.position)
    }

    fn find(&self, order: Order<'_>) -> Result<usize, usize> {
        self.events.binary_search_by(|each| each.order().cmp(&order))
    }
}
