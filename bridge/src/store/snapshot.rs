//! The newest snapshot of the fold. A cache: whatever is wrong with it, the log has the word.

use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// Bytes of a piece: both databases read a row of this size at once without trouble.
const PIECE: usize = 4 * 1024 * 1024;

const POSITION: Column = Column("snapshot", "position");

/// Puts a snapshot in the place of the one before.
pub(crate) async fn replace(
    tx: &mut Tx,
    position: Position,
    bytes: &[u8],
) -> Result<(), StoreError> {
    const CLEAR: &str = "DELETE FROM snapshot";
    const INSERT: &str = "INSERT INTO snapshot (piece, position, bytes) VALUES ($1, $2, $3)";

    let position = POSITION.write_position(position)?;
    on_backend!(tx.connection(), db => {
        sqlx::query(CLEAR).execute(db).await.map(drop)?;
    });
    for (number, piece) in (0_i64..).zip(bytes.chunks(PIECE)) {
        on_backend!(tx.connection(), db => {
            sqlx::query(INSERT)
                .bind(number)
                .bind(position)
                .bind(piece)
                .execute(db)
                .await
                .map(drop)?;
        });
    }
    Ok(())
}

/// Returns the newest snapshot and the last place in the log that is in it.
pub(crate) async fn read(store: &Store) -> Result<Option<(Position, Vec<u8>)>, StoreError> {
    const SQL: &str = "SELECT position, bytes FROM snapshot ORDER BY piece";

    let pieces: Vec<(i64, Vec<u8>)> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).fetch_all(db).await?
    });
    let Some((position, _)) = pieces.first() else { return Ok(None) };
    let position = POSITION.position(*position)?;
    Ok(Some((position, pieces.into_iter().flat_map(|(_, piece)| piece).collect())))
}

/// Returns the last place in the log that is in the newest snapshot.
pub(crate) async fn position(store: &Store) -> Result<Option<Position>, StoreError> {
    const SQL: &str = "SELECT max(position) FROM snapshot";

    let position: Option<i64> =
        on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_one(db).await?);
    position.map(|position| POSITION.position(position)).transpose()
}

/// Returns the error of a snapshot that cannot be written down.
pub(crate) fn cannot_write(why: &str) -> StoreError {
    Column("snapshot", "bytes").inconsistent(why)
}

#[cfg(test)]
mod tests {
    use super::super::testing::each_backend;
    use super::*;

    #[tokio::test]
    async fn the_newest_one_comes_back_whole() {
        each_backend(async |store| {
            assert_eq!(read(store).await.unwrap(), None);
            let large: Vec<u8> = (0..=255).cycle().take(2 * PIECE + 7).collect();
            for (position, bytes) in [(7, &large[..]), (9, b"small")] {
                let mut tx = store.begin().await.unwrap();
                replace(&mut tx, position, bytes).await.unwrap();
                tx.commit().await.unwrap();
                let (found, read) = read(store).await.unwrap().unwrap();
                assert_eq!(found, position);
                assert_eq!(super::position(store).await.unwrap(), Some(position));
                assert!(read == bytes, "position {position}");
            }
        })
        .await;
    }
}
