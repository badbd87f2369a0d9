//! Records, read page by page.

use std::collections::BTreeMap;

use crate::store::deal_history::{self, Revision};
use crate::store::error::StoreError;
use crate::store::{Store, record};

/// Records of one question.
const PAGE: u32 = 2_000;
/// The most records of a kind that are looked at; what comes after them is left out, with a warning.
const RECORDS_MAX: usize = 3_000_000;

/// The filled columns of a record.
pub(crate) type Document = BTreeMap<String, String>;

/// Gives every record of `kind` with its key to `take`. One that is no object of texts is left out.
pub(crate) async fn records(
    store: &Store,
    kind: &str,
    mut take: impl FnMut(&str, &Document),
) -> Result<(), StoreError> {
    let (mut after, mut count) = (String::new(), 0);
    while count < RECORDS_MAX {
        let page = record::page(store, kind, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        count += page.len();
        for one in &page {
            if let Ok(document) = serde_json::from_str(&one.document) {
                take(&one.id, &document);
            }
        }
    }
    tracing::warn!(kind, RECORDS_MAX, "there are more records than forecasts look at");
    Ok(())
}

/// Gives every revision of every deal to `take`, by deal and revision.
pub(crate) async fn revisions(
    store: &Store,
    mut take: impl FnMut(&Revision, &Document),
) -> Result<(), StoreError> {
    let (mut after, mut count) = ((String::new(), 0), 0);
    while count < RECORDS_MAX {
        let page = deal_history::page(store, (&after.0, after.1), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.deal.clone(), last.revision);
        count += page.len();
        for one in &page {
            if let Ok(document) = serde_json::from_str(&one.document) {
                take(one, &document);
            }
        }
    }
    tracing::warn!(RECORDS_MAX, "there are more revisions of deals than forecasts look at");
    Ok(())
}
