//! Calls that are left out, and whether a sailing needs one of them.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

use crate::fact::port_call::{PortCall, Turn};
use crate::fact::sailing::{Leg, Sailing};
use crate::fact::transport::{Place, Vessel};

/// How far the times of a call and of a sailing's end may lie apart if only port and ship tell that they
/// are the same. A ship on a short round is back after a week: with half of it the call before or after
/// would be taken for this one.
const APART: TimeDelta = TimeDelta::days(3);

/// Calls that are left out, to be asked for by port.
#[derive(Debug, Default)]
pub(super) struct Omissions<'o> {
    /// By port, turn and number of the voyage.
    by_voyage: BTreeMap<(&'o str, Turn, &'o str), Vec<&'o PortCall>>,
    /// By port, turn and time.
    by_time: BTreeMap<(&'o str, Turn, DateTime<Utc>), Vec<&'o PortCall>>,
}

impl<'o> Omissions<'o> {
    /// Takes those of `calls` that tell their port's code.
    pub(super) fn of(calls: &'o [PortCall]) -> Self {
        let mut found = Self::default();
        for call in calls {
            let Some(port) = call.place.code.as_deref() else { continue };
            for turn in [Turn::Arrival, Turn::Departure] {
                if let Some(voyage) = voyage(call, turn) {
                    found.by_voyage.entry((port, turn, voyage)).or_default().push(call);
                }
                let other = match turn {
                    Turn::Arrival => Turn::Departure,
                    Turn::Departure => Turn::Arrival,
                };
                if let Some(time) = call.time_of(turn).or_else(|| call.time_of(other)) {
                    found.by_time.entry((port, turn, time.at.to_utc())).or_default().push(call);
                }
            }
        }
        found
    }

    /// Tells whether a call is left out at which a leg of `sailing` begins or ends.
    ///
    /// It is of the leg by port, number of the voyage and, where both tell it, the ship's number; where
    /// one does not tell the voyage, by port, ship and time.
    pub(super) fn has_of(&self, sailing: &Sailing) -> bool {
        sailing.legs.iter().any(|leg| {
            self.is_left_out(leg, (&leg.from, Turn::Departure, leg.departs_at))
                || self.is_left_out(leg, (&leg.to, Turn::Arrival, leg.arrives_at))
        })
    }

    fn is_left_out(
        &self,
        leg: &Leg,
        (place, turn, at): (&Place, Turn, DateTime<FixedOffset>),
    ) -> bool {
        let Some(port) = place.code.as_deref() else { return false };
        let number = leg.voyage.as_deref();
        let same = number.and_then(|number| self.by_voyage.get(&(port, turn, number)));
        if same.into_iter().flatten().any(|call| !is_other_ship(leg, call)) {
            return true;
        }
        let Some(ship) = &leg.vessel else { return false };
        let at = at.to_utc();
        let first = at.checked_sub_signed(APART).unwrap_or(at);
        let last = at.checked_add_signed(APART).unwrap_or(at);
        let near = self.by_time.range((port, turn, first)..=(port, turn, last));
        let mut near = near.flat_map(|(_, calls)| calls);
        near.any(|call| {
            (number.is_none() || voyage(call, turn).is_none()) && is_same_ship(ship, &call.vessel)
        })
    }
}

/// Returns the number of the voyage that a call begins or ends.
fn voyage(call: &PortCall, turn: Turn) -> Option<&str> {
    match turn {
        Turn::Arrival => call.voyage_in.as_deref(),
        Turn::Departure => call.voyage_out.as_deref(),
    }
}

fn is_other_ship(leg: &Leg, call: &PortCall) -> bool {
    let ship = leg.vessel.as_ref().and_then(|vessel| vessel.imo.as_ref());
    ship.zip(call.vessel.imo.as_ref()).is_some_and(|(one, other)| one != other)
}

/// Tells whether they are one ship: by their numbers, or by their names where one has no number. The name
/// that stands in for a ship to come is that of any.
fn is_same_ship(one: &Vessel, other: &Vessel) -> bool {
    if let (Some(one), Some(other)) = (&one.imo, &other.imo) {
        return one == other;
    }
    let names = one.name.as_ref().zip(other.name.as_ref());
    let is_named = !one.is_dummy && !other.is_dummy;
    is_named && names.is_some_and(|(one, other)| one.trim().eq_ignore_ascii_case(other.trim()))
}
