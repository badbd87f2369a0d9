//! `/api/v1/records`: what other systems keep, read and written.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use upturn_core::record::{KINDS, Kind};

use super::openapi::Endpoint;
use super::{answer, limit, limit_schema, misread};
use crate::auth::rights::Action;
use crate::store::record::{self, RevisedRecord};
use crate::store::unknown_device;
use crate::twins::Twins;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::records::{self, BATCH_MAX, Terms};
use crate::web::when::machine;

/// The header under whose value an answer is given again.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The longest key.
const KEY_LEN_MAX: usize = 255;
/// How many unknown devices are told.
const UNKNOWN_MAX: u32 = 500;

/// The kinds of records.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RecordKinds")]
struct KindsJson {
    kinds: Vec<KindJson>,
}

/// A kind of record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RecordKind")]
struct KindJson {
    name: &'static str,
    about: &'static str,
    /// The columns that name a record, together; `|` stands between them in an id.
    key: &'static [&'static str],
    /// How many there are.
    records: i64,
}

/// Some records of a kind.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Records")]
struct ListJson {
    records: Vec<RecordJson>,
}

/// A record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Record")]
struct RecordJson {
    id: String,
    /// How often it was written, counted from 1.
    revision: u64,
    updated_at: String,
    updated_by: String,
    /// Its columns, all of them texts.
    record: Value,
}

/// Records that may be one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Duplicates")]
struct DuplicatesJson {
    duplicates: Vec<Twins>,
}

/// Devices that nobody has registered, those with the most messages first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UnknownDevices")]
struct UnknownJson {
    /// How many there are.
    count: i64,
    devices: Vec<UnknownDeviceJson>,
}

/// A device that nobody has registered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UnknownDevice")]
struct UnknownDeviceJson {
    device: String,
    /// Where its last message came in.
    topic: String,
    messages: i64,
    first_seen_at: String,
    last_seen_at: String,
}

/// What is asked of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    after: Option<String>,
    limit: Option<String>,
    q: Option<String>,
}

/// Several records.
#[derive(Debug, Deserialize)]
pub(crate) struct BatchBody {
    records: Vec<Map<String, Value>>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let row = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let one = json!({ "application/json": { "schema": row } });
    let many = json!({ "application/json": { "schema": {
        "type": "object",
        "required": ["records"],
        "properties": { "records": { "type": "array", "maxItems": BATCH_MAX, "items": row } },
    } } });
    let (kind, id) = ("The kind of record", "The record's key");
    let key = "Under the same key and body the same is answered for 24 hours";
    let list = Endpoint::get("/api/v1/records/{kind}", list, "Lists records of a kind");
    let write = Endpoint::post("/api/v1/records/{kind}", write, "Writes records, all or none");
    let put = Endpoint::put("/api/v1/records/{kind}/{id}", put, "Writes a record");
    let remove = Endpoint::delete("/api/v1/records/{kind}/{id}", remove, "Removes a record");
    vec![
        Endpoint::get("/api/v1/records", kinds, "Lists the kinds of records")
            .answers::<KindsJson>(),
        list.part("kind", kind, text)
            .query("after", "The id behind which the page begins", text)
            .query("q", "What a record must contain", text)
            .query("limit", "How many records a page has", &limit_schema())
            .answers::<ListJson>(),
        write.part("kind", kind, text).header("Idempotency-Key", key, text).takes(&many),
        Endpoint::get("/api/v1/records/{kind}/{id}", find, "Answers with one record")
            .part("kind", kind, text)
            .part("id", id, text)
            .answers::<RecordJson>(),
        put.part("kind", kind, text)
            .part("id", id, text)
            .header("Idempotency-Key", key, text)
            .header("If-Match", "The revision it must have, as ETag has it", text)
            .takes(&one),
        remove.part("kind", kind, text).part("id", id, text).header(
            "If-Match",
            "The revision it must have, as ETag has it",
            text,
        ),
        Endpoint::get(
            "/api/v1/duplicates",
            duplicates,
            "Lists accounts and contacts that may be one",
        )
        .answers::<DuplicatesJson>(),
        Endpoint::get("/api/v1/unknown-devices", unknown, "Lists devices nobody has registered")
            .answers::<UnknownJson>(),
    ]
}

/// Lists the kinds.
pub(crate) async fn kinds(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadRecords)?;
    let counts = record::counts(&app.store).await?;
    let kinds = KINDS.iter().map(|kind| KindJson {
        name: kind.name,
        about: kind.about,
        key: kind.key,
        records: counts.get(kind.name).copied().unwrap_or_default(),
    });
    Ok(answer(KindsJson { kinds: kinds.collect() }, None))
}

/// Lists records of a kind.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(kind): Path<String>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadRecords)?;
    let kind = records::kind(&kind)?;
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let limit = limit(params.limit.as_deref())?;
    let (after, words) = (params.after.unwrap_or_default(), params.q.unwrap_or_default());
    // One more than is told shows whether there is a next page.
    let mut found = record::search(&app.store, (kind.name, &words), &after, limit + 1).await?;
    let has_more = usize::try_from(limit).is_ok_and(|limit| limit < found.len());
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = found.last().filter(|_| has_more).map(|last| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("after", &last.record.id)
            .append_pair("limit", &limit.to_string())
            .append_pair("q", &words)
            .finish();
        format!("/api/v1/records/{}?{query}", kind.name)
    });
    let records: Result<_, Fault> = found.into_iter().map(shown).collect();
    Ok(answer(ListJson { records: records? }, next))
}

/// Answers with one record.
pub(crate) async fn find(
    State(app): State<App>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadRecords)?;
    let kind = records::kind(&kind)?;
    let found = record::find(&app.store, kind.name, &id).await?.ok_or(FaultKind::NotFound)?;
    let revision = found.revision;
    let mut response = answer(shown(found)?, None);
    response.headers_mut().extend(etag(revision));
    Ok(response)
}

/// Writes one record.
pub(crate) async fn put(
    State(app): State<App>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ManageRecords)?;
    let kind = records::kind(&kind)?;
    let row = with_key(kind, &id, read(body)?)?;
    let told = records::put(&app, kind, &[row], terms(&headers, &caller)?).await?;
    let told: Value = serde_json::from_str(&told).map_err(Fault::internal)?;
    let revision = told.pointer("/records/0/revision").and_then(Value::as_u64);
    let mut response = json_text(told.to_string());
    response.headers_mut().extend(revision.and_then(etag));
    Ok(response)
}

/// Writes several.
pub(crate) async fn write(
    State(app): State<App>,
    caller: Caller,
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: Result<Json<BatchBody>, JsonRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ManageRecords)?;
    let kind = records::kind(&kind)?;
    let BatchBody { records: rows } = read(body)?;
    if BATCH_MAX < rows.len() {
        let detail = format!("{} records; send at most {BATCH_MAX} at once", rows.len());
        return Err(Fault::of(FaultKind::WrongRecords, detail));
    }
    let told = records::put(&app, kind, &rows, terms(&headers, &caller)?).await?;
    Ok(json_text(told))
}

/// Removes one.
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    caller.check(Action::ManageRecords)?;
    let kind = records::kind(&kind)?;
    let told = records::remove(&app, kind, &id, terms(&headers, &caller)?).await?;
    Ok(json_text(told))
}

/// Lists what may be one.
pub(crate) async fn duplicates(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadRecords)?;
    let marks = app.twins.marks(&app.store, &app.reloader.folder()).await?;
    Ok(answer(DuplicatesJson { duplicates: marks.all() }, None))
}

/// Lists devices that nobody has registered.
pub(crate) async fn unknown(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadRecords)?;
    let (found, count) = unknown_device::newest(&app.store, UNKNOWN_MAX).await?;
    let devices = found.into_iter().map(|found| UnknownDeviceJson {
        device: found.device,
        topic: found.topic,
        messages: found.messages,
        first_seen_at: machine(found.first_seen_at),
        last_seen_at: machine(found.last_seen_at),
    });
    Ok(answer(UnknownJson { count, devices: devices.collect() }, None))
}

fn shown(found: RevisedRecord) -> Result<RecordJson, Fault> {
    let RevisedRecord { record, revision, updated_at, updated_by } = found;
    let document = serde_json::from_str(&record.document).map_err(Fault::internal)?;
    let updated_at = machine(updated_at);
    Ok(RecordJson { id: record.id, revision, updated_at, updated_by, record: document })
}

fn json_text(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

fn etag(revision: u64) -> Option<(axum::http::HeaderName, HeaderValue)> {
    Some((ETAG, HeaderValue::from_str(&format!("\"{revision}\"")).ok()?))
}

fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Fault> {
    body.map(|Json(body)| body).map_err(|rejection| match rejection.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => FaultKind::UnsupportedMediaType.into(),
        StatusCode::PAYLOAD_TOO_LARGE => FaultKind::TooLarge.into(),
        _ => Fault::bad_request(rejection.body_text()),
    })
}

/// Returns `row` with the parts of its key as the path has them; refuses where it says another.
fn with_key(
    kind: &Kind,
    id: &str,
    mut row: Map<String, Value>,
) -> Result<Map<String, Value>, Fault> {
    let parts: Vec<&str> = id.split('|').collect();
    if parts.len() != kind.key.len() {
        let detail = format!("the id of a {} is {}", kind.name, kind.key.join("|"));
        return Err(Fault::bad_request(detail));
    }
    for (name, part) in kind.key.iter().zip(parts) {
        match row.get(*name) {
            Some(Value::String(said)) if said == part => {}
            Some(_) => {
                let detail = format!("'{name}' is not what the path says; leave it out");
                return Err(Fault::of(FaultKind::WrongRecords, detail));
            }
            None => drop(row.insert((*name).to_owned(), part.into())),
        }
    }
    Ok(row)
}

/// Reads what the headers say of how to write.
fn terms(headers: &HeaderMap, caller: &Caller) -> Result<Terms, Fault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let key = text(IDEMPOTENCY_KEY).map(str::to_owned);
    if key.as_ref().is_some_and(|key| key.is_empty() || KEY_LEN_MAX < key.len()) {
        let detail = format!("Idempotency-Key has 1 to {KEY_LEN_MAX} characters");
        return Err(Fault::bad_request(detail));
    }
    let revision = match (text(IF_MATCH.as_str()), text(IF_NONE_MATCH.as_str())) {
        (Some(tag), _) => {
            let revision = tag.trim_matches('"').parse().ok();
            Some(revision.ok_or_else(|| {
                Fault::bad_request("If-Match is no revision; send back what ETag said")
            })?)
        }
        (None, Some("*")) => Some(0),
        (None, _) => None,
    };
    Ok(Terms { revision, key, actor: caller.id().to_owned() })
}
