//! The days that feeds tell reach the calendars people work by: at a place in the log.
//!
//! A calendar of the folder that follows a region is composed with the almanacs of the sets in force, and
//! what comes out is logged as entries of the registry, so that nothing is looked up again when the log is
//! folded (`bridge/decisions/0017-days-in-the-log.md`).

use chrono::{DateTime, Utc};
use upturn_core::calendar::Calendar;
use upturn_core::fact::Fact;
use upturn_core::fact::almanac::Almanac;
use upturn_core::registry::Registry;
use upturn_core::registry::entry::Entry;

use super::Runtime;
use super::fold::Fold;
use crate::facts::stored::StoredError;
use crate::store::error::StoreError;
use crate::store::feed_set;

/// The kinds of feeds that tell which days are worked on.
pub(crate) const TELLING: [&str; 6] =
    ["chinese-days", "gtfs", "holiday-cn", "icalendar", "nager", "uk-bank-holidays"];

impl Runtime<'_> {
    /// Puts the calendars in force that the days in force make, if others may be or a day has begun; the
    /// same ones again are not logged.
    pub(super) async fn keep_days(&self, fold: &mut Fold) -> Result<(), StoreError> {
        let today = self.now(fold).date_naive();
        if fold.days_on == Some(today) {
            return Ok(());
        }
        let folder = self.folder.borrow().clone();
        let mut entries = self.days_of(fold, &folder).await?;
        entries.retain(|entry| !entry.is_in(fold.engine.registry()));
        if !entries.is_empty() {
            let tx = self.store.begin().await?;
            self.put_in_force(fold, tx, entries).await?;
        }
        fold.days_on = Some(today);
        Ok(())
    }

    /// Returns the calendars of `folder` that follow a region, with the days in force.
    ///
    /// Where a set is not read, which an older or newer program may have kept, they stay as they are.
    pub(super) async fn days_of(
        &self,
        fold: &Fold,
        folder: &Registry,
    ) -> Result<Vec<Entry>, StoreError> {
        let house = folder.calendar.region().is_some();
        let named = folder.calendars.iter().filter(|(_, calendar)| calendar.region().is_some());
        let named: Vec<_> = named.collect();
        if !house && named.is_empty() {
            return Ok(Vec::new());
        }
        let almanacs = match self.almanacs().await {
            Ok(almanacs) => Some(almanacs),
            Err(StoredError::Store(error)) => return Err(error),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the calendars stay as they are");
                None
            }
        };
        let at = self.now(fold);
        let made = |own: &Calendar, standing: Option<&Calendar>| match &almanacs {
            Some(almanacs) => composed(own, almanacs, at),
            None => standing.filter(|one| one.region() == own.region()).unwrap_or(own).clone(),
        };
        let standing = fold.engine.registry();
        let mut entries = Vec::new();
        if house {
            let calendar = made(&folder.calendar, Some(&standing.calendar));
            entries.push(Entry::HouseCalendar(Box::new(calendar)));
        }
        for (name, own) in named {
            let calendar = made(own, standing.calendars.get(name));
            entries.push(Entry::Calendar(name.clone(), Some(Box::new(calendar))));
        }
        Ok(entries)
    }

    /// Returns the almanacs of the sets in force, those that came into force later later.
    async fn almanacs(&self) -> Result<Vec<Almanac>, StoredError> {
        let mut active = feed_set::active(self.store).await?;
        active.retain(|set| TELLING.contains(&&*set.kind));
        active.sort_by_key(|set| set.id);
        let mut almanacs = Vec::new();
        for set in &active {
            let facts = self.shelf.facts_of(self.store, set).await?;
            for fact in facts.iter() {
                if let Fact::Calendar(almanac) = fact {
                    almanacs.push((**almanac).clone());
                }
            }
        }
        Ok(almanacs)
    }
}

/// Returns `own` with the days of its region; alone where they do not fit it, which is told.
fn composed(own: &Calendar, almanacs: &[Almanac], at: DateTime<Utc>) -> Calendar {
    let of_region: Vec<&Almanac> =
        almanacs.iter().filter(|almanac| Some(&*almanac.region) == own.region()).collect();
    if of_region.is_empty() {
        return own.clone();
    }
    let today = at.with_timezone(&own.zone()).date_naive();
    own.with_almanacs(&of_region, today).unwrap_or_else(|error| {
        tracing::warn!(%error, calendar = own.revision(), "a calendar stands without its feeds");
        own.clone()
    })
}

#[cfg(test)]
mod tests;
