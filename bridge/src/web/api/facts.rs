//! `GET /api/v1/facts/…`: what the sets of facts in force say.

use axum::extract::{Query, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::openapi::Endpoint;
use super::{answer, limit, limit_schema};
use crate::auth::rights::Action;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::facts::{self, Origin, QUERY_MAX, RateTyped};
use crate::web::fault::{Fault, FaultKind};
use crate::web::when::machine;

/// What tables of goods say.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GoodsFound")]
struct GoodsJson {
    /// Every feed that has a table of goods, with its set in force.
    sources: Vec<SourceJson>,
    goods: Vec<EntryJson>,
}

/// Whose word something is, and how old.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FactSource")]
struct SourceJson {
    feed: String,
    set: Option<i64>,
    /// When the source last confirmed it.
    checked_at: Option<String>,
}

/// An entry of a nomenclature.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Goods")]
struct EntryJson {
    feed: String,
    code: String,
    description: String,
    /// The section it is in, as a Roman number.
    section: String,
    /// The codes above it, the chapter first.
    above: Vec<String>,
}

/// What is searched for.
#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    q: String,
    limit: Option<String>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let currency = &json!({ "type": "string", "minLength": 3, "maxLength": 3 });
    let search = &json!({ "type": "string", "minLength": 1, "maxLength": QUERY_MAX });
    let day = &json!({ "type": "string", "format": "date" });
    let purposes = &json!({ "enum": ["spot", "customs"], "default": "spot" });
    vec![
        Endpoint::get("/api/v1/facts/goods", goods, "Searches the tables of goods in force")
            .query("q", "The beginning of a code, or words of a description", search)
            .query("limit", "How many of each feed at most", &limit_schema())
            .answers::<GoodsJson>(),
        Endpoint::get("/api/v1/facts/rate", rate, "Tells the price of a currency as of a day")
            .query("base", "The currency that is priced", currency)
            .query("quote", "The currency it is priced in", currency)
            .query("on", "The day; today where it is absent", day)
            .query("purpose", "What the rate is used for", purposes)
            .query("feed", "By this feed alone", text),
    ]
}

/// Searches codes of goods.
pub(crate) async fn goods(
    State(app): State<App>,
    caller: Caller,
    Query(search): Query<Search>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadFeeds)?;
    let max = usize::try_from(limit(search.limit.as_deref())?).unwrap_or(usize::MAX);
    let (mut sources, mut goods) = (Vec::new(), Vec::new());
    for found in facts::goods(&app, &search.q, max).await? {
        let feed = found.origin.feed.clone();
        goods.extend(found.entries.into_iter().map(|(entry, above)| EntryJson {
            feed: feed.clone(),
            code: entry.code,
            description: entry.description,
            section: entry.section,
            above: above.into_iter().map(|one| one.code).collect(),
        }));
        sources.push(source(found.origin));
    }
    Ok(answer(GoodsJson { sources, goods }, None))
}

fn source(Origin { feed, set, checked_at }: Origin) -> SourceJson {
    SourceJson { feed, set, checked_at: checked_at.map(machine) }
}

/// Tells a price; where there is none, why.
pub(crate) async fn rate(
    State(app): State<App>,
    caller: Caller,
    Query(typed): Query<RateTyped>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadFeeds)?;
    let asked = typed.read(app.clock.now().date_naive()).map_err(Fault::bad_request)?;
    let found = facts::rate(&app, asked)
        .await?
        .map_err(|error| Fault::with_code(FaultKind::NotFound, error.code(), error.to_string()))?;
    Ok(answer(found.json, None))
}
