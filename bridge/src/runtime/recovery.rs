//! Recovery: the engine is what the log folds to, so folding the log again rebuilds it.

use upturn_core::engine::Engine;

use super::{Fold, PAGE, fold_one};
use crate::store::error::StoreError;
use crate::store::{self, Store};

/// Folds everything that was committed. What follows from it was stored when it was.
pub(super) async fn recover(store: &Store, mut engine: Engine) -> Result<Fold, StoreError> {
    let cursor = store::cursor::read(store).await?;
    let mut after = 0;
    // Nothing is written; the transaction only gives the history look-ups their view.
    let mut tx = store.begin().await?;
    loop {
        let page = store::event::read_after(store, after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (position, event) in page {
            drop(fold_one(&mut engine, &mut tx, position, event).await?);
        }
    }
    Ok(Fold { engine, cursor: cursor.max(after) })
}
