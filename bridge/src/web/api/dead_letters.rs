//! `GET /api/v1/dead-letters` and the bytes of each.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::openapi::Endpoint;
use super::{answer, limit, limit_schema, misread};
use crate::auth::rights::Action;
use crate::store::dead_letter::{self, DeadLetter};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::page::dead_letters::raw;
use crate::web::when::machine;

/// The parameters of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    limit: Option<String>,
    cursor: Option<String>,
    /// Chooses the language of errors.
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// A page of dead letters.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeadLetters")]
struct List<'a> {
    dead_letters: Vec<DeadLetterJson<'a>>,
    total: u64,
    next: Option<String>,
}

/// A message that could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeadLetter")]
struct DeadLetterJson<'a> {
    id: i64,
    received_at: String,
    /// How often it came, and when last.
    times: u64,
    last_at: String,
    topic: &'a str,
    source: Option<&'a str>,
    code: &'a str,
    reason: &'a str,
    size: usize,
    /// Where its bytes are.
    raw: String,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let list = "Lists messages that could not be read, newest first";
    let raw = "Answers with the bytes of such a message";
    vec![
        Endpoint::get("/api/v1/dead-letters", self::list, list)
            .query("limit", "How many at most", &limit_schema())
            .query("cursor", "`next` of the page before", &json!({ "type": "string" }))
            .answers::<List<'_>>(),
        Endpoint::get("/api/v1/dead-letters/{id}/raw", download, raw)
            .part("id", "Its number", &json!({ "type": "integer" }))
            .answers_bytes(),
    ]
}

/// Lists messages that could not be read, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadDeadLetters)?;
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let limit = limit(params.limit.as_deref())?;
    let before = params.cursor.as_deref().map(str::parse::<i64>).transpose();
    let before = before.map_err(|_| {
        Fault::bad_request("the cursor is not one that this list gave; start again without it")
    })?;

    let mut letters = dead_letter::page(&app.store, before, limit + 1).await?;
    let page_len = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = page_len < letters.len();
    letters.truncate(page_len);
    let next = letters.last().filter(|_| has_more).map(|last| last.id.to_string());
    let link =
        next.as_ref().map(|next| format!("/api/v1/dead-letters?limit={limit}&cursor={next}"));
    let total = dead_letter::count(&app.store).await?;
    let dead_letters = letters.iter().map(shown).collect();
    Ok(answer(List { dead_letters, total, next }, link))
}

/// Answers with the bytes of a message.
pub(crate) async fn download(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadDeadLetters)?;
    raw(&app, &id).await
}

fn shown(letter: &DeadLetter) -> DeadLetterJson<'_> {
    DeadLetterJson {
        id: letter.id,
        received_at: machine(letter.received_at),
        times: letter.times,
        last_at: machine(letter.last_at),
        topic: &letter.topic,
        source: letter.source.as_deref(),
        code: &letter.code,
        reason: &letter.reason,
        size: letter.payload.len(),
        raw: format!("/api/v1/dead-letters/{}/raw", letter.id),
    }
}
