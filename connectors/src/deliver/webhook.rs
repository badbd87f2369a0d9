//! Letters as Standard Webhooks, and word from the same side by the same rules.
//!
//! **What it does** posts each letter as JSON, signed with every key listed, so that keys can be
//! changed without a gap. Takes signed posts that say a task was done or given up.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `url = "https://sales.example/hooks/upturn"`,
//! `secret_files = ["/run/secrets/sales-hook"]`
//! **Settings** the address, or the file it stands in where it is a secret; the files of the keys,
//! the one to stay first.

use std::path::PathBuf;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use self::key::Keys;
use super::access::{self, SecretAddress};
use super::channel::{Channel, Progress, Receipt};
use super::exchange::Exchange;
use super::failure::{self, Failure};
use super::inbound::Inbound;
use super::kind::{self, Kind, Proof, SettingsError, Surroundings};
use super::letter::Letter;
use crate::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use crate::http::{Method, Request};

pub mod key;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "webhook",
    about: "Posts letters as signed JSON (Standard Webhooks), and takes word of what was done.",
    proof: Proof::Real("the verifier of standardwebhooks 1.0"),
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(Webhook::new(&kind::read(settings)?, around)?)),
};

/// Where letters are posted, and with which keys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address. Either this or `url_file`.
    #[serde(default)]
    pub url: Option<String>,
    /// A file that holds the address, where whoever knows it can post there.
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// Files with the keys that letters are signed with, one to four: `whsec_` and 24 bytes or more
    /// in Base64. While keys change, both the new and the old one stand here.
    pub secret_files: Vec<PathBuf>,
    /// Files with the keys that word from there is signed with, none to four. They are others than
    /// those of `secret_files`: whoever gets our letters could send them back as word.
    #[serde(default)]
    pub inbound_secret_files: Vec<PathBuf>,
}

#[derive(Debug)]
struct Webhook {
    url: SecretAddress,
    keys: Keys,
    inbound: Keys,
    exchange: Exchange,
}

impl Webhook {
    fn new(settings: &Settings, around: &Surroundings) -> Result<Self, SettingsError> {
        let http = &around.http;
        let url = match (&settings.url, &settings.url_file) {
            (Some(url), None) => kind::address(http, "url", url)?.into(),
            (None, Some(path)) => access::secret_address("url_file", path, http)?,
            _ => return Err(SettingsError("set either 'url' or 'url_file'".to_owned())),
        };
        let keys = Keys::read("secret_files", &settings.secret_files)?;
        let inbound = Keys::read("inbound_secret_files", &settings.inbound_secret_files)?;
        if keys.is_empty() {
            let why = "'secret_files' lists no file; letters are not sent without a signature";
            return Err(SettingsError(why.to_owned()));
        }
        if keys.shares_one_with(&inbound) {
            return Err(SettingsError(
                "a key stands in 'secret_files' and in 'inbound_secret_files'; the receiver could \
                 send our letters back as word of its own, so give each direction its own key"
                    .to_owned(),
            ));
        }
        let exchange = Exchange::new(http.clone()).hiding_address(url.expose());
        Ok(Self { url, keys, inbound, exchange })
    }
}

#[async_trait]
impl Channel for Webhook {
    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        let body = compose(letter).to_string();
        let request = sign(self.url.expose(), &self.keys, Delivery { id: &letter.key, body }, now)?;
        let answer = self.exchange.ask(request).await?;
        // By the specification the status alone says that it was taken; an id is welcome.
        let told: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let remote = told.as_ref().and_then(|told| told.get("id")).and_then(record_id);
        Ok(Receipt { remote, ..Receipt::default() })
    }

    fn preview(&self, letter: &Letter, _now: DateTime<Utc>) -> Option<String> {
        Some(format!("{:#}", compose(letter)))
    }

    async fn test(&self, now: DateTime<Utc>) -> Result<String, Failure> {
        let id = format!("upturn-test-{}", now.timestamp_millis());
        let body = json!({"type": "upturn.test", "timestamp": now, "data": {}}).to_string();
        let request = sign(self.url.expose(), &self.keys, Delivery { id: &id, body }, now)?;
        let answer = self.exchange.ask(request).await?;
        Ok(format!(
            "it answered {} to a signed post of type 'upturn.test', which names no task",
            answer.status
        ))
    }

    fn receive(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Inbound, Failure> {
        let id = self.inbound.verify(headers, body, now)?;
        read(id, body)
    }
}

/// What is posted.
struct Delivery<'a> {
    id: &'a str,
    body: String,
}

/// Returns the post of `delivery`, signed as of `now`.
fn sign(
    url: &Url,
    keys: &Keys,
    delivery: Delivery<'_>,
    now: DateTime<Utc>,
) -> Result<Request, Failure> {
    let value = |text: &str| {
        HeaderValue::from_str(text)
            .map_err(|_unsaid| Failure::refused("the letter's key cannot stand in a header"))
    };
    let signature = keys.sign(delivery.id, now, &delivery.body)?;
    let mut request = Request::new(Method::POST, url.clone());
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("webhook-id"), value(delivery.id)?),
        (HeaderName::from_static("webhook-timestamp"), now.timestamp().into()),
        (HeaderName::from_static("webhook-signature"), value(&signature)?),
        (HeaderName::from_static("idempotency-key"), value(delivery.id)?),
    ];
    request.headers.extend(headers);
    request.body = delivery.body.into();
    Ok(request)
}

/// Returns the body that carries `letter`: the same in every try, so that a receiver may compare.
pub fn compose(letter: &Letter) -> Value {
    let mut data = letter.body.as_object().cloned().unwrap_or_default();
    let mut set = |name: &str, value: Value| drop(data.insert(name.to_owned(), value));
    set("subject", json!(letter.subject));
    set("reference", json!(letter.reference()));
    if letter.kind.starts_with("task-") {
        set("task", json!(letter.subject));
    }
    if let Some(remote) = &letter.remote {
        set("remote", json!(remote));
    }
    let text = &letter.text;
    set("text", json!({"language": text.language, "title": text.title, "plain": text.plain}));
    let mut body = json!({"type": letter.kind.replace('-', "."), "data": data});
    if let (Some(body), Some(at)) = (body.as_object_mut(), letter.field("at")) {
        body.insert("timestamp".to_owned(), json!(at));
    }
    body
}

/// How long an id may be that another system gives, in characters.
const ID_MAX: usize = 200;

/// Returns the id in `value`, a text or a whole number, if it is one.
fn record_id(value: &Value) -> Option<String> {
    let id = value
        .as_str()
        .map(ToOwned::to_owned)
        .or_else(|| value.as_i64().map(|id| id.to_string()))?;
    let is_id = !id.is_empty() && id.chars().count() <= ID_MAX && !id.contains(char::is_control);
    is_id.then_some(id)
}

/// Word from the other side: `{"type": "task.done", "data": {"task": …}}`.
#[derive(Debug, Deserialize)]
struct Word {
    r#type: String,
    #[serde(default)]
    timestamp: Option<DateTime<Utc>>,
    data: About,
}

#[derive(Debug, Deserialize)]
struct About {
    #[serde(default)]
    task: Option<String>,
    #[serde(default)]
    remote: Option<Value>,
}

/// Reads the body of word with the delivery id `id`.
pub fn read(id: String, body: &[u8]) -> Result<Inbound, Failure> {
    let word: Word = serde_json::from_slice(body).map_err(|_unsaid| {
        Failure::refused(
            "the body is not what is taken here: \
             {\"type\": \"task.done\", \"data\": {\"task\": \"…\"}}",
        )
    })?;
    let progress = match &*word.r#type {
        "task.done" => Progress::Done,
        "task.dismissed" => Progress::Dismissed,
        "task.open" => Progress::Open,
        other => {
            let other = failure::quote(other);
            return Err(Failure::refused(format!(
                "type '{other}' is not taken here; use task.done, task.dismissed or task.open"
            )));
        }
    };
    let remote = word.data.remote.as_ref().and_then(record_id);
    let task = word.data.task.map(Value::from).as_ref().and_then(record_id);
    if remote.is_none() && task.is_none() {
        return Err(Failure::refused("the body names no task; set data.task or data.remote"));
    }
    Ok(Inbound { id, remote, task, progress, at: word.timestamp })
}
