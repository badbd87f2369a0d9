//! What is expected to come of a quantity, and which one is right at which ratio of costs.

use rust_decimal::Decimal;

use super::advice::{Outcome, Step};
use super::setting::Costs;
use crate::forecast::distribution::Distribution;

/// Steps of quantities that are told in full; of more only those around the one that is right.
const STEPS_MAX: usize = 12;
/// Places after the point of expectations.
const PLACES: u32 = 4;

/// Returns what is missing and left over on average where `stock` meets `demand`.
pub(super) fn outcome(demand: &Distribution, stock: i64, costs: Option<Costs>) -> Outcome {
    let level = usize::try_from(stock).unwrap_or_default();
    // What is owed already is missing, whatever else comes.
    let owed = stock.min(0).unsigned_abs() as f64;
    let short = expectation(demand.expected_short(level) + owed);
    let idle = expectation(demand.expected_idle(level));
    let cost = costs.and_then(|costs| {
        let short = costs.shortage.checked_mul(short)?;
        let idle = costs.idle.checked_mul(idle)?;
        Some(short.checked_add(idle)?.round_dp(2))
    });
    Outcome { short, idle, cost }
}

/// Returns `number` as it is told.
pub(super) fn expectation(number: f64) -> Decimal {
    Decimal::try_from(number).unwrap_or_default().round_dp(PLACES).normalize()
}

/// Returns which quantity is right up to which ratio of costs, around `chosen`.
pub(super) fn steps(demand: &Distribution, available: i64, chosen: u32) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut reached = 0.0;
    for (units, mass) in (0_i64..).zip(demand.masses()) {
        reached += mass;
        // Hardly ever needed, and so no quantity anybody would ask about.
        if *mass < 1e-6 {
            continue;
        }
        let quantity = u32::try_from((units - available).max(0)).unwrap_or(u32::MAX);
        let more = 1.0 - reached;
        let below = (1e-9 < more).then(|| reached / more);
        match steps.last_mut().filter(|last| last.quantity == quantity) {
            Some(last) => last.below = below,
            None => steps.push(Step { quantity, below }),
        }
    }
    if steps.len() <= STEPS_MAX {
        return steps;
    }
    let right = steps.partition_point(|step| step.quantity < chosen);
    let around = steps.into_iter().skip(right.saturating_sub(STEPS_MAX / 2)).take(STEPS_MAX);
    around.collect()
}
