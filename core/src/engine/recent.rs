//! The recent part of a history, which may grow in its middle.
//!
//! Events come mostly in order. A late one is put in its place, and what is recent is folded
//! again. What is old is settled; a late event before that cannot be placed, and its history must
//! be loaded.

use std::collections::VecDeque;
use std::iter::Chain;
use std::slice::Iter;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::{EventRef, Order, Position};

/// The milliseconds that stand for no time at all.
const NEVER: i64 = i64::MIN;

/// Events that can be folded again. There is one for each scope, so it is small.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Recent {
    /// Invariant: in event order, no two with the same place, none at or before `settled_at`.
    events: Events,
    /// The newest event time that was settled, in milliseconds; [`NEVER`], where none was.
    settled_ms: i64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum Events {
    #[default]
    None,
    /// Most scopes that have any have one.
    One(EventRef),
    #[expect(clippy::box_collection, reason = "there is one for each scope, and few are many")]
    Many(Box<VecDeque<EventRef>>),
}

impl Events {
    fn iter(&self) -> Chain<Iter<'_, EventRef>, Iter<'_, EventRef>> {
        let (front, back) = match self {
            Self::None => (&[][..], &[][..]),
            Self::One(event) => (std::slice::from_ref(event), &[][..]),
            Self::Many(events) => events.as_slices(),
        };
        front.iter().chain(back)
    }

    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Many(events) => events.len(),
        }
    }

    fn first(&self) -> Option<&EventRef> {
        match self {
            Self::None => None,
            Self::One(event) => Some(event),
            Self::Many(events) => events.front(),
        }
    }

    fn last(&self) -> Option<&EventRef> {
        match self {
            Self::None => None,
            Self::One(event) => Some(event),
            Self::Many(events) => events.back(),
        }
    }

    fn find(&self, order: Order<'_>) -> Result<usize, usize> {
        match self {
            Self::None => Err(0),
            Self::One(event) if event.order() == order => Ok(0),
            Self::One(event) => Err(usize::from(event.order() < order)),
            Self::Many(events) => events.binary_search_by(|each| each.order().cmp(&order)),
        }
    }

    fn insert(&mut self, at: usize, event: &EventRef) {
        let event = EventRef::clone(event);
        *self = match std::mem::take(self) {
            Self::None => Self::One(event),
            Self::One(one) => {
                let both = if at == 0 { [event, one] } else { [one, event] };
                Self::Many(Box::new(VecDeque::from(both)))
            }
            Self::Many(mut events) => {
                events.insert(at, event);
                Self::Many(events)
            }
        };
    }

    fn remove(&mut self, at: usize) -> Option<EventRef> {
        let removed;
        (*self, removed) = match std::mem::take(self) {
            Self::None => (Self::None, None),
            Self::One(event) => (Self::None, Some(event)),
            Self::Many(mut events) => {
                let removed = events.remove(at);
                let rest = match events.pop_front() {
                    None => Self::None,
                    Some(one) if events.is_empty() => Self::One(one),
                    Some(first) => {
                        events.push_front(first);
                        Self::Many(events)
                    }
                };
                (rest, removed)
            }
        };
        removed
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self::behind(None)
    }
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
        let settled_ms = settled_at.map_or(NEVER, |at| at.timestamp_millis());
        Self { events: Events::None, settled_ms }
    }

    /// Puts `event` in its place.
    pub(super) fn place(&mut self, event: &EventRef) -> Placed {
        if self.is_settled(event.occurred_at) {
            return Placed::Before;
        }
        match self.events.last() {
            None => self.events = Events::One(EventRef::clone(event)),
            Some(last) if last.order() < event.order() => {
                self.events.insert(self.events.len(), event);
            }
            Some(_) => {
                let Err(at) = self.events.find(event.order()) else { return Placed::Again };
                self.events.insert(at, event);
                return Placed::Amid;
            }
        }
        Placed::Last
    }

    /// Takes the event at `order` out, if it is there.
    pub(super) fn remove(&mut self, order: Order<'_>) {
        if let Ok(at) = self.events.find(order) {
            self.events.remove(at);
        }
    }

    /// Takes the next event out that happened at `at`, the time of the oldest: it is settled. To be
    /// called until there is none.
    pub(super) fn settle_next(&mut self, at: DateTime<Utc>) -> Option<EventRef> {
        self.settle_until(at);
        self.oldest_at().filter(|oldest| *oldest == at)?;
        self.events.remove(0)
    }

    /// Takes everything up to `at` for settled; nothing recent may be before.
    pub(super) fn settle_until(&mut self, at: DateTime<Utc>) {
        self.settled_ms = self.settled_ms.max(at.timestamp_millis());
    }

    /// Returns the newest event time that was settled.
    pub(super) fn settled_at(&self) -> Option<DateTime<Utc>> {
        let at =
            DateTime::from_timestamp_millis(self.settled_ms).unwrap_or(DateTime::<Utc>::MIN_UTC);
        (self.settled_ms != NEVER).then_some(at)
    }

    /// Returns whether what happened at `at` lies in the settled part.
    pub(super) fn is_settled(&self, at: DateTime<Utc>) -> bool {
        at.timestamp_millis() <= self.settled_ms
    }

    /// Returns when the oldest event happened.
    pub(super) fn oldest_at(&self) -> Option<DateTime<Utc>> {
        self.events.first().map(|event| event.occurred_at)
    }

    /// Returns when the newest event happened.
    pub(super) fn newest_at(&self) -> Option<DateTime<Utc>> {
        self.events.last().map(|event| event.occurred_at)
    }

    /// Returns the events, oldest first.
    pub(super) fn iter(&self) -> Chain<Iter<'_, EventRef>, Iter<'_, EventRef>> {
        self.events.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.events, Events::None)
    }

    /// Returns whether all of it came in at `since` or later.
    pub(super) fn is_since(&self, since: Position) -> bool {
        since == 0 || self.iter().all(|event| since <= event.position)
    }
}
