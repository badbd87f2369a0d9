//! Spare parts at a depot and its bases, one ordered for each one used (METRIC, Sherbrooke 1968).

use serde::{Deserialize, Serialize};

use super::SolveError;
use super::number::{Amount, Positive, Share};
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
