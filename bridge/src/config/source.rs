//! `[[source]]`: which topics are read, and how.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use upturn_core::decode::topic::TopicPattern;
use upturn_core::decode::{Format, Source};

use super::time_span::TimeSpan;

/// `[[source]]`: topics that are read, and how. Where none is given, the two of
/// [`SourceConfig::defaults`] are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceConfig {
    /// A name for counters, logs and dead letters; letters, digits, `-` and `_`, each name once.
    pub(crate) name: SourceName,
    /// The topics, with `{device}` where a topic names the device, `{channel}` and `{action}`
    /// where it names those, and `{_}` for a level that varies and is not read.
    #[serde(deserialize_with = "read_topic", serialize_with = "write_topic")]
    pub(crate) topic: TopicPattern,
    /// What the messages are written in: `native` or `ocpp16`.
    pub(crate) format: Format,
    /// How long before its receipt an event may say it happened and be believed. Default: 400 days.
    #[serde(default = "accept_past")]
    pub(crate) accept_past: TimeSpan,
    /// How long after its receipt an event may say it happened and be believed. Default: 5 minutes.
    #[serde(default = "accept_future")]
    pub(crate) accept_future: TimeSpan,
}

fn accept_past() -> TimeSpan {
    TimeSpan::days(400)
}

fn accept_future() -> TimeSpan {
    TimeSpan::minutes(5)
}

/// What the sources are where none is given: name, topic and format of each.
const DEFAULTS: [(&str, &str, Format); 2] = [
    ("native", "devices/{device}/events", Format::Native),
    ("ocpp16", "ocpp/1.6/{device}/{action}", Format::Ocpp16),
];

impl SourceConfig {
    /// Returns the sources that are read where none is given.
    pub(crate) fn defaults() -> Vec<Self> {
        let known = DEFAULTS.into_iter().filter_map(|(name, topic, format)| {
            Some(Self {
                name: SourceName(name.into()),
                topic: TopicPattern::parse(topic).ok()?,
                format,
                accept_past: accept_past(),
                accept_future: accept_future(),
            })
        });
        known.collect()
    }
}

impl SourceConfig {
    /// Returns the source these settings describe.
    pub(super) fn to_source(&self) -> Source {
        Source {
            name: self.name.0.clone(),
            topic: self.topic.clone(),
            format: self.format,
            accept_past: self.accept_past.as_delta(),
            accept_future: self.accept_future.as_delta(),
        }
    }
}

/// The name of a source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct SourceName(Box<str>);

/// Why a text is no [`SourceName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no name of a source; use 1 to 64 letters, digits, '-' or '_'")]
pub(crate) struct SourceNameError(String);

impl TryFrom<String> for SourceName {
    type Error = SourceNameError;

    fn try_from(text: String) -> Result<Self, SourceNameError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=64).contains(&text.len()) || !text.chars().all(is_allowed) {
            return Err(SourceNameError(text));
        }
        Ok(Self(text.into()))
    }
}

impl From<SourceName> for String {
    fn from(name: SourceName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn read_topic<'de, D: Deserializer<'de>>(from: D) -> Result<TopicPattern, D::Error> {
    TopicPattern::parse(&String::deserialize(from)?).map_err(de::Error::custom)
}

fn write_topic<S: Serializer>(topic: &TopicPattern, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(topic.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_native_json_and_ocpp_where_no_source_is_given() {
        let defaults = SourceConfig::defaults();
        let shown: Vec<_> = defaults
            .iter()
            .map(|source| (&*source.name.0, source.topic.as_str(), source.format))
            .collect();
        assert_eq!(shown, DEFAULTS);
    }
}
