//! `/api/v1/people`: who may sign in, and what they may do.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::answer;
use super::openapi::Endpoint;
use crate::auth::person::{Person, Profile};
use crate::auth::rights::Action;
use crate::auth::token;
use crate::people;
use crate::store::person;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::when::machine;

/// Everybody.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "People")]
struct List<'a> {
    people: Vec<PersonJson<'a>>,
}

/// Somebody who may sign in, or might.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Person")]
struct PersonJson<'a> {
    id: &'a str,
    #[serde(flatten)]
    profile: &'a Profile,
    enabled: bool,
    /// Whether they have yet to choose a password of their own.
    password_given: bool,
    revision: u64,
    created_at: String,
}

/// Somebody who was just added.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AddedPerson")]
struct AddedJson<'a> {
    #[serde(flatten)]
    person: PersonJson<'a>,
    /// The password for the first sign-in, told once.
    password: &'a str,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let content = json!({ "application/json": { "schema": { "type": "object" } } });
    let add = Endpoint::post("/api/v1/people", add, "Adds a person, with a password for once");
    let change = Endpoint::patch(
        "/api/v1/people/{id}",
        change,
        "Changes the fields that are sent; `enabled` keeps out or lets in",
    );
    vec![
        Endpoint::get("/api/v1/people", list, "Lists people").answers::<List<'_>>(),
        add.takes(&content).answers::<AddedJson<'_>>(),
        Endpoint::get("/api/v1/people/{id}", find, "Answers with one person")
            .part("id", "The person's id", text)
            .answers::<PersonJson<'_>>(),
        change.part("id", "The person's id", text).takes(&content).answers::<PersonJson<'_>>(),
    ]
}

/// Lists people.
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadPeople)?;
    let people = person::all(&app.store).await?;
    Ok(answer(List { people: people.iter().map(shown).collect() }, None))
}

/// Answers with one person.
pub(crate) async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadPeople)?;
    Ok(answer(shown(&get(&app, &id).await?), None))
}

/// Adds a person; answers with the password for their first sign-in.
pub(crate) async fn add(
    State(app): State<App>,
    caller: Caller,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ManagePeople)?;
    let mut fields = fields(body)?;
    let Some(Value::String(id)) = fields.remove("id") else {
        return Err(wrong("'id' is missing; it is what the person signs in with"));
    };
    let profile = profile(fields)?;
    let password = token::password().map_err(Fault::internal)?;
    let registered = app.reloader.people();
    let given = (password.clone(), true);
    people::add(&app.store, &registered, caller.by(&app), (&id, profile), given).await?;
    let person = get(&app, &id).await?;
    let added = AddedJson { person: shown(&person), password: &password };
    Ok((StatusCode::OK, answer(added, None)).into_response())
}

/// Changes what is said about a person, and whether they are let in.
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Response, Fault> {
    caller.check(Action::ManagePeople)?;
    let mut fields = fields(body)?;
    let mut before = get(&app, &id).await?;
    match fields.remove("revision") {
        None => {}
        Some(revision) => before.revision = revision.as_u64().unwrap_or_default(),
    }
    let enabled = match fields.remove("enabled") {
        None => None,
        Some(Value::Bool(enabled)) => Some(enabled),
        Some(_) => return Err(wrong("'enabled' is true or false")),
    };
    let Value::Object(mut merged) = json!(before.profile) else {
        return Err(FaultKind::Internal.into());
    };
    merged.extend(fields);
    let by = caller.by(&app);
    let registered = app.reloader.people();
    people::change(&app.store, &registered, by, &before, profile(merged)?).await?;
    if let Some(enabled) = enabled {
        people::set_enabled(&app.store, by, &id, enabled).await?;
    }
    Ok(answer(shown(&get(&app, &id).await?), None))
}

async fn get(app: &App, id: &str) -> Result<Person, Fault> {
    person::find(&app.store, id).await?.ok_or_else(|| FaultKind::NotFound.into())
}

fn fields(
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Map<String, Value>, Fault> {
    match body {
        Ok(Json(fields)) => Ok(fields),
        Err(rejection) => Err(match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => FaultKind::UnsupportedMediaType.into(),
            StatusCode::PAYLOAD_TOO_LARGE => FaultKind::TooLarge.into(),
            _ => Fault::bad_request(rejection.body_text()),
        }),
    }
}

/// Reads what is said about a person; a field that says nothing about people is refused.
fn profile(fields: Map<String, Value>) -> Result<Profile, Fault> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| wrong(&error.to_string()))
}

fn wrong(detail: &str) -> Fault {
    Fault::of(FaultKind::WrongPerson, detail)
}

fn shown(person: &Person) -> PersonJson<'_> {
    PersonJson {
        id: &person.id,
        profile: &person.profile,
        enabled: person.is_enabled(),
        password_given: person.password_given_at.is_some(),
        revision: person.revision,
        created_at: machine(person.created_at),
    }
}
