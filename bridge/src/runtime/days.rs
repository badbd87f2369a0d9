//! The days that feeds tell reach the calendars people work by: at a place in the log.
//!
//! A calendar of the folder that follows a region is composed with the almanacs of the sets in force, and
//! what comes out is logged as entries of the registry, so that nothing is looked up again when the log is
//! folded (`bridge/decisions/0017-days-in-the-log.md`).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use upturn_core::calendar::Calendar;
use upturn_core::calendar::compose::ComposeError;
use upturn_core::fact::almanac::Almanac;
use upturn_core::registry::Registry;
use upturn_core::registry::entry::Entry;

use super::Runtime;
use super::fold::Fold;
use crate::facts::stored::StoredError;
use crate::facts::told_days::{self, ToldDays};
use crate::store::error::StoreError;

impl Runtime<'_> {
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
        let told = match told_days::in_force(self.store, self.shelf).await {
            Ok(told) => Some(told),
            Err(StoredError::Store(error)) => return Err(error),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the calendars stay as they are");
                None
            }
        };
        let at = self.now(fold);
        let made = |own: &Calendar, standing: Option<&Calendar>| match &told {
            Some(told) => composed(own, told, at).unwrap_or_else(|error| {
                let revision = own.revision();
                tracing::warn!(%error, revision, "a calendar stands without its feeds");
                own.clone()
            }),
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
}

/// Returns the feeds that tell the days of `region`, each once, by their names.
pub(crate) fn feeds_of(told: &[ToldDays], region: &str) -> Vec<String> {
    let tells = |told: &&ToldDays| told.almanacs().any(|almanac| almanac.region == region);
    let of_region = told.iter().filter(tells);
    let feeds: BTreeSet<&String> = of_region.map(|told| &told.feed).collect();
    feeds.into_iter().cloned().collect()
}

/// Returns `own` with the days of its region, if any are told.
pub(crate) fn composed(
    own: &Calendar,
    told: &[ToldDays],
    at: DateTime<Utc>,
) -> Result<Calendar, ComposeError> {
    let almanacs = told.iter().flat_map(ToldDays::almanacs);
    let of_region: Vec<&Almanac> =
        almanacs.filter(|almanac| Some(&*almanac.region) == own.region()).collect();
    if of_region.is_empty() {
        return Ok(own.clone());
    }
    own.with_almanacs(&of_region, at.with_timezone(&own.zone()).date_naive())
}

#[cfg(test)]
mod tests;
