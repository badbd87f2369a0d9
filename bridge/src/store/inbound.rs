//! What other systems told by themselves, and what they were answered: the same delivery is answered
//! as it was the first time.

use chrono::{DateTime, Utc};

use super::Store;
use super::error::StoreError;

/// Returns what the delivery `id` of `destination` was answered, if it came before.
pub(crate) async fn find(
    store: &Store,
    destination: &str,
    id: &str,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT answer FROM inbound_delivery WHERE destination = $1 AND id = $2";

    Ok(on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .bind(destination)
        .bind(id)
        .fetch_optional(db)
        .await?))
}

/// Keeps `answer` to the delivery `id` of `destination`, unless one is kept; returns the one that is.
pub(crate) async fn keep(
    store: &Store,
    (destination, id): (&str, &str),
    at: DateTime<Utc>,
    answer: &str,
) -> Result<String, StoreError> {
    const SQL: &str = "
        INSERT INTO inbound_delivery (destination, id, received_at, answer)
        VALUES ($1, $2, $3, $4) ON CONFLICT (destination, id) DO NOTHING";
    const KEPT: &str = "SELECT answer FROM inbound_delivery WHERE destination = $1 AND id = $2";

    let mut tx = store.begin().await?;
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(destination)
        .bind(id)
        .bind(at.timestamp_millis())
        .bind(answer)
        .execute(db)
        .await
        .map(drop)?);
    let kept: String = on_backend!(tx.connection(), db => sqlx::query_scalar(KEPT)
        .bind(destination)
        .bind(id)
        .fetch_one(db)
        .await?);
    tx.commit().await?;
    Ok(kept)
}

/// Forgets what came before `before`: a delivery that is older is refused for its age.
pub(crate) async fn purge(store: &Store, before: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM inbound_delivery WHERE received_at < $1";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(before.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn a_delivery_is_answered_once_until_it_is_too_old_to_come() {
        each_backend(async |store| {
            assert_eq!(find(store, "crm", "d1").await.unwrap(), None);
            assert_eq!(keep(store, ("crm", "d1"), at(0), "one").await.unwrap(), "one");
            assert_eq!(keep(store, ("crm", "d1"), at(1), "two").await.unwrap(), "one");
            assert_eq!(keep(store, ("erp", "d1"), at(1), "two").await.unwrap(), "two");
            assert_eq!(find(store, "crm", "d1").await.unwrap().as_deref(), Some("one"));

            purge(store, at(1)).await.unwrap();
            assert_eq!(find(store, "crm", "d1").await.unwrap(), None);
            assert_eq!(find(store, "erp", "d1").await.unwrap().as_deref(), Some("two"));
        })
        .await;
    }
}
