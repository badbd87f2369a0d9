//! What monitors ask: is it alive, is it ready, what has it counted.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::App;
use super::fault::{Fault, Told};
use crate::telemetry::CONTENT_TYPE as OPEN_METRICS;

/// Whether the program can do its work.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    checks: BTreeMap<&'static str, Check>,
    /// What a person should look at though the program works.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// What one check found.
#[derive(Debug, Serialize)]
struct Check {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Answers as long as the program runs.
pub(crate) async fn alive() -> impl IntoResponse {
    Json(serde_json::json!({ "alive": true }))
}

/// Answers 200 if every check is fine, else 503, with the reasons.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let found = app.health.snapshot().into_iter();
    let checks: BTreeMap<_, _> = found
        .map(|(name, found)| (name, Check { ok: found.is_ok(), reason: found.err() }))
        .collect();
    let ready = checks.values().all(|check| check.ok);
    let warnings = app.health.warnings();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Extension(Told), Json(Readiness { ready, checks, warnings })).into_response()
}

/// Answers with all metrics.
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Fault> {
    let text = app.metrics.text(app.clock.now()).map_err(Fault::internal)?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
