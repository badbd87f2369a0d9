//! A calendar made of a weekly pattern and of what feeds say of holidays and make-up workdays.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;

use super::Calendar;
use super::hours::Hours;
use super::told::Told;
use crate::fact::almanac::{self, Almanac, Work, Workdays};
use crate::fact::known::{Known, known_at};
use crate::fact::validity::Validity;

/// Why almanacs make no calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The days are those of another zone than the weekly pattern's hours.
    #[error(
        "the days of '{region}' are in the zone {told}, the calendar is in {own}; use one zone"
    )]
    Zone {
        /// Whose days.
        region: Box<str>,
        /// The zone they are told in.
        told: Tz,
        /// The calendar's zone.
        own: Tz,
    },
    /// The weekly pattern has no working hours that a workday could have.
    #[error("the week has no working hours; without any no day can be a workday")]
    NoWork,
}

impl Calendar {
    /// Returns the calendar with the same hours by the clocks of `zone`.
    #[must_use]
    pub fn in_zone(self, zone: Tz) -> Self {
        Self { zone, ..self }
    }

    /// Returns which revision of the hours and holidays it is.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Returns the region whose holidays and make-up workdays, as feeds tell them, it follows: `CN`.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Returns the calendar with the days of a region as they were known at `at`.
    ///
    /// Only what `known` says of `region` counts; of one part of it, what came last.
    pub fn with_known(
        &self,
        known: &[Known<Almanac>],
        region: &str,
        at: DateTime<Utc>,
    ) -> Result<Self, ComposeError> {
        let found = known_at(known, at);
        let said: Vec<_> =
            found.iter().map(|one| &one.said).filter(|said| said.region == region).collect();
        self.with_almanacs(&said, at.with_timezone(&self.zone).date_naive())
    }

    /// Returns the calendar with the days of `almanacs`, the oldest first.
    ///
    /// A later almanac takes the place of an earlier one of the same region and part; of two parts that
    /// tell the same day, the later wins. What the calendar itself says of a day wins over both. A
    /// workday without hours of its own has those of its weekday, or of the first workday of the week.
    /// The days are announced until the end of the gapless run of announced days that `today` is in.
    pub fn with_almanacs(
        &self,
        almanacs: &[&Almanac],
        today: NaiveDate,
    ) -> Result<Self, ComposeError> {
        let mut latest: Vec<&Almanac> = Vec::new();
        for almanac in almanacs {
            latest.retain(|known| known.key() != almanac.key());
            latest.push(almanac);
        }
        let mut made = self.clone();
        let mut told = Told::default();
        let workday = self.week.iter().find(|hours| !hours.is_day_off()).cloned();
        let workday = workday.ok_or(ComposeError::NoWork)?;
        for almanac in &latest {
            if let Some(zone) = almanac.zone.filter(|zone| *zone != self.zone) {
                let region = almanac.region.as_str().into();
                return Err(ComposeError::Zone { region, told: zone, own: self.zone });
            }
            if let Some(week) = almanac.week {
                made.week = working_week(&self.week, week, &workday);
            }
        }
        for almanac in &latest {
            for days in &almanac.days {
                let mut lay =
                    |first_on, last_on, hours| told.lay(first_on, last_on, hours, &days.name);
                match &days.work {
                    Work::Off => lay(days.first_on, days.last_on, Hours::default()),
                    Work::At(hours) => lay(days.first_on, days.last_on, hours.clone()),
                    Work::On => {
                        let each = days.first_on.iter_days().take_while(|day| *day <= days.last_on);
                        for day in each {
                            lay(day, day, made.hours_as_workday(day.weekday(), &workday));
                        }
                    }
                }
            }
        }
        told.lay_all(&self.overrides);
        made.overrides = told.into_overrides();
        made.announced_until = self.announced_with(&latest, today);
        made.revision = revision(&self.revision, &latest);
        Ok(made)
    }

    fn hours_as_workday(&self, weekday: Weekday, otherwise: &Hours) -> Hours {
        let own = self.hours_of(weekday);
        if own.is_day_off() { otherwise.clone() } else { own.clone() }
    }

    fn announced_with(&self, almanacs: &[&Almanac], today: NaiveDate) -> Option<NaiveDate> {
        let own = self.announced_until.and_then(|until| Validity::new(None, Some(until)).ok());
        let spans = almanacs.iter().flat_map(|almanac| almanac.announced.iter().copied());
        let spans = almanac::joined(spans.chain(own));
        spans.iter().find(|span| span.holds_on(today))?.until()
    }
}

/// Returns `week` with work on the days of `pattern` alone.
fn working_week(week: &[Hours; 7], pattern: Workdays, workday: &Hours) -> [Hours; 7] {
    let mut made = week.clone();
    for (hours, works) in made.iter_mut().zip(pattern.0) {
        if !works {
            *hours = Hours::default();
        } else if hours.is_day_off() {
            *hours = workday.clone();
        }
    }
    made
}

fn revision(own: &str, almanacs: &[&Almanac]) -> Box<str> {
    let mut text = own.to_owned();
    for almanac in almanacs {
        text.push_str("; ");
        text.push_str(&almanac.region);
        for more in [Some(almanac.part.as_str()), almanac.revision.as_deref()].into_iter().flatten()
        {
            if !more.is_empty() {
                text.push(' ');
                text.push_str(more);
            }
        }
    }
    text.into()
}
