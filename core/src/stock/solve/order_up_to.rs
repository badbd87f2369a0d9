//! Order up to a level S once stock has fallen to s.

use serde::{Deserialize, Serialize};

use super::number::{Amount, Positive};
use super::{Balance, STEPS_MAX, SolveError};
use crate::forecast::distribution::Distribution;

/// Poisson demand of a period, reviewed each period.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Counted {
    /// Of a unit left over in a period.
    pub holding_cost: Positive,
    /// Of a unit missing in a period.
    pub stockout_cost: Positive,
    /// Of each order.
    pub fixed_cost: Amount,
    /// Mean of a period.
    pub demand_mean: Positive,
}

/// Demand by mean and standard deviation of a period.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Spread {
    /// Of a unit left over in a period.
    pub holding_cost: Positive,
    /// Of a unit missing in a period.
    pub stockout_cost: Positive,
    /// Of each order.
    pub fixed_cost: Positive,
    /// Mean of a period.
    pub demand_mean: Positive,
    /// Standard deviation of a period.
    pub demand_sd: Positive,
}

/// The best levels and what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Levels {
    /// At this stock or below an order is placed.
    pub s: i64,
    /// It is ordered up to this.
    #[serde(rename = "S")]
    pub up_to: i64,
    /// Expected cost of a period.
    pub cost: f64,
}

/// Levels of an approximation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Approximate {
    /// At this stock or below an order is placed.
    pub s: f64,
    /// It is ordered up to this.
    #[serde(rename = "S")]
    pub up_to: f64,
}

/// Returns the best levels by the search of Zheng and Federgruen (1991).
pub fn exact(problem: &Counted) -> Result<Levels, SolveError> {
    let demand = Distribution::poisson(problem.demand_mean.get())?;
    let balance = Balance::new(problem.holding_cost.get(), problem.stockout_cost.get(), demand);
    let mut search = Search {
        fixed: problem.fixed_cost.get(),
        visits: Visits { masses: balance.demand.masses().to_vec(), means: Vec::new() },
        balance,
    };
    search.run()
}

/// Returns levels by the power approximation of Ehrhardt and Mosier (1984), for no lead time.
pub fn approximate(problem: &Spread) -> Approximate {
    let (mean, deviation) = (problem.demand_mean.get(), problem.demand_sd.get());
    let spread = 1.0 + (deviation / mean).powi(2);
    let fixed = problem.fixed_cost.get() / problem.holding_cost.get();
    let quantity = 1.30 * mean.powf(0.494) * fixed.powf(0.506) * spread.powf(0.116);
    let ratio = problem.holding_cost.get() / problem.stockout_cost.get();
    let z = (quantity / deviation * ratio).sqrt();
    let s = 0.973 * mean + deviation * (0.183 / z + 1.063 - 2.192 * z);
    Approximate { s, up_to: s + quantity }
}

struct Search {
    fixed: f64,
    balance: Balance,
    visits: Visits,
}

/// How often stock stands a number of units below S in a cycle, on average.
struct Visits {
    masses: Vec<f64>,
    means: Vec<f64>,
}

impl Visits {
    /// Returns the first `count`, by the renewal equation of the demand.
    fn first(&mut self, count: usize) -> &[f64] {
        let none = self.masses.first().copied().unwrap_or_default();
        while self.means.len() < count {
            let earlier = self.means.iter().rev();
            let reached: f64 = earlier.zip(self.masses.iter().skip(1)).map(|(m, p)| m * p).sum();
            let begins = if self.means.is_empty() { 1.0 } else { 0.0 };
            self.means.push((begins + reached) / (1.0 - none));
        }
        self.means.get(..count).unwrap_or_default()
    }
}

impl Search {
    fn run(&mut self) -> Result<Levels, SolveError> {
        let best = self.balance.best();
        let mut up_to = best;
        let mut s = best - 1;
        let mut steps = 0..STEPS_MAX;
        while self.balance.cost(s) < self.cost(s, up_to) {
            s -= 1;
            steps.next().ok_or(SolveError::TooFar)?;
        }
        let mut cost = self.cost(s, up_to);
        let mut level = up_to + 1;
        while self.balance.cost(level) <= cost {
            if self.cost(s, level) < cost {
                up_to = level;
                while self.cost(s, up_to) <= self.balance.cost(s + 1) {
                    s += 1;
                    steps.next().ok_or(SolveError::TooFar)?;
                }
                cost = self.cost(s, up_to);
            }
            level += 1;
            steps.next().ok_or(SolveError::TooFar)?;
        }
        Ok(Levels { s, up_to, cost })
    }

    fn cost(&mut self, s: i64, up_to: i64) -> f64 {
        let count = usize::try_from(up_to - s).unwrap_or_default();
        let visits = self.visits.first(count);
        let levels = (s + 1..=up_to).rev();
        let spent: f64 = levels.zip(visits).map(|(level, m)| m * self.balance.cost(level)).sum();
        (self.fixed + spent) / visits.iter().sum::<f64>()
    }
}
