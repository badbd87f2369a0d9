//! `GET /api/v1/advice`: what is to be sent where, and what people do with it.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use upturn_core::stock::gather::Judged;

use super::openapi::Endpoint;
use super::{answer, limit, limit_schema, misread};
use crate::auth::rights::Action;
use crate::stock::plan::take_verdicts;
use crate::stock::view::View;
use crate::store::advice::{self, AdviceState};
use crate::store::advice_view::{self, AdviceFilter, AdviceRow};
use crate::store::audit;
use crate::web::App;
use crate::web::advice::{ActForm, act as act_on, find, state};
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::when::machine;

/// Entries of a history that are told.
const HISTORY_MAX: u32 = 100;

/// The parameters of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    state: String,
    item: String,
    place: String,
    limit: Option<String>,
    cursor: Option<String>,
    /// Chooses the language of errors.
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// A page of advice, and the plan it is of.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AdviceList")]
struct List<'a> {
    advice: Vec<AdviceJson<'a>>,
    total: u64,
    next: Option<String>,
    plan: PlanJson,
}

/// The newest plan.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StockPlan")]
struct PlanJson {
    /// The moment it was made for.
    as_of: Option<String>,
    /// When it was made.
    planned_at: Option<String>,
    /// How many pieces it has, whether it is an exercise, and what was left out of it, and why.
    told: Value,
    /// The facts that may make lanes slower, or demand other, and whether a test on days that they were not
    /// learnt from says so: which is on, what it was learnt and judged by, and by how much it changes what.
    adjusters: Vec<Judged>,
}

/// A piece of advice.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Advice")]
struct AdviceJson<'a> {
    id: &'a str,
    state: AdviceState,
    revision: i64,
    /// What is sent: what the plan says, or a person has made of it.
    quantity: u32,
    /// Which piece it took the place of.
    replaces: Option<&'a str>,
    created_at: String,
    updated_at: String,
    /// Who changed it last.
    actor: Option<&'a str>,
    reason: Option<&'a str>,
    snoozed_until: Option<String>,
    /// What the plan says.
    plan: &'a View,
}

/// A piece of advice with what happened to it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AdviceHistory")]
struct OneJson<'a> {
    advice: AdviceJson<'a>,
    /// Which piece took its place.
    replaced_by: Option<String>,
    history: Vec<EntryJson>,
}

/// Something that happened to a piece of advice.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AdviceEntry")]
struct EntryJson {
    at: String,
    actor: String,
    action: String,
    detail: Value,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let verbs = &json!({ "enum": ["firm", "edit", "snooze", "reject", "ship", "release"] });
    let states: Vec<_> = AdviceState::ALL.iter().map(|state| state.word()).collect();
    let id = "The id of the advice";
    let act = "Agrees on a piece of advice, edits it, puts it off, decides against it, says that it was \
               sent, or takes that back; the body names the revision that was seen";
    vec![
        Endpoint::get("/api/v1/advice", list, "Lists what is to be sent, what leaves first first")
            .query("state", "What it is; those that wait for a person", &json!({ "enum": states }))
            .query("item", "What is sent", text)
            .query("place", "To where", text)
            .query("limit", "How many at most", &limit_schema())
            .query("cursor", "`next` of the page before", text)
            .answers::<List<'_>>(),
        Endpoint::get("/api/v1/advice/{id}", one, "Tells of one piece, with its history")
            .part("id", id, text)
            .answers::<OneJson<'_>>(),
        Endpoint::post("/api/v1/advice/{id}/{verb}", self::act, act)
            .part("id", id, text)
            .part("verb", "What to do", verbs)
            .answers::<OneJson<'_>>(),
    ]
}

/// Lists advice.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadAdvice)?;
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let limit = limit(params.limit.as_deref())?;
    let skip = params.cursor.as_deref().map(str::parse::<u32>).transpose();
    let skip = skip.map_err(|_| {
        Fault::bad_request("the cursor is not one that this list gave; start again without it")
    })?;
    let skip = skip.unwrap_or(0);
    let (item, place) = (params.item, params.place);
    let filter = AdviceFilter { state: state(&params.state)?, item, place };
    let now = app.clock.now();
    let mut plan = advice::plan_state(&app.store).await?;
    let total = advice_view::count(&app.store, &filter, now).await?;
    let rows = advice_view::page(&app.store, &filter, now, (skip, limit)).await?;
    let seen = u64::from(skip) + u64::try_from(rows.len()).unwrap_or_default();
    let next = (seen < total && !rows.is_empty()).then(|| seen.to_string());
    let told = List {
        advice: rows.iter().map(shown).collect(),
        total,
        next,
        plan: PlanJson {
            as_of: plan.as_of.map(machine),
            planned_at: plan.planned_at.map(machine),
            adjusters: take_verdicts(&mut plan.document),
            told: plan.document,
        },
    };
    Ok(answer(told, None))
}

/// Tells of one piece.
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadAdvice)?;
    tell(&app, &find(&app, &id).await?).await
}

/// Does something with a piece.
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((id, verb)): Path<(String, String)>,
    form: Result<Json<ActForm>, JsonRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ActOnAdvice)?;
    let Json(form) = form.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    tell(&app, &act_on(&app, (&id, &verb), &form, &caller).await?).await
}

async fn tell(app: &App, row: &AdviceRow) -> Result<Response, Fault> {
    let successor = advice_view::successor(&app.store, &row.id).await?;
    let entries = audit::newest_of_subject(&app.store, &row.id, HISTORY_MAX).await?;
    let history = entries.into_iter().map(|entry| EntryJson {
        at: machine(entry.at),
        actor: entry.actor,
        action: entry.action,
        detail: entry.detail,
    });
    let told = OneJson {
        advice: shown(row),
        replaced_by: successor.map(|row| row.id),
        history: history.collect(),
    };
    Ok(answer(told, None))
}

fn shown(row: &AdviceRow) -> AdviceJson<'_> {
    AdviceJson {
        id: &row.id,
        state: row.state,
        revision: row.revision,
        quantity: row.quantity,
        replaces: row.replaces.as_deref(),
        created_at: machine(row.created_at),
        updated_at: machine(row.updated_at),
        actor: row.actor.as_deref(),
        reason: row.reason.as_deref(),
        snoozed_until: row.snoozed_until.map(machine),
        plan: &row.view,
    }
}
