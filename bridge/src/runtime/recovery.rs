//! Recovery: the engine is what the log folds to, so folding the log again rebuilds it.
//!
//! A snapshot spares the part of the log that is in it. It is only a cache: one that is torn, or
//! of another version of this program, is left aside.

use std::collections::BTreeMap;
use std::sync::Arc;

use upturn_core::engine::{Engine, Memory};
use upturn_core::event::Position;
use upturn_core::rule::Rule;
use upturn_core::snapshot;

use super::fold::{self, Fold};
use super::reading::{Reader, parse_logged};
use crate::store::error::StoreError;
use crate::store::{self, Store};

/// Folds everything that was committed. What follows from it was stored when it was.
pub(crate) async fn recover(store: &Store, memory: Memory) -> Result<Fold, StoreError> {
    let cursor = store::cursor::read(store).await?;
    let mut fold = Fold::new(memory);
    if let Some((position, engine)) = load(store, cursor).await? {
        fold.engine = engine;
        fold.engine.remember(memory);
        fold.cursor = position;
    }
    catch_up(store, &mut fold).await?;
    Ok(fold)
}

/// Folds what was committed behind `fold`. After an error it is of no use any more.
///
/// Others may write meanwhile: up to the cursor that is read first, everything is there.
pub(crate) async fn catch_up(store: &Store, fold: &mut Fold) -> Result<(), StoreError> {
    let cursor = store::cursor::read(store).await?;
    let deleted = store::retention::deleted(store).await?;
    let settled = store::retention::settled(store, deleted).await?;
    fold.engine.forget_before(deleted.horizon, settled);
    if cursor == fold.cursor && !fold.registry.is_empty() {
        return Ok(());
    }
    let mut reader = Reader::new(store, cursor);
    reader.skip_to(fold.cursor).await?;
    // Nothing is written; the transaction only gives the history look-ups their view.
    let mut tx = store.begin_reading().await?;
    while let Some(page) = reader.next_page().await? {
        tx.touch().await?;
        for placed in page {
            let mut dropped = Vec::new();
            fold::handle(&mut fold.engine, (store, &mut tx), placed, &mut dropped).await?;
        }
    }
    fold.cursor = cursor;
    fold.rules = reader.rules().to_vec();
    reader.registry().clone_into(&mut fold.registry);
    Ok(())
}

/// Returns the newest snapshot, if it can be used.
async fn load(store: &Store, cursor: Position) -> Result<Option<(Position, Engine)>, StoreError> {
    let Some((position, bytes)) = store::snapshot::read(store).await? else { return Ok(None) };
    if cursor < position {
        tracing::warn!("the snapshot is newer than the log; folding the log from its beginning");
        return Ok(None);
    }
    let documents = store::rule::documents(store).await?;
    let parsed = documents.into_iter().filter_map(|(rule, version, document)| {
        Some(((rule, version), Arc::new(parse_logged(&document)?)))
    });
    let rules: BTreeMap<(String, String), Arc<Rule>> = parsed.collect();
    let find =
        |rule: &str, version: &str| rules.get(&(rule.to_owned(), version.to_owned())).cloned();
    match snapshot::read(&bytes, &find) {
        Ok(engine) => Ok(Some((position, engine))),
        Err(error) => {
            tracing::warn!(%error, "folding the log from its beginning");
            Ok(None)
        }
    }
}

/// Writes a snapshot of `fold` down. Nothing depends on it, so trouble is only reported.
pub(super) async fn save(store: &Store, fold: &Fold) {
    let saved = async {
        let bytes = snapshot::write(&fold.engine)
            .map_err(|error| store::snapshot::cannot_write(&error.to_string()))?;
        let mut tx = store.begin().await?;
        store::snapshot::replace(&mut tx, fold.cursor, &bytes).await?;
        tx.commit().await
    };
    if let Err(error) = saved.await {
        let cause: &dyn std::error::Error = &error;
        tracing::warn!(error = cause, "no snapshot was written; the next start takes longer");
    }
}
