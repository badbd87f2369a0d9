//! Single instances of the classical inventory problems, with their exact or usual solutions.
//!
//! Each function takes numbers that were checked by [`problem`], where the kinds are listed. Costs
//! here are plain numbers in whatever unit the instance uses; money of the business is in
//! [`plan`](super::plan). Methods: Snyder and Shen, *Fundamentals of Supply Chain Theory* (2019);
//! the originals are named at each function.

use crate::forecast::distribution::{Distribution, DistributionError};
use crate::forecast::pipeline::PipelineError;

pub mod finite_horizon;
pub mod guaranteed_service;
pub mod metric;
pub mod newsvendor;
pub(super) mod normal;
pub mod number;
pub mod order_quantity;
pub mod order_up_to;
pub mod problem;
pub mod reorder_lot;
pub mod serial;

/// The most steps that a search over whole numbers takes.
const STEPS_MAX: u32 = 100_000;

/// Why an instance has no solution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SolveError {
    /// A demand that cannot be counted.
    #[error(transparent)]
    Demand(#[from] DistributionError),
    /// Deals that cannot be counted.
    #[error(transparent)]
    Deals(#[from] PipelineError),
    /// A search that does not come to an end.
    #[error("no optimum within {STEPS_MAX} steps; count the demand in packs, or check the costs")]
    TooFar,
    /// Costs that make no stock or endless stock best.
    #[error("{0}")]
    Costs(&'static str),
    /// A network that the method does not cover.
    #[error("{0}")]
    Network(Box<str>),
}

/// What a level of stock costs in a period: idle units and missing ones.
#[derive(Clone, Debug)]
struct Balance {
    holding: f64,
    stockout: f64,
    demand: Distribution,
    mean: f64,
    // The expected shortage of each level of stock up to the largest demand.
    short: Vec<f64>,
}

impl Balance {
    fn new(holding: f64, stockout: f64, demand: Distribution) -> Self {
        let mean = demand.mean();
        // One unit more is short less by the probability that it is needed.
        let mut reached = 0.0;
        let mut left = mean;
        let mut short = Vec::with_capacity(demand.masses().len());
        for mass in demand.masses() {
            short.push(left);
            reached += mass;
            left = (left - (1.0 - reached)).max(0.0);
        }
        Self { holding, stockout, demand, mean, short }
    }

    /// Returns the expected cost where `level` units are there, or are owed if negative.
    fn cost(&self, level: i64) -> f64 {
        let short = match usize::try_from(level) {
            Ok(level) => self.short.get(level).copied().unwrap_or_default(),
            Err(_) => self.mean - level as f64,
        };
        let idle = level as f64 - self.mean + short;
        self.holding * idle + self.stockout * short
    }

    /// Returns the level that costs least.
    fn best(&self) -> i64 {
        let ratio = self.stockout / (self.stockout + self.holding);
        i64::try_from(self.demand.quantile(ratio)).unwrap_or(i64::MAX)
    }
}

/// Returns where the rising function `f` passes zero between `low` and `high`.
fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if f(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}
