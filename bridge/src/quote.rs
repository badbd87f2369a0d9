//! Quotes as people meet them: facts from feeds, and the page that is printed.

use std::sync::Arc;

use chrono::NaiveDate;
use upturn_core::quote::library::Source;
use upturn_core::quote::snapshot::UsedSet;

use crate::facts::Facts;

pub(crate) mod kept;
pub(crate) mod page;
mod words;

/// The kind of feed whose rates the European Union's customs rates follow from.
const UNION_REFERENCE: &str = "ecb";

/// Returns what quotes of the day `date` are made with, of `facts`.
pub(crate) fn sources(facts: Facts, date: NaiveDate) -> Vec<Source> {
    let of_sheets = facts.sheets.into_iter();
    of_sheets
        .map(|sheet| Source {
            publication: sheet.limits.review.publication,
            closed: Arc::clone(&sheet.closed),
            missed_max: sheet.limits.missed,
            is_union_reference: sheet.kind.name == UNION_REFERENCE,
            set: sheet.set.map(|set| UsedSet {
                feed: sheet.feed.clone(),
                set,
                checked_at: sheet.checked_at,
            }),
            too_old: sheet.require_fresh(date).err().map(|error| error.to_string()),
            facts: sheet.facts,
            name: sheet.feed,
        })
        .collect()
}
