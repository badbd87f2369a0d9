//! Facts of the sets in force, read from the documents that are kept of them.

use chrono::{DateTime, Utc};
use upturn_connectors::feed::{self, FeedError};
use upturn_core::event::Position;

use super::shelf::Shelf;
use super::told_days::tells_days;
use super::{Earlier, Facts, Sheet};
use crate::feeds::Feeds;
use crate::feeds::limits::Limits;
use crate::store::error::StoreError;
use crate::store::feed_set::{self, Set, SetState};
use crate::store::{Store, feed_state};

/// How many sets of a feed are looked at to find those that were in force before.
const SETS_MAX: u32 = 40;

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

/// Which sets are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'w> {
    /// Of this feed alone.
    pub(crate) feed: Option<&'w str>,
    /// As of when.
    pub(crate) as_of: AsOf,
    /// Those that were in force before, too, where the set has sailings: what a source said once and
    /// left out later still counts.
    pub(crate) has_earlier: bool,
}

/// As of when sets are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum AsOf {
    /// Those in force.
    #[default]
    Present,
    /// Those by which what stands at this place in the log is judged.
    Position(Position),
    /// Those that were in force then.
    Time(DateTime<Utc>),
}

/// Where sets are found, and how they are judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Archive<'a> {
    /// The sets.
    pub(crate) store: &'a Store,
    /// Those that were read already.
    pub(crate) shelf: &'a Shelf,
    /// Whose limits hold; where a feed is gone, what is usual for its kind.
    pub(crate) feeds: &'a Feeds,
}

impl Archive<'_> {
    /// Returns the facts of the sets that are `wanted`.
    pub(crate) async fn read(&self, wanted: Wanted<'_>) -> Result<Facts, StoredError> {
        let states = feed_state::all(self.store).await?;
        let (mut sheets, mut calendars) = (Vec::new(), Vec::new());
        for set in feed_set::active(self.store).await? {
            let is_wanted = wanted.feed.is_none_or(|only| only == set.feed);
            let tells_days = tells_days(&set.kind);
            if !is_wanted && !tells_days {
                continue;
            }
            let then = match wanted.as_of {
                AsOf::Present => Some(set),
                AsOf::Position(position) => {
                    feed_set::as_of(self.store, &set.feed, position).await?
                }
                AsOf::Time(at) => feed_set::as_of_time(self.store, &set.feed, at).await?,
            };
            let Some(set) = then else { continue };
            if tells_days {
                calendars.push(set.clone());
            }
            if !is_wanted {
                continue;
            }
            let checked_at = states.get(&set.feed).and_then(|state| state.checked_at);
            let mut sheet = self.sheet(&set).await?;
            sheet.checked_at = checked_at.or(sheet.checked_at);
            if wanted.has_earlier && sheet.sailings().next().is_some() {
                sheet.earlier = self.earlier(&set).await?;
            }
            sheets.push(sheet);
        }
        let mut facts = Facts { sheets };
        if facts.sheets.iter().any(|sheet| sheet.publishes_by.is_some()) {
            let mut told = Vec::new();
            for set in &calendars {
                told.push(self.shelf.facts_of(self.store, set).await?);
            }
            facts.close(&told);
        }
        Ok(facts)
    }

    async fn sheet(&self, set: &Set) -> Result<Sheet, StoredError> {
        let unknown = || StoredError::Kind { set: set.id, kind: set.kind.clone() };
        let kind = feed::kind(&set.kind).ok_or_else(unknown)?;
        let (limits, publishes_by) = match self.feeds.feeds.get(&set.feed) {
            Some(feed) => (feed.limits, feed.publishes_by.clone()),
            None => (Limits::usual(&kind.supply), None),
        };
        let facts = self.shelf.facts_of(self.store, set).await?;
        Ok(Sheet {
            set: Some(set.id),
            known_at: set.active_at.or(Some(set.fetched_at)),
            checked_at: Some(set.fetched_at),
            ..Sheet::new((set.feed.clone(), kind), (limits, publishes_by), facts)
        })
    }

    /// Returns what was in force before `set`, the oldest first.
    async fn earlier(&self, set: &Set) -> Result<Vec<Earlier>, StoredError> {
        let mut sets = feed_set::of_feed(self.store, &set.feed, SETS_MAX).await?;
        sets.retain(|one| one.state == SetState::Superseded && one.active_at < set.active_at);
        sets.sort_by_key(|one| one.active_at);
        let mut earlier = Vec::new();
        for one in sets {
            let Some(known_at) = one.active_at else { continue };
            let facts = self.shelf.facts_of(self.store, &one).await?;
            earlier.push(Earlier { known_at, facts });
        }
        Ok(earlier)
    }
}
