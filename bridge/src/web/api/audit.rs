//! `GET /api/v1/audit`: who changed what, and when.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::openapi::Endpoint;
use super::{answer, limit, limit_schema, misread};
use crate::auth::rights::Action;
use crate::store::audit::search::{self, AuditFilter, Found};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::when::machine;

/// What is looked for. An unknown parameter is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    actor: String,
    action: String,
    subject: String,
    from: Option<String>,
    until: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    /// Chooses the language of errors.
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// A page of the trail, newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Audit")]
struct List<'a> {
    entries: Vec<EntryJson<'a>>,
    next: Option<String>,
}

/// An entry of the trail.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
struct EntryJson<'a> {
    id: i64,
    at: String,
    actor: &'a str,
    action: &'a str,
    subject: &'a str,
    detail: &'a Value,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let time = &json!({ "type": "string", "format": "date-time" });
    let list = Endpoint::get("/api/v1/audit", list, "Lists who changed what, newest first");
    vec![
        list.query("actor", "Who", text)
            .query("action", "What was done, or what it begins with: `task-`", text)
            .query("subject", "To what: a task's id, `person:ID`, `rules`", text)
            .query("from", "From when on", time)
            .query("until", "Before when", time)
            .query("limit", "How many at most", &limit_schema())
            .query("cursor", "`next` of the page before", text)
            .answers::<List<'_>>(),
    ]
}

/// Lists who changed what, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadAudit)?;
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let limit = limit(params.limit.as_deref())?;
    let before = params.cursor.as_deref().map(str::parse::<i64>).transpose();
    let before = before.map_err(|_| {
        Fault::bad_request("the cursor is not one that this list gave; start again without it")
    })?;
    let filter = AuditFilter {
        from: time(params.from.as_deref())?,
        until: time(params.until.as_deref())?,
        actor: params.actor,
        action: params.action,
        subject: params.subject,
    };
    let mut found = search::page(&app.store, &filter, before, limit + 1).await?;
    let page_len = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = page_len < found.len();
    found.truncate(page_len);
    let next = found.last().filter(|_| has_more).map(|last| last.id.to_string());
    Ok(answer(List { entries: found.iter().map(shown).collect(), next }, None))
}

fn time(text: Option<&str>) -> Result<Option<DateTime<Utc>>, Fault> {
    let read = |text: &str| {
        let at = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
        at.map_err(|_| {
            Fault::bad_request(format!(
                "'{text}' is no time with its zone; write 2026-01-05T08:00:00Z"
            ))
        })
    };
    text.map(read).transpose()
}

fn shown(found: &Found) -> EntryJson<'_> {
    EntryJson {
        id: found.id,
        at: machine(found.at),
        actor: &found.actor,
        action: &found.action,
        subject: &found.subject,
        detail: &found.detail,
    }
}
