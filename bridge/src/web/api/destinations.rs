//! `GET /api/v1/destinations`, trying one, and turning one on again.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use upturn_connectors::deliver::letter::Text;
use upturn_connectors::deliver::template::LANGUAGES;
use upturn_core::task::Title;

use super::openapi::Endpoint;
use super::{answer, misread};
use crate::auth::rights::Action;
use crate::delivery::preview::Preview;
use crate::outbox::circuit::Circuit;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::page::destinations::{Standing, standing};
use crate::web::post::{self, Look};
use crate::web::when::machine;

/// All destinations.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Destinations")]
struct List<'a> {
    destinations: Vec<DestinationJson<'a>>,
}

/// A system that is told of tasks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Destination")]
struct DestinationJson<'a> {
    id: &'a str,
    /// The kind of its channel; absent where no document names the destination any more.
    kind: Option<&'a str>,
    title: Option<&'a Title>,
    circuit: Circuit,
    waiting: u64,
    parked: u64,
    /// When the oldest of those that wait was written.
    oldest_at: Option<String>,
    failures: u32,
    open_until: Option<String>,
    off_reason: Option<&'a str>,
    last_error: Option<&'a str>,
    failed_at: Option<String>,
    worked_at: Option<String>,
}

/// What came of trying a destination.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DestinationTest")]
struct TestJson {
    /// Whether it works.
    works: bool,
    /// What was tried, or what went wrong.
    said: String,
}

/// What a letter would look like.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LetterPreview")]
struct PreviewJson {
    kind: String,
    /// `en` or `zh`.
    language: String,
    title: String,
    plain: String,
    html: Option<String>,
    markdown: Option<String>,
    /// What is sent, where the channel always puts it the same way.
    sent: Option<String>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let id = "The destination's id";
    let tries = "Tries a destination, and leaves nothing behind there";
    let turns_on = "Lets a destination be tried again at once, also one that is turned off";
    vec![
        Endpoint::get("/api/v1/destinations", list, "Lists the systems that are told of tasks")
            .answers::<List<'_>>(),
        Endpoint::get(
            "/api/v1/destinations/{id}/preview",
            preview,
            "Shows what a letter looks like",
        )
        .part("id", id, text)
        .query("kind", "What is told; without it `task-created`", text)
        .query("language", "Without it `en`", &json!({ "enum": LANGUAGES }))
        .query("task", "A stored task; without it an invented one", text)
        .answers::<PreviewJson>(),
        Endpoint::post("/api/v1/destinations/{id}/test", test, tries)
            .part("id", id, text)
            .answers::<TestJson>(),
        Endpoint::post("/api/v1/destinations/{id}/on", turn_on, turns_on)
            .part("id", id, text)
            .answers::<List<'_>>(),
    ]
}

/// Lists them all.
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadDestinations)?;
    all(&app).await
}

async fn all(app: &App) -> Result<Response, Fault> {
    let (all, now) = (standing(app).await?, app.clock.now());
    let told = |standing: &Standing| -> serde_json::Value {
        let Standing { id, destination, state, queue } = standing;
        json!(DestinationJson {
            id,
            kind: destination.as_ref().map(|destination| destination.kind),
            title: destination.as_ref().map(|destination| &destination.title),
            circuit: Circuit::of(state, now),
            waiting: queue.waiting,
            parked: queue.parked,
            oldest_at: queue.oldest_at.map(machine),
            failures: state.failures,
            open_until: state.open_until.map(machine),
            off_reason: state.off_reason.as_deref(),
            last_error: state.last_error.as_deref(),
            failed_at: state.failed_at.map(machine),
            worked_at: state.worked_at.map(machine),
        })
    };
    let destinations: Vec<_> = all.iter().map(told).collect();
    Ok(answer(json!({ "destinations": destinations }), None))
}

/// Shows a letter, and sends nothing.
pub(crate) async fn preview(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    look: Result<Query<Look>, QueryRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadDestinations)?;
    let Query(look) = look.map_err(|rejection| misread(&rejection))?;
    let (_, preview) = post::preview(&app, &id, &look, &caller).await?;
    let Preview { text, sent } =
        preview.map_err(|e| Fault::of(FaultKind::WrongRules, e.to_string()))?;
    let Text { language, title, plain, html, markdown } = text;
    let kind = look.kind;
    Ok(answer(PreviewJson { kind, language, title, plain, html, markdown, sent }, None))
}

/// Tries one.
pub(crate) async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    caller.check(Action::ManageDestinations)?;
    let tested = post::test(&app, &id).await?;
    let works = tested.is_ok();
    let said = tested.unwrap_or_else(|reason| reason);
    Ok(answer(TestJson { works, said }, None))
}

/// Turns one on; answers with all of them.
pub(crate) async fn turn_on(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    caller.check(Action::ManageDestinations)?;
    post::turn_on(&app, &id, caller.id()).await?;
    all(&app).await
}
