//! What is let go: memory holds what is recent and what is still of use, whatever the rate.
//!
//! An event is kept to be folded again until it came in too long ago, or too many came in after
//! it. Then it is settled: the keys keep what it folded to. A key that has gathered nothing that
//! can still matter is let go, too.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::family::Spot;
use super::route::Parts;
use super::{Engine, Memory};
use crate::event::Position;
use crate::intern::Symbol;

/// How many events are kept to be folded again with a late one: what memory costs at most, however
/// many devices there are and however fast they send.
pub const RECENT_MAX: usize = 65_536;
/// With every so many inputs, as many scopes are looked at for what has lapsed.
const SWEEP_EVERY: Position = 8;

/// What may have to be let go, and in which order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Arrivals {
    /// What is recent, in the order it came in.
    recent: VecDeque<Arrival>,
    /// The scope that is looked at next for what has lapsed.
    sweep: Spot,
}

/// Something recent, and when it came in.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Arrival {
    #[serde(with = "crate::snapshot::time")]
    at: DateTime<Utc>,
    place: Place,
}

/// Whose history something is recent in.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Place {
    /// A scope's.
    Scope(Spot),
    /// A device's raw messages.
    Raw(Symbol),
}

impl Engine {
    /// Notes that so many events came in there that may have to be folded again.
    pub(super) fn arrived(&mut self, place: Place, count: usize) {
        if let Memory::Recent(_) = self.memory {
            let arrival = Arrival { at: self.log_time, place };
            self.arrivals.recent.extend(std::iter::repeat_n(arrival, count));
        }
    }

    /// Settles what nobody is expected to be late for, and lets go of what has lapsed.
    pub(super) fn let_go(&mut self, position: Position) {
        let Memory::Recent(recent) = self.memory else { return };
        let horizon = self.log_time - recent;
        while let Some(first) = self.arrivals.recent.front().copied()
            && (first.at < horizon || RECENT_MAX < self.arrivals.recent.len())
        {
            self.arrivals.recent.pop_front();
            if !self.settle(first.place) {
                self.arrived(first.place, 1);
                break;
            }
        }
        if position.is_multiple_of(SWEEP_EVERY) {
            // Neighbours lie side by side.
            (0..SWEEP_EVERY).for_each(|_| self.sweep(horizon));
        }
    }

    /// Settles the oldest of what is recent there; returns `false` if that is yet to happen.
    fn settle(&mut self, place: Place) -> bool {
        let log_time = self.log_time;
        let is_ahead = |at: Option<DateTime<Utc>>| at.is_some_and(|at| log_time < at);
        match place {
            Place::Raw(device) => {
                let raw = self.raw.get_mut(device.index()).and_then(Option::as_mut);
                let Some(raw) = raw else { return true };
                if is_ahead(raw.recent().oldest_at()) {
                    return false;
                }
                raw.settle_oldest();
            }
            Place::Scope(spot) => {
                let Parts { context, families, .. } = self.parts();
                let Some(family) = families.get_mut(spot.family) else { return true };
                let Some(history) = family.get_mut(spot.scope) else { return true };
                if is_ahead(history.recent().oldest_at()) {
                    return false;
                }
                history.settle_oldest(context, spot.family);
            }
        }
        true
    }

    /// Lets go of what is known of the next scope and cannot matter to anything after `horizon`.
    fn sweep(&mut self, horizon: DateTime<Utc>) {
        let Spot { family: at, scope } = self.arrivals.sweep;
        let Parts { context, families, .. } = self.parts();
        let Some(family) = families.get_mut(at) else {
            self.arrivals.sweep = Spot::default();
            return;
        };
        let next = match family.get_mut(scope) {
            None => Spot { family: at + 1, ..Spot::default() },
            Some(history) => {
                // What is recent is looked at once it is settled.
                if history.recent().is_empty() && !history.is_spent() {
                    history.expire(context, horizon);
                }
                Spot { scope: Symbol::at(scope.index() + 1), ..self.arrivals.sweep }
            }
        };
        self.arrivals.sweep = next;
    }

    /// Notes again what may have to be let go, as after histories were moved.
    pub(super) fn count_arrivals(&mut self) {
        let mut found: Vec<(Position, Arrival)> = Vec::new();
        for (at, family) in self.families.iter().enumerate() {
            for (scope, history) in family.kept() {
                let spot = Spot { family: at, scope };
                let place = Place::Scope(spot);
                let recent = history.recent().iter();
                found.extend(
                    recent.map(|event| (event.position, Arrival { at: event.received_at, place })),
                );
            }
        }
        for (at, raw) in self.raw.iter().enumerate() {
            let place = Place::Raw(Symbol::at(at));
            let recent = raw.iter().flat_map(|raw| raw.recent().iter());
            found.extend(
                recent.map(|event| (event.position, Arrival { at: event.received_at, place })),
            );
        }
        found.sort_by_key(|(position, _)| *position);
        let recent = found.into_iter().map(|(_, arrival)| arrival).collect();
        self.arrivals.recent = recent;
    }
}
