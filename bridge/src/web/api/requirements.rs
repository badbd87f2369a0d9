//! `POST /api/v1/tasks/{id}/requirements`: something asked for because of a task, and what it became.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use upturn_core::id::TaskId;

use super::answer;
use super::openapi::Endpoint;
use crate::auth::rights::Action;
use crate::store::remote_record::{self, RemoteRecord};
use crate::store::requirement::{self, Requirement};
use crate::store::task_view;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::post;
use crate::web::when::machine;

/// Requirements of a task that are told.
const TOLD_MAX: u32 = 100;

/// What is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// `requirement` or `feedback`.
    kind: String,
    /// `low`, `normal` or `high`.
    priority: String,
    /// In the person's words, at most 4000 characters.
    text: String,
}

/// What was asked for because of a task.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Requirements")]
struct List {
    requirements: Vec<RequirementJson>,
}

/// Something asked for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Requirement")]
struct RequirementJson {
    id: String,
    kind: String,
    priority: String,
    text: String,
    actor: String,
    created_at: String,
    /// What it is elsewhere.
    records: Vec<RecordJson>,
}

/// What a subject is elsewhere.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Record")]
struct RecordJson {
    destination: String,
    remote: Option<String>,
    url: Option<String>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let path = "/api/v1/tasks/{id}/requirements";
    let schema = schemars::schema_for!(Body).to_value();
    let asks = "Asks for something because of a task; it becomes a ticket elsewhere";
    vec![
        Endpoint::get(path, list, "Lists what was asked for because of a task")
            .part("id", "The task's id", text)
            .answers::<List>(),
        Endpoint::post(path, ask, asks)
            .part("id", "The task's id", text)
            .takes(&json!({ "application/json": { "schema": schema } }))
            .answers::<RequirementJson>(),
    ]
}

/// Lists them.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let task = task_view::find(&app.store, &sight, &TaskId::from_text(&id)).await?;
    task.ok_or(FaultKind::NotFound)?;
    let mut requirements = Vec::new();
    for one in requirement::of_task(&app.store, &id, TOLD_MAX).await? {
        let records = remote_record::of_subject(&app.store, &one.id).await?;
        requirements.push(told(one, records));
    }
    Ok(answer(List { requirements }, None))
}

/// Asks for something.
pub(crate) async fn ask(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, Fault> {
    let Json(body) = body.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    let wanted = (&*body.kind, &*body.priority, &*body.text);
    let made = post::require(&app, &TaskId::from_text(&id), wanted, &caller).await?;
    let records = remote_record::of_subject(&app.store, &made.id).await?;
    Ok(answer(told(made, records), None))
}

fn told(requirement: Requirement, records: Vec<RemoteRecord>) -> RequirementJson {
    RequirementJson {
        id: requirement.id,
        kind: requirement.kind,
        priority: requirement.priority,
        text: requirement.text,
        actor: requirement.actor,
        created_at: machine(requirement.created_at),
        records: records
            .into_iter()
            .map(|record| RecordJson {
                destination: record.destination,
                remote: record.remote,
                url: record.url,
            })
            .collect(),
    }
}
