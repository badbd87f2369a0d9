//! `GET /api/v1/tasks/{id}/explanation` and `GET /api/v1/rules/{id}/why-not`.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use upturn_core::event::Position;
use upturn_core::id::{RuleId, TaskId};
use upturn_core::rule::Stage;

use super::openapi::Endpoint;
use super::{answer, misread};
use crate::auth::rights::Action;
use crate::explain::task::{self, TaskError};
use crate::explain::why_not::{self, Question, WhyNotExplained};
use crate::explain::{registry_at, task::TaskExplained};
use crate::replay::{self, Folded};
use crate::runtime::request::Request;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::event::newest::newest_of_device;
use crate::web::App;
use crate::web::ask::{ANSWER_TIME_MAX, RETRY_AFTER_S, ask};
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};

/// The longest scope that is asked about, in bytes.
const SCOPE_MAX: usize = 1024;
/// Devices whose events are told, of an account that has more.
const DEVICES_MAX: usize = 32;
/// Events of a device that are looked through for those that the rule asks about.
const EVENTS_MAX: usize = 500;
/// How long a request folds the log; less than it may take, so that what is told is ours.
const FOLD_TIME_MAX: Duration = ANSWER_TIME_MAX;

/// One request at a time folds the log.
static FOLDS: Semaphore = Semaphore::const_new(1);

/// What is asked about a rule. An unknown parameter is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    scope: Option<String>,
    at: Option<String>,
    stage: Option<String>,
    /// Chooses the language of errors.
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let task = Endpoint::get(
        "/api/v1/tasks/{id}/explanation",
        of_task,
        "Says why there is a task, and what took it away",
    );
    let rule = Endpoint::get(
        "/api/v1/rules/{id}/why-not",
        why_not,
        "Says why a rule has made no task, or no other one",
    );
    vec![
        task.part("id", "The task's id", text).answers::<TaskExplained>(),
        rule.part("id", "The rule's id", text)
            .query("scope", "What it counts by: a device, an account …", text)
            .required()
            .query(
                "stage",
                "The live version, where absent",
                &json!({ "enum": ["live", "shadow"] }),
            )
            .query("at", "As of this log time", &json!({ "type": "string", "format": "date-time" }))
            .answers::<WhyNotExplained>(),
    ]
}

/// Says why there is, or was, a task.
pub(crate) async fn of_task(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let explained: Option<TaskExplained> = task::find(&app.store, &sight, &TaskId::from_text(&id))
        .await
        .map_err(|error| match error {
            TaskError::Store(error) => Fault::from(error),
            TaskError::NoVersion { .. } => Fault::of(FaultKind::NotFound, error.to_string()),
        })?;
    Ok(answer(explained.ok_or(FaultKind::NotFound)?, None))
}

/// Says why a rule has made no task, or no other one, for a scope.
pub(crate) async fn why_not(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::AskWhyNot)?;
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let rule = RuleId::new(&id).map_err(|_| FaultKind::NotFound)?;
    let at = params.at()?;
    let question = Question { rule, stage: params.stage()?, scope: params.scope()? };
    let explained = match at {
        None => now(&app, &question).await?,
        Some(at) => as_of(&app, &question, at).await?,
    };
    let explained = explained.ok_or_else(|| {
        let stage = params.stage.as_deref().map(|stage| format!(" in stage {stage}"));
        let detail = format!("the rule '{id}' is not in force{}", stage.unwrap_or_default());
        Fault::of(FaultKind::NotFound, detail)
    })?;
    Ok(answer(explained, None))
}

impl Params {
    fn scope(&self) -> Result<String, Fault> {
        let scope = self.scope.as_deref().map(str::trim).filter(|scope| !scope.is_empty());
        let scope = scope.ok_or_else(|| {
            let detail = "scope is missing; name what the rule counts by, such as a device";
            Fault::bad_request(detail.to_owned())
        })?;
        if SCOPE_MAX < scope.len() {
            return Err(Fault::bad_request(format!("scope is longer than {SCOPE_MAX} bytes")));
        }
        Ok(scope.to_owned())
    }

    fn at(&self) -> Result<Option<DateTime<Utc>>, Fault> {
        let read = |text: &String| {
            let at = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
            at.map_err(|_| {
                let detail = "at is no time with its zone; write 2026-01-05T08:00:00Z";
                Fault::bad_request(detail.to_owned())
            })
        };
        self.at.as_ref().map(read).transpose()
    }

    fn stage(&self) -> Result<Option<Stage>, Fault> {
        match self.stage.as_deref() {
            None => Ok(None),
            Some("live") => Ok(Some(Stage::Live)),
            Some("shadow") => Ok(Some(Stage::Shadow)),
            Some(other) => {
                Err(Fault::bad_request(format!("stage is '{other}'; use live or shadow")))
            }
        }
    }
}

/// Asks the one writer, which knows how things stand.
async fn now(app: &App, question: &Question) -> Result<Option<WhyNotExplained>, Fault> {
    let asked = question.clone();
    let found = ask(app, |reply| Request::WhyNot { question: asked, reply }).await?;
    let Some(mut found) = found else { return Ok(None) };
    why_not::recall(&app.store, &mut found).await?;
    let mut events = Vec::new();
    for device in found.devices.iter().take(DEVICES_MAX) {
        let newest = newest_of_device(&app.store, device, (Position::MAX, EVENTS_MAX)).await?;
        events.extend(why_not::with_derived(newest));
    }
    let (rule, scope) = (std::sync::Arc::clone(&found.rule), question.scope.clone());
    let examined = ask(app, |reply| Request::Examine { rule, scope, events, reply }).await?;
    let row = registry_at(&app.store, (i64::MAX.unsigned_abs(), found.at)).await?;
    Ok(Some(why_not::explain(question.scope.clone(), found, examined, row)))
}

/// Folds the log as far as `at`, beside the writer.
async fn as_of(
    app: &App,
    question: &Question,
    at: DateTime<Utc>,
) -> Result<Option<WhyNotExplained>, Fault> {
    let Ok(permit) = FOLDS.try_acquire() else {
        let detail = "another request is folding the log; one does at a time";
        return Err(Fault::try_again(detail, RETRY_AFTER_S));
    };
    let explained = tokio::time::timeout(FOLD_TIME_MAX, folded(&app.store, question, at)).await;
    drop(permit);
    explained.map_or_else(
        |_| {
            let detail = "the log is too long to be folded within a request; ask on the machine: \
                          upturn explain why-not --at TIME";
            Err(Fault::of(FaultKind::Unavailable, detail.to_owned()))
        },
        |explained| Ok(explained?),
    )
}

async fn folded(
    store: &Store,
    question: &Question,
    at: DateTime<Utc>,
) -> Result<Option<WhyNotExplained>, StoreError> {
    let side = replay::of_live(store, Some(at)).await?;
    Folded::Stored(Box::new(side)).why_not(question).await
}
