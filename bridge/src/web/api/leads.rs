//! Leads: the list, what was decided about one, what people decided over it, and who was right.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use upturn_core::id::TaskId;
use upturn_core::lead::Lead;
use upturn_core::lead::document::{self, Document};

use super::openapi::Endpoint;
use super::{answer, limit, limit_schema, misread};
use crate::auth::rights::Action;
use crate::store::lead::LeadNow;
use crate::store::overrule::{Override, Subject, What};
use crate::store::task_view::lead::{LeadCursor, LeadFilter, LeadLine};
use crate::store::{self, task_view};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::filter::Owner;
use crate::web::overrule::{self, Form, Rate};
use crate::web::when::machine;

/// The parameters of the list. An unknown one is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    grade: Option<String>,
    owner: Option<String>,
    region: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// A page of leads.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Leads")]
struct List {
    /// Open ones, the highest score first.
    leads: Vec<LineJson>,
    /// What to ask for the next page with, as `cursor`.
    next: Option<String>,
}

/// A lead in the list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LeadLine")]
struct LineJson {
    task: String,
    rule: String,
    account: Option<String>,
    device: String,
    owner: String,
    region: Option<String>,
    due_at: Option<String>,
    contacted_at: Option<String>,
    /// The score, with what people decided over it.
    score: String,
    /// The grade, with what people decided over it.
    grade: String,
    machine_score: String,
    machine_grade: String,
    channel: Option<String>,
    /// What to do next, in English and Chinese.
    next: Option<NextJson>,
}

/// What to do next.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NextAction")]
struct NextJson {
    en: String,
    zh: String,
}

/// A lead in full.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Lead")]
struct LeadJson {
    task: String,
    /// The score, with what people decided over it.
    score: String,
    /// The grade, with what people decided over it.
    grade: String,
    next: Option<NextJson>,
    /// What was decided when the task was made, and what it was decided on.
    decided: Value,
    /// Whether the document of that version makes the same points of what was known.
    replayed: bool,
    /// What people decided over it, the newest first.
    overrides: Vec<OverrideJson>,
}

/// What a person decided over the machine.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Override")]
struct OverrideJson {
    id: i64,
    what: What,
    value: String,
    machine: Option<String>,
    reason: String,
    actor: String,
    at: String,
    until: String,
    ended_at: Option<String>,
    ended_by: Option<String>,
}

/// The overrides of something.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Overrides")]
struct Overrides {
    /// The newest first.
    overrides: Vec<OverrideJson>,
}

/// How often the machine and people were right.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OverrideFigures")]
struct Figures {
    /// What is counted as right.
    definition: &'static str,
    grade: Rate,
    score: Rate,
    route: Rate,
    probability: Rate,
}

/// What is taken back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeBack {
    what: String,
    reason: String,
    replaces: i64,
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let number = &json!({ "type": "integer" });
    let body = json!({ "application/json": { "schema": schemars::schema_for!(Form).to_value() } });
    let of_task = "/api/v1/tasks/{id}/override";
    let of_deal = "/api/v1/deals/{id}/override";
    let take_back = |endpoint: Endpoint| {
        endpoint
            .query("what", "What was decided", &json!({ "enum": What::ALL.map(What::word) }))
            .query("reason", "Why", text)
            .query("replaces", "The number of the decision", number)
            .answers::<Overrides>()
    };
    let set = "Decides over what the machine says";
    let back = "Takes a decision over the machine back";
    vec![
        Endpoint::get("/api/v1/leads", list, "Lists open leads, the highest score first")
            .query("grade", "Of which grade", text)
            .query(
                "owner",
                "Whose: a person's id, `pool:TEAM`, `pool` (any), `mine` or `all`",
                text,
            )
            .query("region", "Of which region", text)
            .query("limit", "How many at most", &limit_schema())
            .query("cursor", "`next` of the page before", text)
            .answers::<List>(),
        Endpoint::get(
            "/api/v1/tasks/{id}/lead",
            find,
            "Answers with what was decided about a task",
        )
        .part("id", "The task's id", text)
        .answers::<LeadJson>(),
        Endpoint::put(of_task, set_of_task, set)
            .part("id", "The task's id", text)
            .takes(&body)
            .answers::<Overrides>(),
        take_back(Endpoint::delete(of_task, end_of_task, back).part("id", "The task's id", text)),
        Endpoint::put(of_deal, set_of_deal, set)
            .part("id", "The deal's id", text)
            .takes(&body)
            .answers::<Overrides>(),
        take_back(Endpoint::delete(of_deal, end_of_deal, back).part("id", "The deal's id", text)),
        Endpoint::get(
            "/api/v1/figures/overrides",
            figures,
            "Tells how often the machine and people were right",
        )
        .answers::<Figures>(),
    ]
}

/// Lists open leads.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Fault> {
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let limit = limit(params.limit.as_deref())?;
    let after = params.cursor.as_deref().map(str::parse::<LeadCursor>).transpose();
    let after = after.map_err(|e| Fault::bad_request(e.to_string()))?;
    let owner = Owner::read(params.owner.as_deref().unwrap_or_default());
    let filter = LeadFilter {
        grade: params.grade.clone(),
        owner: owner.filter(caller.id()),
        region: params.region.clone(),
        with_others: false,
    };
    let (lines, next) =
        task_view::lead::page(&app.store, &sight, &filter, after.as_ref(), limit).await?;
    let next = next.map(|next| next.to_string());
    let link = next.as_deref().map(|next| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let given =
            [("grade", &params.grade), ("owner", &params.owner), ("region", &params.region)];
        for (name, value) in given {
            query.extend_pairs(value.as_deref().map(|value| (name, value)));
        }
        query.append_pair("limit", &limit.to_string()).append_pair("cursor", next);
        format!("/api/v1/leads?{}", query.finish())
    });
    let leads = lines.iter().filter_map(line).collect();
    Ok(answer(List { leads, next }, link))
}

/// Answers with what was decided about a task.
pub(crate) async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let task = TaskId::from_text(&id);
    task_view::find(&app.store, &sight, &task).await?.ok_or(FaultKind::NotFound)?;
    let now = store::lead::read(&app.store, &task).await?.ok_or(FaultKind::NotFound)?;
    let replayed = replays(&app, &now.lead).await?;
    let overrides = of_subject(&app, &Subject::Task(task)).await?;
    let LeadNow { lead, score_now, grade_now, last } = now;
    let lead = LeadJson {
        task: id,
        score: score_now.to_string(),
        next: next(&lead, &grade_now, last.as_deref()),
        grade: grade_now,
        decided: serde_json::to_value(&lead).map_err(Fault::internal)?,
        replayed,
        overrides,
    };
    Ok(answer(lead, None))
}

/// Decides over what the machine says of a task.
pub(crate) async fn set_of_task(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Form>, JsonRejection>,
) -> Result<Response, Fault> {
    set(&app, &caller, Subject::Task(TaskId::from_text(&id)), body).await
}

/// Takes back what was decided over the machine about a task.
pub(crate) async fn end_of_task(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Result<Query<TakeBack>, QueryRejection>,
) -> Result<Response, Fault> {
    end(&app, &caller, Subject::Task(TaskId::from_text(&id)), params).await
}

/// Decides over what the machine says of a deal.
pub(crate) async fn set_of_deal(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Form>, JsonRejection>,
) -> Result<Response, Fault> {
    set(&app, &caller, Subject::Deal(id), body).await
}

/// Takes back what was decided over the machine about a deal.
pub(crate) async fn end_of_deal(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Result<Query<TakeBack>, QueryRejection>,
) -> Result<Response, Fault> {
    end(&app, &caller, Subject::Deal(id), params).await
}

/// Tells how often the machine and people were right, over the tasks that the caller sees.
pub(crate) async fn figures(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let rates = overrule::rates(&app, &sight).await?;
    let of = |wanted: What| {
        let found = rates.iter().find(|(what, _)| *what == wanted);
        found.map(|(_, rate)| rate.clone()).unwrap_or_default()
    };
    let figures = Figures {
        definition: "Of the newest 10,000 decisions that stood when their task or deal ended, but for \
                     wrong data. A grade, or the grade of a score, is right if it is the highest one and \
                     the customer was interested, or another one and the customer was not. Of two \
                     probabilities the nearer one to what happened is right, at the same distance both. \
                     Of routes nobody knows how another owner would have done.",
        grade: of(What::Grade),
        score: of(What::Score),
        route: of(What::Route),
        probability: of(What::Probability),
    };
    Ok(answer(figures, None))
}

async fn set(
    app: &App,
    caller: &Caller,
    subject: Subject,
    body: Result<Json<Form>, JsonRejection>,
) -> Result<Response, Fault> {
    let Json(form) = body.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    if form.value.trim().is_empty() {
        let detail = "value is missing; to take a decision back, use DELETE";
        return Err(Fault::of(FaultKind::WrongAct, detail));
    }
    overrule::decide(app, subject.clone(), &form, caller).await?;
    Ok(answer(Overrides { overrides: of_subject(app, &subject).await? }, None))
}

async fn end(
    app: &App,
    caller: &Caller,
    subject: Subject,
    params: Result<Query<TakeBack>, QueryRejection>,
) -> Result<Response, Fault> {
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let TakeBack { what, reason, replaces, _lang: _ } = params;
    let form = Form { what, reason, replaces: Some(replaces), ..Form::default() };
    overrule::decide(app, subject.clone(), &form, caller).await?;
    Ok(answer(Overrides { overrides: of_subject(app, &subject).await? }, None))
}

async fn of_subject(app: &App, subject: &Subject) -> Result<Vec<OverrideJson>, Fault> {
    let found = store::overrule::of_subject(&app.store, subject).await?;
    Ok(found.into_iter().map(told).collect())
}

/// Returns whether the score's document, in the version that decided, makes the same of what was known.
async fn replays(app: &App, lead: &Lead) -> Result<bool, Fault> {
    let Some(named) = lead.documents.iter().find(|named| &*named.kind == "score") else {
        return Ok(false);
    };
    let text = store::rule::find_document(&app.store, &named.id, &named.version).await?;
    let document = text.and_then(|text| document::parse(&text).ok());
    Ok(match document {
        Some(Document::Score(score)) => score.score(&lead.inputs) == lead.scored,
        Some(Document::Grade(_) | Document::Route(_) | Document::Sla(_)) | None => false,
    })
}

fn next(lead: &Lead, grade: &str, last: Option<&str>) -> Option<NextJson> {
    let next = lead.bands.next(grade, last)?;
    Some(NextJson { en: next.en.clone(), zh: next.zh.clone() })
}

fn line(line: &LeadLine) -> Option<LineJson> {
    let (task, judged) = (&line.task, line.judged.as_ref()?);
    Some(LineJson {
        task: task.id.as_str().to_owned(),
        rule: task.rule.as_str().to_owned(),
        account: task.account.clone(),
        device: task.device.as_str().to_owned(),
        owner: task.owner.clone(),
        region: task.region.clone(),
        due_at: task.due_at.map(machine),
        contacted_at: task.contacted_at.map(machine),
        score: judged.score_now.clone(),
        grade: judged.grade_now.clone(),
        machine_score: judged.lead.scored.score.to_string(),
        machine_grade: judged.lead.grade.to_string(),
        channel: judged.lead.assignment.channel.as_deref().map(str::to_owned),
        next: next(&judged.lead, &judged.grade_now, judged.last.as_deref()),
    })
}

fn told(one: Override) -> OverrideJson {
    OverrideJson {
        id: one.id,
        what: one.what,
        value: one.value,
        machine: one.machine,
        reason: one.reason,
        actor: one.actor,
        at: machine(one.at),
        until: machine(one.until),
        ended_at: one.ended_at.map(machine),
        ended_by: one.ended_by,
    }
}
