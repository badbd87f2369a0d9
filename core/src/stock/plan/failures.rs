//! What devices in the field may need: parts for failures that are known, and for those to come.

use chrono::{Days, NaiveDate};

use super::setting::Deal;
use crate::forecast::distribution::Distribution;
use crate::forecast::pipeline::{self, PipelineError, Prospect};

/// Days of a year, on average.
pub(in crate::stock) const YEAR_DAYS: f64 = 365.25;

/// Which part a failure may need: a row of the table of failures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cause {
    /// How often a device fails so in a year; 0 or more.
    pub per_year: f64,
    /// The share of these failures that need a part; 0 to 1.
    pub share: f64,
    /// How many days after the failure the part is needed.
    pub lag_days: u16,
}

/// The parts that devices may need of a place, one for each failure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failures {
    /// How many devices there are, each counted once for each cause.
    pub devices: u32,
    /// Parts of a day, from a day on.
    streams: Vec<(f64, NaiveDate)>,
    /// Failures that happened, each with the day its part is needed on.
    known: Vec<Deal>,
}

impl Cause {
    /// How often a device may be said to fail in a year, at most.
    pub const PER_YEAR_MAX: u32 = 10_000;
    /// Days after a failure that anybody waits for a part, at most.
    pub const LAG_DAYS_MAX: u16 = 366;
}

impl Failures {
    /// Counts failures that `devices` will have from `first_on` on.
    pub fn expect(&mut self, cause: Cause, devices: u32, first_on: NaiveDate) {
        self.devices = self.devices.saturating_add(devices);
        let per_day = cause.per_year * cause.share * f64::from(devices) / YEAR_DAYS;
        if 0.0 < per_day {
            self.streams.push((per_day, after(first_on, cause.lag_days)));
        }
    }

    /// Counts a failure that happened on `failed_on`; a part that is overdue is needed on `today`.
    pub fn know(
        &mut self,
        cause: Cause,
        failed_on: NaiveDate,
        today: NaiveDate,
    ) -> Result<(), PipelineError> {
        let prospect = Prospect::new(cause.share, 1)?;
        let day = after(failed_on, cause.lag_days).max(today);
        self.known.push(Deal { prospect, needed_from: day, needed_to: day });
        Ok(())
    }

    /// Returns whether no part is ever needed.
    pub fn is_nothing(&self) -> bool {
        self.streams.is_empty() && self.known.is_empty()
    }

    /// Returns how many known failures may need a part before `until`.
    pub fn count_known(&self, until: NaiveDate) -> usize {
        self.known.iter().filter(|one| one.needed_from < until).count()
    }

    /// Returns how many parts failures to come need in a day, once all of them count.
    pub fn per_day(&self) -> f64 {
        self.streams.iter().map(|(per_day, _)| per_day).sum()
    }

    /// Returns the parts that are needed before `until`: for each known failure with its share, and for
    /// those to come as many as a Poisson distribution says.
    pub fn demand(&self, until: NaiveDate) -> Result<Distribution, PipelineError> {
        let parts =
            |(per_day, from): &(f64, NaiveDate)| per_day * (until - *from).num_days().max(0) as f64;
        let mean: f64 = self.streams.iter().map(parts).sum();
        let known = self.known.iter().filter(|one| one.needed_from < until);
        let known: Vec<Prospect> = known.map(|one| one.prospect).collect();
        Ok(pipeline::independent(&known)?.plus(&Distribution::poisson(mean)?)?)
    }
}

fn after(day: NaiveDate, days: u16) -> NaiveDate {
    day.checked_add_days(Days::new(days.into())).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn known_failures_and_those_to_come_need_parts_after_their_lag() {
        let today = day("2025-01-01");
        let cause = Cause { per_year: 3.6525, share: 0.5, lag_days: 10 };
        let mut failures = Failures::default();
        failures.expect(cause, 20, today);
        failures.know(cause, day("2024-12-30"), today).unwrap();
        failures.know(cause, day("2024-11-01"), today).unwrap();
        // A tenth of a part a day; the known ones are needed on 9 January and, overdue, today.
        for (until, known, mean) in [
            ("2025-01-01", 0, 0.0),
            ("2025-01-02", 1, 0.5),
            ("2025-01-10", 2, 1.0),
            ("2025-01-11", 2, 1.0),
            ("2025-01-21", 2, 2.0),
        ] {
            let until = day(until);
            assert_eq!(failures.count_known(until), known, "{until}");
            let found = failures.demand(until).unwrap().mean();
            assert!((found - mean).abs() < 1e-9, "{until}: {found}");
        }
        assert!((failures.per_day() - 0.1).abs() < 1e-12);
        assert_eq!(failures.devices, 20);
    }
}
