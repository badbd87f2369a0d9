//! The API for programs, version 1.

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, http::HeaderValue};
use serde::Serialize;
use serde_json::{Value, json};

use self::openapi::Endpoint;
use super::fault::{Fault, FaultKind};

pub(crate) mod approvals;
mod advice;
mod audit;
mod calendars;
mod coupons;
mod dead_letters;
pub(crate) mod deals;
mod destinations;
mod events;
mod explanation;
mod facts;
mod feeds;
mod figures;
mod forecasts;
mod hooks;
mod leads;
mod letters;
pub(crate) mod openapi;
mod people;
mod quotes;
mod reports;
mod records;
mod requirements;
mod rules;
mod slots;
mod task_results;
mod tasks;

/// How many things a page has, unless the caller says otherwise.
const LIMIT_DEFAULT: u32 = 50;

/// What JSON, and JSON by lines, is sent as.
const JSON_TYPES: [&str; 3] = ["application/json", "application/x-ndjson", "application/jsonl"];

/// How many things a page has at most.
const LIMIT_MAX: u32 = 500;

/// Returns the routes, one list for what is served and what is described.
fn endpoints() -> Vec<Endpoint> {
    let all = [
        events::endpoints(),
        tasks::endpoints(),
        leads::endpoints(),
        rules::endpoints(),
        explanation::endpoints(),
        dead_letters::endpoints(),
        people::endpoints(),
        audit::endpoints(),
        letters::endpoints(),
        destinations::endpoints(),
        facts::endpoints(),
        feeds::endpoints(),
        calendars::endpoints(),
        figures::endpoints(),
        coupons::endpoints(),
        advice::endpoints(),
        requirements::endpoints(),
        slots::endpoints(),
        hooks::endpoints(),
        deals::endpoints(),
        approvals::endpoints(),
        quotes::endpoints(),
        reports::endpoints(),
        records::endpoints(),
        forecasts::endpoints(),
    ];
    all.into_iter().flatten().collect()
}

/// Refuses what is sent as anything but JSON: forms of other sites cannot send that.
pub(crate) async fn only_json(request: Request, next: Next) -> Response {
    let stated = request.headers().get(CONTENT_TYPE).filter(|_| !request.method().is_safe());
    let Some(stated) = stated else { return next.run(request).await };
    let media = stated.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if JSON_TYPES.iter().any(|json| media.eq_ignore_ascii_case(json)) {
        return next.run(request).await;
    }
    let detail = format!("content-type is '{media}'; use application/json");
    Fault::of(FaultKind::UnsupportedMediaType, detail).into_response()
}

/// Returns the schema of the parameter `limit`.
fn limit_schema() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT })
}

/// Reads the parameter `limit`.
fn limit(text: Option<&str>) -> Result<u32, Fault> {
    let Some(text) = text else { return Ok(LIMIT_DEFAULT) };
    text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
        Fault::bad_request(format!("limit is '{text}'; use a number from 1 to {LIMIT_MAX}"))
    })
}

/// Returns `page` as JSON, with the link to the next one.
fn answer(page: impl Serialize, next: Option<String>) -> Response {
    let mut response = Json(page).into_response();
    let link = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    response
}

/// Explains why a query was not understood.
fn misread(rejection: &axum::extract::rejection::QueryRejection) -> Fault {
    Fault::bad_request(rejection.body_text())
}
