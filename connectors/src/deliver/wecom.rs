//! Letters as messages of a WeCom (企业微信) group bot.
//!
//! **What it does** posts each letter to the group. Nobody is mentioned.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `url_file = "/run/secrets/wecom-sales"`
//! **Settings** the file that holds the bot's address, which is a secret; the format.

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
use crate::http::Method;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "wecom",
    about: "Posts letters to a WeCom group by its bot.",
    proof: Proof::RecordedShapes,
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(WeCom::new(&kind::read(settings)?, around)?)),
};

/// Which group letters are posted to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A file that holds the bot's address: whoever knows it can post to the group.
    pub url_file: PathBuf,
    /// How messages are written.
    #[serde(default)]
    pub format: Format,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// With a bold title and a link behind the mark.
    #[default]
    Markdown,
    /// Plain, which clients outside the product show too.
    Text,
}

/// How long a message may be there, in bytes: `text`, `markdown`.
const TEXT_MAX: usize = 2_048;
const MARKDOWN_MAX: usize = 4_096;
/// How many messages a minute a bot may post there is 20.
const PAUSE: Duration = Duration::from_mins(1);
const NAMES: Names = &[("errcode", "errmsg")];

#[derive(Debug)]
struct WeCom {
    url: SecretAddress,
    format: Format,
    exchange: Exchange,
}

impl WeCom {
    fn new(settings: &Settings, around: &Surroundings) -> Result<Self, SettingsError> {
        let url = access::secret_address("url_file", &settings.url_file, &around.http)?;
        let exchange = Exchange::new(around.http.clone()).hiding_address(url.expose());
        Ok(Self { url, format: settings.format, exchange })
    }
}

#[async_trait]
impl Channel for WeCom {
    async fn send(&self, letter: &Letter, _now: DateTime<Utc>) -> Result<Receipt, Failure> {
        let body = compose(self.format, letter);
        let request = exchange::json(Method::POST, self.url.expose().clone(), &body);
        let answer = self.exchange.send(request).await?;
        bot::judge(&self.exchange, &answer, NAMES, meaning)?;
        Ok(Receipt::default())
    }

    fn preview(&self, letter: &Letter, _now: DateTime<Utc>) -> Option<String> {
        Some(format!("{:#}", compose(self.format, letter)))
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        let body = json!({"msgtype": "text", "text": {"content": ""}});
        let request = exchange::json(Method::POST, self.url.expose().clone(), &body);
        bot::test(&self.exchange, request, NAMES, meaning).await
    }
}

/// Returns the message that carries `letter`.
pub fn compose(format: Format, letter: &Letter) -> Value {
    match format {
        Format::Text => {
            let message = Message::of(letter, TEXT_MAX - 8);
            let Message { title, lines, link, mark } = &message;
            let parts = [title].into_iter().chain(lines).chain(link).chain([mark]);
            let content = parts.map(String::as_str).collect::<Vec<_>>().join("\n");
            json!({"msgtype": "text", "text": {"content": content}})
        }
        Format::Markdown => {
            let Message { title, lines, link, mark } = Message::of(letter, MARKDOWN_MAX - 32);
            let mark = link.map_or(mark.clone(), |link| format!("[{mark}]({link})"));
            let content = format!("**{title}**\n{}\n{mark}", lines.join("\n"));
            json!({"msgtype": "markdown", "markdown": {"content": content}})
        }
    }
}

/// Returns what a code means there.
pub fn meaning(code: i64) -> Meaning {
    match code {
        0 => Meaning::Taken,
        45_009 | 45_033 => Meaning::Slower(PAUSE),
        93_000 | 93_008 => Meaning::Settings(
            "that the bot's address in 'url_file' is the whole one and still in use",
        ),
        40_001 | 40_014 | 42_001 | 48_002 | 60_020 => {
            Meaning::Settings("the bot's rights and the addresses it may be called from")
        }
        // Type, member, empty, length, content.
        40_008 | 40_035 | 40_058 | 44_004 | 45_002 | 47_001 => Meaning::Message,
        _ => Meaning::Trouble,
    }
}
