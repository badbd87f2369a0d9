//! `GET /api/v1/letters` and what people decide about a letter.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::openapi::Endpoint;
use super::{answer, limit, limit_schema, misread};
use crate::auth::rights::Action;
use crate::store::outbox_view::{self, LetterFilter, LetterRow, LetterState};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::post;
use crate::web::when::machine;

/// The parameters of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    destination: Option<String>,
    state: Option<String>,
    task: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    /// Chooses the language of errors.
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// A page of letters.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Letters")]
struct List<'a> {
    /// Newest first.
    letters: Vec<LetterJson<'a>>,
    /// What to ask for the next page with, as `cursor`.
    next: Option<String>,
}

/// A letter to another system.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Letter")]
pub(super) struct LetterJson<'a> {
    id: i64,
    /// What the receiver knows a repeated letter by.
    key: &'a str,
    destination: &'a str,
    kind: &'a str,
    subject: &'a str,
    state: LetterState,
    attempts: u64,
    created_at: String,
    next_at: String,
    sent_at: Option<String>,
    last_error: Option<&'a str>,
    /// The record's id there.
    remote: Option<&'a str>,
    url: Option<&'a str>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let number = &json!({ "type": "integer" });
    let list =
        Endpoint::get("/api/v1/letters", list, "Lists letters to other systems, newest first")
            .query("destination", "To whom", text)
            .query(
                "state",
                "In which state",
                &json!({ "enum": LetterState::ALL.map(LetterState::word) }),
            )
            .query("task", "About which task", text)
            .query("limit", "How many at most", &limit_schema())
            .query("cursor", "`next` of the page before", text);
    let act = Endpoint::post("/api/v1/letters/{id}/{verb}", act, "Decides about a letter")
        .part("id", "The letter's number", number)
        .part(
            "verb",
            "`retry`: send it again; `drop`: give it up",
            &json!({ "enum": ["retry", "drop"] }),
        );
    vec![list.answers::<List<'_>>(), act.answers::<LetterJson<'_>>()]
}

/// Lists letters, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadDestinations)?;
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let limit = limit(params.limit.as_deref())?;
    let state = params.state.as_deref().map(|word| {
        LetterState::find(word)
            .ok_or_else(|| Fault::bad_request(format!("state is '{word}', which no letter has")))
    });
    let cursor = params.cursor.as_deref().map(|text| {
        text.parse::<i64>().map_err(|_| Fault::bad_request("cursor is no `next` of a page"))
    });
    let filter = LetterFilter {
        subject: params.task.clone(),
        destination: params.destination.clone(),
        state: state.transpose()?,
    };
    // One more than is told says whether there is a next page.
    let mut rows =
        outbox_view::page(&app.store, &filter, cursor.transpose()?, limit.saturating_add(1))
            .await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = shown < rows.len();
    rows.truncate(shown);
    let next = rows.last().filter(|_| has_more).map(|last| last.id.to_string());
    let link = next.as_deref().map(|next| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let named = [
            ("destination", &params.destination),
            ("state", &params.state),
            ("task", &params.task),
        ];
        for (name, value) in named {
            query.extend_pairs(value.iter().map(|value| (name, value)));
        }
        query.append_pair("limit", &limit.to_string()).append_pair("cursor", next);
        format!("/api/v1/letters?{}", query.finish())
    });
    Ok(answer(List { letters: rows.iter().map(letter).collect(), next }, link))
}

/// Sends a letter again, or gives it up.
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((id, verb)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let id: i64 = id.parse().map_err(|_| FaultKind::NotFound)?;
    let row = match &*verb {
        "retry" => post::again(&app, id, &caller).await?,
        "drop" => post::give_up(&app, id, &caller).await?,
        _ => return Err(FaultKind::NotFound.into()),
    };
    Ok(answer(letter(&row), None))
}

pub(super) fn letter(row: &LetterRow) -> LetterJson<'_> {
    LetterJson {
        id: row.id,
        key: &row.key,
        destination: &row.destination,
        kind: &row.kind,
        subject: &row.subject,
        state: row.state,
        attempts: row.attempts,
        created_at: machine(row.created_at),
        next_at: machine(row.next_at),
        sent_at: row.sent_at.map(machine),
        last_error: row.last_error.as_deref(),
        remote: row.remote.as_deref(),
        url: row.url.as_deref(),
    }
}
