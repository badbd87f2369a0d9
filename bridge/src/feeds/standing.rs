//! How feeds do: for pages, the API, commands and metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Feed, Feeds, age, agenda};
use crate::facts::shelf::Shelf;
use crate::facts::stored::StoredError;
use crate::facts::told_days;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::feed_run::{self, Run};
use crate::store::feed_set::{self, Set};
use crate::store::feed_state::{self, FeedState};

/// How a feed does, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Health {
    /// Its facts are new enough.
    Fine,
    /// It has not run yet.
    Waiting,
    /// Its source has not answered well for longer than it should.
    Late,
    /// Its last run brought nothing.
    Failing,
    /// A set waits for a person.
    Held,
    /// It does not run by itself.
    Paused,
}

impl Health {
    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Waiting => "waiting",
            Self::Late => "late",
            Self::Failing => "failing",
            Self::Held => "held",
            Self::Paused => "paused",
        }
    }
}

/// How a feed does.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// The feed.
    pub(crate) feed: Arc<Feed>,
    /// In a word.
    pub(crate) health: Health,
    /// What is written down of it.
    pub(crate) state: FeedState,
    /// The set in force.
    pub(crate) set: Option<Set>,
    /// Its newest run.
    pub(crate) run: Option<Run>,
    /// When it runs next by itself.
    pub(crate) next_at: Option<DateTime<Utc>>,
}

/// Returns how all feeds in force do, in the order of their ids.
pub(crate) async fn all(
    store: &Store,
    shelf: &Shelf,
    feeds: &Feeds,
    now: DateTime<Utc>,
) -> Result<Vec<Standing>, StoreError> {
    let closed = closed(store, shelf, feeds).await?;
    let none = BTreeSet::new();
    // Runs first: whoever reads how one ended reads what it led to as well.
    let runs = feed_run::newest(store).await?.into_iter().map(|run| (run.feed.clone(), run));
    let mut runs: BTreeMap<_, _> = runs.collect();
    let mut states = feed_state::all(store).await?;
    let slots: BTreeMap<_, _> = feed_run::newest_slots(store).await?.into_iter().collect();
    let sets = feed_set::active(store).await?.into_iter().map(|set| (set.feed.clone(), set));
    let mut sets: BTreeMap<_, _> = sets.collect();
    let held = feed_set::held(store).await?;
    let closed_for = |feed: &Feed| {
        feed.publishes_by.as_ref().and_then(|region| closed.get(region)).unwrap_or(&none)
    };
    let told = feeds.feeds.values().map(|feed| {
        let state = states.remove(&feed.id).unwrap_or_default();
        let is_held = held.contains(&feed.id);
        let ran = slots.get(&feed.id).copied().unwrap_or(now);
        let is_paused = state.paused_by.is_some();
        let next_at = if is_paused { None } else { agenda::next_run(feed, ran, state.retry_at) };
        Standing {
            health: health(feed, &state, is_held, |at| {
                age::unheard(feed, closed_for(feed), at, now)
            }),
            set: sets.remove(&feed.id),
            run: runs.remove(&feed.id),
            next_at,
            state,
            feed: Arc::clone(feed),
        }
    });
    Ok(told.collect())
}

/// Returns the days off of the regions by whose calendars sources publish.
///
/// A calendar that cannot be read makes no source younger: its weekdays count, and the log tells of it.
async fn closed(
    store: &Store,
    shelf: &Shelf,
    feeds: &Feeds,
) -> Result<BTreeMap<String, BTreeSet<NaiveDate>>, StoreError> {
    let regions: BTreeSet<_> =
        feeds.feeds.values().filter_map(|feed| feed.publishes_by.as_ref()).collect();
    let mut closed = BTreeMap::new();
    for region in regions {
        match told_days::off(store, shelf, region).await {
            Ok(days) => drop(closed.insert(region.clone(), days)),
            Err(StoredError::Store(error)) => return Err(error),
            Err(error) => tracing::warn!(region, "the days off are not known: {error}"),
        }
    }
    Ok(closed)
}

fn health(
    feed: &Feed,
    state: &FeedState,
    is_held: bool,
    unheard: impl Fn(DateTime<Utc>) -> TimeDelta,
) -> Health {
    let is_late = |at| feed.limits.warn_after < unheard(at);
    if feed.is_paused || state.paused_by.is_some() {
        Health::Paused
    } else if is_held {
        Health::Held
    } else if 0 < state.failures {
        Health::Failing
    } else {
        match state.checked_at {
            None => Health::Waiting,
            Some(at) if is_late(at) => Health::Late,
            Some(_) => Health::Fine,
        }
    }
}
