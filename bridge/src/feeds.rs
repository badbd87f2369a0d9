//! Feeds: where facts come from, as documents say.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::Value;
use upturn_connectors::feed::Kind;
use upturn_connectors::feed::source::Source;
use upturn_connectors::schedule::Schedule;
use upturn_core::task::Title;

use self::document::SecretDocument;
use self::limits::Limits;

pub(crate) mod age;
pub(crate) mod agenda;
pub(crate) mod document;
pub(crate) mod files;
pub(crate) mod limits;
pub(crate) mod job;
pub(crate) mod reading;
pub(crate) mod scheduler;
pub(crate) mod standing;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod vault;

/// Feeds in force.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    /// By id.
    pub(crate) feeds: BTreeMap<String, Arc<Feed>>,
}

/// Where facts come from, and when.
#[derive(Debug)]
pub(crate) struct Feed {
    /// Its id, stable: runs and sets are kept under it.
    pub(crate) id: String,
    /// Its kind.
    pub(crate) kind: &'static Kind,
    /// Its name for people.
    pub(crate) title: Title,
    /// The id of the person who answers for the document.
    pub(crate) configured_by: String,
    /// When it runs.
    pub(crate) schedule: Schedule,
    /// Whose days are meant in addresses.
    pub(crate) zone: Tz,
    /// How much later than its slot a run begins at most.
    pub(crate) jitter: TimeDelta,
    /// Whether the document pauses it.
    pub(crate) is_paused: bool,
    /// How its facts are judged.
    pub(crate) limits: Limits,
    /// The region on whose days off its source publishes nothing.
    pub(crate) publishes_by: Option<String>,
    /// The secrets that its addresses and headers name, and where they are.
    pub(crate) secrets: BTreeMap<String, SecretDocument>,
    /// Where its documents are.
    pub(crate) source: Source,
    /// By which its documents are read.
    pub(crate) settings: Value,
    /// The document it was made of: another text is another feed.
    pub(crate) text: String,
}

impl Feeds {
    /// Returns whether `other` would do the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let texts = |feeds: &Self| -> Vec<String> {
            feeds.feeds.values().map(|feed| feed.text.clone()).collect()
        };
        texts(self) == texts(other)
    }
}
