//! The kinds of channels, as settings name them.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::Schema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::channel::Channel;
use super::failure::Failure;
use crate::http::Http;

/// A kind of channel.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in settings: `webhook`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// What it was tried against.
    pub proof: Proof,
    /// Returns the JSON Schema of its settings.
    pub schema: fn() -> Schema,
    /// Makes a channel of its settings, an object. Opens no connection.
    pub build: Build,
}

/// Makes a channel of its settings.
pub type Build = fn(&Value, &Surroundings) -> Result<Box<dyn Channel>, SettingsError>;

/// What a kind of channel was tried against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The software itself, in our tests: its name and version.
    Real(&'static str),
    /// Requests and answers that others recorded: it was never run against the real product.
    RecordedShapes,
}

/// What channels use of the program around them.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The way out, with its guard.
    pub http: Http,
    /// The door devices come in by, where there is one.
    pub publisher: Option<Arc<dyn Publisher>>,
}

/// Whoever can publish to the devices' broker.
#[async_trait]
pub trait Publisher: Debug + Send + Sync {
    /// Publishes at least once; returns after the broker has acknowledged it.
    async fn publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), Failure>;
}

/// Why settings are not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);

/// Reads `settings` as the type a channel has for them.
pub fn read<T: DeserializeOwned>(settings: &Value) -> Result<T, SettingsError> {
    T::deserialize(settings).map_err(|error| SettingsError(error.to_string()))
}

/// Reads the setting `name` as an address that secrets may be sent to, as far as its text tells.
pub fn address(http: &Http, name: &str, text: &str) -> Result<Url, SettingsError> {
    let wrong = |why: &dyn std::fmt::Display| SettingsError(format!("'{name}': {why}"));
    let url = Url::parse(text).map_err(|error| wrong(&error))?;
    http.check(&url).map_err(|refusal| wrong(&refusal))?;
    let is_trusted = url.host_str().is_some_and(|host| http.is_listed(host));
    if url.scheme() != "https" && !is_trusted {
        return Err(wrong(
            &"without TLS the password would be readable on its way; use https://, or list the \
              host in [http] allow_private",
        ));
    }
    Ok(url)
}
