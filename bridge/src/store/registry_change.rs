//! Records of the registry that were written beside the log, until the writer puts them in force.

use super::error::StoreError;
use super::{Store, Tx};

/// Returns whether there are any.
pub(crate) async fn is_any(store: &Store) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT kind FROM registry_change LIMIT 1";

    let found: Option<String> =
        on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_optional(db).await?);
    Ok(found.is_some())
}

/// Takes all of them away and returns their kinds and keys, in order; they are gone with the commit.
pub(crate) async fn take(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    // What is noted meanwhile waits for this transaction, or comes after it.
    const SQL: &str = "DELETE FROM registry_change RETURNING kind, id";

    let mut taken: Vec<(String, String)> =
        on_backend!(tx.connection(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    taken.sort();
    Ok(taken)
}

/// Notes the record `id` of `kind`.
pub(crate) async fn note(tx: &mut Tx, kind: &str, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO registry_change (kind, id) VALUES ($1, $2) ON CONFLICT (kind, id) DO NOTHING";

    on_backend!(tx.connection(), db => {
        sqlx::query(SQL).bind(kind).bind(id).execute(db).await.map(drop)?;
    });
    Ok(())
}

/// Notes the rows of `import`, which are records of `kind`.
pub(super) async fn note_staged(tx: &mut Tx, import: &str, kind: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO registry_change (kind, id)
        SELECT $1, id FROM record_staged WHERE import = $2 ON CONFLICT (kind, id) DO NOTHING";

    on_backend!(tx.connection(), db => {
        sqlx::query(SQL).bind(kind).bind(import).execute(db).await.map(drop)?;
    });
    Ok(())
}
