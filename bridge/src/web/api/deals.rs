//! `GET /api/v1/deals`, one of them with its way, and what people do with it.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use upturn_core::compliance::process::deal::{Action as DealAction, Deal};
use upturn_core::compliance::process::promise::Light;
use upturn_core::compliance::process::{Process, Requirement, Wanted};
use upturn_core::task::Title;

use super::answer;
use super::approvals::CaseJson;
use super::openapi::{self, Endpoint};
use super::quotes::QuoteRowJson;
use crate::auth::rights::Action;
use crate::runtime::selling::deals::{DealStep, Fields};
use crate::store::deal_act::DealAct;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::selling::{self, CaseView, DealFilter, DealRow, DealView};
use crate::web::when::machine;

/// Deals on a page.
const PAGE: usize = 200;

/// Which deals are wanted.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    stage: Option<String>,
    owner: Option<String>,
    process: Option<String>,
    #[serde(default)]
    closed: bool,
    after: Option<String>,
}

/// Deals.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Deals")]
struct List {
    deals: Vec<DealRowJson>,
    /// The last one's id, where there are more.
    next: Option<String>,
}

/// A deal in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DealInList")]
struct DealRowJson {
    id: String,
    /// Its record: columns and their texts.
    fields: Fields,
    /// The process it goes by, once it has begun one.
    process: Option<String>,
    revision: u64,
    acted_at: Option<String>,
}

/// A deal with its way.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Deal")]
struct DealJson {
    id: String,
    fields: Fields,
    process: Option<String>,
    stage: Option<String>,
    /// The stage after it.
    next_stage: Option<String>,
    /// How many acts there are; say it with an act, and of several people one is first.
    revision: u64,
    /// What the next stage wants that is not done.
    missing: Vec<String>,
    requirements: Vec<RequirementJson>,
    guarded: Vec<GuardedJson>,
    promise: Option<PromiseJson>,
    acts: Vec<ActJson>,
    quotes: Vec<QuoteRowJson>,
    approvals: Vec<CaseJson>,
    /// The version of the rules in force.
    policy: Option<String>,
    /// Whether the reader has to read of a change of the rules before the next gate.
    policy_unread: bool,
}

/// Something that must be done before a stage.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DealRequirement")]
struct RequirementJson {
    id: String,
    stage: String,
    title: Title,
    /// What shows that it is done.
    proof: Wanted,
    /// The hash that a confirmation is bound to, as things stand.
    document: String,
    is_done: bool,
}

/// A field that takes certain values only.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DealGuardedField")]
struct GuardedJson {
    field: String,
    value: Option<String>,
    preset: Vec<PresetJson>,
}

/// A value, and the hash by which it is confirmed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DealPreset")]
struct PresetJson {
    value: String,
    confirmed: String,
}

/// What was promised, and its two lights.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DealPromise")]
struct PromiseJson {
    signed_at: String,
    /// By when there must be a work order.
    order_due_at: Option<String>,
    ordered_at: Option<String>,
    due_at: String,
    delivered_at: Option<String>,
    /// `waiting`, `green` or `red`: whether there is a work order in time.
    order_light: &'static str,
    /// The same of the promise.
    delivery_light: &'static str,
}

/// Something that was done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DealActDone")]
struct ActJson {
    revision: u64,
    position: u64,
    at: String,
    actor: String,
    /// The version of the rules it was judged by.
    policy: String,
    act: DealAction,
}

/// What somebody does with a deal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// Of `begin`: the process, where there are several.
    process: Option<String>,
    /// How many acts were seen; another is refused.
    revision: Option<u64>,
    /// What.
    act: DealAction,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let flag = &json!({ "type": "boolean" });
    let schema = openapi::whole::<Body>();
    vec![
        Endpoint::get("/api/v1/deals", list, "Lists deals")
            .query("stage", "In this stage", text)
            .query("owner", "Of this owner", text)
            .query("process", "Going by this process", text)
            .query("closed", "Also closed ones", flag)
            .query("after", "Behind this one", text)
            .answers::<List>(),
        Endpoint::get("/api/v1/deals/{id}", one, "Tells of one deal, with its way")
            .part("id", "The deal's id", text)
            .answers::<DealJson>(),
        Endpoint::post("/api/v1/deals/{id}/acts", act, "Does something with a deal")
            .part("id", "The deal's id", text)
            .takes(&json!({ "application/json": { "schema": schema } }))
            .answers::<DealJson>(),
        Endpoint::post(
            "/api/v1/policies/{digest}/confirm",
            confirm,
            "Says that one has read of a change of the rules",
        )
        .part("digest", "The version of the rules", text),
    ]
}

/// Lists them.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Response, Fault> {
    let Params { stage, owner, process, closed, after } = params;
    let filter = DealFilter { stage, owner, process, with_closed: closed };
    let mut rows = selling::deals(&app, &caller, &filter).await?;
    if let Some(after) = after {
        rows.retain(|row| after < row.id);
    }
    let has_more = PAGE < rows.len();
    rows.truncate(PAGE);
    let deals: Vec<_> = rows.into_iter().map(row_json).collect();
    let next = deals.last().filter(|_| has_more).map(|last| last.id.clone());
    Ok(answer(List { deals, next }, None))
}

/// Tells of one.
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    tell(&app, &caller, &id).await
}

/// Does something with one.
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, Fault> {
    let Json(body) = body.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    let Body { process, revision, act } = body;
    let step = DealStep { deal: id.clone(), process, revision, action: act };
    selling::act(&app, &caller, step).await?;
    tell(&app, &caller, &id).await
}

/// Says that one has read of a change.
pub(crate) async fn confirm(
    State(app): State<App>,
    caller: Caller,
    Path(digest): Path<String>,
) -> Result<Response, Fault> {
    selling::confirm(&app, &caller, &digest).await?;
    Ok(answer(json!({ "policy": digest, "confirmed_by": caller.id() }), None))
}

async fn tell(app: &App, caller: &Caller, id: &str) -> Result<Response, Fault> {
    let view = selling::deal(app, caller, (id, Action::ReadDeals)).await?;
    let quotes = selling::quotes::list(app, caller, Some(id)).await?;
    let mut cases = selling::cases(app, caller).await?;
    cases.retain(|view: &CaseView| view.case.deal.as_deref() == Some(id));
    let now = app.clock.now();
    let (process, deal) = (view.process(), view.history.deal.as_ref());
    let both = process.zip(deal);
    let told = DealJson {
        id: id.to_owned(),
        process: view.history.process().map(str::to_owned),
        stage: both.and_then(|(process, deal)| Some(deal.stage(process)?.id.clone())),
        next_stage: both.and_then(|(process, deal)| Some(deal.next_stage(process)?.id.clone())),
        revision: view.history.revision(),
        missing: both
            .map(|(process, deal)| deal.missing(process, deal.place + 1))
            .unwrap_or_default(),
        requirements: both.map(requirements).unwrap_or_default(),
        guarded: both.map(guarded).unwrap_or_default(),
        promise: both.and_then(|both| promise(both, now)),
        acts: view.history.acts.iter().map(act_json).collect(),
        quotes: quotes.iter().map(QuoteRowJson::of).collect(),
        approvals: cases.iter().map(CaseJson::of).collect(),
        policy: view.version.as_ref().map(|version| version.digest.clone()),
        policy_unread: view.has_news,
        fields: fields(&view),
    };
    Ok(answer(told, None))
}

fn fields(view: &DealView) -> Fields {
    view.row.fields.clone()
}

fn row_json(row: DealRow) -> DealRowJson {
    let DealRow { id, fields, head } = row;
    DealRowJson {
        id,
        fields,
        process: head.as_ref().map(|head| head.process.clone()),
        revision: head.as_ref().map_or(0, |head| head.revision),
        acted_at: head.map(|head| machine(head.at)),
    }
}

fn requirements((process, deal): (&Process, &Deal)) -> Vec<RequirementJson> {
    let each = |stage: &str, one: &Requirement| RequirementJson {
        id: one.id.clone(),
        stage: stage.to_owned(),
        title: one.title.clone(),
        proof: one.proof.clone(),
        document: deal.document_hash(process, one),
        is_done: deal.done.contains_key(&one.id),
    };
    let stages = process.stage.iter();
    stages.flat_map(|stage| stage.require.iter().map(move |one| each(&stage.id, one))).collect()
}

fn guarded((process, deal): (&Process, &Deal)) -> Vec<GuardedJson> {
    let each = process.guarded.iter().map(|guarded| GuardedJson {
        field: guarded.field.clone(),
        value: deal.fields.get(&guarded.field).cloned(),
        preset: guarded
            .preset
            .iter()
            .map(|value| PresetJson {
                value: value.clone(),
                confirmed: Deal::field_hash(process, &guarded.field, value),
            })
            .collect(),
    });
    each.collect()
}

fn promise((process, deal): (&Process, &Deal), now: DateTime<Utc>) -> Option<PromiseJson> {
    let promise = deal.promise.as_ref()?;
    let hours = process.work_order_within_hours;
    let [order, delivery] = promise.lights(hours, now);
    Some(PromiseJson {
        signed_at: machine(promise.signed_at),
        order_due_at: promise.order_due_at(hours).map(machine),
        ordered_at: promise.ordered_at.map(machine),
        due_at: machine(promise.due_at),
        delivered_at: promise.delivered_at.map(machine),
        order_light: light(order),
        delivery_light: light(delivery),
    })
}

/// Returns the word for a light.
pub(crate) fn light(light: Light) -> &'static str {
    match light {
        Light::Waiting => "waiting",
        Light::Green => "green",
        Light::Red => "red",
    }
}

fn act_json(act: &DealAct) -> ActJson {
    ActJson {
        revision: act.revision,
        position: act.position,
        at: machine(act.at),
        actor: act.actor.clone(),
        policy: act.policy.clone(),
        act: act.action.clone(),
    }
}
