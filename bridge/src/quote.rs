//! Quotes as people meet them: facts from feeds, and the page that is printed.

use upturn_core::quote::library::Source;

use crate::facts::Facts;

pub(crate) mod page;
mod words;

/// The kind of feed whose rates the European Union's customs rates follow from.
const UNION_REFERENCE: &str = "ecb";

/// Returns what quotes are made with, of `facts`.
pub(crate) fn sources(facts: Facts) -> Vec<Source> {
    let of_sheets = facts.sheets.into_iter();
    of_sheets
        .map(|sheet| Source {
            name: sheet.feed,
            publication: sheet.limits.review.publication,
            missed_max: sheet.limits.missed,
            is_union_reference: sheet.kind.name == UNION_REFERENCE,
            facts: sheet.facts,
        })
        .collect()
}
