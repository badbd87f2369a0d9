//! Order a lot Q whenever stock falls to r.

use serde::{Deserialize, Serialize};

use super::number::{Amount, Positive};
use super::{Balance, STEPS_MAX, SolveError, normal};
use crate::forecast::distribution::Distribution;

/// Demand of the unit of time, Poisson or normal, with a lead time.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Problem {
    /// Of a unit for the unit of time.
    pub holding_cost: Positive,
    /// Of a missing unit: once where demand is normal, for the unit of time where it is counted.
    pub stockout_cost: Positive,
    /// Of each order.
    pub fixed_cost: Positive,
    /// Mean of the unit of time.
    pub demand_mean: Positive,
    /// Standard deviation of the unit of time.
    #[serde(default)]
    pub demand_sd: Amount,
    /// Until an order arrives, in units of time.
    pub lead_time: Positive,
}

/// When to order, how much, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Policy {
    /// The stock at which a lot is ordered.
    pub r: f64,
    /// The lot.
    #[serde(rename = "Q")]
    pub lot: f64,
    /// Expected cost of the unit of time.
    pub cost: f64,
}

/// Returns lot and reorder point for normal demand, each best for the other, where stock on hand is
/// taken to be the expected level (Hadley and Whitin 1963).
pub fn normal(problem: &Problem) -> Result<Policy, SolveError> {
    let rate = problem.demand_mean.get();
    let (holding, stockout) = (problem.holding_cost.get(), problem.stockout_cost.get());
    let mean = rate * problem.lead_time.get();
    let deviation = problem.demand_sd.get() * problem.lead_time.get().sqrt();
    let mut lot = (2.0 * problem.fixed_cost.get() * rate / holding).sqrt();
    for _ in 0..STEPS_MAX {
        let idle = lot * holding / (stockout * rate);
        if 1.0 <= idle {
            return Err(SolveError::Costs(
                "a missing unit costs so little that no reorder point is worth it",
            ));
        }
        let z = normal::quantile(1.0 - idle);
        let short = deviation * normal::loss(z);
        let r = mean + z * deviation;
        let next = (2.0 * rate * (problem.fixed_cost.get() + stockout * short) / holding).sqrt();
        if (next - lot).abs() <= 1e-10 * lot {
            let stock = holding * (r - mean + lot / 2.0);
            let cost = stock + (problem.fixed_cost.get() + stockout * short) * rate / lot;
            return Ok(Policy { r, lot, cost });
        }
        lot = next;
    }
    Err(SolveError::TooFar)
}

/// Returns the best lot and reorder point for Poisson demand: the lot grows by the cheaper of the two
/// levels beside it as long as that lowers the average (Federgruen and Zheng 1992).
pub fn counted(problem: &Problem) -> Result<Policy, SolveError> {
    let rate = problem.demand_mean.get();
    let demand = Distribution::poisson(rate * problem.lead_time.get())?;
    let balance = Balance::new(problem.holding_cost.get(), problem.stockout_cost.get(), demand);
    let mut low = balance.best() - 1;
    let mut high = low + 1;
    let mut spent = problem.fixed_cost.get() * rate + balance.cost(high);
    for lot in 1..STEPS_MAX {
        let cost = spent / f64::from(lot);
        let (below, above) = (balance.cost(low), balance.cost(high + 1));
        if cost <= below.min(above) {
            return Ok(Policy { r: low as f64, lot: f64::from(lot), cost });
        }
        spent += below.min(above);
        if below <= above {
            low -= 1;
        } else {
            high += 1;
        }
    }
    Err(SolveError::TooFar)
}
