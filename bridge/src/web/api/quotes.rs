//! `POST /api/v1/quotes`: prices a request and keeps the frozen quote; and what becomes of it.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer;
use super::openapi::Endpoint;
use crate::store::quote::StoredQuote;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::selling::quotes::{self, Kept};
use crate::web::when::machine;

/// Quotes on a page.
const PAGE: usize = 200;

/// Quotes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Quotes")]
struct List {
    quotes: Vec<QuoteRowJson>,
}

/// A quote in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "QuoteInList")]
pub(super) struct QuoteRowJson {
    /// What names it.
    id: String,
    /// The number that its seller gave it.
    number: String,
    /// The hash of what an approval is bound to.
    content: String,
    deal: Option<String>,
    seller: String,
    at: String,
    /// Whether it may go out.
    is_clear: bool,
}

/// A kept quote.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Quote")]
struct QuoteJson {
    #[serde(flatten)]
    row: QuoteRowJson,
    /// The frozen quote: request, facts, figures, digest.
    snapshot: Value,
}

/// A quote priced again, and what has changed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "QuoteAgain")]
struct AgainJson {
    quote: QuoteJson,
    /// Every line, cost and offer then and now, and what a difference follows from.
    drift: Value,
}

/// What is priced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The deal it is of.
    deal: Option<String>,
    /// The request, as `upturn schema quote-request` describes it. Approvals in it are left out: those
    /// that are kept count.
    request: Value,
}

/// Why something is asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reason {
    /// Why, at most 2000 characters.
    reason: String,
}

/// Which quotes are wanted.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    deal: Option<String>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let body = schemars::schema_for!(Body).to_value();
    let reason = schemars::schema_for!(Reason).to_value();
    vec![
        Endpoint::get("/api/v1/quotes", list, "Lists kept quotes, the newest first")
            .query("deal", "Of this deal", text)
            .answers::<List>(),
        Endpoint::post("/api/v1/quotes", price, "Prices a request and keeps the quote")
            .takes(&json!({ "application/json": { "schema": body } }))
            .answers::<QuoteJson>(),
        Endpoint::get("/api/v1/quotes/{id}", one, "Returns a kept quote as it was frozen")
            .part("id", "The quote's digest", text)
            .answers::<QuoteJson>(),
        Endpoint::post(
            "/api/v1/quotes/{id}/again",
            again,
            "Prices a quote again as of today and says what has changed",
        )
        .part("id", "The quote's digest", text)
        .answers::<AgainJson>(),
        Endpoint::post(
            "/api/v1/quotes/{id}/approval",
            ask,
            "Asks for what is beyond the seller's authority",
        )
        .part("id", "The quote's digest", text)
        .takes(&json!({ "application/json": { "schema": reason } })),
    ]
}

/// Lists them.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Response, Fault> {
    let mut all = quotes::list(&app, &caller, params.deal.as_deref()).await?;
    all.truncate(PAGE);
    Ok(answer(List { quotes: all.iter().map(QuoteRowJson::of).collect() }, None))
}

/// Prices one.
pub(crate) async fn price(
    State(app): State<App>,
    caller: Caller,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, Fault> {
    let Json(body) = body.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    let request = quotes::read(&caller, body.request)?;
    let kept = quotes::price(&app, &caller, (request, body.deal)).await?;
    Ok(answer(quote_json(&kept), None))
}

/// Returns one.
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let kept = quotes::find(&app, &caller, &id).await?;
    Ok(answer(quote_json(&kept), None))
}

/// Prices one again.
pub(crate) async fn again(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let (kept, drifts) = quotes::again(&app, &caller, &id).await?;
    Ok(answer(AgainJson { quote: quote_json(&kept), drift: json!(drifts) }, None))
}

/// Asks for an approval.
pub(crate) async fn ask(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Reason>, JsonRejection>,
) -> Result<Response, Fault> {
    let Json(Reason { reason }) =
        body.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    let cases = quotes::ask(&app, &caller, (&id, &reason)).await?;
    let newest = cases.first();
    let told = json!({
        "approval": newest.map(|case| &case.id),
        "state": newest.map(|case| case.state.word()),
    });
    Ok(answer(told, None))
}

fn quote_json(kept: &Kept) -> QuoteJson {
    QuoteJson { row: QuoteRowJson::of(&kept.stored), snapshot: json!(kept.snapshot) }
}

impl QuoteRowJson {
    /// Returns what programs are told of `quote`.
    pub(super) fn of(quote: &StoredQuote) -> Self {
        Self {
            id: quote.digest.clone(),
            number: quote.number.clone(),
            content: quote.content.clone(),
            deal: quote.deal.clone(),
            seller: quote.seller.clone(),
            at: machine(quote.at),
            is_clear: quote.is_clear,
        }
    }
}
