//! What the sets in force tell of the days of regions.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use upturn_connectors::feed;
use upturn_core::fact::Fact;
use upturn_core::fact::almanac::{self, Almanac};

use super::days;
use super::shelf::Shelf;
use super::stored::StoredError;
use crate::store::Store;

/// What a feed tells of days.
#[derive(Clone, Debug)]
pub(crate) struct ToldDays {
    /// The feed.
    pub(crate) feed: String,
    facts: Arc<Vec<Fact>>,
}

impl ToldDays {
    /// Returns what it tells, in the order of its documents.
    pub(crate) fn almanacs(&self) -> impl Iterator<Item = &Almanac> {
        days::almanacs(&self.facts)
    }
}

/// Returns whether feeds of `kind` tell which days are worked on.
pub(crate) fn tells_days(kind: &str) -> bool {
    feed::kind(kind).is_some_and(|kind| kind.supply.tells_days)
}

/// Returns what the sets in force tell of days, those that came into force later later.
pub(crate) async fn in_force(store: &Store, shelf: &Shelf) -> Result<Vec<ToldDays>, StoredError> {
    let told = shelf.in_force(store, tells_days).await?;
    Ok(told.into_iter().map(|(feed, facts)| ToldDays { feed, facts }).collect())
}

/// Returns the days off of `region` by the sets in force.
pub(crate) async fn off(
    store: &Store,
    shelf: &Shelf,
    region: &str,
) -> Result<BTreeSet<NaiveDate>, StoredError> {
    let told = in_force(store, shelf).await?;
    Ok(almanac::days_off(told.iter().flat_map(ToldDays::almanacs), region))
}
