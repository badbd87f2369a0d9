//! `GET /api/v1/reports`: how processes are kept.

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use upturn_core::compliance::report;

use super::answer;
use super::openapi::Endpoint;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::page::reports::DRAWN;
use crate::web::selling::at_risk;
use crate::web::selling::reports::{self, Fall, Tolerance};

/// What is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    month: Option<String>,
    seed: Option<u64>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let month = &json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$" });
    let number = &json!({ "type": "integer", "minimum": 0 });
    vec![
        Endpoint::get("/api/v1/reports", tell, "Tells how processes are kept")
            .query("month", "Of this month; else of all time", month)
            .query("seed", "What the deals of the scan are drawn by", number),
        Endpoint::get("/api/v1/deliveries-at-risk", at_risk, "Lists deliveries that will be late"),
    ]
}

/// Tells it.
pub(crate) async fn tell(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Response, Fault> {
    let gathered = reports::gather(&app, &caller).await?;
    let ways = gathered.ways();
    let seed = params.seed.unwrap_or(1);
    let months = report::months(&ways);
    let months = months.iter().map(|month| report::report(&ways, &gathered.asked, Some(month)));
    let told = json!({
        "report": report::report(&ways, &gathered.asked, params.month.as_deref()),
        "months": months.collect::<Vec<_>>(),
        "weakest": report::check_up(&ways, &gathered.asked),
        "falls": gathered.falls().iter().map(fall).collect::<Vec<_>>(),
        "tolerance": gathered.tolerance.iter().map(tolerance).collect::<Vec<_>>(),
        "scan": { "seed": seed, "deals": report::scan(&ways, seed, DRAWN) },
    });
    Ok(answer(told, None))
}

/// Lists deliveries at risk, the worst first.
pub(crate) async fn at_risk(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    let found = at_risk::board(&app, &caller).await?;
    let told: Vec<_> = found.iter().map(at_risk::told).collect();
    Ok(answer(json!({ "deliveries": told }), None))
}

fn fall(fall: &Fall) -> serde_json::Value {
    let Fall { stage, drop, changes } = fall;
    json!({
        "stage": stage, "since": drop.since, "seen": drop.seen, "before": drop.before,
        "after": drop.after, "decided": drop.decided, "changes": changes,
    })
}

fn tolerance(one: &Tolerance) -> serde_json::Value {
    json!({
        "seller": one.seller, "lines": one.lines, "mean_percent": one.mean_percent.to_string(),
        "most_percent": one.most_percent.to_string(),
    })
}
