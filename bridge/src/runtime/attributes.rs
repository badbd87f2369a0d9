//! What feeds tell of sites and accounts reaches the conditions of rules: at a place in the log.

use std::collections::BTreeMap;

use upturn_core::fact::attributes::Subject;
use upturn_core::registry::Attributes;
use upturn_core::registry::entry::Entry;

use super::Runtime;
use super::fold::Fold;
use crate::facts::stored::StoredError;
use crate::facts::told_attributes::{self, ToldAttributes};
use crate::store::error::StoreError;

impl Runtime<'_> {
    /// Returns the attributes that are others than those in force, and those that nobody tells any more.
    ///
    /// Where a set is not read, which an older or newer program may have kept, all stay as they are.
    pub(super) async fn attributes_of(&self, fold: &Fold) -> Result<Vec<Entry>, StoreError> {
        let told = match told_attributes::in_force(self.store, self.shelf).await {
            Ok(told) => told,
            Err(StoredError::Store(error)) => return Err(error),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "attributes stay as they are");
                return Ok(Vec::new());
            }
        };
        let ToldAttributes { sites, accounts } = told;
        let registry = fold.engine.registry();
        let mut entries = changes(Subject::Site, &registry.site_attributes, sites);
        entries.extend(changes(Subject::Account, &registry.account_attributes, accounts));
        Ok(entries)
    }
}

fn changes(
    of: Subject,
    before: &BTreeMap<Box<str>, Attributes>,
    now: BTreeMap<Box<str>, Attributes>,
) -> Vec<Entry> {
    let gone = before.keys().filter(|id| !now.contains_key(*id));
    let gone: Vec<_> = gone.map(|id| Entry::Attributes(of, id.clone(), None)).collect();
    let told = now.into_iter().filter(|(id, told)| before.get(id) != Some(told));
    let told = told.map(|(id, told)| Entry::Attributes(of, id, Some(told)));
    gone.into_iter().chain(told).collect()
}

#[cfg(test)]
mod tests;
