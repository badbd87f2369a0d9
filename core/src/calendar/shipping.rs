//! Shipping dates: when a lane takes goods, and when they can be received.
//!
//! A day counts by three calendars: the origin hands over, the carrier picks up and delivers, the
//! destination receives. Closed days of any of them, cut-offs and the carrier's own last pick-up
//! lengthen what a plain "two days" promises.

use std::str::FromStr;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::hours::{Hours, Minute};
use super::{Calendar, Override, instant};

pub mod delays;
pub mod schedule;

/// How far a closure is followed, in days: longer ones have no known end.
const CLOSURE_DAYS_MAX: u64 = 400;

/// The longest transit a lane may have, in days.
pub const TRANSIT_DAYS_MAX: u16 = 365;

/// How a lane runs, apart from the calendars.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Terms {
    /// How many days a shipment takes.
    pub transit: Transit,
    /// The share of shipments that the planned transit covers, above 0 and up to 1.
    pub slack: Decimal,
    /// The days of the week it departs on, from Monday on.
    pub departs_on: [bool; 7],
    /// Until when the origin hands over on a day, by its own clock; none: until midnight.
    pub cut_off: Option<Minute>,
    /// The last day the carrier picks up before a pause of its own.
    pub last_pickup_on: Option<NaiveDate>,
    /// The first day it picks up again after that pause; none: not known yet.
    pub pickup_again_on: Option<NaiveDate>,
    /// The longest closure of the destination, in days, over which goods may wait: a weekend.
    /// Nothing leaves that would arrive in a longer one.
    pub hold_days: u16,
}

/// How many days a shipment takes: each number of days with its share, from the first one on.
///
/// Days count from the local day of hand-over to the local day of delivery.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Transit(Vec<(u16, Decimal)>);

/// Why a text is no [`Transit`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitError {
    /// Not numbers in that form.
    #[error("'{0}' is no transit; write days (\"2\") or days with shares (\"2:0.7;3:0.2;5:0.1\")")]
    Form(Box<str>),
    /// Too long.
    #[error("{0} days of transit; at most {TRANSIT_DAYS_MAX} are planned with")]
    Days(u16),
    /// Shares that are no distribution.
    #[error("the shares of the days of transit add up to {0}; let them add up to 1")]
    Shares(Decimal),
}

/// A lane with the calendars at its ends and of who carries.
#[derive(Clone, Copy, Debug)]
pub struct Lane<'c> {
    /// Days on which goods are handed over.
    pub origin: &'c Calendar,
    /// Days on which the carrier picks up and delivers.
    pub carrier: &'c Calendar,
    /// Days on which goods are received.
    pub destination: &'c Calendar,
    /// How it runs.
    pub terms: &'c Terms,
}

/// A departure and what becomes of it; the earlier one is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Voyage {
    /// The day goods are handed over, at the origin.
    pub ship_on: NaiveDate,
    /// The day they are received, at the destination.
    pub arrive_on: NaiveDate,
    /// Whether all three calendars know their holidays up to the arrival. If not, the weekly pattern
    /// stood in for what is not announced, and the days are a guess.
    pub is_announced: bool,
}

/// Days that are not as the week has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The first of them.
    pub first_on: NaiveDate,
    /// The last of them.
    pub last_on: NaiveDate,
    /// Whether they are workdays.
    pub is_open: bool,
    /// What they are, for people.
    pub name: Box<str>,
}

/// A day that stands in two exceptions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{day} is in '{first}' and in '{second}'; let each day be in one")]
pub struct Overlap {
    day: NaiveDate,
    first: Box<str>,
    second: Box<str>,
}

/// Days in a row on which a place receives nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Closure {
    /// The first of them.
    pub first_on: NaiveDate,
    /// The last of them.
    pub last_on: NaiveDate,
    /// What the calendar calls it; empty for plain days off.
    pub name: Box<str>,
}

impl Transit {
    /// Returns the transit of which each number of days has a weight above 0, in any unit.
    pub fn of_weights(weights: &[(u16, Decimal)]) -> Result<Self, TransitError> {
        let total: Decimal = weights.iter().map(|(_, weight)| *weight).sum();
        let mut parts: Vec<_> = weights.to_vec();
        parts.sort_unstable();
        if let Some((days, _)) = parts.last().filter(|(days, _)| TRANSIT_DAYS_MAX < *days) {
            return Err(TransitError::Days(*days));
        }
        let mut left = Decimal::ONE;
        for (_, weight) in &mut parts {
            *weight = weight.checked_div(total).ok_or(TransitError::Shares(total))?;
            left -= *weight;
        }
        // What rounding took away belongs to the longest.
        let (_, last) = parts.last_mut().ok_or(TransitError::Shares(Decimal::ZERO))?;
        *last += left;
        Ok(Self(parts))
    }

    /// Returns the fewest days within which at least `share` of all shipments arrive.
    pub fn percentile(&self, share: Decimal) -> u16 {
        let mut covered = Decimal::ZERO;
        for (days, part) in &self.0 {
            covered += part;
            if share <= covered {
                return *days;
            }
        }
        self.0.last().map_or(0, |(days, _)| *days)
    }
}

impl FromStr for Transit {
    type Err = TransitError;

    fn from_str(text: &str) -> Result<Self, TransitError> {
        let part = |part: &str| -> Option<(u16, Decimal)> {
            let (days, share) = part.split_once(':').unwrap_or((part, "1"));
            let share: Decimal = share.trim().parse().ok()?;
            Some((days.trim().parse().ok()?, share)).filter(|_| share > Decimal::ZERO)
        };
        let parts: Option<Vec<_>> = text.split(';').map(part).collect();
        let mut parts = parts.ok_or_else(|| TransitError::Form(text.into()))?;
        parts.sort_unstable();
        let sum = parts.iter().try_fold(Decimal::ZERO, |sum, (_, share)| sum.checked_add(*share));
        match (sum, parts.last()) {
            (_, Some((days, _))) if TRANSIT_DAYS_MAX < *days => Err(TransitError::Days(*days)),
            (Some(sum), Some(_)) if sum == Decimal::ONE => Ok(Self(parts)),
            (sum, _) => Err(TransitError::Shares(sum.unwrap_or(Decimal::MAX).normalize())),
        }
    }
}

impl TryFrom<String> for Transit {
    type Error = TransitError;

    fn try_from(text: String) -> Result<Self, TransitError> {
        text.parse()
    }
}

impl From<Transit> for String {
    fn from(transit: Transit) -> Self {
        let parts = transit.0.iter().map(|(days, share)| format!("{days}:{share}"));
        parts.collect::<Vec<_>>().join(";")
    }
}

impl Calendar {
    /// Returns the calendar of a week (from Monday on) with its exceptions, for days alone: its hours are
    /// those of an office. Nothing is announced.
    pub fn of_workdays(
        zone: Tz,
        week: [bool; 7],
        mut exceptions: Vec<Exception>,
    ) -> Result<Self, Overlap> {
        let hours = |is_open: bool| if is_open { Hours::office() } else { Hours::default() };
        exceptions.sort_by_key(|exception| exception.first_on);
        for (first, second) in exceptions.iter().zip(exceptions.iter().skip(1)) {
            if second.first_on <= first.last_on {
                let (first, day) = (first.name.clone(), second.first_on);
                return Err(Overlap { day, first, second: second.name.clone() });
            }
        }
        let overrides = exceptions.into_iter().map(|exception| {
            let Exception { first_on, last_on, is_open, name } = exception;
            Override { first_on, last_on, hours: hours(is_open), name }
        });
        Ok(Self {
            zone,
            revision: Box::default(),
            announced_until: None,
            region: None,
            week: week.map(hours),
            overrides: overrides.collect(),
        })
    }

    /// Returns the calendar with its revision and the last day whose holidays are announced.
    #[must_use]
    pub fn known(self, revision: Box<str>, announced_until: Option<NaiveDate>) -> Self {
        Self { revision, announced_until, ..self }
    }
}

impl Lane<'_> {
    /// Returns the voyages whose hand-over is at `from` or later and arrival at `until` or earlier, in
    /// their order. Neither their departures nor their arrivals ever go back.
    pub fn voyages(&self, from: DateTime<Utc>, until: NaiveDate) -> Vec<Voyage> {
        let found = self.departures(from, until).filter_map(|day| self.voyage(day));
        found.filter(|voyage| voyage.arrive_on <= until).collect()
    }

    /// Returns the days from `from` up to `until` on which goods are handed over to depart, in their order.
    pub fn departures(
        &self,
        from: DateTime<Utc>,
        until: NaiveDate,
    ) -> impl Iterator<Item = NaiveDate> {
        let first = from.with_timezone(&self.origin.zone()).date_naive();
        let days = first.iter_days().take_while(move |day| *day <= until);
        days.filter(move |day| self.departs(from, *day))
    }

    /// Returns the first closure of the destination that ends at `from` or later, begins at `until` or
    /// earlier, and is too long for goods to wait it out.
    pub fn next_closure(&self, from: NaiveDate, until: NaiveDate) -> Option<Closure> {
        let mut day = from;
        while day <= until {
            let Some(closure) = self.closure_at(day) else {
                day = day.succ_opt()?;
                continue;
            };
            if self.is_long(&closure) {
                return Some(closure);
            }
            day = closure.last_on.succ_opt()?;
        }
        None
    }

    /// Returns the days that a shipment is planned to take, before closed days.
    pub fn planned_days(&self) -> u16 {
        self.terms.transit.percentile(self.terms.slack)
    }

    fn departs(&self, from: DateTime<Utc>, day: NaiveDate) -> bool {
        let weekday = usize::try_from(day.weekday().num_days_from_monday()).ok();
        let is_departure = weekday.and_then(|weekday| self.terms.departs_on.get(weekday).copied());
        is_departure == Some(true) && self.hands_over(day) && self.is_in_time(from, day)
    }

    /// Tells whether goods are handed over and picked up on `day`.
    fn hands_over(&self, day: NaiveDate) -> bool {
        let is_paused = self.terms.last_pickup_on.is_some_and(|last| last < day)
            && self.terms.pickup_again_on.is_none_or(|again| day < again);
        !is_paused && is_open(self.origin, day) && is_open(self.carrier, day)
    }

    fn is_in_time(&self, from: DateTime<Utc>, day: NaiveDate) -> bool {
        let cut_off = self.terms.cut_off.unwrap_or(Minute::MIDNIGHT);
        let closes_at = instant::at(self.origin.zone(), day, cut_off);
        closes_at.is_some_and(|closes_at| from <= closes_at)
    }

    /// Returns what becomes of goods handed over on `ship_on`; `None` where they would arrive in a
    /// closure that is too long to wait for its end.
    fn voyage(&self, ship_on: NaiveDate) -> Option<Voyage> {
        let due_on = ship_on.checked_add_days(Days::new(self.planned_days().into()))?;
        self.received(ship_on, due_on)
    }

    /// Returns what becomes of goods handed over on `ship_on` that are there on `due_on`.
    fn received(&self, ship_on: NaiveDate, due_on: NaiveDate) -> Option<Voyage> {
        let arrive_on = match self.closure_at(due_on) {
            None => due_on,
            Some(closure) if self.is_long(&closure) => return None,
            Some(closure) => closure.last_on.succ_opt()?,
        };
        let calendars = [self.origin, self.carrier, self.destination];
        let is_announced = calendars
            .iter()
            .all(|calendar| calendar.announced_until().is_some_and(|until| arrive_on <= until));
        Some(Voyage { ship_on, arrive_on, is_announced })
    }

    /// Returns the days in a row around `day` on which nothing is received.
    fn closure_at(&self, day: NaiveDate) -> Option<Closure> {
        let is_closed = |day: &NaiveDate| !self.receives(*day);
        if !is_closed(&day) {
            return None;
        }
        let back = std::iter::successors(Some(day), NaiveDate::pred_opt).take_while(is_closed);
        let days_max = usize::try_from(CLOSURE_DAYS_MAX).unwrap_or(usize::MAX);
        let first_on = back.take(days_max).last()?;
        let last_on = day.iter_days().take(days_max).take_while(is_closed).last()?;
        let mut days = first_on.iter_days().take_while(|day| *day <= last_on);
        let name = days.find_map(|day| {
            let known =
                [self.destination, self.carrier].map(|calendar| calendar.find_override(day));
            known
                .into_iter()
                .flatten()
                .map(|found| found.name.clone())
                .find(|name| !name.is_empty())
        });
        Some(Closure { first_on, last_on, name: name.unwrap_or_default() })
    }

    fn receives(&self, day: NaiveDate) -> bool {
        is_open(self.destination, day) && is_open(self.carrier, day)
    }

    fn is_long(&self, closure: &Closure) -> bool {
        let days = (closure.last_on - closure.first_on).num_days() + 1;
        i64::from(self.terms.hold_days) < days
    }
}

/// Returns the last voyage that arrives on `needed_on` or earlier.
pub fn latest(voyages: &[Voyage], needed_on: NaiveDate) -> Option<Voyage> {
    let in_time = voyages.partition_point(|voyage| voyage.arrive_on <= needed_on);
    voyages.get(in_time.checked_sub(1)?).copied()
}

/// Returns the first voyage that leaves after `ship_on`.
pub fn next_after(voyages: &[Voyage], ship_on: NaiveDate) -> Option<Voyage> {
    voyages.get(voyages.partition_point(|voyage| voyage.ship_on <= ship_on)).copied()
}

/// Returns `voyages`, in the order of their departures, without those that a later one overtakes.
fn without_overtaken(voyages: Vec<Voyage>) -> Vec<Voyage> {
    let mut first_arrival = NaiveDate::MAX;
    let mut kept: Vec<Voyage> = Vec::with_capacity(voyages.len());
    for voyage in voyages.into_iter().rev() {
        if voyage.arrive_on <= first_arrival {
            first_arrival = voyage.arrive_on;
            kept.push(voyage);
        }
    }
    kept.reverse();
    kept
}

fn is_open(calendar: &Calendar, day: NaiveDate) -> bool {
    !calendar.hours_on(day).is_day_off()
}

#[cfg(test)]
mod tests;
