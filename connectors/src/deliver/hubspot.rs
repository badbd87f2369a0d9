//! Letters as tasks in HubSpot (CRM API v3).
//!
//! **What it does** keeps one HubSpot task for each task: made once, changed with it, completed when
//! it is over. Tells when somebody completes it there.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `token_file = "/run/secrets/hubspot"`, `reference_property = "upturn_reference"`
//! **Settings** the file of a private app's token; better with a property of tasks that has unique
//! values, by which a record is found without fail. Without it a mark stands in the subject, and
//! HubSpot's search finds it only some seconds after.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::access;
use super::channel::{Channel, Progress, Receipt, RecordState};
use super::exchange::{self, Exchange};
use super::failure::Failure;
use super::kind::{self, Kind, Proof, SettingsError, Surroundings};
use super::letter::Letter;
use super::records::{self, Records, Update, Urgency};
use crate::http::header::{AUTHORIZATION, HeaderValue};
use crate::http::{Answer, Method, Request};

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "hubspot",
    about: "Keeps a HubSpot task for each task, and tells when it is completed there.",
    proof: Proof::RecordedShapes,
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(HubSpot::new(kind::read(settings)?, around)?)),
};

/// Which account tasks are kept in, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address of the API.
    #[serde(default = "api")]
    pub url: String,
    /// A file that holds the token of a private app with `crm.objects.tasks` rights.
    pub token_file: PathBuf,
    /// The name of a text property of tasks that has unique values. Default: none, a mark in the
    /// subject.
    #[serde(default)]
    pub reference_property: Option<String>,
    /// The id of the owner of tasks that have no other. Default: none.
    #[serde(default)]
    pub owner_id: Option<String>,
    /// The ids of owners there by the ids of people here.
    #[serde(default)]
    pub owners: BTreeMap<String, String>,
    /// Records that each task is attached to.
    #[serde(default)]
    pub associations: Vec<Association>,
}

/// A record that tasks are attached to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Association {
    /// The record's id.
    pub object_id: u64,
    /// The type of the association, as HubSpot numbers them: 204 is from a task to a contact.
    pub type_id: u32,
}

fn api() -> String {
    "https://api.hubapi.com".to_owned()
}

#[derive(Debug)]
struct HubSpot {
    url: Url,
    authorization: HeaderValue,
    settings: Settings,
    exchange: Exchange,
}

/// A task as HubSpot gives it.
#[derive(Debug, Deserialize)]
struct Task {
    id: String,
    #[serde(default)]
    properties: BTreeMap<String, Option<String>>,
    #[serde(default, rename = "updatedAt")]
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
struct Results {
    results: Vec<Task>,
}

impl HubSpot {
    fn new(settings: Settings, around: &Surroundings) -> Result<Self, SettingsError> {
        let url = kind::address(&around.http, "url", &settings.url)?;
        let token = access::secret("token_file", &settings.token_file)?;
        let authorization = access::authorization("token_file", "Bearer", &token)?;
        let exchange = Exchange::new(around.http.clone()).hiding(&token);
        Ok(Self { url, authorization, settings, exchange })
    }

    /// Asks about the tasks at `segments` and returns the answer, whatever its status.
    async fn call(
        &self,
        method: Method,
        segments: &[&str],
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let place = [&["crm", "v3", "objects", "tasks"], segments].concat();
        self.exchange.send(self.request(method, access::below(&self.url, &place), body)).await
    }

    fn request(&self, method: Method, url: Url, body: Option<&Value>) -> Request {
        let mut request = match body {
            Some(body) => exchange::json(method, url, body),
            None => Request::new(method, url),
        };
        request.headers.insert(AUTHORIZATION, self.authorization.clone());
        request
    }

    /// Reads the answer as `T`, if it is one of success.
    fn taken<T: serde::de::DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        if answer.is_success() {
            self.exchange.read(answer)
        } else {
            Err(self.exchange.failed(answer))
        }
    }

    /// Returns the properties that say what `letter` says.
    fn properties(&self, letter: &Letter) -> Map<String, Value> {
        let has_mark = self.settings.reference_property.is_none();
        let priority = match records::urgency(letter) {
            Urgency::Low => "LOW",
            Urgency::Normal => "MEDIUM",
            Urgency::High => "HIGH",
        };
        let mut properties = Map::new();
        let mut set = |name: &str, value: String| {
            properties.insert(name.to_owned(), Value::from(value));
        };
        set("hs_task_subject", records::title(letter, has_mark));
        set("hs_task_body", records::html(letter));
        set("hs_task_priority", priority.to_owned());
        if let Some(due_at) = records::due_at(letter) {
            set("hs_timestamp", text(due_at));
        }
        if letter.is_last() {
            // There is no other status in which a task is over.
            set("hs_task_status", "COMPLETED".to_owned());
        }
        properties
    }

    /// Returns the task to make for `letter`.
    fn task(&self, letter: &Letter, now: DateTime<Utc>) -> Value {
        let settings = &self.settings;
        let mut properties = self.properties(letter);
        properties.entry("hs_timestamp").or_insert_with(|| json!(text(now)));
        properties.entry("hs_task_status").or_insert_with(|| json!("NOT_STARTED"));
        if let Some(name) = &settings.reference_property {
            properties.insert(name.clone(), json!(letter.reference()));
        }
        let own = letter.recipient.as_ref().and_then(|person| settings.owners.get(&person.id));
        if let Some(owner) = own.or(settings.owner_id.as_ref()) {
            properties.insert("hubspot_owner_id".to_owned(), json!(owner));
        }
        let associations = settings.associations.iter().map(|association| {
            json!({
                "to": {"id": association.object_id},
                "types": [{
                    "associationCategory": "HUBSPOT_DEFINED",
                    "associationTypeId": association.type_id,
                }],
            })
        });
        json!({"properties": properties, "associations": associations.collect::<Vec<_>>()})
    }

    /// Finds the task by the property that names it.
    async fn get(&self, property: &str, letter: &Letter) -> Result<Option<String>, Failure> {
        let place = ["crm", "v3", "objects", "tasks", &letter.reference()];
        let mut url = access::below(&self.url, &place);
        url.query_pairs_mut().append_pair("idProperty", property);
        let answer = self.exchange.send(self.request(Method::GET, url, None)).await?;
        if is_gone(&answer) {
            return Ok(None);
        }
        let task: Task = self.taken(&answer)?;
        self.id(task, &answer).map(Some)
    }

    /// Returns the id of `task`, which later stands in addresses.
    fn id(&self, task: Task, answer: &Answer) -> Result<String, Failure> {
        if is_id(&task.id) { Ok(task.id) } else { Err(self.exchange.surprise(answer)) }
    }
}

#[async_trait]
impl Channel for HubSpot {
    async fn find(&self, letter: &Letter) -> Result<Option<Receipt>, Failure> {
        records::find(self, letter).await
    }

    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        records::send(self, letter, now).await
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        let mut url = access::below(&self.url, &["crm", "v3", "objects", "tasks"]);
        url.query_pairs_mut().append_pair("limit", "1");
        let answer = self.exchange.send(self.request(Method::GET, url, None)).await?;
        let _tasks: Results = self.taken(&answer)?;
        Ok("tasks can be read there; nothing was written".to_owned())
    }

    async fn states(&self, remotes: &[String]) -> Result<Vec<RecordState>, Failure> {
        let inputs: Vec<_> = remotes.iter().map(|id| json!({"id": id})).collect();
        let body = json!({
            "inputs": inputs, "properties": ["hs_task_status"], "propertiesWithHistory": [],
        });
        let answer = self.call(Method::POST, &["batch", "read"], Some(&body)).await?;
        let tasks: Results = self.taken(&answer)?;
        let asked = tasks.results.into_iter().filter(|task| remotes.contains(&task.id));
        let state = |task: Task| {
            let status = task.properties.get("hs_task_status").cloned().flatten();
            let is_done = status.as_deref() == Some("COMPLETED");
            let progress = if is_done { Progress::Done } else { Progress::Open };
            RecordState { remote: task.id, progress, at: task.updated_at }
        };
        Ok(asked.map(state).collect())
    }

    fn can_be_asked(&self) -> bool {
        true
    }
}

#[async_trait]
impl Records for HubSpot {
    async fn search(&self, letter: &Letter) -> Result<Option<String>, Failure> {
        if let Some(property) = &self.settings.reference_property {
            return self.get(property, letter).await;
        }
        // The search knows words; which subject holds the very mark is looked at here.
        let body = json!({
            "filterGroups": [{"filters": [{
                "propertyName": "hs_task_subject", "operator": "CONTAINS_TOKEN",
                "value": letter.subject,
            }]}],
            "properties": ["hs_task_subject"],
            "sorts": ["hs_createdate"],
            "limit": 100,
            "after": "0",
        });
        let answer = self.call(Method::POST, &["search"], Some(&body)).await?;
        let found: Results = self.taken(&answer)?;
        let mark = records::mark(letter);
        let task = found.results.into_iter().find(|task| {
            let subject = task.properties.get("hs_task_subject").cloned().flatten();
            subject.is_some_and(|subject| records::is_marked(&subject, &mark))
        });
        task.map(|task| self.id(task, &answer)).transpose()
    }

    async fn create(&self, letter: &Letter, now: DateTime<Utc>) -> Result<String, Failure> {
        let body = self.task(letter, now);
        let answer = self.call(Method::POST, &[], Some(&body)).await?;
        if answer.status == 409 {
            // Somebody was faster, or a search was too early: it is there.
            if let Some(id) = self.search(letter).await? {
                return Ok(id);
            }
        }
        let task: Task = self.taken(&answer)?;
        self.id(task, &answer)
    }

    async fn update(&self, id: &str, letter: &Letter) -> Result<Update, Failure> {
        if !is_id(id) {
            return Err(Failure::refused(
                "the record's id is none of HubSpot's; was the destination changed?",
            ));
        }
        let body = json!({"properties": self.properties(letter)});
        let answer = self.call(Method::PATCH, &[id], Some(&body)).await?;
        if is_gone(&answer) {
            return Ok(Update::Gone);
        }
        let _task: Task = self.taken(&answer)?;
        Ok(Update::Kept)
    }

    fn address(&self, _id: &str) -> Option<String> {
        // It holds the account's number, which no answer says.
        None
    }
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn is_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether the answer says that there is no such task, and not that the address is wrong.
fn is_gone(answer: &Answer) -> bool {
    let told: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let category = told.as_ref().and_then(|told| told.get("category")).and_then(Value::as_str);
    answer.status == 404 && category == Some("OBJECT_NOT_FOUND")
}
