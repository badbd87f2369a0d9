//! Runs: a few witnesses in event order.
//!
//! There is one for almost every rule and device, and most of them have one witness or two, which
//! need no room besides.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::EventRef;
use crate::event::witness::{Place, Witness};

/// Witnesses in event order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) enum Run {
    #[default]
    Empty,
    /// One event that is there.
    Whole(EventRef),
    /// One that is not.
    Placed(Place),
    /// Two that are not.
    Pair(Place, Place),
    /// Any others.
    Many(Box<[Witness]>),
}

impl Run {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Whole(_) | Self::Placed(_) => 1,
            Self::Pair(..) => 2,
            Self::Many(many) => many.len(),
        }
    }

    /// Returns the witnesses, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = Witness> {
        let (one, other, many) = match self {
            Self::Empty => (None, None, &[][..]),
            Self::Whole(event) => (Some(Witness::of(event)), None, &[][..]),
            Self::Placed(place) => (Some(Witness::Placed(*place)), None, &[][..]),
            Self::Pair(one, other) => {
                (Some(Witness::Placed(*one)), Some(Witness::Placed(*other)), &[][..])
            }
            Self::Many(many) => (None, None, &**many),
        };
        one.into_iter().chain(other).chain(many.iter().cloned())
    }

    /// Returns when the oldest happened.
    pub(super) fn first_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Empty => None,
            Self::Whole(event) => Some(event.occurred_at),
            Self::Placed(place) | Self::Pair(place, _) => Some(place.occurred_at()),
            Self::Many(many) => many.first().map(Witness::occurred_at),
        }
    }

    /// Returns when the newest happened.
    pub(super) fn last_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Empty => None,
            Self::Whole(event) => Some(event.occurred_at),
            Self::Placed(place) | Self::Pair(_, place) => Some(place.occurred_at()),
            Self::Many(many) => many.last().map(Witness::occurred_at),
        }
    }

    /// Adds `event` as the newest; of more than `kept_max`, the oldest goes.
    pub(super) fn push(&mut self, event: &EventRef, kept_max: usize) {
        let newest = Witness::of(event);
        if let Self::Many(many) = self
            && many.len() == kept_max
        {
            many.rotate_left(1);
            if let Some(last) = many.last_mut() {
                *last = newest;
            }
            return;
        }
        let excess = (self.len() + 1).saturating_sub(kept_max);
        *self = match std::mem::take(self) {
            Self::Empty => Self::Whole(EventRef::clone(event)),
            Self::Many(many) => {
                let mut many = many.into_vec();
                many.reserve_exact(1);
                many.push(newest);
                Self::Many(many.into_boxed_slice())
            }
            few @ (Self::Whole(_) | Self::Placed(_) | Self::Pair(..)) => {
                let mut many = Vec::with_capacity(few.len() + 1);
                many.extend(few.iter());
                many.push(newest);
                Self::Many(many.into_boxed_slice())
            }
        };
        if 0 < excess {
            let mut number = 0;
            self.drop_while(|_| {
                number += 1;
                number <= excess
            });
        }
    }

    /// Drops the oldest for as long as `is_past` says so of their times.
    pub(super) fn drop_while(&mut self, mut is_past: impl FnMut(DateTime<Utc>) -> bool) {
        match self {
            Self::Empty => {}
            Self::Whole(_) | Self::Placed(_) => {
                if self.first_at().is_some_and(is_past) {
                    *self = Self::Empty;
                }
            }
            Self::Pair(one, other) => {
                if is_past(one.occurred_at()) {
                    let other = *other;
                    *self = Self::Placed(other);
                    self.drop_while(is_past);
                }
            }
            Self::Many(many) => {
                let past = many.iter().take_while(|each| is_past(each.occurred_at())).count();
                if 0 < past {
                    let mut left = std::mem::take(many).into_vec();
                    left.drain(..past);
                    *self = Self::of(left);
                }
            }
        }
    }

    /// Keeps of events that can be found again only their places.
    pub(super) fn settle(&mut self) {
        match self {
            Self::Whole(event) => {
                if let Some(place) = Place::of(event) {
                    *self = Self::Placed(place);
                }
            }
            Self::Many(many) => {
                Witness::settle_all(many.iter_mut());
                if many.len() <= 2 {
                    *self = Self::of(std::mem::take(many).into_vec());
                }
            }
            Self::Empty | Self::Placed(_) | Self::Pair(..) => {}
        }
    }

    fn of(witnesses: Vec<Witness>) -> Self {
        match witnesses.as_slice() {
            [] => Self::Empty,
            [Witness::Whole(event)] => Self::Whole(EventRef::clone(event)),
            [Witness::Placed(place)] => Self::Placed(*place),
            [Witness::Placed(one), Witness::Placed(other)] => Self::Pair(*one, *other),
            _ => Self::Many(witnesses.into_boxed_slice()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::testing::event_at;
    use crate::event::Event;

    proptest! {
        /// Whatever is done to it, it is as a queue of times.
        #[test]
        fn is_a_queue(acts in prop::collection::vec((0_u8..4, 0_usize..4, any::<bool>()), 0..40)) {
            let (mut run, mut queue) = (Run::default(), VecDeque::new());
            for (minute, (act, much, is_derived)) in (1..).zip(acts) {
                let position = u64::try_from(minute).unwrap();
                let event = Event { position, ..event_at("d", "k", minute) };
                let at = event.occurred_at;
                match act {
                    0 => run.settle(),
                    1 => {
                        let past = queue.get(much).copied().unwrap_or(at);
                        run.drop_while(|at| at < past);
                        queue.retain(|at| past <= *at);
                    }
                    _ => {
                        let make = if is_derived { EventRef::derived } else { EventRef::new };
                        run.push(&make(event), much + 1);
                        queue.push_back(at);
                        queue.drain(..queue.len().saturating_sub(much + 1));
                    }
                }
                let times: Vec<_> = run.iter().map(|each| each.occurred_at()).collect();
                prop_assert_eq!(&times, &Vec::from(queue.clone()));
                prop_assert_eq!(run.len(), queue.len());
                prop_assert_eq!(run.first_at(), queue.front().copied());
                prop_assert_eq!(run.last_at(), queue.back().copied());
            }
        }
    }

    #[test]
    fn is_small() {
        assert!(size_of::<Run>() <= 24);
    }
}
