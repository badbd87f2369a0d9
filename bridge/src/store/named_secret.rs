//! Secrets that sources ask for, as they were encrypted. The key is never here.

use chrono::{DateTime, Utc};

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// An encrypted secret. Not to be shown.
pub(crate) struct Sealed {
    /// Which key opens it.
    pub(crate) key_id: String,
    /// The encrypted bytes.
    pub(crate) bytes: Vec<u8>,
}

/// That a secret is kept, by whom and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its name.
    pub(crate) name: String,
    /// Which key opens it.
    pub(crate) key_id: String,
    /// Who set it.
    pub(crate) set_by: String,
    /// When.
    pub(crate) set_at: DateTime<Utc>,
}

/// Keeps `sealed` as `name`, in the place of what was kept.
pub(crate) async fn put(
    tx: &mut Tx,
    (name, sealed): (&str, &Sealed),
    (actor, now): (&str, DateTime<Utc>),
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO named_secret (name, key_id, sealed, set_by, set_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (name) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed,
            set_by = excluded.set_by, set_at = excluded.set_at";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(name)
        .bind(&sealed.key_id)
        .bind(&sealed.bytes)
        .bind(actor)
        .bind(now.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Removes `name`; returns whether it was kept.
pub(crate) async fn remove(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    const SQL: &str = "DELETE FROM named_secret WHERE name = $1";

    let removed = on_backend!(tx.connection(), db =>
        sqlx::query(SQL).bind(name).execute(db).await?.rows_affected());
    Ok(removed == 1)
}

/// Returns what is kept as `name`, encrypted.
pub(crate) async fn find(store: &Store, name: &str) -> Result<Option<Sealed>, StoreError> {
    const SQL: &str = "SELECT key_id, sealed FROM named_secret WHERE name = $1";

    let row: Option<(String, Vec<u8>)> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(name)
        .fetch_optional(db)
        .await?);
    Ok(row.map(|(key_id, bytes)| Sealed { key_id, bytes }))
}

/// Returns which secrets are kept, in the order of their names.
pub(crate) async fn all(store: &Store) -> Result<Vec<Kept>, StoreError> {
    const SQL: &str = "SELECT name, key_id, set_by, set_at FROM named_secret ORDER BY name";

    let rows: Vec<(String, String, String, i64)> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    let set_at = Column("named_secret", "set_at");
    let kept =
        |(name, key_id, set_by, at)| Ok(Kept { name, key_id, set_by, set_at: set_at.time(at)? });
    rows.into_iter().map(kept).collect()
}
