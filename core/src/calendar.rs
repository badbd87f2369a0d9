//! Calendars: which time is working time.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use self::hours::{Hours, Minute};

pub mod compose;
pub mod days;
pub mod document;
pub mod hours;
pub mod instant;
pub mod overlay;
pub mod shipping;
pub mod target;
mod told;

pub use self::document::CalendarError;

/// How far ahead working time is looked for, in days: five years.
const LOOK_AHEAD_DAYS: usize = 5 * 366;

/// A weekly pattern of working hours with overrides in both directions, in a named zone.
///
/// The default one is Monday to Friday, 09:00 to 17:00 UTC, and knows no holidays.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Calendar {
    zone: Tz,
    revision: Box<str>,
    announced_until: Option<NaiveDate>,
    /// Whose days it follows.
    #[serde(default)]
    region: Option<Box<str>>,
    /// From Monday on.
    week: [Hours; 7],
    // Invariant: ordered by day, and no day is in two of them.
    overrides: Vec<Override>,
}

/// Days whose hours are not those of the weekly pattern: holidays, or make-up workdays.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Override {
    /// The first of the days.
    pub first_on: NaiveDate,
    /// The last of the days.
    pub last_on: NaiveDate,
    /// The hours of each of them; none on a holiday.
    pub hours: Hours,
    /// What it is, for people: `Spring Festival`.
    pub name: Box<str>,
}

impl Default for Calendar {
    fn default() -> Self {
        let office = Hours::office();
        let off = Hours::default();
        Self {
            zone: Tz::UTC,
            revision: "built in".into(),
            announced_until: None,
            region: None,
            week: [
                office.clone(),
                office.clone(),
                office.clone(),
                office.clone(),
                office,
                off.clone(),
                off,
            ],
            overrides: Vec::new(),
        }
    }
}

impl Calendar {
    /// Returns the calendar that a TOML document describes, or everything that is wrong with it.
    ///
    /// The document is described at [`document`].
    pub fn from_toml(text: &str) -> Result<Self, Vec<CalendarError>> {
        document::read(text)
    }

    /// Returns the moment at which `time` of working time has passed since `from`.
    ///
    /// Working time is real time: where the zone's clocks are put forward or back inside working
    /// hours, the hour that is skipped is not counted and the hour that is repeated is counted
    /// twice. From outside working time the count starts at the next opening, also for no time at
    /// all; an end of working hours is still inside. `None` where `time` is negative or where not
    /// enough working time lies within five years.
    pub fn add_business_time(&self, from: DateTime<Utc>, time: TimeDelta) -> Option<DateTime<Utc>> {
        if time < TimeDelta::zero() {
            return None;
        }
        let mut remaining = time;
        for (start, closes_at) in self.working_from(from) {
            let available = closes_at - start;
            if remaining <= available {
                return start.checked_add_signed(remaining);
            }
            remaining -= available;
        }
        None
    }

    /// Returns how much working time lies between `from` and `until`; none where `until` is not later. Time
    /// that lies more than five years after `from` is not counted.
    pub fn business_time_between(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
        let hours = self.working_from(from).take_while(|(starts_at, _)| *starts_at < until);
        hours.map(|(starts_at, ends_at)| ends_at.min(until) - starts_at).sum()
    }

    /// Returns the times in which somebody works from `from` on, each with its end, in order: five years
    /// of them at most. The first may be only the end of working hours, and then has no length.
    pub(crate) fn working_from(
        &self,
        from: DateTime<Utc>,
    ) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        // The day before, since clocks that are put back at midnight can repeat its last hour.
        let first_day = from.with_timezone(&self.zone).date_naive().pred_opt();
        let days = first_day.into_iter().flat_map(|day| day.iter_days().take(LOOK_AHEAD_DAYS));
        let hours =
            days.flat_map(|day| self.hours_on(day).ranges().iter().map(move |it| (day, it)));
        hours.filter_map(move |(day, range)| {
            let closes_at = instant::at(self.zone, day, range.closes).filter(|at| from <= *at)?;
            let opens_at = instant::at(self.zone, day, range.opens)?;
            // Equal where a gap in the zone's time swallows the whole range.
            (opens_at < closes_at).then(|| (opens_at.max(from), closes_at))
        })
    }

    /// Returns when a working day has passed since `from`: the same time of day on the next day that is
    /// worked on, or where that day's working time begins or ends if it lies outside.
    ///
    /// From outside working time it counts from the next opening. `None` where no working time lies within
    /// five years.
    pub fn add_working_day(&self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let from = self.add_business_time(from, TimeDelta::zero())?.with_timezone(&self.zone);
        let next_day = from.date_naive().succ_opt()?;
        for day in next_day.iter_days().take(LOOK_AHEAD_DAYS) {
            let Some(last) = self.hours_on(day).ranges().last() else { continue };
            let closes_at = instant::at(self.zone, day, last.closes)?;
            let same = instant::at_time(self.zone, day, from.time())?;
            return self.add_business_time(same.min(closes_at), TimeDelta::zero());
        }
        None
    }

    /// Returns the first instant after `after` at which the clocks of the zone show `minute`, or jump
    /// over it; of an hour that comes twice, the first.
    ///
    /// `None` at the end of representable time.
    pub fn next_at(&self, after: DateTime<Utc>, minute: Minute) -> Option<DateTime<Utc>> {
        let first_day = after.with_timezone(&self.zone).date_naive().pred_opt()?;
        let mut days = first_day.iter_days().take(4);
        days.find_map(|day| instant::at(self.zone, day, minute).filter(|at| after < *at))
    }

    /// Returns the working hours of `day`.
    pub fn hours_on(&self, day: NaiveDate) -> &Hours {
        if let Some(found) = self.find_override(day) {
            return &found.hours;
        }
        self.hours_of(day.weekday())
    }

    /// Returns the hours that the weekly pattern has on `weekday`.
    fn hours_of(&self, weekday: chrono::Weekday) -> &Hours {
        let [mon, tue, wed, thu, fri, sat, sun] = &self.week;
        match weekday {
            chrono::Weekday::Mon => mon,
            chrono::Weekday::Tue => tue,
            chrono::Weekday::Wed => wed,
            chrono::Weekday::Thu => thu,
            chrono::Weekday::Fri => fri,
            chrono::Weekday::Sat => sat,
            chrono::Weekday::Sun => sun,
        }
    }

    /// Returns the override that `day` is in.
    pub fn find_override(&self, day: NaiveDate) -> Option<&Override> {
        let after = self.overrides.partition_point(|known| known.first_on <= day);
        let found = self.overrides.get(after.checked_sub(1)?)?;
        (day <= found.last_on).then_some(found)
    }

    /// Returns the zone its hours are in.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Returns the last day whose holidays are announced, if the calendar says so.
    pub fn announced_until(&self) -> Option<NaiveDate> {
        self.announced_until
    }

    /// Returns whether the holidays up to the day of `at` are announced.
    ///
    /// Where they are not, a due time is reckoned by the weekly pattern alone and is a guess: no
    /// known holidays are not the same as no holidays.
    pub fn is_announced_at(&self, at: DateTime<Utc>) -> bool {
        let day = at.with_timezone(&self.zone).date_naive();
        self.announced_until.is_some_and(|until| day <= until)
    }
}

#[cfg(test)]
mod tests;
