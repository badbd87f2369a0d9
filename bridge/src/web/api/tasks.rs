//! `GET /api/v1/tasks`, `GET /api/v1/tasks/{id}` and what people do with a task.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use upturn_core::id::{EventId, TaskId};
use upturn_core::input::Verb;
use upturn_core::rule::Stage;
use upturn_core::task::{EpisodeState, Evidence, Title};

use super::openapi::Endpoint;
use super::task_results::{BookingJson, CouponJson, DealJson, Results};
use super::{answer, limit, limit_schema, misread};
use crate::auth::rights::Action;
use crate::auth::sight::Sight;
use crate::store::task_back_fill::BackFill;
use crate::store::task_history::Entry;
use crate::store::task_view::{self, TaskCursor, TaskDetail, TaskFilter, TaskRow, TaskStatus};
use crate::web::App;
use crate::web::ask;
use crate::web::calendars::Unannounced;
use crate::web::caller::Caller;
use crate::web::deed_form::DeedForm;
use crate::web::fault::{Fault, FaultKind};
use crate::web::filter::{Filter, Owner, View};
use crate::web::language::Language;
use crate::web::when::{Teller, machine};

/// The parameters of a list. An unknown one is an error: a filter that is misspelt must not show
/// everything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    view: Option<String>,
    owner: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    /// Chooses the language of errors.
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

impl Params {
    fn filter(&self) -> Result<Filter, Fault> {
        let view = match self.view.as_deref() {
            None => View::All,
            Some(word) => View::find(word).ok_or_else(|| {
                let words = View::ALL.map(View::word).join(", ");
                Fault::bad_request(format!("view is '{word}'; use one of {words}"))
            })?,
        };
        Ok(Filter { view, owner: Owner::read(self.owner.as_deref().unwrap_or_default()) })
    }
}

/// How many bytes the tasks of a page take at most, unless the first alone takes more.
const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Tasks that are read at once, each with the ids of up to a thousand events.
const CHUNK: u32 = 50;

/// A page of tasks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tasks")]
struct List {
    /// Newest first; of the evidence only the events' ids.
    #[schemars(with = "Vec<TaskJson<'static, &'static str>>")]
    tasks: Vec<Box<RawValue>>,
    /// What to ask for the next page with, as `cursor`.
    next: Option<String>,
}

/// A task, with its evidence as `E` shows it: in lists only the events' ids.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TaskOf_{E}")]
struct TaskJson<'a, E> {
    #[schemars(with = "String")]
    id: &'a TaskId,
    rule: &'a str,
    scope: &'a str,
    device: &'a str,
    account: Option<&'a str>,
    kind: &'a str,
    title: &'a Title,
    owner: &'a str,
    region: Option<&'a str>,
    due_at: Option<String>,
    created_at: String,
    first_at: String,
    last_at: String,
    status: TaskStatus,
    snoozed_until: Option<String>,
    contacted_at: Option<String>,
    contradicted: bool,
    version: &'a str,
    stage: Stage,
    episode: EpisodeState,
    joined: u64,
    joined_at: Option<String>,
    evidence: Vec<E>,
}

/// A task with all that is known of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Task")]
struct DetailJson<'a> {
    #[serde(flatten)]
    task: TaskJson<'a, EvidenceJson<'a>>,
    steps: &'a [String],
    /// The places of the steps that are done, from 0 on.
    checked: &'a BTreeSet<usize>,
    taken_at: Option<String>,
    /// Whether the first contact was told later, and so was not in time.
    contacted_late: bool,
    closed_at: Option<String>,
    outcome: Option<&'a str>,
    revision: u64,
    history: Vec<HistoryJson<'a>>,
    /// Contacts that were told later, each of which counts once somebody else has approved it.
    back_fills: Vec<BackFillJson<'a>>,
    /// Present where the holidays of the days up to `due_at` are not announced, so that it is a guess.
    due_unannounced: Option<Unannounced>,
    /// The deal that it opened, if the customer was interested.
    deal: Option<DealJson<'a>>,
    /// The coupon that went to the customer.
    coupon: Option<CouponJson<'a>>,
    /// The meeting with a consultant that is booked.
    booking: Option<BookingJson<'a>>,
}

/// A contact that was told later.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BackFill")]
struct BackFillJson<'a> {
    id: i64,
    done_at: String,
    told_at: String,
    actor: &'a str,
    detail: &'a Value,
    decided_by: Option<&'a str>,
    approved: bool,
}

/// An event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Evidence")]
struct EvidenceJson<'a> {
    id: &'a str,
    device: &'a str,
    channel: Option<&'a str>,
    kind: &'a str,
    occurred_at: String,
    attributes: Value,
}

/// Something that was done to a task.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Deed")]
struct HistoryJson<'a> {
    at: String,
    actor: &'a str,
    action: &'a str,
    detail: &'a Value,
    /// When it was done: before `at` where it was told later.
    done_at: String,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let id = "The task's id";
    let verbs = json!({ "enum": Verb::ALL.map(Verb::word) });
    let list = Endpoint::get("/api/v1/tasks", list, "Lists tasks, newest first")
        .query("view", "Which tasks", &json!({ "enum": View::ALL.map(View::word) }))
        .query("owner", "Whose: a person's id, `pool:TEAM`, `pool` (any), `mine` or `all`", text)
        .query("limit", "How many at most; fewer where they are large", &limit_schema())
        .query("cursor", "`next` of the page before", text);
    let find = Endpoint::get("/api/v1/tasks/{id}", find, "Answers with one task");
    let act = Endpoint::post("/api/v1/tasks/{id}/{verb}", act, "Does something with a task");
    vec![
        list.answers::<List>(),
        find.part("id", id, text).answers::<DetailJson<'_>>(),
        act.part("id", id, text)
            .part("verb", "What", &verbs)
            .takes(&json!({ "application/json": { "schema": schema_for!(DeedForm) } }))
            .answers::<DetailJson<'_>>(),
    ]
}

/// Lists tasks, newest first.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Fault> {
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let filter = params.filter()?;
    let limit = limit(params.limit.as_deref())?;
    let after = params.cursor.as_deref().map(str::parse::<TaskCursor>).transpose();
    let after = after.map_err(|e| Fault::bad_request(e.to_string()))?;

    // What "today" means does not depend on the language.
    let teller = Teller { language: Language::En, zone: app.reloader.zone(), now: app.clock.now() };
    let wanted = filter.tasks(caller.id(), teller.today());
    let (tasks, next) = bounded_page(&app, &sight, &wanted, (after, limit)).await?;
    let next = next.map(|next| next.to_string());
    let link = next.as_deref().map(|next| {
        let more = [("limit", &*limit.to_string()), ("cursor", next)];
        format!("/api/v1/tasks?{}", filter.query(&more))
    });
    Ok(answer(List { tasks, next }, link))
}

/// Returns at most `limit` tasks behind `after`, fewer where they would be too many bytes, and where
/// the next page begins.
async fn bounded_page(
    app: &App,
    sight: &Sight,
    wanted: &TaskFilter,
    (mut after, limit): (Option<TaskCursor>, u32),
) -> Result<(Vec<Box<RawValue>>, Option<TaskCursor>), Fault> {
    let (mut tasks, mut bytes, mut left) = (Vec::new(), 0, limit);
    loop {
        let chunk = left.min(CHUNK);
        let page = task_view::page(&app.store, sight, wanted, after.as_ref(), chunk).await?;
        for row in &page.rows {
            let task = to_raw_value(&in_list(row)).map_err(Fault::internal)?;
            bytes += task.get().len();
            if PAGE_BYTES_MAX < bytes && !tasks.is_empty() {
                return Ok((tasks, after));
            }
            tasks.push(task);
            after = Some(TaskCursor::of(row));
        }
        left -= chunk;
        if left == 0 || page.next.is_none() {
            return Ok((tasks, page.next));
        }
    }
}

/// Answers with one task.
pub(crate) async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let detail = task_view::find(&app.store, &sight, &TaskId::from_text(&id)).await?;
    let detail = detail.ok_or(FaultKind::NotFound)?;
    let results = Results::of(&app, &detail.row, &caller).await?;
    Ok(answer(in_detail(&detail, &results), None))
}

/// Does something with a task; answers with the task after the commit.
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((id, verb)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Fault> {
    let verb = Verb::find(&verb).ok_or(FaultKind::NotFound)?;
    let (task, form) = (TaskId::from_text(&id), DeedForm::of_json(&body)?);
    let detail = ask::act(&app, (&task, verb), &form, &caller).await?;
    let results = Results::of(&app, &detail.row, &caller).await?;
    Ok(answer(in_detail(&detail, &results), None))
}

impl<'a, E> TaskJson<'a, E> {
    fn new(row: &'a TaskRow, evidence: Vec<E>) -> Self {
        Self {
            id: &row.id,
            rule: row.rule.as_str(),
            scope: &row.scope,
            device: row.device.as_str(),
            account: row.account.as_deref(),
            kind: &row.kind,
            title: &row.title,
            owner: &row.owner,
            region: row.region.as_deref(),
            due_at: row.due_at.map(machine),
            created_at: machine(row.created_at),
            first_at: machine(row.first_at),
            last_at: machine(row.last_at),
            status: row.status,
            snoozed_until: row.snoozed_until.map(machine),
            contacted_at: row.contacted_at.map(machine),
            contradicted: row.contradicted,
            version: &row.version,
            stage: row.stage,
            episode: row.episode,
            joined: row.joined,
            joined_at: row.joined_at.map(machine),
            evidence,
        }
    }
}

fn in_list(row: &TaskRow) -> TaskJson<'_, &str> {
    TaskJson::new(row, row.evidence.iter().map(EventId::as_str).collect())
}

fn in_detail<'a>(detail: &'a TaskDetail, results: &'a Results) -> DetailJson<'a> {
    DetailJson {
        task: TaskJson::new(&detail.row, detail.evidence.iter().map(evidence).collect()),
        steps: &detail.steps,
        checked: &detail.checked,
        taken_at: detail.taken_at.map(machine),
        contacted_late: detail.is_contacted_late,
        closed_at: detail.closed_at.map(machine),
        outcome: detail.outcome.as_deref(),
        revision: detail.revision,
        history: detail.history.iter().map(history).collect(),
        back_fills: detail.back_fills.iter().map(back_fill).collect(),
        due_unannounced: results.unannounced,
        deal: results.deal.as_ref().map(DealJson::of),
        coupon: results.coupon.as_ref().map(|issued| CouponJson::of(issued, results.shows_code)),
        booking: results.booking.as_ref().map(BookingJson::of),
    }
}

fn evidence(evidence: &Evidence) -> EvidenceJson<'_> {
    EvidenceJson {
        id: evidence.id.as_str(),
        device: evidence.device.as_str(),
        channel: evidence.channel.as_deref(),
        kind: &evidence.kind,
        occurred_at: machine(evidence.occurred_at),
        attributes: serde_json::from_str(&evidence.attributes).unwrap_or_default(),
    }
}

fn back_fill(told: &BackFill) -> BackFillJson<'_> {
    BackFillJson {
        id: told.id,
        done_at: machine(told.done_at),
        told_at: machine(told.told_at),
        actor: &told.actor,
        detail: &told.detail,
        decided_by: told.decided_by.as_deref(),
        approved: told.is_approved,
    }
}

fn history(entry: &Entry) -> HistoryJson<'_> {
    HistoryJson {
        at: machine(entry.at),
        actor: &entry.actor,
        action: &entry.action,
        detail: &entry.detail,
        done_at: machine(entry.done_at),
    }
}
