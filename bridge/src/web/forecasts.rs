//! What pages and the API ask of forecasts.

use upturn_core::forecast::ledger::{DemandSheet, WinSheet};

use super::App;
use super::ask::ask;
use super::caller::Caller;
use super::fault::{Fault, FaultKind};
use crate::auth::rights::Action;
use crate::forecasts::reading::Document;
use crate::forecasts::sheets;
use crate::forecasts::watch::{self, Standing};
use crate::forecasts::wins::ChanceSaid;
use crate::runtime::forecasts::ForecastStep;
use crate::runtime::request::Request;
use crate::store::forecast::{self, Forecast, ForecastKind};
use crate::store::forecast_alarm::{self, Alarm};
use crate::store::forecast_trial::{self, Trial};
use crate::store::record;

/// Alarms and back-tests that are told.
const LATEST: u32 = 10;

/// How forecasts do.
#[derive(Debug)]
pub(crate) struct Overview {
    /// Forecasts of demand, and how many of them are scored.
    pub(crate) demand: (u64, u64),
    /// Chances of deals, and how many of them are scored.
    pub(crate) wins: (u64, u64),
    /// Demand of the next period.
    pub(crate) next: DemandSheet,
    /// Demand of the whole horizon.
    pub(crate) horizon: DemandSheet,
    /// Deals.
    pub(crate) deals: WinSheet,
    /// What is watched.
    pub(crate) standing: Vec<Standing>,
    /// The newest alarms.
    pub(crate) alarms: Vec<Alarm>,
    /// The newest back-tests.
    pub(crate) trials: Vec<Trial>,
}

/// Returns how forecasts do.
pub(crate) async fn overview(app: &App) -> Result<Overview, Fault> {
    let (store, config) = (&app.store, &app.forecast);
    Ok(Overview {
        demand: forecast::count(store, ForecastKind::Demand).await?,
        wins: forecast::count(store, ForecastKind::Win).await?,
        next: sheets::demand_sheet(store, 1).await?,
        horizon: sheets::demand_sheet(store, config.horizon).await?,
        deals: sheets::win_sheet(store, config.within_days).await?,
        standing: watch::standing(store, config).await?,
        alarms: forecast_alarm::newest(store, LATEST).await?,
        trials: forecast_trial::newest(store, LATEST).await?,
    })
}

/// Has a back-test made; refuses while one of the kind is under way.
pub(crate) async fn want_trial(app: &App, kind: ForecastKind, actor: &str) -> Result<(), Fault> {
    let step = Box::new(ForecastStep::WantTrial { kind, actor: actor.to_owned() });
    if ask(app, |reply| Request::Forecast { step, reply }).await? == 1 {
        return Ok(());
    }
    let detail = "a back-test of this kind is under way; wait for its end".to_owned();
    Err(Fault::of(FaultKind::TrialOpen, detail))
}

/// Refuses unless the deal `id` is there and `caller` may see what its owner has.
pub(crate) async fn check_sight(app: &App, caller: &Caller, id: &str) -> Result<(), Fault> {
    let sight = caller.sight(app, Action::ReadDeals).await?;
    let deals = record::find_all(&app.store, "deal", &[id]).await?;
    let deal: Document =
        serde_json::from_str(deals.get(id).ok_or(FaultKind::NotFound)?).map_err(Fault::internal)?;
    let owner = deal.get("owner").map_or("", String::as_str);
    if sight.covers(owner, None) { Ok(()) } else { Err(FaultKind::NotFound.into()) }
}

/// Returns the newest chance of the open deal `id` with what was kept of it; none of a deal of which
/// nothing was said yet.
pub(crate) async fn chance(app: &App, id: &str) -> Result<Option<(Forecast, ChanceSaid)>, Fault> {
    let newest = forecast::of_subject(&app.store, (ForecastKind::Win, id), 1).await?;
    let Some(forecast) = newest.into_iter().next() else { return Ok(None) };
    let said = serde_json::from_str(&forecast.said).map_err(Fault::internal)?;
    Ok(Some((forecast, said)))
}
