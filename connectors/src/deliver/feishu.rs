//! Letters as messages of a Feishu (飞书) or Lark group bot.
//!
//! **What it does** posts each letter to the group, signed where a key is given. Nobody is mentioned.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `url_file = "/run/secrets/feishu-url"`, `secret_file = "/run/secrets/feishu-key"`
//! **Settings** the file that holds the bot's address, which is a secret; the file of the key it signs
//! with, if the group asks for signatures.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::{self, SecretAddress};
use super::bot::{self, Meaning, Message, Names};
use super::channel::{Channel, Receipt};
use super::exchange::{self, Exchange};
use super::failure::Failure;
use super::kind::{self, Kind, Proof, SettingsError, Surroundings};
use super::letter::Letter;
use crate::http::{Method, Request};
use crate::secret::Secret;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "feishu",
    about: "Posts letters to a Feishu or Lark group by its bot.",
    proof: Proof::RecordedShapes,
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(Feishu::new(&kind::read(settings)?, around)?)),
};

/// Which group letters are posted to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A file that holds the bot's address: whoever knows it can post to the group.
    pub url_file: PathBuf,
    /// A file that holds the key of its signatures.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
}

/// How long a message may be, in bytes: the product takes 20 kB of JSON, where a sign can take two.
const MESSAGE_MAX: usize = 6_000;
const PAUSE: Duration = Duration::from_mins(1);
const NAMES: Names = &[("code", "msg"), ("StatusCode", "StatusMessage")];

#[derive(Debug)]
struct Feishu {
    url: SecretAddress,
    secret: Option<Secret>,
    exchange: Exchange,
}

impl Feishu {
    fn new(settings: &Settings, around: &Surroundings) -> Result<Self, SettingsError> {
        let url = access::secret_address("url_file", &settings.url_file, &around.http)?;
        let secret = settings.secret_file.as_deref();
        let secret = secret.map(|path| access::secret("secret_file", path)).transpose()?;
        let mut exchange = Exchange::new(around.http.clone()).hiding_address(url.expose());
        if let Some(secret) = &secret {
            exchange = exchange.hiding(secret);
        }
        Ok(Self { url, secret, exchange })
    }

    /// Returns the post of `body` at `now`, with its signature.
    fn signed(&self, mut body: Value, now: DateTime<Utc>) -> Result<Request, Failure> {
        if let (Some(secret), Some(members)) = (&self.secret, body.as_object_mut()) {
            let at = now.timestamp().to_string();
            members.insert("sign".to_owned(), json!(sign(secret, &at)?));
            members.insert("timestamp".to_owned(), json!(at));
        }
        Ok(exchange::json(Method::POST, self.url.expose().clone(), &body))
    }
}

#[async_trait]
impl Channel for Feishu {
    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        let answer = self.exchange.send(self.signed(compose(letter), now)?).await?;
        bot::judge(&self.exchange, &answer, NAMES, meaning)?;
        Ok(Receipt::default())
    }

    fn preview(&self, letter: &Letter, _now: DateTime<Utc>) -> Option<String> {
        Some(format!("{:#}", compose(letter)))
    }

    async fn test(&self, now: DateTime<Utc>) -> Result<String, Failure> {
        let request = self.signed(json!({"msg_type": "text", "content": {}}), now)?;
        bot::test(&self.exchange, request, NAMES, meaning).await
    }
}

/// Returns the signature of a post at `at`, in seconds.
pub fn sign(secret: &Secret, at: &str) -> Result<String, Failure> {
    bot::sign(format!("{at}\n{}", secret.expose()).as_bytes(), b"")
}

/// Returns the message that carries `letter`: a post of text elements, in which no sign has a
/// meaning of its own.
pub fn compose(letter: &Letter) -> Value {
    let Message { title, lines, link, mark } = Message::of(letter, MESSAGE_MAX);
    let mark = match link {
        Some(link) => json!({"tag": "a", "text": mark, "href": link}),
        None => json!({"tag": "text", "text": mark}),
    };
    let text = lines.join("\n");
    // An element without text is none there.
    let text = (!text.is_empty()).then(|| json!([{"tag": "text", "text": text}]));
    let content: Vec<_> = text.into_iter().chain([json!([mark])]).collect();
    let language = if letter.text.language == "zh" { "zh_cn" } else { "en_us" };
    let post = json!({language: {"title": title, "content": content}});
    json!({"msg_type": "post", "content": {"post": post}})
}

/// Returns what a code means there.
pub fn meaning(code: i64) -> Meaning {
    match code {
        0 => Meaning::Taken,
        11_232 | 99_991_400 => Meaning::Slower(PAUSE),
        19_001 => Meaning::Settings("the address in 'url_file'"),
        19_021 => Meaning::Settings("the key in 'secret_file', and our clock"),
        19_022 | 19_024 => Meaning::Settings(
            "the group's rules for the bot: a keyword that messages need, or the addresses it may \
             be called from",
        ),
        9_499 | 10_208 | 19_002 | 19_003 | 230_025 => Meaning::Message,
        _ => Meaning::Trouble,
    }
}
