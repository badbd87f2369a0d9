//! Whole days: workdays before and after, and the windows in which nobody works.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::{Calendar, LOOK_AHEAD_DAYS, Override};

/// Days in a row on which nobody works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Closed {
    /// The first of them.
    pub first_on: NaiveDate,
    /// The last of them.
    pub last_on: NaiveDate,
    /// What the holidays among them are called, in order, each once; none at a weekend.
    pub names: Vec<Box<str>>,
}

impl Calendar {
    /// Returns the days that are not as the week has them, in order; no day is in two.
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// Tells whether somebody works on `day`.
    pub fn is_workday(&self, day: NaiveDate) -> bool {
        !self.hours_on(day).is_day_off()
    }

    /// Returns the last workday before `day`; `None` where there is none within five years.
    pub fn last_workday_before(&self, day: NaiveDate) -> Option<NaiveDate> {
        self.workday_before(day, 1)
    }

    /// Returns the day that is `count` workdays after `day`: for 1 the next workday, for 0 `day` itself
    /// or, where nobody works on it, the next workday. `None` where it is not within five years.
    pub fn add_workdays(&self, day: NaiveDate, count: usize) -> Option<NaiveDate> {
        let rest = if count == 0 { day } else { day.succ_opt()? };
        let mut days = rest.iter_days().take(LOOK_AHEAD_DAYS).filter(|day| self.is_workday(*day));
        days.nth(count.saturating_sub(1))
    }

    /// Returns the day that is `count` workdays before `day`: for 1 the last workday before it, for 0
    /// `day` itself or, where nobody works on it, the last workday before. `None` where it is not within
    /// five years.
    pub fn workday_before(&self, day: NaiveDate, count: usize) -> Option<NaiveDate> {
        let start = if count == 0 { day } else { day.pred_opt()? };
        let back = std::iter::successors(Some(start), NaiveDate::pred_opt);
        let mut days = back.take(LOOK_AHEAD_DAYS).filter(|day| self.is_workday(*day));
        days.nth(count.saturating_sub(1))
    }

    /// Tells whether somebody works at `at`; at the end of working hours nobody does any more.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.open_from(at).is_some_and(|open| open == at)
    }

    /// Returns the first instant from `at` on at which somebody works: `at` itself inside working hours.
    ///
    /// `None` where there is none within five years.
    pub fn open_from(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.working_from(at).find(|(start, closes_at)| start < closes_at).map(|(start, _)| start)
    }

    /// Returns the windows without a workday that have a day from `first_on` to `last_on`, whole: they
    /// may begin before and end after. Looks at five years at most.
    pub fn closed_between(&self, first_on: NaiveDate, last_on: NaiveDate) -> Vec<Closed> {
        let mut windows: Vec<Closed> = Vec::new();
        // A window begins after the last workday before, or with the first day where there is none.
        let start = self.last_workday_before(first_on).unwrap_or(first_on);
        for day in start.iter_days().take(LOOK_AHEAD_DAYS) {
            let continues =
                windows.last().is_some_and(|window| window.last_on.succ_opt() == Some(day));
            if self.is_workday(day) {
                if last_on <= day {
                    break;
                }
                continue;
            }
            if last_on < day && !continues {
                break;
            }
            if !continues {
                windows.push(Closed { first_on: day, last_on: day, names: Vec::new() });
            }
            let Some(window) = windows.last_mut() else { continue };
            window.last_on = day;
            let name = self.find_override(day).map(|found| &found.name);
            if let Some(name) = name.filter(|name| !name.is_empty() && !window.names.contains(name))
            {
                window.names.push(name.clone());
            }
        }
        windows.retain(|window| first_on <= window.last_on);
        windows
    }
}
