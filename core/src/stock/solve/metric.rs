//! Spare parts at a depot and its bases, one ordered for each one used (METRIC, Sherbrooke 1968).

use serde::{Deserialize, Serialize};

use super::number::{Amount, Positive, Share};
use super::{STEPS_MAX, SolveError};
use crate::forecast::distribution::Distribution;

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
/// missing falls by less with each unit; of equal sums the one with the least missing is taken. What varies
/// more than a Poisson demand has a negative binomial number of units under way (Vari-METRIC, Slay 1984).
///
/// # Errors
///
/// A demand that is too large to be counted, or more steps than are taken.
pub fn cheapest(depot_days: f64, bases: &[Base], missing_max: f64) -> Result<Levels, SolveError> {
    let rate: f64 = bases.iter().map(|base| base.per_day).sum();
    if rate <= 0.0 {
        return Ok(Levels { depot: 0, bases: vec![0; bases.len()], missing: 0.0 });
    }
    let spread = bases.iter().map(|base| base.per_day * base.spread).sum::<f64>() / rate;
    let owed = under_way(rate * depot_days, spread)?;
    let with_depot = |depot: usize| -> Result<Levels, SolveError> {
        let delay = owed.expected_short(depot) / rate;
        let (bases, missing) = of_bases(bases, delay, missing_max)?;
        Ok(Levels { depot, bases, missing })
    };
    // However much the depot has, the bases need as much as if it never owed them anything.
    let (fewest, _) = of_bases(bases, 0.0, missing_max)?;
    let fewest: usize = fewest.iter().sum();
    let mut best = with_depot(0)?;
    for depot in 1..owed.masses().len() {
        if best.units() < depot + fewest {
            break;
        }
        let other = with_depot(depot)?;
        if (other.units(), other.missing) < (best.units(), best.missing) {
            best = other;
        }
    }
    Ok(best)
}

impl Levels {
    /// Returns all units.
    fn units(&self) -> usize {
        self.bases.iter().fold(self.depot, |sum, units| sum.saturating_add(*units))
    }
}

/// Returns the fewest units of `bases` that wait `delay` days for the depot, and what is missing then.
fn of_bases(bases: &[Base], delay: f64, missing_max: f64) -> Result<(Vec<usize>, f64), SolveError> {
    let pipelines: Vec<Distribution> = bases
        .iter()
        .map(|base| under_way(base.per_day * (base.days + delay), base.spread))
        .collect::<Result<_, _>>()?;
    let mut levels = vec![0; bases.len()];
    let mut missing: f64 = pipelines.iter().map(Distribution::mean).sum();
    // What one unit more takes off: the probability that it is needed.
    let mut gains: Vec<f64> = pipelines.iter().map(|one| 1.0 - one.at_most(0)).collect();
    for _ in 0..STEPS_MAX {
        if missing <= missing_max {
            return Ok((levels, missing));
        }
        let most = gains.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
        let Some((index, gain)) = most.map(|(index, gain)| (index, *gain)) else { break };
        if gain <= 0.0 {
            break;
        }
        missing -= gain;
        let found = levels.get_mut(index).zip(gains.get_mut(index)).zip(pipelines.get(index));
        if let Some(((level, gain), pipeline)) = found {
            *level += 1;
            *gain = 1.0 - pipeline.at_most(*level);
        }
    }
    Err(SolveError::TooFar)
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
    fn what_needs_nothing_has_nothing() {
        let found = cheapest(9.0, &[base(0.0, 1.0)], 0.1).unwrap();
        assert_eq!((found.depot, found.bases), (0, vec![0]));
    }
}
