//! Facts of the sets in force, read from the documents that are kept of them.

use serde_json::Value;
use upturn_connectors::feed::{self, FeedError, Kind};
use upturn_core::event::Position;
use upturn_core::fact::Fact;

use super::saved::name_source;
use super::{Facts, Sheet};
use crate::feeds::Feeds;
use crate::feeds::limits::Limits;
use crate::store::error::StoreError;
use crate::store::feed_set::{self, Set};
use crate::store::{Store, feed_state};

/// Why a set gives no facts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoredError {
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its kind is none of ours.
    #[error("set {set} is of the kind '{kind}', which this version does not know")]
    Kind {
        /// The set.
        set: i64,
        /// The kind.
        kind: String,
    },
    /// It is not read any more.
    #[error("set {set}: {error}")]
    Document {
        /// The set.
        set: i64,
        /// What is wrong.
        error: FeedError,
    },
    /// Reading it was cut short.
    #[error("set {0} could not be read")]
    Cut(i64),
}

/// Returns the facts of `set`, in the order of its documents.
pub(crate) async fn facts_of(store: &Store, set: &Set) -> Result<Vec<Fact>, StoredError> {
    let kind = kind_of(set)?;
    let settings: Value = serde_json::from_str(&set.settings).unwrap_or_default();
    let documents = feed_set::documents(store, set.id).await?;
    let id = set.id;
    let read = tokio::task::spawn_blocking(move || {
        let mut facts = Vec::new();
        for document in &documents {
            facts.extend((kind.parse)(&settings, &document.bytes)?);
        }
        Ok(facts)
    });
    let read = read.await.map_err(|_gone| StoredError::Cut(id))?;
    read.map_err(|error| StoredError::Document { set: id, error })
}

/// Which sets are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'w> {
    /// Of this feed alone.
    pub(crate) feed: Option<&'w str>,
    /// Those by which what stands at this place in the log is judged, instead of those in force.
    pub(crate) position: Option<Position>,
}

/// Returns the facts of the sets that are `wanted`; limits are those of `feeds`, or what is usual for
/// the kind.
pub(crate) async fn read(
    store: &Store,
    feeds: &Feeds,
    wanted: Wanted<'_>,
) -> Result<Facts, StoredError> {
    let states = feed_state::all(store).await?;
    let mut sheets = Vec::new();
    for set in feed_set::active(store).await? {
        if wanted.feed.is_some_and(|only| only != set.feed) {
            continue;
        }
        let set = match wanted.position {
            None => set,
            Some(position) => match feed_set::as_of(store, &set.feed, position).await? {
                Some(earlier) => earlier,
                None => continue,
            },
        };
        let kind = kind_of(&set)?;
        let mut facts = facts_of(store, &set).await?;
        name_source(&mut facts, &set.feed);
        let limits = match feeds.feeds.get(&set.feed) {
            Some(feed) => feed.limits,
            None => Limits::usual(&kind.supply),
        };
        let checked_at = states.get(&set.feed).and_then(|state| state.checked_at);
        let checked_at = checked_at.or(Some(set.fetched_at));
        sheets.push(Sheet { feed: set.feed, kind, limits, set: Some(set.id), checked_at, facts });
    }
    Ok(Facts { sheets })
}

fn kind_of(set: &Set) -> Result<&'static Kind, StoredError> {
    let unknown = || StoredError::Kind { set: set.id, kind: set.kind.clone() };
    feed::kind(&set.kind).ok_or_else(unknown)
}
