//! `POST /api/v1/hooks/{destination}`: what another system tells by itself.
//!
//! Nobody logs in: the destination's channel proves by the request's signature who sent it. A delivery
//! that comes again is answered as it was the first time, and changes nothing.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use upturn_connectors::deliver::{Failure, Inbound};
use upturn_core::id::TaskId;

use super::answer;
use super::openapi::Endpoint;
use crate::auth::sight::Sight;
use crate::outbox::hearing::{self, HearError, Heard, Outcome};
use crate::store::{self, remote_record, task_view};
use crate::web::App;
use crate::web::ask::{ANSWER_TIME_MAX, RETRY_AFTER_S};
use crate::web::fault::{Fault, FaultKind};
use crate::web::post;

/// How long deliveries are remembered; older ones are refused for the age of their signature.
const REMEMBERED: TimeDelta = TimeDelta::days(7);
/// The longest id of a delivery, in bytes.
const ID_MAX: usize = 256;

/// What came of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "Hook")]
struct HookJson {
    /// `closed`, `nothing-new`, `conflict` or `unknown-record`.
    outcome: String,
    /// The task it was about, if there is one.
    task: Option<String>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let takes = json!({ "application/json": { "schema": { "type": "object" } } });
    vec![
        Endpoint::post(
            "/api/v1/hooks/{destination}",
            take,
            "Takes what a destination tells of its records, signed as its kind says",
        )
        .part("destination", "The destination's id", text)
        .takes(&takes)
        .answers::<HookJson>(),
    ]
}

/// Takes a delivery.
pub(crate) async fn take(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    let destination = {
        let routing = app.delivery.borrow();
        routing.destinations.get(&id).cloned().ok_or(FaultKind::NotFound)?
    };
    let now = app.clock.now();
    let inbound = destination.channel.receive(&headers, &body, now).map_err(|failure| {
        tracing::warn!(destination.id = id, reason = %failure, "a delivery was not taken");
        refusal(&failure)
    })?;
    if inbound.id.is_empty() || ID_MAX < inbound.id.len() {
        return Err(Fault::bad_request(format!("a delivery's id has 1 to {ID_MAX} bytes")));
    }
    if let Some(kept) = store::inbound::find(&app.store, &id, &inbound.id).await? {
        return told(&kept);
    }
    let heard = tokio::time::timeout(ANSWER_TIME_MAX, hear(&app, &id, &inbound)).await;
    let came = match heard {
        Ok(Ok(came)) => came,
        Ok(Err(HearError::Store(error))) => return Err(error.into()),
        Ok(Err(HearError::NoAnswer)) | Err(_) => {
            let detail = "nothing is taken in at the moment; send it again";
            return Err(Fault::try_again(detail, RETRY_AFTER_S));
        }
    };
    let text = json!(came).to_string();
    let kept = store::inbound::keep(&app.store, (&id, &inbound.id), now, &text).await?;
    store::inbound::purge(&app.store, now - REMEMBERED).await?;
    told(&kept)
}

async fn hear(app: &App, destination: &str, inbound: &Inbound) -> Result<HookJson, HearError> {
    let Some(subject) = subject(app, destination, inbound).await? else {
        let outcome = Outcome::Unknown.word().to_owned();
        return Ok(HookJson { outcome, task: None });
    };
    let heard = Heard { destination, subject: &subject, progress: inbound.progress };
    let outcome = hearing::hear(&post::office(app), &heard, app.clock.now()).await?;
    Ok(HookJson { outcome: outcome.word().to_owned(), task: Some(subject) })
}

/// Returns the task that a delivery is about: the one it names, or whose record it names.
async fn subject(
    app: &App,
    destination: &str,
    inbound: &Inbound,
) -> Result<Option<String>, HearError> {
    if let Some(task) = &inbound.task
        && task_view::find(&app.store, &Sight::All, &TaskId::from_text(task)).await?.is_some()
    {
        return Ok(Some(task.clone()));
    }
    let Some(remote) = &inbound.remote else { return Ok(None) };
    Ok(remote_record::find_subject(&app.store, destination, remote).await?)
}

fn refusal(failure: &Failure) -> Fault {
    match failure {
        // Why is in the log: whoever tries signatures learns nothing.
        Failure::Refused { .. } => Fault::of(
            FaultKind::Unauthenticated,
            "the delivery is not signed as this destination signs".to_owned(),
        ),
        Failure::Later { .. } | Failure::Off { .. } => {
            Fault::try_again("this destination takes nothing at the moment", RETRY_AFTER_S)
        }
    }
}

fn told(kept: &str) -> Result<Response, Fault> {
    let came: HookJson = serde_json::from_str(kept).map_err(Fault::internal)?;
    Ok(answer(came, None))
}
