//! `POST /api/v1/events`: programs hand in service events, and learn when they are kept for good.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use upturn_core::decode::{DecodeError, Receipt, subject};
use upturn_core::event::Event;

use super::answer;
use super::openapi::Endpoint;
use crate::auth::rights::Action;
use crate::ingest::submission::{Submission, Taken};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind, WrongItem};

/// The most events of one request: one of them all is in one commit.
const EVENTS_MAX: usize = 1_000;
/// How long the commit is waited for; less than a request may take, so that the answer is ours.
const COMMIT_TIME_MAX: Duration = Duration::from_secs(8);
/// When to come again after a commit that did not happen in time.
const RETRY_AFTER_S: i64 = 2;
/// How much is said about one wrong event, in characters: it may quote what was sent.
const DETAIL_MAX: usize = 300;

/// How the events of a body are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// One JSON object, or a list of them.
    Json,
    /// One JSON object a line.
    Lines,
}

/// One event of a body.
#[derive(Clone, Copy, Debug)]
struct Item<'b> {
    text: &'b str,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// The body itself.
    Whole,
    /// A place in a list, from 0.
    Index(usize),
    /// A line, from 1.
    Line(usize),
}

/// What became of the events.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Taken")]
struct TakenJson {
    accepted: u64,
    repeated: u64,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let event = json!({
        "type": "object",
        "required": ["kind"],
        "description": "`id`, `kind`, `ts` (RFC 3339), and one of `device`, `account` and \
            `contact`; anything else is an attribute.",
    });
    let one_or_many =
        json!({ "oneOf": [event, { "type": "array", "items": event, "maxItems": EVENTS_MAX }] });
    let content = json!({
        "application/json": { "schema": one_or_many },
        "application/x-ndjson": { "schema": { "type": "string" } },
    });
    let submit = Endpoint::post("/api/v1/events", submit, "Takes service events, all or none");
    vec![submit.takes(&content).answers::<TakenJson>()]
}

/// Takes one event, a list of at most 1,000, or as many as JSON Lines: all of them or none.
///
/// Answers 200 after the commit of the events and of everything that follows from them; an event
/// that had been committed before is counted as repeated and changes nothing, so that sending
/// again after a 503, or after no answer, is always safe. `received_at` is the time of the commit.
pub(crate) async fn submit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::SubmitEvents)?;
    let shape = shape(&headers)?;
    // What is wrong with a body's bytes is its size, or that it broke off.
    let body = body.map_err(|rejection| match rejection.status() {
        axum::http::StatusCode::PAYLOAD_TOO_LARGE => FaultKind::TooLarge.into(),
        _ => Fault::bad_request(rejection.body_text()),
    })?;
    let events = decode(&items(&body, shape)?, Receipt::At(app.clock.now()))?;
    let taken = if events.is_empty() { Taken::default() } else { commit(&app, events).await? };
    Ok(answer(TakenJson { accepted: taken.accepted, repeated: taken.repeated }, None))
}

/// Hands `events` to the writer and waits for its commit.
async fn commit(app: &App, events: Vec<Event>) -> Result<Taken, Fault> {
    let (reply, taken) = oneshot::channel();
    let committed = async {
        app.submit.send(Submission { events, reply }).await.ok()?;
        taken.await.ok()
    };
    let outcome = tokio::time::timeout(COMMIT_TIME_MAX, committed).await;
    outcome.ok().flatten().ok_or_else(|| {
        Fault::try_again(
            "the events were not committed in time; send the same again: what was taken in \
             counts once",
            RETRY_AFTER_S,
        )
    })
}

fn shape(headers: &HeaderMap) -> Result<Shape, Fault> {
    let stated = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let stated = stated.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match stated.to_ascii_lowercase().as_str() {
        "application/json" => Ok(Shape::Json),
        "application/x-ndjson" | "application/jsonl" => Ok(Shape::Lines),
        other => Err(Fault::of(
            FaultKind::UnsupportedMediaType,
            format!("content-type is '{other}'; use application/json or application/x-ndjson"),
        )),
    }
}

/// Takes the body apart, without a look into the events.
fn items(body: &[u8], shape: Shape) -> Result<Vec<Item<'_>>, Fault> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let place = error.valid_up_to();
        Fault::bad_request(format!("the body is not UTF-8 from byte {place}; send JSON as UTF-8"))
    })?;
    let lines = text.trim_start_matches('\u{feff}');
    let text = lines.trim_ascii();
    let items: Vec<_> = match shape {
        Shape::Lines => {
            let lines = (1..).zip(lines.lines().map(str::trim_ascii));
            let lines = lines.filter(|(_, text)| !text.is_empty());
            lines.map(|(line, text)| Item { text, place: Place::Line(line) }).collect()
        }
        Shape::Json if text.starts_with('[') => {
            let list: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| {
                Fault::bad_request(format!("the body is no JSON list of events: {error}"))
            })?;
            let texts = list.into_iter().map(RawValue::get).enumerate();
            texts.map(|(index, text)| Item { text, place: Place::Index(index) }).collect()
        }
        Shape::Json if text.is_empty() => {
            return Err(Fault::bad_request("the body is empty; send an event, or a list of them"));
        }
        Shape::Json => vec![Item { text, place: Place::Whole }],
    };
    if EVENTS_MAX < items.len() {
        let count = items.len();
        let detail = format!("{count} events are too many; send at most {EVENTS_MAX} at once");
        return Err(Fault::of(FaultKind::TooLarge, detail));
    }
    Ok(items)
}

/// Returns all events, or which items are wrong and why.
fn decode(items: &[Item<'_>], receipt: Receipt) -> Result<Vec<Event>, Fault> {
    let mut events = Vec::with_capacity(items.len());
    let mut wrong = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match subject::decode(item.text.as_bytes(), receipt) {
            Ok(event) => events.push(event),
            Err(error) => wrong.push(explain(index, item.place, &error)),
        }
    }
    if wrong.is_empty() {
        return Ok(events);
    }
    let (bad, all) = (wrong.len(), items.len());
    Err(Fault::wrong_events(
        format!("events that are wrong: {bad} of {all}; none was taken"),
        wrong,
    ))
}

fn explain(index: usize, place: Place, error: &DecodeError) -> WrongItem {
    let (line, pointer) = match place {
        Place::Whole => (None, Some("#".to_owned())),
        Place::Index(index) => (None, Some(format!("#/{index}"))),
        Place::Line(line) => (Some(line), None),
    };
    let detail = error.to_string().chars().take(DETAIL_MAX).collect();
    WrongItem { index, line, pointer, code: error.code().into(), detail }
}
