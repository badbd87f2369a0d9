//! One logistic regression on age, numbers and levels.

use super::levels::Levels;
use super::logistic::{self, Case, Prior, log_odds, probability};
use super::{Seen, Sight};

/// Parts that ages are cut into, of like many deals.
const AGES: usize = 20;

/// What each kind of coefficient is expected to be, as a precision.
const AGE_PRECISION: f64 = 1.0;
const NUMBER_PRECISION: f64 = 10.0;
const LEVEL_PRECISION: f64 = 10.0;

/// Parts of age that are taken together where what they add depends on the phase.
const AGES_TOGETHER: usize = 2;

/// What a model looks at, and how fast it forgets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    /// Horizons after which a day counts half.
    pub(super) half_life: f64,
    /// Whether the phase of the cycle tells something, and what an age means in each.
    pub(super) has_cycle: bool,
}

/// Older days count less.
#[derive(Debug)]
pub(super) struct Model {
    base: f64,
    has_cycle: bool,
    /// Upper bounds of the parts of age, in days.
    ages: Vec<f64>,
    /// Mean and deviation of each number.
    numbers: Vec<(f64, f64)>,
    levels: Vec<Levels>,
    coefficients: Vec<f64>,
}

impl Model {
    /// Fits a model of this `shape` to what was `seen`.
    pub(super) fn fit<'s>(seen: impl Iterator<Item = &'s Seen> + Clone, shape: Shape) -> Self {
        let Shape { half_life, has_cycle } = shape;
        let newest = seen.clone().map(|one| one.sight.ago).min().unwrap_or_default();
        let weight = |one: &Seen| (-f64::from(one.sight.ago - newest) / half_life).exp2();
        let (mut won, mut all) = (0.5, 1.0);
        for one in seen.clone() {
            won += weight(one) * f64::from(one.won);
            all += weight(one);
        }
        let base = log_odds(won / all);
        let mut model = Self {
            base,
            has_cycle,
            ages: ages(seen.clone().map(|one| one.sight.age_days)),
            numbers: numbers(seen.clone().map(|one| one.sight.numbers.as_slice())),
            levels: Vec::new(),
            coefficients: Vec::new(),
        };
        // First age and numbers, so that the levels are learnt of what these leave open.
        model.refit(seen.clone(), weight);
        let columns = seen.clone().map(|one| model.levels_of(&one.sight).count()).max();
        let mut expected: Vec<f64> = seen
            .clone()
            .map(|one| logistic::dot(&model.coefficients, &model.features(&one.sight)))
            .collect();
        for column in 0..columns.unwrap_or_default() {
            let level = |one: &Seen| model.levels_of(&one.sight).nth(column);
            let cases = seen.clone().zip(&expected).filter_map(|(one, expected)| {
                Some((level(one)?, probability(*expected), one.won, weight(one)))
            });
            let levels = Levels::learn(cases);
            for (one, expected) in seen.clone().zip(&mut expected) {
                *expected += level(one).map_or(0.0, |level| levels.added(level));
            }
            model.levels.push(levels);
        }
        model.refit(seen, weight);
        model
    }

    fn refit<'s>(&mut self, seen: impl Iterator<Item = &'s Seen>, weight: impl Fn(&Seen) -> f64) {
        let cases: Vec<Case> = seen
            .map(|one| Case {
                features: self.features(&one.sight),
                happened: one.won,
                weight: weight(one),
            })
            .collect();
        self.coefficients = logistic::fit(&cases, &self.priors());
    }

    /// Returns the log-odds that the deal in `sight` is won.
    pub(super) fn log_odds(&self, sight: &Sight) -> f64 {
        logistic::dot(&self.coefficients, &self.features(sight))
    }

    fn features(&self, sight: &Sight) -> Vec<f64> {
        let part = self.ages.partition_point(|bound| *bound < sight.age_days);
        let mut features = vec![1.0];
        features.extend((0..=self.ages.len()).map(|at| f64::from(at == part)));
        let numbers = self.numbers.iter().zip(&sight.numbers).map(|((mean, deviation), number)| {
            if number.is_nan() { 0.0 } else { ((number - mean) / deviation).clamp(-4.0, 4.0) }
        });
        features.extend(numbers);
        let levels = self.levels.iter().zip(self.levels_of(sight));
        features.extend(levels.map(|(levels, level)| levels.added(level)));
        features
    }

    /// Returns the levels of `sight`, and after them those of the cycle: its phase, and the phase
    /// with the age.
    fn levels_of(&self, sight: &Sight) -> impl Iterator<Item = u32> {
        let part = self.ages.partition_point(|bound| *bound < sight.age_days) / AGES_TOGETHER;
        let of_age = u32::try_from(part + sight.phase * AGES).unwrap_or(u32::MAX);
        let phase = u32::try_from(sight.phase).unwrap_or(u32::MAX);
        let of_cycle = self.has_cycle.then_some([phase, of_age]);
        sight.levels.iter().copied().chain(of_cycle.into_iter().flatten())
    }

    fn priors(&self) -> Vec<Prior> {
        let mut priors = vec![Prior { mean: self.base, precision: 1e-3 }];
        let none = |precision: f64| Prior { mean: 0.0, precision };
        priors.extend((0..=self.ages.len()).map(|_| none(AGE_PRECISION)));
        priors.extend(self.numbers.iter().map(|_| none(NUMBER_PRECISION)));
        // What a level adds is already shrunk, so it is expected to count as it is.
        priors.extend(self.levels.iter().map(|_| Prior { mean: 1.0, precision: LEVEL_PRECISION }));
        priors
    }
}

/// Returns bounds that cut ages into parts of like many.
fn ages(ages: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut ages: Vec<f64> = ages.collect();
    ages.sort_unstable_by(f64::total_cmp);
    let mut bounds: Vec<f64> =
        (1..AGES).filter_map(|part| ages.get(part * ages.len() / AGES).copied()).collect();
    bounds.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    // Where all are the same there is nothing to cut.
    bounds.retain(|bound| ages.last().is_some_and(|last| bound < last));
    bounds
}

/// Returns mean and deviation of each number, of those that are known.
fn numbers<'s>(rows: impl Iterator<Item = &'s [f64]>) -> Vec<(f64, f64)> {
    let mut sums: Vec<(f64, f64, f64)> = Vec::new();
    for row in rows {
        sums.resize(sums.len().max(row.len()), (0.0, 0.0, 0.0));
        for ((count, sum, squares), number) in sums.iter_mut().zip(row).filter(|(_, n)| !n.is_nan())
        {
            *count += 1.0;
            *sum += number;
            *squares += number * number;
        }
    }
    let moments = |(count, sum, squares): (f64, f64, f64)| {
        let mean = sum / count.max(1.0);
        let variance = squares / count.max(1.0) - mean * mean;
        (mean, variance.max(0.0).sqrt().max(1e-9))
    };
    sums.into_iter().map(moments).collect()
}
