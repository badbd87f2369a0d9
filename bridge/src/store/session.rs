//! Who is logged in. Only hashes of the browsers' tokens are stored.

use chrono::{DateTime, Utc};

use super::Store;
use super::column::Column;
use super::error::StoreError;

/// Somebody's stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Whose.
    pub(crate) user: String,
    /// When they logged in.
    pub(crate) created_at: DateTime<Utc>,
    /// When it ends unless it is used.
    pub(crate) expires_at: DateTime<Utc>,
}

/// Begins `session` for the holder of the token behind `token_hash`.
pub(crate) async fn create(
    store: &Store,
    token_hash: &str,
    session: &Session,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO session (token_hash, user_name, created_at, expires_at)
        VALUES ($1, $2, $3, $4)";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(token_hash)
        .bind(&session.user)
        .bind(session.created_at.timestamp_millis())
        .bind(session.expires_at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns the session, unless it has expired or its owner is kept out.
pub(crate) async fn find(
    store: &Store,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    const SQL: &str = "
        SELECT user_name, session.created_at, expires_at
        FROM session JOIN app_user ON app_user.name = session.user_name
        WHERE token_hash = $1 AND expires_at > $2 AND disabled_at IS NULL";

    let found: Option<(String, i64, i64)> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(token_hash)
        .bind(now.timestamp_millis())
        .fetch_optional(db)
        .await?);
    let Some((user, created_at, expires_at)) = found else { return Ok(None) };
    let created_at = Column("session", "created_at").time(created_at)?;
    let expires_at = Column("session", "expires_at").time(expires_at)?;
    Ok(Some(Session { user, created_at, expires_at }))
}

/// Moves the end of a session to `expires_at`.
pub(crate) async fn extend(
    store: &Store,
    token_hash: &str,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE session SET expires_at = $2 WHERE token_hash = $1";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(token_hash)
        .bind(expires_at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
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
    use super::super::person;
    use super::super::testing::{self, at, each_backend};
    use super::*;

    fn stay(user: &str, minutes: i64) -> Session {
        Session { user: user.to_owned(), created_at: at(0), expires_at: at(minutes) }
    }

    #[tokio::test]
    async fn a_session_lasts_until_it_expires_or_is_ended() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            person::create(&mut tx, &testing::person("lin")).await.unwrap();
            tx.commit().await.unwrap();
            create(store, "aa", &stay("lin", 60)).await.unwrap();
            create(store, "bb", &stay("lin", 70)).await.unwrap();
            extend(store, "bb", at(90)).await.unwrap();

            let cases = [
                ("aa", 0, Some("lin")),
                ("aa", 59, Some("lin")),
                ("aa", 60, None),
                ("bb", 60, Some("lin")),
                ("cc", 0, None),
            ];
            for (token, minutes, expected) in cases {
                let found = find(store, token, at(minutes)).await.unwrap();
                assert_eq!(
                    found.map(|session| session.user).as_deref(),
                    expected,
                    "case: {token} at {minutes}"
                );
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
            create(store, "aa", &stay("nobody", 60)).await.unwrap_err();
        })
        .await;
    }
}
