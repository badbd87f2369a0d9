//! Letters as tasks in Salesforce (REST API).
//!
//! **What it does** keeps one Salesforce task for each task: made once, changed with it, closed when
//! it is over. Tells when somebody closes it there.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `url = "https://company.my.salesforce.com"`,
//! `client_id_file = "/run/secrets/salesforce-id"`, `client_secret_file = "/run/secrets/salesforce"`
//! **Settings** the address of the own domain there; the files of an app's id and secret, which may
//! use the client credentials flow; better with an external id field of tasks, by which a record is
//! found without fail.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::session::Sessions;
use super::access;
use super::channel::{Channel, Progress, Receipt, RecordState};
use super::failure::Failure;
use super::kind::{self, Kind, Proof, SettingsError, Surroundings};
use super::letter::Letter;
use super::records::{self, Records, Update, Urgency};
use crate::http::{Answer, Method};

mod session;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "salesforce",
    about: "Keeps a Salesforce task for each task, and tells when it is closed there.",
    proof: Proof::RecordedShapes,
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(Salesforce::new(kind::read(settings)?, around)?)),
};

/// Which organisation tasks are kept in, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address of the own domain there.
    pub url: String,
    /// A file that holds the app's id (consumer key).
    pub client_id_file: PathBuf,
    /// A file that holds the app's secret (consumer secret).
    pub client_secret_file: PathBuf,
    /// The version of the API.
    #[serde(default = "version")]
    pub version: String,
    /// The name of a text field of tasks that is an external id with unique values. Default: none, a
    /// mark in the subject.
    #[serde(default)]
    pub reference_field: Option<String>,
    /// The status of a task that is done.
    #[serde(default = "completed")]
    pub status_done: String,
    /// The status of a task that was given up or withdrawn. Default: that of one that is done.
    #[serde(default)]
    pub status_dismissed: Option<String>,
    /// The id of the owner of tasks that have no other. Default: the app's user.
    #[serde(default)]
    pub owner_id: Option<String>,
    /// The ids of owners there by the ids of people here.
    #[serde(default)]
    pub owners: BTreeMap<String, String>,
}

fn version() -> String {
    "62.0".to_owned()
}

fn completed() -> String {
    "Completed".to_owned()
}

#[derive(Debug)]
struct Salesforce {
    sessions: Sessions,
    settings: Settings,
}

/// The answer to a query.
#[derive(Debug, Deserialize)]
struct Found {
    records: Vec<Task>,
}

/// A task as a query gives it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    id: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    is_closed: Option<bool>,
}

/// The answer to a record that was made or changed.
#[derive(Debug, Deserialize)]
struct Written {
    id: String,
    success: bool,
}

impl Salesforce {
    fn new(settings: Settings, around: &Surroundings) -> Result<Self, SettingsError> {
        let url = kind::address(&around.http, "url", &settings.url)?;
        let id = access::secret("client_id_file", &settings.client_id_file)?;
        let secret = access::secret("client_secret_file", &settings.client_secret_file)?;
        let is_version = settings.version.bytes().all(|c| c.is_ascii_digit() || c == b'.');
        let is_field = |name: &String| name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if !is_version || settings.version.is_empty() {
            return Err(SettingsError("'version' is no version; write it as 62.0".to_owned()));
        }
        if !settings.reference_field.as_ref().is_none_or(is_field) {
            let why = "'reference_field' is no field; use letters, digits and '_'";
            return Err(SettingsError(why.to_owned()));
        }
        let sessions = Sessions::new(around.http.clone(), url, [id, secret]);
        Ok(Self { sessions, settings })
    }

    /// Asks at `segments` of the data service and returns the answer, whatever its status.
    async fn call(
        &self,
        method: Method,
        segments: &[&str],
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let version = format!("v{}", self.settings.version);
        let place = [&["services", "data", &version], segments].concat();
        self.sessions.call(method, access::below(self.sessions.url(), &place), body).await
    }

    /// Returns what the query `soql` finds.
    async fn query(&self, soql: &str) -> Result<Vec<Task>, Failure> {
        let version = format!("v{}", self.settings.version);
        let place = ["services", "data", &version, "query"];
        let mut url = access::below(self.sessions.url(), &place);
        url.query_pairs_mut().append_pair("q", soql);
        let answer = self.sessions.call(Method::GET, url, None).await?;
        let found: Found = self.taken(&answer)?;
        Ok(found.records.into_iter().filter(|task| is_id(&task.id)).collect())
    }

    /// Reads the answer as `T`, if it is one of success.
    fn taken<T: serde::de::DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        if answer.is_success() {
            self.sessions.exchange().read(answer)
        } else {
            Err(self.failed(answer))
        }
    }

    /// Returns what an answer without success means there.
    fn failed(&self, answer: &Answer) -> Failure {
        let failure = self.sessions.exchange().failed(answer);
        match (code(answer).as_deref(), failure) {
            // The organisation's calls of the day are used up.
            (Some("REQUEST_LIMIT_EXCEEDED"), failure) => {
                Failure::Later { reason: failure.to_string(), after: Some(crate::http::PAUSE_MAX) }
            }
            (Some("UNABLE_TO_LOCK_ROW" | "SERVER_UNAVAILABLE"), failure) => {
                Failure::later(failure.to_string())
            }
            (_, failure) => failure,
        }
    }

    /// Returns the fields that say what `letter` says.
    fn fields(&self, letter: &Letter) -> Map<String, Value> {
        let settings = &self.settings;
        let priority = match records::urgency(letter) {
            Urgency::Low => "Low",
            Urgency::Normal => "Normal",
            Urgency::High => "High",
        };
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
        set("Subject", json!(records::title(letter, settings.reference_field.is_none())));
        set("Description", json!(records::plain(letter)));
        set("Priority", json!(priority));
        if let Some(due_on) = records::due_on(letter) {
            set("ActivityDate", json!(due_on));
        }
        match letter.event() {
            "done" => set("Status", json!(settings.status_done)),
            _ if letter.is_last() => set("Status", json!(self.dismissed())),
            _ => {}
        }
        fields
    }

    fn dismissed(&self) -> &str {
        self.settings.status_dismissed.as_ref().unwrap_or(&self.settings.status_done)
    }

    /// Returns the task to make for `letter`.
    fn task(&self, letter: &Letter) -> Map<String, Value> {
        let settings = &self.settings;
        let mut fields = self.fields(letter);
        let own = letter.recipient.as_ref().and_then(|person| settings.owners.get(&person.id));
        if let Some(owner) = own.or(settings.owner_id.as_ref()) {
            fields.insert("OwnerId".to_owned(), json!(owner));
        }
        fields
    }
}

#[async_trait]
impl Channel for Salesforce {
    async fn find(&self, letter: &Letter) -> Result<Option<Receipt>, Failure> {
        records::find(self, letter).await
    }

    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        records::send(self, letter, now).await
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        let field = self.settings.reference_field.as_deref().unwrap_or("Subject");
        self.query(&format!("SELECT Id, {field} FROM Task LIMIT 1")).await?;
        Ok("tasks can be read there; nothing was written".to_owned())
    }

    async fn states(&self, remotes: &[String]) -> Result<Vec<RecordState>, Failure> {
        let ids: Vec<_> = remotes.iter().filter(|id| is_id(id)).map(|id| literal(id)).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = ids.join(", ");
        let soql = format!("SELECT Id, Status, IsClosed FROM Task WHERE Id IN ({ids})");
        let dismissed = self.settings.status_dismissed.as_deref();
        let state = |task: Task| {
            let progress = match task.is_closed {
                Some(true) if dismissed.is_some() && task.status.as_deref() == dismissed => {
                    Progress::Dismissed
                }
                Some(true) => Progress::Done,
                Some(false) | None => Progress::Open,
            };
            RecordState { remote: task.id, progress, at: None }
        };
        let asked = self.query(&soql).await?.into_iter().map(state);
        Ok(asked.filter(|state| remotes.contains(&state.remote)).collect())
    }

    fn can_be_asked(&self) -> bool {
        true
    }
}

#[async_trait]
impl Records for Salesforce {
    async fn search(&self, letter: &Letter) -> Result<Option<String>, Failure> {
        let mark = records::mark(letter);
        let (wanted, has_field) = match &self.settings.reference_field {
            Some(field) => (format!("{field} = {}", literal(&letter.reference())), true),
            None => (format!("Subject LIKE {}", literal(&format!("%{mark}"))), false),
        };
        let soql =
            format!("SELECT Id, Subject FROM Task WHERE {wanted} ORDER BY CreatedDate LIMIT 100");
        let found = self.query(&soql).await?;
        // The operator takes '_' and '%' for any sign; the very mark is looked for here.
        let is_marked = |subject: &String| records::is_marked(subject, &mark);
        let is_it = |task: &Task| has_field || task.subject.as_ref().is_some_and(is_marked);
        Ok(found.into_iter().find(is_it).map(|task| task.id))
    }

    async fn create(&self, letter: &Letter, _now: DateTime<Utc>) -> Result<String, Failure> {
        let body = Value::Object(self.task(letter));
        let answer = match &self.settings.reference_field {
            // Makes the record or changes it, whatever happened before.
            Some(field) => {
                let place = ["sobjects", "Task", field, &letter.reference()];
                self.call(Method::PATCH, &place, Some(&body)).await?
            }
            None => self.call(Method::POST, &["sobjects", "Task"], Some(&body)).await?,
        };
        if answer.status == 204 {
            let found = self.search(letter).await?;
            return found
                .ok_or_else(|| Failure::later("it changed a record that it does not find"));
        }
        let written: Written = self.taken(&answer)?;
        if written.success && is_id(&written.id) {
            return Ok(written.id);
        }
        Err(self.sessions.exchange().surprise(&answer))
    }

    async fn update(&self, id: &str, letter: &Letter) -> Result<Update, Failure> {
        if !is_id(id) {
            return Err(Failure::refused(
                "the record's id is none of Salesforce's; was the destination changed?",
            ));
        }
        let body = Value::Object(self.fields(letter));
        let answer = self.call(Method::PATCH, &["sobjects", "Task", id], Some(&body)).await?;
        match code(&answer).as_deref() {
            Some("ENTITY_IS_DELETED") => return Ok(Update::Gone),
            Some("NOT_FOUND") if answer.status == 404 => return Ok(Update::Gone),
            _ => {}
        }
        if answer.status == 204 {
            return Ok(Update::Kept);
        }
        // A page of some other server says nothing of the record.
        let written: Written = self.taken(&answer)?;
        if written.success {
            Ok(Update::Kept)
        } else {
            Err(self.sessions.exchange().surprise(&answer))
        }
    }

    fn address(&self, id: &str) -> Option<String> {
        Some(access::below(self.sessions.url(), &[id]).into())
    }
}

/// Returns the code of the first error in an answer.
fn code(answer: &Answer) -> Option<String> {
    let told: Value = serde_json::from_slice(&answer.body).ok()?;
    told.get(0)?.get("errorCode")?.as_str().map(ToOwned::to_owned)
}

/// Returns `text` as a literal of the query language.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn is_id(id: &str) -> bool {
    matches!(id.len(), 15 | 18) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
