//! Whether a fact helps to forecast a number: learnt on what was earlier, judged by what was later.
//!
//! A number is a delay on a lane, or the demand of an item; a fact is a storm, or the end of a quarter. The
//! quantiles of the number are taken with and without regard to the fact, and their losses on later days
//! are compared. What happens on one day happens to all, so days are what is counted, not cases. A fact
//! that does not clearly help is left off.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count::{self, LEVELS};
use super::score;

/// The part of the days that is learnt from.
const LEARNT: f64 = 0.6;

/// The fewest days that are judged, and the fewest cases under the fact that are learnt from.
const DAYS_MIN: usize = 5;
const CASES_MIN: usize = 20;

/// Cases that the quantiles of all weigh beside those under the fact.
const SHRINK: f64 = 20.0;

/// Standard errors by which the gain has to be above none: one fact in twenty that does nothing passes.
const CLEARLY: f64 = 1.645;

/// The part of the loss that it has to save: what is sure and tiny is not worth an adjustment.
const WORTH: f64 = 0.005;

/// A number, and whether the fact was so.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it belongs to: a lane, an item. Numbers are compared with the mean of their group.
    pub group: u32,
    /// The day, or the beginning of the period.
    pub on: NaiveDate,
    /// The number, 0 or more.
    pub value: f64,
    /// Whether the fact was so.
    pub holds: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Verdict {
    /// Cases that were learnt from, and how many of them were under the fact.
    pub learnt: usize,
    /// Of them under the fact.
    pub learnt_under: usize,
    /// Later days that were judged.
    pub days: usize,
    /// Mean pinball loss on them without regard to the fact, in group means.
    pub loss_without: f64,
    /// The same with regard to it.
    pub loss_with: f64,
    /// The standard error of the difference.
    pub error: f64,
    /// What quantiles at 0.5, 0.9 and 0.95 are under the fact, as multiples of what they are otherwise.
    pub factors: [f64; 3],
    /// Whether it clearly helps; else it is left off.
    pub is_on: bool,
}

/// Judges a fact by `cases`. Too few of them, and it is left off.
pub fn judge(cases: &[Case]) -> Verdict {
    let mut days: BTreeMap<NaiveDate, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        days.entry(case.on).or_default().push(case);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in the list"
    )]
    let split = (days.len() as f64 * LEARNT) as usize;
    let earlier: Vec<&Case> = days.values().take(split).flatten().copied().collect();
    let means = means(&earlier);
    let ratio = |case: &Case| Some(case.value / means.get(&case.group)?);
    let of = |holds: bool| -> Vec<f64> {
        earlier.iter().filter(|case| case.holds == holds).filter_map(|case| ratio(case)).collect()
    };
    let (mut under, mut other) = (of(true), of(false));
    let mut all: Vec<f64> = under.iter().chain(&other).copied().collect();
    let mut verdict =
        Verdict { learnt: all.len(), learnt_under: under.len(), ..Verdict::default() };
    let later = days.len() - split;
    if under.len() < CASES_MIN || other.len() < CASES_MIN || later < DAYS_MIN {
        return verdict;
    }
    let whole = count::of_sample(&mut all);
    let with = [
        mixed(count::of_sample(&mut other), whole, verdict.learnt - verdict.learnt_under),
        mixed(count::of_sample(&mut under), whole, verdict.learnt_under),
    ];
    let [without_fact, under_fact] = with;
    for ((factor, under), other) in verdict.factors.iter_mut().zip(under_fact).zip(without_fact) {
        *factor = if 0.0 < other { under / other } else { 1.0 };
    }
    let judged = days.values().skip(split).filter_map(|of_day| {
        let known: Vec<(f64, bool)> =
            of_day.iter().filter_map(|case| Some((ratio(case)?, case.holds))).collect();
        let mean = |said: &dyn Fn(bool) -> [f64; 3]| {
            known.iter().map(|(value, holds)| loss(said(*holds), *value)).sum::<f64>()
                / known.len() as f64
        };
        let with = |holds| if holds { under_fact } else { without_fact };
        (!known.is_empty()).then(|| (mean(&|_| whole), mean(&with)))
    });
    compare(&mut verdict, &judged.collect::<Vec<_>>());
    verdict
}

/// Compares losses of days, without and with the fact.
fn compare(verdict: &mut Verdict, judged: &[(f64, f64)]) {
    let count = judged.len() as f64;
    if judged.len() < DAYS_MIN {
        return;
    }
    verdict.days = judged.len();
    verdict.loss_without = judged.iter().map(|(without, _)| without).sum::<f64>() / count;
    verdict.loss_with = judged.iter().map(|(_, with)| with).sum::<f64>() / count;
    let gain = verdict.loss_without - verdict.loss_with;
    let squares: f64 = judged
        .iter()
        .map(|(without, with)| (without - with - gain) * (without - with - gain))
        .sum();
    verdict.error = (squares / (count - 1.0) / count).sqrt();
    verdict.is_on = WORTH * verdict.loss_without < gain && CLEARLY * verdict.error < gain;
}

fn loss(quantiles: [f64; 3], came: f64) -> f64 {
    let losses = LEVELS.iter().zip(quantiles).map(|(level, q)| score::pinball(*level, q, came));
    losses.sum::<f64>() / LEVELS.len() as f64
}

fn mixed(own: [f64; 3], all: [f64; 3], count: usize) -> [f64; 3] {
    let weight = count as f64 / (count as f64 + SHRINK);
    let mut mixed = all;
    for (place, own) in mixed.iter_mut().zip(own) {
        *place += weight * (own - *place);
    }
    mixed
}

/// Returns the mean of each group that is above zero.
fn means(cases: &[&Case]) -> BTreeMap<u32, f64> {
    let mut sums: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for case in cases {
        let (sum, count) = sums.entry(case.group).or_default();
        *sum += case.value;
        *count += 1.0;
    }
    sums.into_iter()
        .filter(|(_, (sum, _))| 0.0 < *sum)
        .map(|(group, (sum, count))| (group, sum / count))
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    /// Five lanes on each of 60 days; every third day it storms.
    fn lanes(delay: impl Fn(u32, bool) -> f64) -> Vec<Case> {
        let first: NaiveDate = "2025-01-01".parse().unwrap();
        let case = |day: u32, group: u32| {
            let holds = day.is_multiple_of(3);
            let on = first + Days::new(u64::from(day));
            Case { group, on, value: delay(day * 5 + group, holds), holds }
        };
        (0..60).flat_map(|day| (0..5).map(move |group| case(day, group))).collect()
    }

    #[test]
    fn a_fact_that_tells_something_is_on_and_one_that_does_not_is_off() {
        let wobble = |at: u32| f64::from(at * 37 % 11) / 4.0;
        let helps = judge(&lanes(|at, storms| 1.0 + wobble(at) + if storms { 3.0 } else { 0.0 }));
        assert!(helps.is_on && helps.loss_with < 0.8 * helps.loss_without, "{helps:?}");
        assert!(1.5 < helps.factors[0], "{helps:?}");
        let does_not = judge(&lanes(|at, _| 1.0 + wobble(at)));
        assert!(!does_not.is_on && does_not.days == 24, "{does_not:?}");
    }

    #[test]
    fn of_little_it_is_off() {
        assert_eq!(judge(&[]), Verdict::default());
        let few: Vec<Case> = lanes(|_, storms| f64::from(storms)).into_iter().take(40).collect();
        assert!(!judge(&few).is_on);
        assert!(!judge(&lanes(|_, _| 0.0)).is_on, "nothing ever came");
    }
}
