//! Letters as activities or leads in Odoo 19 and later (JSON-2 API).
//!
//! **What it does** keeps one activity or lead for each task: made once, changed with it, ended when
//! it is over. Tells when somebody ends it there.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `url = "https://erp.example"`, `key_file = "/run/secrets/odoo"`,
//! `keeps = { lead = { } }`
//! **Settings** the address, the file of a user's API key, the database where a server has several,
//! and what is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use url::Url;

use super::access;
use super::channel::{Channel, Progress, Receipt, RecordState};
use super::exchange::{self, Exchange};
use super::failure::Failure;
use super::kind::{self, Kind, Proof, SettingsError, Surroundings};
use super::letter::Letter;
use super::records::{self, Records, Update, Urgency};
use crate::http::Method;
use crate::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "odoo",
    about: "Keeps an Odoo activity or lead for each task, and tells when it is ended there.",
    proof: Proof::RecordedShapes,
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(Odoo::new(kind::read(settings)?, around)?)),
};

/// Which database records are kept in, and as what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The server's address.
    pub url: String,
    /// A file that holds the API key of a user. Odoo lets keys expire within three months.
    pub key_file: PathBuf,
    /// The database, where the server has several.
    #[serde(default)]
    pub database: Option<String>,
    /// What is kept.
    pub keeps: Keeps,
    /// The id of the user in charge of records that have no other. Default: the key's user.
    #[serde(default)]
    pub user_id: Option<i64>,
    /// The ids of users there by the ids of people here.
    #[serde(default)]
    pub users: BTreeMap<String, i64>,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Keeps {
    /// An activity (`mail.activity`) on one document.
    Activity(Activity),
    /// A lead (`crm.lead`).
    Lead(Lead),
}

/// Where activities are put.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// The id of the document's model in `ir.model`.
    pub res_model_id: i64,
    /// The document's id.
    pub res_id: i64,
    /// The type of activity. Default: the server's.
    #[serde(default)]
    pub activity_type_id: Option<i64>,
}

/// How leads are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lead {
    /// The text field of leads that holds our reference.
    #[serde(default = "referred")]
    pub reference_field: String,
    /// The sales team. Default: the server's.
    #[serde(default)]
    pub team_id: Option<i64>,
}

fn referred() -> String {
    "referred".to_owned()
}

#[derive(Debug)]
struct Odoo {
    url: Url,
    headers: HeaderMap,
    settings: Settings,
    exchange: Exchange,
}

/// What a method of a model answers.
enum Said<T> {
    Value(T),
    /// One of the records is not there.
    Missing,
}

impl Odoo {
    fn new(settings: Settings, around: &Surroundings) -> Result<Self, SettingsError> {
        let url = kind::address(&around.http, "url", &settings.url)?;
        let key = access::secret("key_file", &settings.key_file)?;
        let mut headers = HeaderMap::new();
        let authorization = access::authorization("key_file", "bearer", &key)?;
        headers.insert(AUTHORIZATION, authorization);
        if let Some(database) = &settings.database {
            let value = HeaderValue::from_str(database).map_err(|_unsaid| {
                SettingsError("'database' holds characters that no name has".to_owned())
            })?;
            headers.insert(HeaderName::from_static("x-odoo-database"), value);
        }
        if let Keeps::Lead(lead) = &settings.keeps
            && !is_field(&lead.reference_field)
        {
            let why = "'reference_field' is no field; use lower-case letters, digits and '_'";
            return Err(SettingsError(why.to_owned()));
        }
        let exchange = Exchange::new(around.http.clone()).hiding(&key);
        Ok(Self { url, headers, settings, exchange })
    }

    fn model(&self) -> &'static str {
        match self.settings.keeps {
            Keeps::Activity(_) => "mail.activity",
            Keeps::Lead(_) => "crm.lead",
        }
    }

    /// The field that holds our reference: the whole of it, or a mark at its end.
    fn reference_field(&self) -> &str {
        match &self.settings.keeps {
            Keeps::Activity(_) => "summary",
            Keeps::Lead(lead) => &lead.reference_field,
        }
    }

    /// Calls `method` of the model that is kept.
    async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        mut body: Value,
    ) -> Result<Said<T>, Failure> {
        // What was ended is archived there, and hidden without this.
        if let Some(members) = body.as_object_mut() {
            members.insert("context".to_owned(), json!({"active_test": false}));
        }
        let url = access::below(&self.url, &["json", "2", self.model(), method]);
        let mut request = exchange::json(Method::POST, url, &body);
        request.headers.extend(self.headers.clone());
        let answer = self.exchange.send(request).await?;
        if answer.is_success() {
            return self.exchange.read(&answer).map(Said::Value);
        }
        let told: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let name = told.as_ref().and_then(|told| told.get("name")).and_then(Value::as_str);
        match name {
            Some("odoo.exceptions.MissingError") => Ok(Said::Missing),
            // What a person would be told in the form.
            Some("odoo.exceptions.ValidationError" | "odoo.exceptions.UserError") => {
                let said = self.exchange.failed(&answer).to_string();
                Err(Failure::refused(said))
            }
            _ => Err(self.exchange.failed(&answer)),
        }
    }

    /// Calls a method whose records must be there.
    async fn ask<T: DeserializeOwned>(&self, method: &str, body: Value) -> Result<T, Failure> {
        match self.call(method, body).await? {
            Said::Value(value) => Ok(value),
            Said::Missing => {
                Err(Failure::refused("a record that the settings name is not there; check the ids"))
            }
        }
    }

    /// Returns the fields that say what `letter` says.
    fn values(&self, letter: &Letter) -> Map<String, Value> {
        let mut values = Map::new();
        let mut set = |name: &str, value: Value| drop(values.insert(name.to_owned(), value));
        match &self.settings.keeps {
            Keeps::Activity(_) => {
                set("summary", json!(records::title(letter, true)));
                set("note", json!(records::html(letter)));
                if let Some(due_on) = records::due_on(letter) {
                    set("date_deadline", json!(due_on));
                }
            }
            Keeps::Lead(_) => {
                let priority = match records::urgency(letter) {
                    Urgency::Low => "0",
                    Urgency::Normal => "1",
                    Urgency::High => "2",
                };
                set("name", json!(records::title(letter, false)));
                set("description", json!(records::html(letter)));
                set("priority", json!(priority));
            }
        }
        values
    }

    /// Returns the record to make for `letter`.
    fn record(&self, letter: &Letter) -> Map<String, Value> {
        let settings = &self.settings;
        let mut values = self.values(letter);
        let mut set = |name: &str, value: Value| drop(values.insert(name.to_owned(), value));
        let own = letter.recipient.as_ref().and_then(|person| settings.users.get(&person.id));
        if let Some(user) = own.or(settings.user_id.as_ref()) {
            set("user_id", json!(user));
        }
        match &settings.keeps {
            Keeps::Activity(activity) => {
                set("res_model_id", json!(activity.res_model_id));
                set("res_id", json!(activity.res_id));
                if let Some(id) = activity.activity_type_id {
                    set("activity_type_id", json!(id));
                }
            }
            Keeps::Lead(lead) => {
                set("type", json!("lead"));
                set(&lead.reference_field, json!(letter.reference()));
                if let Some(id) = lead.team_id {
                    set("team_id", json!(id));
                }
            }
        }
        values
    }

    /// Returns the method and its arguments that put what `letter` says into the record `id`.
    ///
    /// An activity that is over is marked done with a note, or cancelled. A lead is not won or lost
    /// by a task; it is archived where the task turned out to be none.
    fn change(&self, id: i64, letter: &Letter) -> (&'static str, Value) {
        let ids = [id];
        match (&self.settings.keeps, letter.event()) {
            (Keeps::Activity(_), "done") => {
                let feedback = records::plain(letter);
                ("action_feedback", json!({"ids": ids, "feedback": feedback}))
            }
            (Keeps::Activity(_), _) if letter.is_last() => ("unlink", json!({"ids": ids})),
            (Keeps::Lead(_), "dismissed" | "withdrawn") => {
                let mut values = self.values(letter);
                values.insert("active".to_owned(), json!(false));
                ("write", json!({"ids": ids, "vals": values}))
            }
            (Keeps::Activity(_) | Keeps::Lead(_), _) => {
                ("write", json!({"ids": ids, "vals": self.values(letter)}))
            }
        }
    }

    fn state(&self, record: &Map<String, Value>) -> Option<RecordState> {
        let remote = record.get("id")?.as_i64()?.to_string();
        let is_active = record.get("active")?.as_bool()?;
        let (progress, at) = match &self.settings.keeps {
            Keeps::Activity(_) if is_active => (Progress::Open, None),
            Keeps::Activity(_) => (Progress::Done, None),
            Keeps::Lead(_) => {
                let closed_at = record.get("date_closed").and_then(Value::as_str);
                let probability = record.get("probability").and_then(Value::as_f64)?;
                let progress = match (is_active, closed_at) {
                    (false, _) => Progress::Dismissed,
                    (true, Some(_)) if 100.0 <= probability => Progress::Done,
                    (true, _) => Progress::Open,
                };
                (progress, closed_at.and_then(read_time))
            }
        };
        Some(RecordState { remote, progress, at })
    }
}

#[async_trait]
impl Channel for Odoo {
    async fn find(&self, letter: &Letter) -> Result<Option<Receipt>, Failure> {
        records::find(self, letter).await
    }

    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        records::send(self, letter, now).await
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        let fields = ["id", self.reference_field()];
        let body = json!({"domain": [], "fields": fields, "limit": 1});
        let _records: Vec<Map<String, Value>> = self.ask("search_read", body).await?;
        Ok(format!("{} can be read there; nothing was written", self.model()))
    }

    async fn states(&self, remotes: &[String]) -> Result<Vec<RecordState>, Failure> {
        let ids: Vec<i64> = remotes.iter().filter_map(|id| id.parse().ok()).collect();
        let fields: &[&str] = match self.settings.keeps {
            Keeps::Activity(_) => &["id", "active"],
            Keeps::Lead(_) => &["id", "active", "probability", "date_closed"],
        };
        let body = json!({"domain": [["id", "in", ids]], "fields": fields});
        let found: Vec<Map<String, Value>> = self.ask("search_read", body).await?;
        let states = found.iter().filter_map(|record| self.state(record));
        Ok(states.filter(|state| remotes.contains(&state.remote)).collect())
    }

    fn can_be_asked(&self) -> bool {
        true
    }
}

#[async_trait]
impl Records for Odoo {
    async fn search(&self, letter: &Letter) -> Result<Option<String>, Failure> {
        let field = self.reference_field();
        let (operator, wanted) = match self.settings.keeps {
            Keeps::Activity(_) => ("ilike", records::mark(letter)),
            Keeps::Lead(_) => ("=", letter.reference()),
        };
        let body = json!({
            "domain": [[field, operator, wanted]],
            "fields": ["id", field],
            "order": "id",
            "limit": 100,
        });
        let found: Vec<Map<String, Value>> = self.ask("search_read", body).await?;
        let record = found.iter().find(|record| {
            // The operator takes '_' and '%' for any sign; the very mark is looked for here.
            let text = record.get(field).and_then(Value::as_str);
            text.is_some_and(|text| records::is_marked(text, &wanted))
        });
        Ok(record.and_then(|record| record.get("id")?.as_i64()).map(|id| id.to_string()))
    }

    async fn create(&self, letter: &Letter, _now: DateTime<Utc>) -> Result<String, Failure> {
        let body = json!({"vals_list": [self.record(letter)]});
        let ids: Vec<i64> = self.ask("create", body).await?;
        let id = ids.first().ok_or_else(|| Failure::later("it made a record and named no id"))?;
        Ok(id.to_string())
    }

    async fn update(&self, id: &str, letter: &Letter) -> Result<Update, Failure> {
        let number = id.parse().map_err(|_unsaid| {
            Failure::refused("the record's id is none of Odoo's; was the destination changed?")
        })?;
        let (method, body) = self.change(number, letter);
        match self.call::<Value>(method, body).await? {
            Said::Value(_) => Ok(Update::Kept),
            Said::Missing => Ok(Update::Gone),
        }
    }

    fn address(&self, id: &str) -> Option<String> {
        match self.settings.keeps {
            Keeps::Activity(_) => None,
            Keeps::Lead(_) => {
                let mut url = access::below(&self.url, &["mail", "view"]);
                url.query_pairs_mut().append_pair("model", self.model()).append_pair("res_id", id);
                Some(url.into())
            }
        }
    }
}

fn is_field(name: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty() && name.chars().all(is_sign)
}

/// Reads a time as Odoo writes it, in UTC.
fn read_time(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok().map(|time| time.and_utc())
}
