//! `[forecast]`: what the service forecasts by itself.

use serde::{Deserialize, Serialize};
use upturn_core::forecast::demand::{HORIZON_MAX, Settings};

use super::problem::Finding;
use crate::forecasts::period::Frequency;

/// The longest horizon of deals, in days.
pub(crate) const WITHIN_MAX: u32 = 730;

/// `[forecast]`: what the service forecasts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForecastConfig {
    /// What a period of demand is: `month`, `week` or `day`. Default: `month`.
    pub(crate) period: Frequency,
    /// Periods of demand that are forecast together, 1 to 400. Default: 6.
    pub(crate) horizon: u32,
    /// Days within which a deal is won or not, 1 to 730. Default: 30.
    pub(crate) within_days: u32,
}

impl Default for ForecastConfig {
    fn default() -> Self {
        Self { period: Frequency::Month, horizon: 6, within_days: 30 }
    }
}

impl ForecastConfig {
    pub(super) fn check(&self, findings: &mut Vec<Finding>) {
        if Settings::new(self.horizon, self.period.season()).is_err() {
            let why = format!("is no number of periods; write 1 to {HORIZON_MAX}");
            findings.push(Finding::new(&["forecast", "horizon"], why));
        }
        if !(1..=WITHIN_MAX).contains(&self.within_days) {
            let why = format!("is no number of days; write 1 to {WITHIN_MAX}");
            findings.push(Finding::new(&["forecast", "within_days"], why));
        }
    }
}
