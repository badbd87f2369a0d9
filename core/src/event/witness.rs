//! Witnesses: what is kept of the events that count.
//!
//! As long as an event is recent, it is there whole, once for all who hold it. Afterwards its time
//! and its place in the log are enough until somebody asks what it said.

use std::cmp::Ordering;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EventRef, Position};

/// An event that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Witness {
    /// The event itself.
    Whole(EventRef),
    /// Where it can be found.
    Placed(Place),
}

/// When an event happened, and its place in the log.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Milliseconds since 1970, as the lower bytes of a number with a sign.
    at: [u8; 6],
    /// The lower bytes of the position.
    position: [u8; 5],
}

impl Place {
    /// Returns the place of `event`; `None` where it has none, as what is derived has none, or one
    /// beyond the 2⁴⁰ places and the four thousand years that are told apart.
    pub(crate) fn of(event: &EventRef) -> Option<Self> {
        if event.is_derived() || event.position == 0 {
            return None;
        }
        let at_ms = event.occurred_at.timestamp_millis();
        let at = lower(at_ms.to_le_bytes());
        let place = Self { at, position: lower(event.position.to_le_bytes()) };
        let is_exact = place.at_ms() == at_ms && place.position() == event.position;
        is_exact.then_some(place)
    }

    /// Returns when it happened.
    pub fn occurred_at(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.at_ms()).unwrap_or_default()
    }

    /// Returns its place in the log.
    pub fn position(self) -> Position {
        Position::from_le_bytes(all(self.position, 0))
    }

    fn at_ms(self) -> i64 {
        // The highest byte says the sign of those above.
        let [.., highest] = self.at;
        i64::from_le_bytes(all(self.at, if highest < 0x80 { 0 } else { 0xff }))
    }
}

/// Returns the lower bytes of a number.
fn lower<const N: usize>(all: [u8; 8]) -> [u8; N] {
    let mut lower = [0; N];
    lower.iter_mut().zip(all).for_each(|(to, from)| *to = from);
    lower
}

/// Returns all bytes of a number, of which those above the lower ones are `above`.
fn all<const N: usize>(lower: [u8; N], above: u8) -> [u8; 8] {
    let mut all = [above; 8];
    all.iter_mut().zip(lower).for_each(|(to, from)| *to = from);
    all
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.position(), self.occurred_at())
    }
}

impl Witness {
    /// Returns `event` as a witness.
    pub fn of(event: &EventRef) -> Self {
        Self::Whole(EventRef::clone(event))
    }

    /// Returns when it happened.
    pub fn occurred_at(&self) -> DateTime<Utc> {
        match self {
            Self::Whole(event) => event.occurred_at,
            Self::Placed(place) => place.occurred_at(),
        }
    }

    /// Returns its place in the log.
    pub fn position(&self) -> Position {
        match self {
            Self::Whole(event) => event.position,
            Self::Placed(place) => place.position(),
        }
    }

    /// Returns the event, where it is there.
    pub fn whole(&self) -> Option<&EventRef> {
        match self {
            Self::Whole(event) => Some(event),
            Self::Placed(_) => None,
        }
    }

    /// Returns whether both are the same event of one key's history.
    pub fn is_one_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => one.order() == other.order(),
            (Self::Placed(one), Self::Placed(other)) => one == other,
            (Self::Placed(place), Self::Whole(event))
            | (Self::Whole(event), Self::Placed(place)) => Place::of(event) == Some(*place),
        }
    }

    /// Lets go of the event where it can be found again; returns `false` if it could not, or had
    /// before.
    pub(crate) fn settle(&mut self) -> bool {
        let place = self.whole().and_then(Place::of);
        place.is_some_and(|place| {
            *self = Self::Placed(place);
            true
        })
    }

    /// Settles witnesses, newest first, up to the first that is settled.
    pub(crate) fn settle_all<'w>(witnesses: impl DoubleEndedIterator<Item = &'w mut Self>) {
        for witness in witnesses.rev() {
            if !witness.settle() {
                break;
            }
        }
    }

    /// Orders witnesses of one key by event time; those of one time in event order if they are
    /// there whole, behind those that are not.
    pub(crate) fn by_time(&self, other: &Self) -> Ordering {
        let order = |event: &EventRef, other: &EventRef| event.order().cmp(&other.order());
        self.occurred_at().cmp(&other.occurred_at()).then_with(|| match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => order(one, other),
            (Self::Placed(one), Self::Placed(other)) => one.position().cmp(&other.position()),
            (Self::Placed(_), Self::Whole(_)) => Ordering::Less,
            (Self::Whole(_), Self::Placed(_)) => Ordering::Greater,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::event_at;
    use crate::event::Event;

    #[test]
    fn a_place_says_when_and_where_as_far_as_it_can() {
        let event = |minute, position| Event { position, ..event_at("d", "k", minute) };
        let of = |minute, position| Place::of(&EventRef::new(event(minute, position)));
        let seventy_years = 70 * 366 * 24 * 60;
        for (minute, position) in [(0, 1), (-seventy_years, 7), (1, (1 << 40) - 1)] {
            let place = of(minute, position).unwrap();
            assert_eq!(place.position(), position, "case: {minute}");
            assert_eq!(place.occurred_at(), event(minute, 1).occurred_at, "case: {minute}");
        }
        assert_eq!(of(0, 0), None, "in no log");
        assert_eq!(of(0, 1 << 40), None, "too far");
        assert_eq!(of(100 * seventy_years, 1), None, "too late");
        assert_eq!(Place::of(&EventRef::derived(event(0, 1))), None, "derived");
    }

    #[test]
    fn a_witness_stays_what_it_was() {
        let event = EventRef::new(Event { position: 3, ..event_at("d", "k", 5) });
        let whole = Witness::of(&event);
        let mut placed = whole.clone();
        assert!(placed.settle());
        assert!(!placed.settle());
        assert!(placed.is_one_with(&whole) && whole.is_one_with(&placed));
        assert_eq!((placed.occurred_at(), placed.position()), (event.occurred_at, 3));
        assert!(size_of::<Witness>() <= 16);
    }
}
