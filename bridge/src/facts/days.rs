//! Which days of a place are worked on, as the feeds' calendars tell it.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;
use upturn_core::calendar::Calendar;
use upturn_core::calendar::overlay::Overlay;
use upturn_core::fact::Fact;
use upturn_core::fact::almanac::Almanac;

use super::lookup::LookupError;
use super::{Facts, Sheet};

/// The days of a place that are asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DaysAsked<'a> {
    /// Whose days: `CN`, `GB-SCT`, or as a feed's settings name it.
    pub(crate) place: &'a str,
    /// By this feed alone.
    pub(crate) feed: Option<&'a str>,
    /// The first and the last of them.
    pub(crate) days: (NaiveDate, NaiveDate),
    /// The week's hours and days of one's own; Monday to Friday, 09:00 to 17:00, where there are none.
    pub(crate) own: Option<&'a Calendar>,
    /// What is known of one site, supplier or carrier besides.
    pub(crate) overlay: Option<&'a Overlay>,
    /// The day on which facts that are too old are not used; none where none is too old.
    pub(crate) today: Option<NaiveDate>,
}

/// The days of a place, and whose word they are.
#[derive(Debug)]
pub(crate) struct DaysFound<'f> {
    /// The feed's facts.
    pub(crate) sheet: &'f Sheet,
    /// The calendar that was made of them.
    pub(crate) calendar: Calendar,
    /// The days that were asked about.
    pub(crate) days: Vec<Day>,
}

/// A day of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Day {
    /// Which.
    pub(crate) on: NaiveDate,
    /// Its working hours; none where nobody works.
    pub(crate) hours: Vec<String>,
    /// Why it is not as the week has it: the holiday, or what a make-up workday makes up for.
    pub(crate) because: Option<String>,
    /// Whether its holidays are announced. Where they are not, it is as the week has it, which is a
    /// guess.
    pub(crate) is_announced: bool,
}

impl Facts {
    /// Returns the days of a place, from the one feed that tells them, or from several that agree.
    pub(crate) fn days(&self, asked: &DaysAsked<'_>) -> Result<DaysFound<'_>, LookupError> {
        let mut found: Vec<DaysFound<'_>> = Vec::new();
        let mut known: Vec<String> = Vec::new();
        for sheet in self.of_feed(asked.feed)? {
            known.extend(sheet.almanacs().map(|almanac| almanac.region.clone()));
            let of_place = |almanac: &&Almanac| almanac.region == asked.place;
            let almanacs: Vec<_> = sheet.almanacs().filter(of_place).collect();
            if !almanacs.is_empty() {
                found.push(DaysFound::of(sheet, &almanacs, asked)?);
            }
        }
        if found.is_empty() {
            known.sort();
            known.dedup();
            return Err(LookupError::NoPlace { place: asked.place.to_owned(), known });
        }
        // Names differ by source and language; whether there is work must not.
        let is_one = |one: &Day, other: &Day| {
            (&one.hours, one.is_announced) == (&other.hours, other.is_announced)
        };
        let agree = found.windows(2).all(|two| match two {
            [one, other] => one.days.iter().zip(&other.days).all(|(one, other)| is_one(one, other)),
            _ => true,
        });
        if !agree {
            return Err(LookupError::Several(
                found.iter().map(|one| one.sheet.feed.clone()).collect(),
            ));
        }
        if let Some(today) = asked.today {
            // Those that were confirmed last are the first to be used.
            found.sort_by_key(|one| std::cmp::Reverse(one.sheet.checked_at));
            found.first().map_or(Ok(()), |one| one.sheet.require_fresh(today))?;
        }
        found.into_iter().next().ok_or(LookupError::NoPlace { place: asked.place.into(), known })
    }
}

impl<'f> DaysFound<'f> {
    fn of(
        sheet: &'f Sheet,
        almanacs: &[&Almanac],
        asked: &DaysAsked<'_>,
    ) -> Result<Self, LookupError> {
        let zone = almanacs.iter().find_map(|almanac| almanac.zone);
        let own = match asked.own {
            Some(own) => own.clone(),
            None => Calendar::default().in_zone(zone.unwrap_or(Tz::UTC)),
        };
        let (first_on, last_on) = asked.days;
        let mut calendar = own.with_almanacs(almanacs, first_on)?;
        if let Some(overlay) = asked.overlay {
            calendar = calendar.with_overlay(overlay);
        }
        let is_announced = |day: NaiveDate| {
            own.announced_until().is_some_and(|until| day <= until)
                || almanacs.iter().any(|almanac| almanac.is_announced_on(day))
        };
        let days = first_on.iter_days().take_while(|day| *day <= last_on).map(|on| Day {
            on,
            hours: calendar.hours_on(on).ranges().iter().map(ToString::to_string).collect(),
            because: calendar.find_override(on).map(|found| found.name.to_string()),
            is_announced: is_announced(on),
        });
        let days = days.collect();
        Ok(Self { sheet, calendar, days })
    }
}

impl Sheet {
    /// Returns its calendars.
    pub(crate) fn almanacs(&self) -> impl Iterator<Item = &Almanac> {
        almanacs(&self.facts)
    }
}

/// Returns the calendars among `facts`.
pub(super) fn almanacs(facts: &[Fact]) -> impl Iterator<Item = &Almanac> {
    facts.iter().filter_map(|fact| if let Fact::Calendar(one) = fact { Some(&**one) } else { None })
}
