//! What feeds tell that the fold goes by: days of calendars, attributes of sites and accounts. It is logged as
//! entries of the registry, so that nothing is looked up again when the log is folded
//! (`bridge/decisions/0017-days-in-the-log.md`, `0018-attributes-in-the-log.md`).

use std::sync::Arc;

use super::Runtime;
use super::fold::Fold;
use crate::store::error::StoreError;

impl Runtime<'_> {
    /// Puts in force what the sets in force tell, if others may be or a day has begun; the same again is
    /// not logged.
    pub(super) async fn keep_told(&self, fold: &mut Fold) -> Result<(), StoreError> {
        let today = self.now(fold).date_naive();
        let folder = self.folder.borrow().clone();
        let is_kept = fold
            .told
            .as_ref()
            .is_some_and(|(day, known)| *day == today && Arc::ptr_eq(known, &folder));
        if is_kept {
            return Ok(());
        }
        let mut entries = self.days_of(fold, &folder).await?;
        entries.extend(self.attributes_of(fold).await?);
        entries.retain(|entry| !entry.is_in(fold.engine.registry()));
        if !entries.is_empty() {
            let tx = self.store.begin().await?;
            self.put_in_force(fold, tx, entries).await?;
        }
        fold.told = Some((today, folder));
        Ok(())
    }
}
