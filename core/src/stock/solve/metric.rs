//! Spare parts at a depot and its bases, one ordered for each one used (METRIC, Sherbrooke 1968).

use serde::{Deserialize, Serialize};

use super::SolveError;
use super::number::{Amount, Positive, Share};
use crate::forecast::distribution::Distribution;

/// Halvings after which two probabilities are as near to each other as numbers can be.
const HALVINGS: u32 = 60;

/// One depot and some equal bases.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Depot {
    /// Units needed at a base in the unit of time.
    pub lam_b: Positive,
    /// How many bases there are.
    pub n: u32,
    /// The share that a base repairs itself.
    pub repair_frac: Share,
    /// How long that takes.
    pub t_base: Amount,
    /// How long a unit takes from the depot to a base.
    pub t_order: Amount,
    /// How long the depot takes to have a unit again.
    pub t_depot: Amount,
    /// Stock of the depot.
    pub s0: usize,
    /// Stock of each base.
    pub sb: usize,
}

/// What is missing on average, and where.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Backorders {
    /// Units the depot owes.
    pub depot_ebo: f64,
    /// How long a base waits for the depot.
    pub depot_delay: f64,
    /// Units of a base that are in repair or on their way.
    pub base_pipeline: f64,
    /// Units a base misses.
    pub base_ebo: f64,
    /// Units all bases miss.
    pub total_ebo: f64,
}

/// Returns what is missing on average.
pub fn backorders(depot: &Depot) -> Result<Backorders, SolveError> {
    let away = 1.0 - depot.repair_frac.get();
    let rate = f64::from(depot.n) * depot.lam_b.get() * away;
    let depot_ebo = Distribution::poisson(rate * depot.t_depot.get())?.expected_short(depot.s0);
    let depot_delay = if rate == 0.0 { 0.0 } else { depot_ebo / rate };
    let base_pipeline = depot.lam_b.get()
        * (depot.repair_frac.get() * depot.t_base.get()
            + away * (depot.t_order.get() + depot_delay));
    let base_ebo = Distribution::poisson(base_pipeline)?.expected_short(depot.sb);
    let total_ebo = f64::from(depot.n) * base_ebo;
    Ok(Backorders { depot_ebo, depot_delay, base_pipeline, base_ebo, total_ebo })
}

/// A base whose units come from a depot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Base {
    /// Units it needs in a day, not below 0.
    pub per_day: f64,
    /// Variance of that as a multiple of the mean; at least 1, where it is Poisson's.
    pub spread: f64,
    /// Days a unit takes from the depot's shelf to it.
    pub days: f64,
}

/// Stock of a depot and of each of its bases.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// Units that the depot has or has ordered.
    pub depot: usize,
    /// The same of each base.
    pub bases: Vec<usize>,
    /// Units that are missing at all bases on average.
    pub missing: f64,
}

/// Returns the fewest units with which at most `missing_max` are missing at all bases on average, where a
/// unit that is used is ordered at once and the depot has one again after `depot_days`.
///
/// For each stock of the depot the bases' is raised where a unit helps most, which is best as what is
/// missing falls by less with each unit. What varies more than a Poisson demand has a negative binomial
/// number of units under way (Vari-METRIC, Slay 1984).
///
/// The bases need no more the more the depot has, so between two of its stocks the sum is at least the lower
/// one and what they need beside the higher one: where that is no less than the best sum, nothing is looked at.
///
/// # Errors
///
/// A demand that is too large to be counted, or so few missing that no number can tell.
pub fn cheapest(depot_days: f64, bases: &[Base], missing_max: f64) -> Result<Levels, SolveError> {
    let rate: f64 = bases.iter().map(|base| base.per_day).sum();
    if rate <= 0.0 {
        return Ok(Levels { depot: 0, bases: vec![0; bases.len()], missing: 0.0 });
    }
    let spread = bases.iter().map(|base| base.per_day * base.spread).sum::<f64>() / rate;
    let owed = Pipeline::of(&under_way(rate * depot_days, spread)?);
    let with_depot = |depot: usize| -> Result<Levels, SolveError> {
        let (bases, missing) = of_bases(bases, owed.short(depot) / rate, missing_max)?;
        Ok(Levels { depot, bases, missing })
    };
    let mut best = with_depot(0)?;
    // However much the depot has, the bases need as much as if it never owed them anything.
    let (fewest, _) = of_bases(bases, 0.0, missing_max)?;
    let most = best.units().saturating_sub(fewest.iter().sum());
    let last = with_depot(most)?;
    let mut open = vec![(0, most, last.units() - most)];
    if last.is_better(&best) {
        best = last;
    }
    // Stocks between two that were looked at, and what the bases need beside the higher one.
    while let Some((from, to, least)) = open.pop() {
        if to - from < 2 || best.units() <= from + 1 + least {
            continue;
        }
        let between = with_depot(from + (to - from) / 2)?;
        let (depot, needed) = (between.depot, between.units() - between.depot);
        if between.is_better(&best) {
            best = between;
        }
        open.push((depot, to, least));
        open.push((from, depot, needed));
    }
    Ok(best)
}

impl Levels {
    /// Returns all units.
    fn units(&self) -> usize {
        self.bases.iter().fold(self.depot, |sum, units| sum.saturating_add(*units))
    }

    fn is_better(&self, other: &Self) -> bool {
        (self.units(), self.missing) < (other.units(), other.missing)
    }
}

/// Units under way, by how many there may be.
struct Pipeline {
    /// The probability that there are more than so many.
    beyond: Vec<f64>,
    /// How many are missing on average where so many are there.
    short: Vec<f64>,
}

impl Pipeline {
    fn of(units: &Distribution) -> Self {
        let (mut beyond, mut short) = (Vec::new(), Vec::new());
        let (mut more, mut missing) = (0.0, 0.0);
        // From the largest number down, so that small numbers are not lost beside large ones.
        for mass in units.masses().iter().rev() {
            missing += more;
            beyond.push(more);
            short.push(missing);
            more += mass;
        }
        beyond.reverse();
        short.reverse();
        Self { beyond, short }
    }

    fn short(&self, stock: usize) -> f64 {
        self.short.get(stock).copied().unwrap_or_default()
    }

    /// Returns what one unit more takes off: the probability that it is needed.
    fn gain(&self, stock: usize) -> f64 {
        self.beyond.get(stock).copied().unwrap_or_default()
    }

    /// Returns the least stock at which one unit more takes off no more than `gain`.
    fn stock_at(&self, gain: f64) -> usize {
        self.beyond.partition_point(|beyond| gain < *beyond)
    }
}

/// Returns the fewest units of `bases` that wait `delay` days for the depot, and what is missing then.
fn of_bases(bases: &[Base], delay: f64, missing_max: f64) -> Result<(Vec<usize>, f64), SolveError> {
    let pipeline = |base: &Base| {
        let units = under_way(base.per_day * (base.days + delay), base.spread)?;
        Ok(Pipeline::of(&units))
    };
    let pipelines: Vec<Pipeline> = bases.iter().map(pipeline).collect::<Result<_, SolveError>>()?;
    let at = |gain: f64| -> Vec<usize> { pipelines.iter().map(|one| one.stock_at(gain)).collect() };
    let missing = |levels: &[usize]| -> f64 {
        pipelines.iter().zip(levels).map(|(one, level)| one.short(*level)).sum()
    };
    // Units that take off more than `high` leave too much missing; those that take off more than `low` do not.
    let (mut low, mut high) = (0.0, 1.0);
    if missing_max < missing(&at(low)) {
        return Err(SolveError::TooFar);
    }
    for _ in 0..HALVINGS {
        let half = f64::midpoint(low, high);
        if missing_max < missing(&at(half)) {
            high = half;
        } else {
            low = half;
        }
    }
    let mut levels = at(high);
    // At most one unit of each base takes off as much as the last.
    while missing_max < missing(&levels) {
        let gains = pipelines.iter().zip(&levels).map(|(one, level)| one.gain(*level));
        let most = gains.enumerate().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        let Some((index, gain)) = most else { break };
        let level = levels.get_mut(index).filter(|_| 0.0 < gain).ok_or(SolveError::TooFar)?;
        *level += 1;
    }
    let missing = missing(&levels);
    Ok((levels, missing))
}

fn under_way(mean: f64, spread: f64) -> Result<Distribution, SolveError> {
    Ok(Distribution::negative_binomial(mean, mean * spread.max(1.0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(per_day: f64, days: f64) -> Base {
        Base { per_day, spread: 1.0, days }
    }

    #[test]
    fn equal_bases_miss_what_the_plain_formula_says() {
        let (per_day, days, depot_days) = (0.1, 2.0, 30.0);
        for missing_max in [0.496_184_4, 0.1, 0.01] {
            let found = cheapest(depot_days, &[base(per_day, days); 4], missing_max).unwrap();
            let number = |number: f64| number.try_into().unwrap();
            let plain = |sb: usize| Depot {
                lam_b: per_day.try_into().unwrap(),
                n: 4,
                repair_frac: 0.0.try_into().unwrap(),
                t_base: number(0.0),
                t_order: number(days),
                t_depot: number(depot_days),
                s0: found.depot,
                sb,
            };
            let each = found.bases.iter().map(|sb| backorders(&plain(*sb)).unwrap().base_ebo);
            let all: f64 = each.sum();
            assert!((all - found.missing).abs() < 1e-9, "{found:?}: {all}");
            assert!(found.missing <= missing_max, "{found:?}");
        }
    }

    #[test]
    fn no_split_of_fewer_units_misses_as_little() {
        let bases = [base(0.05, 1.0), base(0.2, 4.0)];
        let (depot_days, missing_max) = (12.0, 0.2);
        let found = cheapest(depot_days, &bases, missing_max).unwrap();
        let rate: f64 = bases.iter().map(|base| base.per_day).sum();
        let missing = |depot: usize, levels: [usize; 2]| -> f64 {
            let owed = Distribution::poisson(rate * depot_days).unwrap().expected_short(depot);
            let each = bases.iter().zip(levels).map(|(base, level)| {
                let mean = base.per_day * (base.days + owed / rate);
                Distribution::poisson(mean).unwrap().expected_short(level)
            });
            each.sum()
        };
        let levels = [found.bases[0], found.bases[1]];
        assert!((missing(found.depot, levels) - found.missing).abs() < 1e-9);
        for units in 0..found.units() {
            for depot in 0..=units {
                for first in 0..=units - depot {
                    let levels = [first, units - depot - first];
                    assert!(missing_max < missing(depot, levels), "{depot} {levels:?}");
                }
            }
        }
    }

    #[test]
    fn no_stock_of_the_depot_is_better_than_the_one_that_is_found() {
        let cases = [
            (
                40.0,
                vec![base(15.0, 2.0), base(3.0, 9.0), Base { spread: 2.5, ..base(0.4, 1.0) }],
                1.0,
            ),
            (90.0, vec![base(0.7, 3.0), base(0.7, 3.0)], 0.05),
            (3.0, vec![Base { spread: 9.0, ..base(2.0, 30.0) }], 0.3),
            (1.0, vec![base(0.01, 60.0); 7], 0.9),
        ];
        for (depot_days, bases, missing_max) in cases {
            let found = cheapest(depot_days, &bases, missing_max).unwrap();
            let rate: f64 = bases.iter().map(|base| base.per_day).sum();
            let spread = bases.iter().map(|base| base.per_day * base.spread).sum::<f64>() / rate;
            let owed = under_way(rate * depot_days, spread).unwrap();
            let units = |depot: usize| {
                let delay = owed.expected_short(depot) / rate;
                depot + of_bases(&bases, delay, missing_max).unwrap().0.iter().sum::<usize>()
            };
            let least = (0..owed.masses().len()).map(units).min().unwrap();
            assert_eq!((found.units(), units(found.depot)), (least, least), "{found:?}");
        }
    }

    #[test]
    fn what_needs_nothing_has_nothing() {
        let found = cheapest(9.0, &[base(0.0, 1.0)], 0.1).unwrap();
        assert_eq!((found.depot, found.bases), (0, vec![0]));
    }
}
