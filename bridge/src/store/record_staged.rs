//! Rows of an import on their way: written in small steps, so that nobody waits long for the database,
//! and made records at once.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::QueryBuilder;

use super::error::StoreError;
use super::record::StoredRecord;
use super::{Store, Tx, deal_history, record, registry_change};

/// How long rows are kept that no import comes back for.
const ABANDONED_AFTER: TimeDelta = TimeDelta::days(1);
/// How many rows are deleted in one statement.
const DELETED_MAX: u32 = 5_000;
/// How long others have the database between two steps: who waits for a SQLite file looks every 100 ms
/// whether it is free.
pub(crate) const STEP_PAUSE: Duration = Duration::from_millis(120);

/// Writes rows of `import` down, each with the line that it stands in.
pub(crate) async fn add(
    tx: &mut Tx,
    import: &str,
    rows: &[(i64, StoredRecord)],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let at = at.timestamp_millis();
    on_backend!(tx.connection(), db => {
        let mut query =
            QueryBuilder::new("INSERT INTO record_staged (import, line, id, document, staged_at) ");
        query.push_values(rows, |mut row, (line, record)| {
            row.push_bind(import)
                .push_bind(*line)
                .push_bind(&*record.id)
                .push_bind(&*record.document)
                .push_bind(at);
        });
        query.build().execute(db).await.map(drop)?;
    });
    Ok(())
}

/// Makes the rows of `import` records of `kind`, as of `at` in the name of `by`; returns how many.
///
/// With `is_registered`, the writer is told to put them in force.
pub(crate) async fn switch(
    tx: &mut Tx,
    (import, kind, is_registered): (&str, &str, bool),
    at: DateTime<Utc>,
    by: &str,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        INSERT INTO record (kind, id, document, revision, updated_at, updated_by)
        SELECT $1, id, document, 1, $2, $3 FROM record_staged WHERE import = $4 ORDER BY id
        ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document,
            revision = record.revision + 1, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by
        WHERE record.document <> excluded.document";

    if is_registered {
        registry_change::note_staged(tx, import, kind).await?;
    }
    let written = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(kind)
        .bind(at.timestamp_millis())
        .bind(by)
        .bind(import)
        .execute(db)
        .await?
        .rows_affected());
    if kind == deal_history::KIND {
        deal_history::note_staged(tx, import).await?;
    }
    if 0 < written {
        record::mark(tx).await?;
    }
    Ok(written)
}

/// Deletes the rows of `import`, and those that an import left behind long before `now`.
pub(crate) async fn clear(
    store: &Store,
    import: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        DELETE FROM record_staged WHERE (import, line) IN (
            SELECT import, line FROM record_staged WHERE import = $1 OR staged_at < $2 LIMIT $3)";

    let before = (now - ABANDONED_AFTER).timestamp_millis();
    loop {
        let mut tx = store.begin().await?;
        let deleted = on_backend!(tx.connection(), db => sqlx::query(SQL)
            .bind(import)
            .bind(before)
            .bind(i64::from(DELETED_MAX))
            .execute(db)
            .await?
            .rows_affected());
        tx.commit().await?;
        if deleted < u64::from(DELETED_MAX) {
            return Ok(());
        }
        tokio::time::sleep(STEP_PAUSE).await;
    }
}
