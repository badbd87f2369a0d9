//! How much to order at once where demand is even.

use serde::{Deserialize, Serialize};

use super::number::Positive;

/// Even demand with the cost of an order and of holding.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Even {
    /// Of each order.
    pub fixed_cost: Positive,
    /// Of a unit for the unit of time.
    pub holding_cost: Positive,
    /// Units in the unit of time.
    pub demand_rate: Positive,
}

/// The same with a supplier who fails at times; demand that is not met is lost.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct EvenDisrupted {
    /// Costs and demand.
    #[serde(flatten)]
    pub even: Even,
    /// Of a unit that is lost.
    pub stockout_cost: Positive,
    /// How often a supplier who delivers fails, in the unit of time.
    pub disruption_rate: Positive,
    /// How often one who fails recovers.
    pub recovery_rate: Positive,
}

/// How much to order at once, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Lot {
    /// Units of an order.
    pub order_quantity: f64,
    /// Cost in the unit of time.
    pub cost: f64,
}

/// Returns the economic order quantity.
pub fn economic(problem: &Even) -> Lot {
    let (fixed, holding) = (problem.fixed_cost.get(), problem.holding_cost.get());
    let twice = 2.0 * fixed * problem.demand_rate.get();
    Lot { order_quantity: (twice / holding).sqrt(), cost: (twice * holding).sqrt() }
}

/// Returns the best order quantity where the supplier fails at times (Parlar and Berkin 1991, as
/// corrected by Berk and Arreola-Risa 1994): by golden section, since the cost has one valley.
pub fn disrupted(problem: &EvenDisrupted) -> Lot {
    let mut low = 0.0;
    let mut high = economic(&problem.even).order_quantity;
    // Beyond the valley.
    while cost(problem, 2.0 * high) < cost(problem, high) && high < 1e15 {
        high *= 2.0;
    }
    high *= 2.0;
    let part = (5.0_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..200 {
        let (left, right) = (high - part * (high - low), low + part * (high - low));
        if cost(problem, left) < cost(problem, right) {
            high = right;
        } else {
            low = left;
        }
    }
    let order_quantity = f64::midpoint(low, high);
    Lot { order_quantity, cost: cost(problem, order_quantity) }
}

/// Returns what a unit of time costs on average: a cycle's order, stock and lost units, over the time
/// the stock lasts and the wait for a supplier who failed meanwhile.
fn cost(problem: &EvenDisrupted, quantity: f64) -> f64 {
    let Even { fixed_cost, holding_cost, demand_rate } = problem.even;
    let rates = problem.disruption_rate.get() + problem.recovery_rate.get();
    let lasts = quantity / demand_rate.get();
    let failed = problem.disruption_rate.get() / rates * -(-rates * lasts).exp_m1();
    let waits = failed / problem.recovery_rate.get();
    let stock = holding_cost.get() * quantity * lasts / 2.0;
    let lost = problem.stockout_cost.get() * demand_rate.get() * waits;
    (fixed_cost.get() + stock + lost) / (lasts + waits)
}
