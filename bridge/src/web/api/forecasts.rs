//! `GET /api/v1/forecasts`, back-tests of them, and `GET /api/v1/deals/{id}/chance`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use upturn_core::forecast::ledger::{DemandSheet, WinSheet};

use super::answer;
use super::openapi::Endpoint;
use crate::auth::rights::Action;
use crate::forecasts::trial::TrialResult;
use crate::forecasts::watch::Standing;
use crate::forecasts::wins::StepSaid;
use crate::store::forecast::ForecastKind;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::forecasts::{self, Overview};
use crate::web::when::machine;

/// How good forecasts were.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Forecasts")]
struct ForecastsJson {
    demand: DemandJson,
    deals: DealsJson,
    /// What is watched, and how it stands.
    watched: Vec<Standing>,
    /// The newest alarms, newest first.
    alarms: Vec<AlarmJson>,
    /// The newest back-tests, newest first.
    trials: Vec<TrialJson>,
}

/// Forecasts of demand.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DemandForecasts")]
struct DemandJson {
    /// How many are kept.
    kept: u64,
    /// How many of them have their truth.
    scored: u64,
    /// Periods of the horizon.
    horizon: u32,
    /// Of the next period.
    next: DemandSheet,
    /// Of the whole horizon.
    total: DemandSheet,
}

/// Chances of deals.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DealForecasts")]
struct DealsJson {
    kept: u64,
    scored: u64,
    /// Days within which a deal is won or not.
    within_days: u32,
    sheet: WinSheet,
}

/// Forecasts became worse.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ForecastAlarm")]
struct AlarmJson {
    watched: String,
    as_of: NaiveDate,
    raised_at: String,
}

/// A back-test.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ForecastTrial")]
struct TrialJson {
    id: i64,
    kind: ForecastKind,
    actor: String,
    wanted_at: String,
    ended_at: Option<String>,
    result: Option<TrialResult>,
}

/// How likely a deal is won, and what would raise that.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DealChance")]
struct ChanceJson<'a> {
    deal: &'a str,
    /// Of being won within so many days from `as_of` on.
    probability: f64,
    within_days: u32,
    as_of: NaiveDate,
    /// Whether it rests on what is known of this deal; else it is the share of all.
    signal: bool,
    /// The share of all deals.
    share: f64,
    /// Of how many earlier looks at open deals it was learnt.
    n: u64,
    /// How many of them were won in time.
    won: u64,
    /// What would raise it most, as far as other deals tell.
    next_step: Option<StepSaid>,
    method: &'a str,
    version: &'a str,
    /// The place in the log up to which was known what it rests on.
    position: u64,
    made_at: String,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let kinds = &json!({ "enum": ["demand", "win"] });
    vec![
        Endpoint::get("/api/v1/forecasts", overview, "Tells how good forecasts were")
            .answers::<ForecastsJson>(),
        Endpoint::post("/api/v1/forecasts/trials/{kind}", try_out, "Has a back-test made").part(
            "kind",
            "Of which forecasts",
            kinds,
        ),
        Endpoint::get("/api/v1/deals/{id}/chance", chance, "Tells how likely a deal is won")
            .part("id", "The deal's number", text)
            .answers::<ChanceJson<'_>>(),
    ]
}

/// Tells how good forecasts were.
pub(crate) async fn overview(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadForecasts)?;
    let Overview { demand, wins, next, horizon, deals, standing, alarms, trials } =
        forecasts::overview(&app).await?;
    let alarms = alarms.into_iter().map(|alarm| AlarmJson {
        watched: alarm.watched,
        as_of: alarm.as_of,
        raised_at: machine(alarm.raised_at),
    });
    let trials = trials.into_iter().map(|trial| TrialJson {
        id: trial.id,
        kind: trial.kind,
        actor: trial.actor,
        wanted_at: machine(trial.wanted_at),
        ended_at: trial.ended_at.map(machine),
        result: trial.result.as_deref().and_then(|text| serde_json::from_str(text).ok()),
    });
    let told = ForecastsJson {
        demand: DemandJson {
            kept: demand.0,
            scored: demand.1,
            horizon: app.forecast.horizon,
            next,
            total: horizon,
        },
        deals: DealsJson {
            kept: wins.0,
            scored: wins.1,
            within_days: app.forecast.within_days,
            sheet: deals,
        },
        watched: standing,
        alarms: alarms.collect(),
        trials: trials.collect(),
    };
    Ok(answer(told, None))
}

/// Has a back-test made.
pub(crate) async fn try_out(
    State(app): State<App>,
    caller: Caller,
    Path(kind): Path<String>,
) -> Result<Response, Fault> {
    caller.check(Action::TryForecasts)?;
    let kind = ForecastKind::find(&kind).ok_or(FaultKind::NotFound)?;
    forecasts::want_trial(&app, kind, caller.id()).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Tells how likely a deal is won. Deals of others are as if they were not there.
pub(crate) async fn chance(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    forecasts::check_sight(&app, &caller, &id).await?;
    let known = forecasts::chance(&app, &id).await?;
    let (forecast, known) = known.ok_or(FaultKind::NotFound)?;
    let told = ChanceJson {
        deal: &id,
        probability: known.said.probability,
        within_days: forecast.horizon,
        as_of: forecast.as_of,
        signal: known.said.has_signal,
        share: known.said.share,
        n: known.said.n,
        won: known.said.won,
        next_step: known.step,
        method: &forecast.method,
        version: &forecast.version,
        position: forecast.position,
        made_at: machine(forecast.made_at),
    };
    Ok(answer(told, None))
}
