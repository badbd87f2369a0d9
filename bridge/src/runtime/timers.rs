//! When the next clock is due, of tasks and of deals.

use chrono::{DateTime, Utc};

use crate::store::error::StoreError;
use crate::store::{Store, Tx, deal_timer, task_timer};

/// Returns when the next clock is due, as `tx` sees it.
pub(super) async fn next(tx: &mut Tx) -> Result<Option<DateTime<Utc>>, StoreError> {
    let all = [task_timer::next(tx).await?, deal_timer::next(tx).await?];
    Ok(all.into_iter().flatten().min())
}

/// Returns when the next clock is due.
pub(super) async fn next_committed(store: &Store) -> Result<Option<DateTime<Utc>>, StoreError> {
    let all = [task_timer::next_committed(store).await?, deal_timer::next_committed(store).await?];
    Ok(all.into_iter().flatten().min())
}
