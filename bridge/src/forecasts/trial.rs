//! Back-tests: what forecasts of the past would have been worth, on the records as they stand.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upturn_core::forecast::demand::Settings;
use upturn_core::forecast::ledger::{DemandSheet, Scored, WinSheet};
use upturn_core::forecast::trial;
use upturn_core::forecast::win::Outlook;

use super::demand::{Demand, Series};
use super::wins::{LOOKED_BACK, Wins, said};
use crate::config::forecast::ForecastConfig;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::forecast::ForecastKind;

/// Origins of demand that are tried at most, one horizon from each other.
const DEMAND_ORIGINS: u32 = 6;
/// Series that take part at most.
const SERIES_MAX: usize = 50_000;
/// Origins of deals that are tried at most.
const WIN_ORIGINS: u32 = 12;

/// What came of a back-test.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct TrialResult {
    /// Periods of demand, or days of a deal.
    pub(crate) horizon: u32,
    /// The first days of the horizons that were tried, ascending.
    pub(crate) origins: Vec<NaiveDate>,
    /// Of demand.
    pub(crate) demand: Option<DemandSheet>,
    /// Of deals.
    pub(crate) wins: Option<WinSheet>,
}

/// Runs the back-test of `kind`, up to the period that begins on `as_of`, off the threads that serve.
pub(crate) async fn run(
    store: &Store,
    config: &ForecastConfig,
    (kind, as_of): (ForecastKind, NaiveDate),
) -> Result<TrialResult, StoreError> {
    let empty = TrialResult { horizon: 0, origins: Vec::new(), demand: None, wins: None };
    let config = config.clone();
    let work = match kind {
        ForecastKind::Demand => {
            let mut series = Demand::read(store).await?.series(config.period, as_of);
            series.truncate(SERIES_MAX);
            tokio::task::spawn_blocking(move || of_demand(&series, &config, as_of)).await
        }
        ForecastKind::Win => {
            let wins = Wins::read(store).await?;
            tokio::task::spawn_blocking(move || of_wins(&wins, config.within_days, as_of)).await
        }
    };
    Ok(work.unwrap_or(empty))
}

fn of_demand(series: &[Series], config: &ForecastConfig, as_of: NaiveDate) -> TrialResult {
    let histories: Vec<&[f64]> = series.iter().map(|one| one.units.as_slice()).collect();
    let mut by_origin = BTreeMap::new();
    if let Ok(settings) = Settings::new(config.horizon, config.period.season()) {
        for back in 1..=DEMAND_ORIGINS {
            let tried = trial::demand(&histories, settings, back);
            let origin = config.period.before(as_of, back.saturating_mul(config.horizon));
            let Some(origin) = origin.filter(|_| !tried.is_empty()) else { break };
            let scored = |(_, said, came)| Scored { as_of: origin, said, came };
            by_origin.insert(origin, tried.into_iter().map(scored).collect::<Vec<_>>());
        }
    }
    let origins = by_origin.keys().copied().collect();
    let scored: Vec<_> = by_origin.into_values().flatten().collect();
    let demand = Some(DemandSheet::of(&scored));
    TrialResult { horizon: config.horizon, origins, demand, wins: None }
}

fn of_wins(wins: &Wins, within: u32, as_of: NaiveDate) -> TrialResult {
    let first_on = wins.deals.first_on();
    let mut by_origin = BTreeMap::new();
    for back in 1..=WIN_ORIGINS {
        let days = Days::new(u64::from(back) * u64::from(within));
        let origin = as_of.checked_sub_days(days).filter(|on| first_on.is_some_and(|at| at < *on));
        let Some(origin) = origin else { break };
        let outlook = Outlook::learn(&wins.deals.seen(origin, within, LOOKED_BACK));
        let open = wins.deals.open(origin, within).into_iter().map(|(deal, sight)| Scored {
            as_of: origin,
            said: said(&outlook, &sight),
            came: wins.deals.is_won(deal, origin, within),
        });
        by_origin.insert(origin, open.collect::<Vec<_>>());
    }
    by_origin.retain(|_, open| !open.is_empty());
    let origins = by_origin.keys().copied().collect();
    let scored: Vec<_> = by_origin.into_values().flatten().collect();
    TrialResult { horizon: within, origins, demand: None, wins: Some(WinSheet::of(&scored)) }
}
