//! Letters as messages of a DingTalk (钉钉) group bot.
//!
//! **What it does** posts each letter to the group, signed where a key is given. Nobody is mentioned.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `url_file = "/run/secrets/dingtalk-url"`, `secret_file = "/run/secrets/dingtalk-key"`
//! **Settings** the file that holds the bot's address, which is a secret; the file of the key it signs
//! with, if the group asks for signatures; the format.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::access::{self, SecretAddress};
use super::bot::{self, Meaning, Message, Names};
use super::channel::{Channel, Receipt};
use super::exchange::{self, Exchange};
use super::failure::Failure;
use super::kind::{self, Kind, Proof, SettingsError, Surroundings};
use super::letter::Letter;
use super::wecom::Format;
use crate::http::Method;
use crate::secret::Secret;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "dingtalk",
    about: "Posts letters to a DingTalk group by its bot.",
    proof: Proof::RecordedShapes,
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(DingTalk::new(&kind::read(settings)?, around)?)),
};

/// Which group letters are posted to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A file that holds the bot's address: whoever knows it can post to the group.
    pub url_file: PathBuf,
    /// A file that holds the key of its signatures, which begins with `SEC`.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// How messages are written.
    #[serde(default)]
    pub format: Format,
}

/// How long a message may be, in bytes; what is known of the product's bound is 20,000 in all.
const MESSAGE_MAX: usize = 6_000;
/// A bot that posts more than 20 messages a minute is shut out for ten there.
const PAUSE: Duration = Duration::from_mins(10);
const NAMES: Names = &[("errcode", "errmsg")];

#[derive(Debug)]
struct DingTalk {
    url: SecretAddress,
    secret: Option<Secret>,
    format: Format,
    exchange: Exchange,
}

impl DingTalk {
    fn new(settings: &Settings, around: &Surroundings) -> Result<Self, SettingsError> {
        let url = access::secret_address("url_file", &settings.url_file, &around.http)?;
        let secret = settings.secret_file.as_deref();
        let secret = secret.map(|path| access::secret("secret_file", path)).transpose()?;
        let mut exchange = Exchange::new(around.http.clone()).hiding_address(url.expose());
        if let Some(secret) = &secret {
            exchange = exchange.hiding(secret);
        }
        Ok(Self { url, secret, format: settings.format, exchange })
    }

    /// Returns the address to post to at `now`, with its signature.
    fn signed(&self, now: DateTime<Utc>) -> Result<Url, Failure> {
        let mut url = self.url.expose().clone();
        if let Some(secret) = &self.secret {
            let at = now.timestamp_millis().to_string();
            let sign = sign(secret, &at)?;
            url.query_pairs_mut().append_pair("timestamp", &at).append_pair("sign", &sign);
        }
        Ok(url)
    }
}

#[async_trait]
impl Channel for DingTalk {
    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        let body = compose(self.format, letter);
        let request = exchange::json(Method::POST, self.signed(now)?, &body);
        let answer = self.exchange.send(request).await?;
        bot::judge(&self.exchange, &answer, NAMES, meaning)?;
        Ok(Receipt::default())
    }

    fn preview(&self, letter: &Letter, _now: DateTime<Utc>) -> Option<String> {
        Some(format!("{:#}", compose(self.format, letter)))
    }

    async fn test(&self, now: DateTime<Utc>) -> Result<String, Failure> {
        let body = json!({"msgtype": "text", "text": {"content": ""}});
        let request = exchange::json(Method::POST, self.signed(now)?, &body);
        bot::test(&self.exchange, request, NAMES, meaning).await
    }
}

/// Returns the signature of a post at `at`, in milliseconds.
pub fn sign(secret: &Secret, at: &str) -> Result<String, Failure> {
    let key = secret.expose();
    bot::sign(key.as_bytes(), format!("{at}\n{key}").as_bytes())
}

/// Returns the message that carries `letter`.
pub fn compose(format: Format, letter: &Letter) -> Value {
    let nobody = json!({"atMobiles": [], "atUserIds": [], "isAtAll": false});
    let Message { title, lines, link, mark } = Message::of(letter, MESSAGE_MAX);
    match format {
        Format::Text => {
            let parts = [title].into_iter().chain(lines).chain(link).chain([mark]);
            let content = parts.collect::<Vec<_>>().join("\n");
            json!({"msgtype": "text", "text": {"content": content}, "at": nobody})
        }
        Format::Markdown => {
            let mark = link.map_or(mark.clone(), |link| format!("[{mark}]({link})"));
            let bold = format!("**{title}**");
            // A line ends there after two blanks.
            let parts = [bold].into_iter().chain(lines).chain([mark]);
            let text = parts.collect::<Vec<_>>().join("  \n");
            json!({"msgtype": "markdown", "markdown": {"title": title, "text": text}, "at": nobody})
        }
    }
}

/// Returns what a code means there.
pub fn meaning(code: i64) -> Meaning {
    match code {
        0 => Meaning::Taken,
        90_018 | 90_030 | 130_101 | 410_100 | 660_026 => Meaning::Slower(PAUSE),
        300_001 | 300_005 | 400_101 => Meaning::Settings("the token in the address in 'url_file'"),
        310_000 => Meaning::Settings(
            "the group's rules for the bot: the key in 'secret_file', our clock, a keyword that \
             messages need, or the addresses it may be called from",
        ),
        // The group was dissolved, the bot was stopped or removed.
        400_013 | 400_102 | 400_106 => Meaning::Gone,
        // Type, member, length, links and words that are not wanted.
        40_035 | 43_004 | 400_105 | 430_101..=430_104 | 460_101 => Meaning::Message,
        _ => Meaning::Trouble,
    }
}
