//! How far the log has been folded, and the fence that keeps two writers apart.

use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};
use crate::failpoint;

const POSITION: Column = Column("log_cursor", "position");

/// Which engine writes: each that begins raises it, and shuts out those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(i64);

impl Epoch {
    /// The epoch of an engine that only reads.
    pub(crate) const NONE: Self = Self(-1);
}

/// Returns the last position that was folded; 0 in a new database.
pub(crate) async fn read(store: &Store) -> Result<Position, StoreError> {
    const SQL: &str = "SELECT position FROM log_cursor WHERE id = 1";

    let position: Option<i64> = on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .fetch_optional(db)
        .await?);
    POSITION.position(position.ok_or_else(|| POSITION.inconsistent("no row"))?)
}

/// Begins the epoch of a new engine: from now on no other can commit.
///
/// A commit under way, even one of ours whose answer was lost, is waited for: it holds the row. So
/// what [`read`] returns afterwards stands.
pub(crate) async fn begin_epoch(store: &Store) -> Result<Epoch, StoreError> {
    const SQL: &str = "UPDATE log_cursor SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch";

    let mut tx = store.begin().await?;
    let epoch: Option<i64> = on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .fetch_optional(db)
        .await?);
    tx.commit().await?;
    epoch.map(Epoch).ok_or_else(|| POSITION.inconsistent("no row"))
}

/// Moves the cursor to `to` if it is still at `from`, in `epoch`; otherwise somebody else writes.
pub(crate) async fn advance(
    tx: &mut Tx,
    epoch: Epoch,
    from: Position,
    to: Position,
) -> Result<(), StoreError> {
    const SQL: &str =
        "UPDATE log_cursor SET position = $2 WHERE id = 1 AND position = $1 AND epoch = $3";

    let (from, to) = (POSITION.write_position(from)?, POSITION.write_position(to)?);
    let moved = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(from)
        .bind(to)
        .bind(epoch.0)
        .execute(db)
        .await?
        .rows_affected());
    if moved == 1 || failpoint::is_set("skip-fence") { Ok(()) } else { Err(StoreError::Fenced) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::each_backend;
    use super::*;

    #[tokio::test]
    async fn a_writer_that_does_not_know_the_cursor_is_fenced_off() {
        each_backend(async |store| {
            assert_eq!(read(store).await.unwrap(), 0, "a new database");
            let epoch = begin_epoch(store).await.unwrap();

            let mut tx = store.begin().await.unwrap();
            advance(&mut tx, epoch, 0, 40).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(read(store).await.unwrap(), 40);

            let mut stale = store.begin().await.unwrap();
            let refused = advance(&mut stale, epoch, 0, 50).await.unwrap_err();
            assert!(matches!(refused, StoreError::Fenced), "{refused}");
            assert!(!refused.is_transient());
            drop(stale);
            assert_eq!(read(store).await.unwrap(), 40);
        })
        .await;
    }

    #[tokio::test]
    async fn a_writer_is_fenced_off_as_soon_as_another_begins() {
        each_backend(async |store| {
            let old = begin_epoch(store).await.unwrap();
            let new = begin_epoch(store).await.unwrap();
            for (epoch, is_refused) in [(old, true), (Epoch::NONE, true), (new, false)] {
                let mut tx = store.begin().await.unwrap();
                // Even where nothing moves, as with nothing but dead letters.
                let moved = advance(&mut tx, epoch, 0, 0).await;
                assert_eq!(matches!(moved, Err(StoreError::Fenced)), is_refused, "{epoch:?}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_cursor_that_is_not_committed_does_not_move() {
        each_backend(async |store| {
            let epoch = begin_epoch(store).await.unwrap();
            let mut tx = store.begin().await.unwrap();
            advance(&mut tx, epoch, 0, 40).await.unwrap();
            drop(tx);
            assert_eq!(read(store).await.unwrap(), 0);
        })
        .await;
    }
}
