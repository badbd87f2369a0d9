//! Which days of a region are not those of an ordinary week: holidays, and workdays that make up for
//! them, as one source tells them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::validity::Validity;
use crate::calendar::hours::Hours;

/// What one source says of the days of a region.
///
/// A document of it is a part, mostly a year: a later one of the same region and part takes the place
/// of the earlier. No days are not the same as no holidays: only [`Almanac::announced`] tells which
/// days the source has spoken about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Almanac {
    /// Whose days they are: `CN`, `GB-SCT`, `FR-57`, or a name that the source gives.
    pub region: String,
    /// Which part of what the source says: `2025`; empty where a document says it all.
    pub part: String,
    /// The zone of the days and hours, where the source names one.
    pub zone: Option<Tz>,
    /// The source's own name for what it says now: a paper, a day of change.
    pub revision: Option<String>,
    /// The days that the source has spoken about, in order and apart; none if it has not yet.
    pub announced: Vec<Validity>,
    /// On which weekdays there is work, where the source says so.
    pub week: Option<Workdays>,
    /// The days that differ, in order; none is in two of them.
    pub days: Vec<Days>,
}

/// Days in a row that are not those of the weekly pattern.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Days {
    /// The first of them.
    pub first_on: NaiveDate,
    /// The last of them.
    pub last_on: NaiveDate,
    /// What they are instead.
    pub work: Work,
    /// Why, for people: `Spring Festival`.
    pub name: String,
}

/// Whether people work on a day, and when.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Nobody works.
    Off,
    /// As on any workday.
    On,
    /// At these hours.
    At(#[serde(with = "texts")] Hours),
}

/// On which weekdays there is work, from Monday on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Workdays(pub [bool; 7]);

/// A day of which a document says two things.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{first}' and '{second}' say different things of {day}")]
pub struct Contradiction {
    /// The day.
    pub day: NaiveDate,
    /// What the one is called.
    pub first: String,
    /// What the other is called.
    pub second: String,
}

/// Returns the days off of `region` by all of `almanacs`, less those on which one of them has work.
pub fn days_off<'a>(
    almanacs: impl IntoIterator<Item = &'a Almanac>,
    region: &str,
) -> BTreeSet<NaiveDate> {
    let (mut off, mut worked) = (BTreeSet::new(), BTreeSet::new());
    for days in almanacs.into_iter().filter(|one| one.region == region).flat_map(|one| &one.days) {
        let all = days.first_on.iter_days().take_while(|day| *day <= days.last_on);
        match days.work {
            Work::Off => off.extend(all),
            Work::On | Work::At(_) => worked.extend(all),
        }
    }
    off.retain(|day| !worked.contains(day));
    off
}

impl Workdays {
    /// Tells whether there is work on `weekday`.
    pub fn has(self, weekday: Weekday) -> bool {
        let Self([mon, tue, wed, thu, fri, sat, sun]) = self;
        match weekday {
            Weekday::Mon => mon,
            Weekday::Tue => tue,
            Weekday::Wed => wed,
            Weekday::Thu => thu,
            Weekday::Fri => fri,
            Weekday::Sat => sat,
            Weekday::Sun => sun,
        }
    }
}

impl Days {
    /// Returns the days in `told`, those in a row with the same name and work as one, in order.
    ///
    /// The same day may be told twice if both say the same of its work; its first name stays.
    pub fn gathered(
        told: impl IntoIterator<Item = (NaiveDate, Work, String)>,
    ) -> Result<Vec<Self>, Contradiction> {
        let mut days: BTreeMap<NaiveDate, (Work, String)> = BTreeMap::new();
        for (day, work, name) in told {
            match days.get(&day) {
                Some((known, first)) if *known != work => {
                    return Err(Contradiction { day, first: first.clone(), second: name });
                }
                Some(_) => {}
                None => drop(days.insert(day, (work, name))),
            }
        }
        let mut rows: Vec<Self> = Vec::new();
        for (day, (work, name)) in days {
            if let Some(last) = rows.last_mut()
                && last.last_on.succ_opt() == Some(day)
                && (&last.work, &last.name) == (&work, &name)
            {
                last.last_on = day;
            } else {
                rows.push(Self { first_on: day, last_on: day, work, name });
            }
        }
        Ok(rows)
    }

    /// Returns how many they are.
    pub fn count(&self) -> i64 {
        (self.last_on - self.first_on).num_days() + 1
    }
}

impl Almanac {
    /// Returns whose and which part it is: another with the same key supersedes it.
    pub fn key(&self) -> (&str, &str) {
        (&self.region, &self.part)
    }

    /// Tells whether the source has spoken about `day`.
    pub fn is_announced_on(&self, day: NaiveDate) -> bool {
        self.announced.iter().any(|span| span.holds_on(day))
    }
}

/// Returns the whole of each year in `years`, those in a row as one.
pub fn whole_years(years: impl IntoIterator<Item = i32>) -> Vec<Validity> {
    let spans = years.into_iter().filter_map(|year| {
        let (first, last) =
            (NaiveDate::from_ymd_opt(year, 1, 1), NaiveDate::from_ymd_opt(year, 12, 31));
        Validity::new(Some(first?), Some(last?)).ok()
    });
    joined(spans)
}

/// Returns `spans` in order, those that touch or overlap as one.
pub fn joined(spans: impl IntoIterator<Item = Validity>) -> Vec<Validity> {
    let mut spans: Vec<_> = spans.into_iter().collect();
    spans.sort();
    let mut apart: Vec<Validity> = Vec::new();
    for span in spans {
        let touches = |last: &&mut Validity| match (last.until(), span.from()) {
            (Some(until), Some(from)) => until.succ_opt().is_none_or(|next| from <= next),
            (None, _) | (_, None) => true,
        };
        if let Some(last) = apart.last_mut().filter(touches) {
            let until = last.until().zip(span.until()).map(|(one, other)| one.max(other));
            *last = Validity::new(last.from(), until).unwrap_or(*last);
        } else {
            apart.push(span);
        }
    }
    apart
}

/// Returns the years that `days` are in, in order.
pub fn years(days: impl IntoIterator<Item = NaiveDate>) -> Vec<i32> {
    let mut years: Vec<_> = days.into_iter().map(|day| day.year()).collect();
    years.sort_unstable();
    years.dedup();
    years
}

/// Hours as texts: `["09:00-12:00", "13:00-18:00"]`.
mod texts {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::calendar::hours::Hours;

    pub(super) fn serialize<S: Serializer>(hours: &Hours, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(hours.ranges().iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hours, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        Hours::parse(texts.iter().map(String::as_str)).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_in_a_row_become_one_and_a_day_is_one_thing() {
        let told = |texts: &[(&str, Work, &str)]| {
            let told =
                texts.iter().map(|(on, work, name)| (day(on), work.clone(), (*name).to_owned()));
            Days::gathered(told.collect::<Vec<_>>())
        };
        let rows = told(&[
            ("2025-01-29", Work::Off, "festival"),
            ("2025-01-26", Work::On, "festival"),
            ("2025-01-28", Work::Off, "festival"),
            ("2025-01-28", Work::Off, "again"),
            ("2025-01-30", Work::Off, "other"),
        ]);
        let rows: Vec<_> =
            rows.unwrap().iter().map(|row| format!("{} {}", row.first_on, row.count())).collect();
        assert_eq!(rows, ["2025-01-26 1", "2025-01-28 2", "2025-01-30 1"]);
        let twice = told(&[("2025-01-26", Work::On, "a"), ("2025-01-26", Work::Off, "b")]);
        let twice = twice.unwrap_err().to_string();
        assert_eq!(twice, "'a' and 'b' say different things of 2025-01-26");
    }

    #[test]
    fn spans_that_touch_are_one() {
        let shown = |years: &[i32]| {
            let spans = whole_years(years.iter().copied());
            spans.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let expected = ["from 2020-01-01 until 2021-12-31", "from 2023-01-01 until 2023-12-31"];
        assert_eq!(shown(&[2023, 2021, 2020, 2021]), expected);
        assert!(shown(&[]).is_empty());
    }
}
