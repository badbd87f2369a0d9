//! Who is logged in. Only hashes of the browsers' tokens are stored.

use chrono::{DateTime, Utc};

use super::Store;
use super::error::StoreError;

/// Begins a session of `user` for the holder of the token behind `token_hash`.
pub(crate) async fn create(
    store: &Store,
    token_hash: &str,
    user: &str,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO session (token_hash, user_name, created_at, expires_at)
        VALUES ($1, $2, $3, $4)";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(token_hash)
        .bind(user)
        .bind(created_at.timestamp_millis())
        .bind(expires_at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns whose session it is, unless it has expired.
pub(crate) async fn find(
    store: &Store,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT user_name FROM session WHERE token_hash = $1 AND expires_at > $2";

    Ok(on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .bind(token_hash)
        .bind(now.timestamp_millis())
        .fetch_optional(db)
        .await?))
}

/// Ends a session.
pub(crate) async fn delete(store: &Store, token_hash: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM session WHERE token_hash = $1";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(token_hash)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Removes the sessions that have expired; returns how many.
pub(crate) async fn purge(store: &Store, now: DateTime<Utc>) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM session WHERE expires_at <= $1";

    Ok(on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(now.timestamp_millis())
        .execute(db)
        .await?
        .rows_affected()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::super::user::{self, NewUser};
    use super::*;

    #[tokio::test]
    async fn a_session_lasts_until_it_expires_or_is_ended() {
        each_backend(async |store| {
            let lin =
                NewUser { name: "lin", password_hash: "x", language: None, created_at: at(0) };
            user::create(store, lin).await.unwrap();
            create(store, "aa", "lin", at(0), at(60)).await.unwrap();
            create(store, "bb", "lin", at(0), at(90)).await.unwrap();

            let cases = [
                ("aa", 0, Some("lin")),
                ("aa", 59, Some("lin")),
                ("aa", 60, None),
                ("bb", 60, Some("lin")),
                ("cc", 0, None),
            ];
            for (token, minutes, expected) in cases {
                let found = find(store, token, at(minutes)).await.unwrap();
                assert_eq!(found.as_deref(), expected, "case: {token} at {minutes}");
            }

            assert_eq!(purge(store, at(60)).await.unwrap(), 1);
            assert_eq!(find(store, "aa", at(0)).await.unwrap(), None);
            delete(store, "bb").await.unwrap();
            assert_eq!(find(store, "bb", at(0)).await.unwrap(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn nobody_who_does_not_exist_has_a_session() {
        each_backend(async |store| {
            create(store, "aa", "nobody", at(0), at(60)).await.unwrap_err();
        })
        .await;
    }
}
