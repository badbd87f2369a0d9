//! A number of periods with an end, by dynamic programming over whole units.

use serde::{Deserialize, Serialize};

use super::number::{Amount, Positive, Share};
use super::{STEPS_MAX, SolveError, normal};

/// The most periods that are planned.
const PERIODS_MAX: u32 = 100;
/// Standard deviations of a period's demand that are reckoned with.
const DEVIATIONS: f64 = 8.0;

/// Normal demand, counted in whole units, and what each period costs.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Horizon {
    /// How many periods there are.
    pub num_periods: u32,
    /// Of a unit left over in a period.
    pub holding_cost: Amount,
    /// Of a unit missing in a period.
    pub stockout_cost: Positive,
    /// Of a unit left over at the end.
    pub terminal_holding_cost: Amount,
    /// Of a unit missing at the end.
    pub terminal_stockout_cost: Amount,
    /// Of a unit.
    pub purchase_cost: Amount,
    /// Of each order.
    pub fixed_cost: Amount,
    /// Mean of a period.
    pub demand_mean: Amount,
    /// Standard deviation of a period.
    pub demand_sd: Positive,
    /// What a unit of cost counts a period later.
    pub discount_factor: Share,
    /// What is there at first.
    pub initial_inventory_level: i32,
}

/// What to do in each period, and what all of them cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// At this stock or below an order is placed.
    pub reorder_points: Vec<i64>,
    /// It is ordered up to this.
    pub order_up_to: Vec<i64>,
    /// Expected cost of all periods.
    pub total_cost: f64,
}

/// Costs of each level of stock, from the lowest that can come about.
struct Levels {
    lowest: i64,
    costs: Vec<f64>,
}

/// Returns the best plan.
pub fn plan(horizon: &Horizon) -> Result<Plan, SolveError> {
    let demand = demand(horizon);
    let periods = i64::from(horizon.num_periods);
    let demand_max = demand.last().map_or(0, |(units, _)| *units);
    let first = i64::from(horizon.initial_inventory_level);
    let reach = demand_max.checked_mul(periods).ok_or(SolveError::TooFar)?;
    let lowest = first.min(0) - reach;
    let levels = first.max(0) + reach - lowest + 1;
    if PERIODS_MAX < horizon.num_periods || i64::from(STEPS_MAX) < levels {
        return Err(SolveError::TooFar);
    }
    let end = (lowest..lowest + levels).map(|level| {
        let unit =
            if level < 0 { horizon.terminal_stockout_cost } else { horizon.terminal_holding_cost };
        unit.get() * level.unsigned_abs() as f64
    });
    let mut after = Levels { lowest, costs: end.collect() };
    let mut steps = Vec::new();
    for _ in 0..periods {
        let (step, before) = period(horizon, &demand, &after);
        steps.push(step);
        after = before;
    }
    steps.reverse();
    let (reorder_points, order_up_to) = steps.into_iter().unzip();
    Ok(Plan { reorder_points, order_up_to, total_cost: after.at(first) })
}

/// Returns the whole numbers of units that a period may need, with their probabilities.
fn demand(horizon: &Horizon) -> Vec<(i64, f64)> {
    let (mean, deviation) = (horizon.demand_mean.get(), horizon.demand_sd.get());
    let low = (mean - DEVIATIONS * deviation).max(0.0).floor() as i64;
    let high = (mean + DEVIATIONS * deviation).ceil() as i64;
    let below = |units: f64| normal::at_most((units - mean) / deviation);
    // No more than can be planned with; a wider demand is refused by its reach.
    let units = (low..=high).take(STEPS_MAX as usize);
    let with_mass = units.map(|units| {
        let (from, to) = (units as f64 - 0.5, units as f64 + 0.5);
        (units, below(to) - if units == 0 { 0.0 } else { below(from) })
    });
    let mut masses: Vec<(i64, f64)> = with_mass.collect();
    let all: f64 = masses.iter().map(|(_, mass)| mass).sum();
    for (_, mass) in &mut masses {
        *mass /= all;
    }
    masses
}

/// Returns the reorder point and the level to order up to in a period, and the costs before it.
fn period(horizon: &Horizon, demand: &[(i64, f64)], after: &Levels) -> ((i64, i64), Levels) {
    // The cost from here on with each level after ordering, its purchase counted from nothing.
    let spent: Vec<f64> = after
        .levels()
        .map(|level| {
            let of = |(units, mass): &(i64, f64)| {
                let left = level - units;
                let unit =
                    if left < 0 { horizon.stockout_cost.get() } else { horizon.holding_cost.get() };
                let later = horizon.discount_factor.get() * after.at(left);
                mass * (unit * left.unsigned_abs() as f64 + later)
            };
            horizon.purchase_cost.get() * level as f64 + demand.iter().map(of).sum::<f64>()
        })
        .collect();
    let spent = Levels { lowest: after.lowest, costs: spent };

    let lowest = |best: (i64, f64), found: (i64, f64)| if found.1 < best.1 { found } else { best };
    let (up_to, least) =
        spent.levels().zip(spent.costs.iter().copied()).fold((0, f64::INFINITY), lowest);
    let order = least + horizon.fixed_cost.get();
    let numbered = spent.levels().zip(spent.costs.iter().copied());
    let ordering = numbered.filter(|(level, stay)| *level <= up_to && order <= *stay);
    let reorder_point = ordering.last().map_or(after.lowest - 1, |(level, _)| level);

    // From the highest level down, since from above the best level it may pay to go higher still.
    let mut cheapest = f64::INFINITY;
    let mut costs = Vec::with_capacity(spent.costs.len());
    for (level, stay) in spent.levels().rev().zip(spent.costs.iter().rev()) {
        cheapest = cheapest.min(*stay);
        let best = (cheapest + horizon.fixed_cost.get()).min(*stay);
        costs.push(best - horizon.purchase_cost.get() * level as f64);
    }
    costs.reverse();
    ((reorder_point, up_to), Levels { lowest: after.lowest, costs })
}

impl Levels {
    fn levels(&self) -> std::ops::Range<i64> {
        self.lowest..self.lowest + i64::try_from(self.costs.len()).unwrap_or_default()
    }

    /// Returns the cost at `level`; below the lowest, which cannot come about, that of the lowest.
    fn at(&self, level: i64) -> f64 {
        let place = usize::try_from(level - self.lowest).unwrap_or_default();
        self.costs.get(place).copied().unwrap_or_default()
    }
}
