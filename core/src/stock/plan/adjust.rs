//! What adjusters make of lanes and of demand, where they were found to help.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::setting::{ItemIndex, LaneIndex, PlaceIndex};

/// What adjusters that help make of a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adjusted {
    /// The days of departure on which lanes take longer.
    pub slow: BTreeMap<LaneIndex, SlowDays>,
    /// How many times the usual is needed at places on some days, apart from deals and failures.
    pub scales: BTreeMap<(ItemIndex, PlaceIndex), Arc<Scale>>,
}

/// Days of departure on which a lane takes longer.
pub type SlowDays = BTreeMap<NaiveDate, SlowDay>;

/// How long a lane takes that departs on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowDay {
    /// The days that are planned, more than the lane's own.
    pub days: u16,
    /// The adjuster that says so.
    pub adjuster: Arc<str>,
}

/// How many times the usual is needed on some days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    days: BTreeMap<NaiveDate, Scaled>,
    /// Up to each of those days and with it: the usual days that are needed beside the days themselves.
    beside: Vec<(NaiveDate, f64)>,
}

/// How many times the usual is needed on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaled {
    /// How many times; 0 or more.
    pub factor: f64,
    /// The adjuster that says so.
    pub adjuster: Arc<str>,
}

impl Scale {
    /// Returns the scale of which these are the days.
    pub fn of(days: BTreeMap<NaiveDate, Scaled>) -> Self {
        let mut sum = 0.0;
        let beside = days.iter().map(|(day, scaled)| {
            sum += scaled.factor.max(0.0) - 1.0;
            (*day, sum)
        });
        Self { beside: beside.collect(), days }
    }

    /// Returns how many usual days are needed beside those from `first_on` to the one before `until`;
    /// negative where less is needed, but never less than none on any day.
    pub(super) fn beside(&self, first_on: NaiveDate, until: NaiveDate) -> f64 {
        let before = |day: NaiveDate| {
            let known = self.beside.partition_point(|(scaled, _)| *scaled < day);
            let last = known.checked_sub(1).and_then(|last| self.beside.get(last));
            last.map_or(0.0, |(_, sum)| *sum)
        };
        if until <= first_on { 0.0 } else { before(until) - before(first_on) }
    }

    /// Returns for each adjuster how many days from `first_on` to the one before `until` it scales, and
    /// how many times at most.
    pub(super) fn told(
        &self,
        first_on: NaiveDate,
        until: NaiveDate,
    ) -> BTreeMap<&str, (usize, f64)> {
        let mut told: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
        if first_on < until {
            for scaled in self.days.range(first_on..until).map(|(_, scaled)| scaled) {
                let (days, factor) = told.entry(&scaled.adjuster).or_default();
                (*days, *factor) = (*days + 1, factor.max(scaled.factor));
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_beside_are_those_of_the_scaled_days_between() {
        let day = |number: u32| NaiveDate::from_ymd_opt(2025, 1, number).unwrap();
        let scaled = |factor| Scaled { factor, adjuster: "storm".into() };
        let days = [(3, 2.0), (4, 2.0), (9, 0.25), (10, -4.0)];
        let scale = Scale::of(days.map(|(on, factor)| (day(on), scaled(factor))).into());
        let cases = [
            ((1, 3), 0.0),
            ((1, 4), 1.0),
            ((1, 5), 2.0),
            ((4, 9), 1.0),
            ((5, 9), 0.0),
            ((1, 10), 1.25),
            ((9, 31), -1.75),
            ((5, 1), 0.0),
        ];
        for ((from, until), expected) in cases {
            let found = scale.beside(day(from), day(until));
            assert!((found - expected).abs() < 1e-12, "{from} to {until}: {found}");
        }
        assert_eq!(scale.told(day(1), day(10))["storm"], (3, 2.0));
        assert!(scale.told(day(11), day(1)).is_empty());
    }
}
