//! The demand of an item at a place apart from deals, learnt from its history.

use chrono::NaiveDate;

/// How many periods of its own a series needs to count as much as all others in its spread.
const POOLED_PERIODS: f64 = 12.0;

/// Demand day by day: a mean and how much more than Poisson it varies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Base {
    /// Units of a day.
    pub per_day: f64,
    /// Variance as a multiple of the mean; at least 1.
    pub spread: f64,
    /// How many periods were observed.
    pub periods: u32,
    /// Whether days between the periods were not observed.
    pub has_gaps: bool,
    /// The last observed day.
    pub until: Option<NaiveDate>,
}

impl Default for Base {
    /// Nothing was observed and nothing is needed.
    fn default() -> Self {
        Self { per_day: 0.0, spread: 1.0, periods: 0, has_gaps: false, until: None }
    }
}

/// What was needed in a number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The first of the days.
    pub first_on: NaiveDate,
    /// The last of the days.
    pub last_on: NaiveDate,
    /// The units.
    pub units: u32,
}

impl Observed {
    fn days(&self) -> f64 {
        ((self.last_on - self.first_on).num_days() + 1) as f64
    }
}

/// What a history says, before it is weighed against all others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    units: f64,
    days: f64,
    periods: u32,
    spread: Option<f64>,
    has_gaps: bool,
    until: Option<NaiveDate>,
}

impl Summary {
    /// Returns what `history` says, in order and without overlaps.
    ///
    /// Days that no period covers are unknown, not days without demand.
    pub fn of(history: &[Observed]) -> Self {
        let units: f64 = history.iter().map(|period| f64::from(period.units)).sum();
        let days: f64 = history.iter().map(Observed::days).sum();
        let periods = u32::try_from(history.len()).unwrap_or(u32::MAX);
        // How far each period is from what its length expects, in units of a Poisson variance.
        let rate = if days == 0.0 { 0.0 } else { units / days };
        let errors = history.iter().map(|period| {
            let expected = rate * period.days();
            (f64::from(period.units) - expected).powi(2) / expected
        });
        let spread =
            (1 < periods && 0.0 < rate).then(|| errors.sum::<f64>() / (f64::from(periods) - 1.0));
        let has_gaps = history.windows(2).any(|pair| match pair {
            [first, second] => first.last_on.succ_opt() != Some(second.first_on),
            _ => false,
        });
        let until = history.last().map(|period| period.last_on);
        Self { units, days, periods, spread, has_gaps, until }
    }

    /// Returns the demand, its spread drawn to `pooled` where the history is short.
    pub fn base(&self, pooled: f64) -> Base {
        let own = f64::from(self.periods);
        let spread = match self.spread {
            Some(spread) => (own * spread + POOLED_PERIODS * pooled) / (own + POOLED_PERIODS),
            None => pooled,
        };
        Base {
            per_day: if self.days == 0.0 { 0.0 } else { self.units / self.days },
            spread: spread.max(1.0),
            periods: self.periods,
            has_gaps: self.has_gaps,
            until: self.until,
        }
    }
}

/// Returns the mean spread of all series that have one, at least 1.
pub fn pooled_spread<'s>(summaries: impl Iterator<Item = &'s Summary>) -> f64 {
    let (sum, count) = summaries
        .filter_map(|summary| summary.spread)
        .fold((0.0, 0.0), |(sum, count), spread| (sum + spread, count + 1.0));
    if count == 0.0 { 1.0 } else { (sum / count).max(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn demand_is_learnt_from_periods_of_any_length() {
        let observed = |first_on, last_on, units| Observed {
            first_on: day(first_on),
            last_on: day(last_on),
            units,
        };
        let even =
            [observed("2025-01-01", "2025-01-10", 5), observed("2025-01-11", "2025-01-30", 10)];
        let base = Summary::of(&even).base(1.0);
        assert_eq!((base.per_day, base.spread, base.has_gaps), (0.5, 1.0, false));
        let gap =
            [observed("2025-01-01", "2025-01-10", 0), observed("2025-02-01", "2025-02-10", 40)];
        let base = Summary::of(&gap).base(1.0);
        assert_eq!((base.per_day, base.has_gaps), (2.0, true));
        // Its own spread is 40; two periods against twelve pooled ones.
        assert!((base.spread - (2.0 * 40.0 + 12.0) / 14.0).abs() < 1e-9, "{base:?}");
        assert!(Summary::of(&[]).base(3.0).per_day.abs() < 1e-9);
    }
}
