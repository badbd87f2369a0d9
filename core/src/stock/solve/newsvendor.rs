//! One chance to stock: the newsvendor, and the base stock that is reckoned like it.

use serde::{Deserialize, Serialize};

use super::number::{Amount, Positive, Share};
use super::{Balance, SolveError, normal};
use crate::forecast::distribution::Distribution;

/// What an idle and a missing unit cost in a period.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Costs {
    /// Of a unit that is left over.
    pub holding_cost: Positive,
    /// Of a unit that is missing.
    pub stockout_cost: Positive,
}

/// Normal demand with its costs.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Normal {
    /// What a unit too many or too few costs.
    #[serde(flatten)]
    pub costs: Costs,
    /// Mean of a period.
    pub demand_mean: Amount,
    /// Standard deviation of a period.
    pub demand_sd: Positive,
    /// Periods until an order arrives, after the one in which it is placed.
    #[serde(default)]
    pub lead_time: Amount,
}

/// Normal demand where prices are given instead of costs.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Priced {
    /// What a unit sells for.
    pub revenue: Positive,
    /// What it costs to buy.
    pub purchase_cost: Positive,
    /// What is got for one left over.
    pub salvage_value: Amount,
    /// Mean.
    pub demand_mean: Amount,
    /// Standard deviation.
    pub demand_sd: Positive,
}

/// Demand whose logarithm is normal.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LogNormal {
    /// What a unit too many or too few costs.
    #[serde(flatten)]
    pub costs: Costs,
    /// Mean of the logarithm.
    pub mu: f64,
    /// Standard deviation of the logarithm.
    pub sigma: Positive,
}

/// A constant demand of a supplier who fails at times.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Disrupted {
    /// What a unit too many or too few costs.
    #[serde(flatten)]
    pub costs: Costs,
    /// Units a period.
    pub demand: Positive,
    /// Probability that a supplier who delivers fails in the next period.
    pub disruption_prob: Share,
    /// Probability that one who fails delivers again in the next period.
    pub recovery_prob: Share,
}

/// Poisson demand whose orders cannot be received for some weeks.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Shutdown {
    /// Mean of a week.
    pub weekly_mean: Amount,
    /// Weeks until an order arrives.
    pub lead_weeks: Amount,
    /// Weeks between orders.
    pub review_weeks: Amount,
    /// Weeks in which nothing can be received.
    pub closed_weeks: Amount,
    /// The share of such intervals to come through without a shortage.
    pub service: Share,
}

/// A level of stock and its expected cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Level {
    /// Units to have.
    pub base_stock_level: f64,
    /// Expected cost of a period.
    pub cost: f64,
}

/// A level of stock and its expected profit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Earning {
    /// Units to have.
    pub base_stock_level: f64,
    /// Expected profit.
    pub profit: f64,
}

/// Levels with and without the closed weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shift {
    /// Units for lead time and review.
    pub normal_base_stock: usize,
    /// Units for lead time, review and closed weeks.
    pub shutdown_base_stock: usize,
    /// What the closed weeks add.
    pub extra_units: usize,
}

impl Costs {
    fn ratio(self) -> f64 {
        self.stockout_cost.get() / (self.stockout_cost.get() + self.holding_cost.get())
    }

    fn sum(self) -> f64 {
        self.stockout_cost.get() + self.holding_cost.get()
    }
}

/// Returns the best level for normal demand over the lead time and the period of the order.
pub fn normal(problem: &Normal) -> Level {
    let periods = problem.lead_time.get() + 1.0;
    let deviation = problem.demand_sd.get() * periods.sqrt();
    let z = normal::quantile(problem.costs.ratio());
    Level {
        base_stock_level: problem.demand_mean.get() * periods + z * deviation,
        cost: problem.costs.sum() * normal::density(z) * deviation,
    }
}

/// Returns the best level and its profit where prices are given.
pub fn priced(problem: &Priced) -> Result<Earning, SolveError> {
    const WRONG: SolveError =
        SolveError::Costs("revenue > purchase_cost > salvage_value is needed; check the prices");
    let margin = problem.revenue.get() - problem.purchase_cost.get();
    let stockout_cost = Positive::try_from(margin).map_err(|_| WRONG)?;
    let loss = problem.purchase_cost.get() - problem.salvage_value.get();
    let holding_cost = Positive::try_from(loss).map_err(|_| WRONG)?;
    let level = normal(&Normal {
        costs: Costs { holding_cost, stockout_cost },
        demand_mean: problem.demand_mean,
        demand_sd: problem.demand_sd,
        lead_time: Amount::default(),
    });
    let profit = margin * problem.demand_mean.get() - level.cost;
    Ok(Earning { base_stock_level: level.base_stock_level, profit })
}

/// Returns the best level for a demand that is counted.
pub fn counted(costs: Costs, demand: Distribution) -> Level {
    let balance = Balance::new(costs.holding_cost.get(), costs.stockout_cost.get(), demand);
    let best = balance.best();
    Level { base_stock_level: best as f64, cost: balance.cost(best) }
}

/// Returns the best level for log-normal demand.
pub fn log_normal(problem: &LogNormal) -> Result<Level, SolveError> {
    let sigma = problem.sigma.get();
    let mean = (problem.mu + sigma * sigma / 2.0).exp();
    if !mean.is_finite() {
        return Err(SolveError::Costs("mu and sigma make an endless demand; check them"));
    }
    let z = normal::quantile(problem.costs.ratio());
    let level = (problem.mu + sigma * z).exp();
    let short = mean * normal::at_most(sigma - z) - level * normal::at_most(-z);
    let idle = level - mean + short;
    let cost = problem.costs.holding_cost.get() * idle + problem.costs.stockout_cost.get() * short;
    Ok(Level { base_stock_level: level, cost })
}

/// Returns the best level where the supplier fails at times: whole periods of the constant demand,
/// enough for the failures that are worth it.
pub fn disrupted(problem: &Disrupted) -> Result<Level, SolveError> {
    let (fails, recovers) = (problem.disruption_prob.get(), problem.recovery_prob.get());
    if fails == 0.0 || recovers == 0.0 {
        return Err(SolveError::Costs("both probabilities have to be above 0"));
    }
    let demand = problem.demand.get();
    // The share of periods in which the supplier has failed for 0, 1, 2 … periods.
    let working = recovers / (fails + recovers);
    let shares =
        std::iter::successors(Some(working * fails), |share| Some(share * (1.0 - recovers)));
    let shares: Vec<f64> =
        std::iter::once(working).chain(shares).take_while(|share| 1e-18 < *share).collect();
    if super::STEPS_MAX as usize <= shares.len() {
        return Err(SolveError::TooFar);
    }
    let mut reached = 0.0;
    let enough = shares.iter().position(|share| {
        reached += share;
        problem.costs.ratio() <= reached
    });
    let level = (enough.unwrap_or(shares.len()) + 1) as f64 * demand;
    let cost = shares.iter().enumerate().map(|(periods, share)| {
        let left = level - (periods + 1) as f64 * demand;
        let idle = problem.costs.holding_cost.get() * left.max(0.0);
        share * (idle + problem.costs.stockout_cost.get() * (-left).max(0.0))
    });
    Ok(Level { base_stock_level: level, cost: cost.sum() })
}

/// Returns the base stock of the last order before a shutdown, and that of any other order.
pub fn across_shutdown(problem: &Shutdown) -> Result<Shift, SolveError> {
    let open = problem.lead_weeks.get() + problem.review_weeks.get();
    let level = |weeks: f64| {
        let demand = Distribution::poisson(problem.weekly_mean.get() * weeks)?;
        Ok::<_, SolveError>(demand.quantile(problem.service.get()))
    };
    let normal_base_stock = level(open)?;
    let shutdown_base_stock = level(open + problem.closed_weeks.get())?;
    let extra_units = shutdown_base_stock.saturating_sub(normal_base_stock);
    Ok(Shift { normal_base_stock, shutdown_base_stock, extra_units })
}
