//! How far the log has been folded, and the fence that keeps two writers apart.

use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

const POSITION: Column = Column("log_cursor", "position");

/// Returns the last position that was folded; 0 in a new database.
pub(crate) async fn read(store: &Store) -> Result<Position, StoreError> {
    const SQL: &str = "SELECT position FROM log_cursor WHERE id = 1";

    let position: Option<i64> = on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .fetch_optional(db)
        .await?);
    POSITION.position(position.ok_or_else(|| POSITION.inconsistent("no row"))?)
}

/// Moves the cursor to `to` if it is still at `from`; otherwise somebody else writes.
pub(crate) async fn advance(tx: &mut Tx, from: Position, to: Position) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE log_cursor SET position = $2 WHERE id = 1 AND position = $1";

    let (from, to) = (POSITION.write_position(from)?, POSITION.write_position(to)?);
    let moved = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(from)
        .bind(to)
        .execute(db)
        .await?
        .rows_affected());
    if moved == 1 { Ok(()) } else { Err(StoreError::Fenced) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::each_backend;
    use super::*;

    #[tokio::test]
    async fn a_writer_that_does_not_know_the_cursor_is_fenced_off() {
        each_backend(async |store| {
            assert_eq!(read(store).await.unwrap(), 0, "a new database");

            let mut tx = store.begin().await.unwrap();
            advance(&mut tx, 0, 40).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(read(store).await.unwrap(), 40);

            let mut stale = store.begin().await.unwrap();
            let refused = advance(&mut stale, 0, 50).await.unwrap_err();
            assert!(matches!(refused, StoreError::Fenced), "{refused}");
            assert!(!refused.is_transient());
            drop(stale);
            assert_eq!(read(store).await.unwrap(), 40);
        })
        .await;
    }

    #[tokio::test]
    async fn a_cursor_that_is_not_committed_does_not_move() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            advance(&mut tx, 0, 40).await.unwrap();
            drop(tx);
            assert_eq!(read(store).await.unwrap(), 0);
        })
        .await;
    }
}
