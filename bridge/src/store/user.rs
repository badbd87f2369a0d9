//! People who may log in.

use std::fmt;

use chrono::{DateTime, Utc};

use super::error::StoreError;
use super::{Store, Tx};

/// Somebody to be let in.
#[derive(Clone, Copy)]
pub(crate) struct NewUser<'a> {
    /// The name to log in with.
    pub(crate) name: &'a str,
    /// The hash of the password, with its salt and parameters.
    pub(crate) password_hash: &'a str,
    /// The language of the pages; the browser's, where absent.
    pub(crate) language: Option<&'a str>,
    /// When the account was made.
    pub(crate) created_at: DateTime<Utc>,
}

/// Somebody who may log in.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct User {
    /// See [`NewUser::name`].
    pub(crate) name: String,
    /// See [`NewUser::password_hash`].
    pub(crate) password_hash: String,
    /// See [`NewUser::language`].
    pub(crate) language: Option<String>,
}

impl fmt::Debug for NewUser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Stores `user` unless the name is taken; returns whether it was free.
pub(crate) async fn create(store: &Store, user: NewUser<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO app_user (name, password_hash, language, created_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (name) DO NOTHING";

    let created = on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(user.name)
        .bind(user.password_hash)
        .bind(user.language)
        .bind(user.created_at.timestamp_millis())
        .execute(db)
        .await?
        .rows_affected());
    Ok(created == 1)
}

/// Returns the user called `name`.
pub(crate) async fn find(store: &Store, name: &str) -> Result<Option<User>, StoreError> {
    const SQL: &str = "SELECT name, password_hash, language FROM app_user WHERE name = $1";

    // PostgreSQL refuses such a text even to compare with, and a log-in form may send it.
    if name.contains('\0') {
        return Ok(None);
    }
    Ok(on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(name)
        .fetch_optional(db)
        .await?))
}

/// Gives `name` another password and ends the sessions begun with the old one; returns whether
/// there is such a user.
pub(crate) async fn set_password(
    store: &Store,
    name: &str,
    password_hash: &str,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE app_user SET password_hash = $2 WHERE name = $1";

    let mut tx = store.begin().await?;
    let changed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(name)
        .bind(password_hash)
        .execute(db)
        .await?
        .rows_affected());
    end_sessions(&mut tx, name).await?;
    tx.commit().await?;
    Ok(changed == 1)
}

/// Returns whether anybody may log in.
pub(crate) async fn any_exists(store: &Store) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT count(*) FROM (SELECT 1 FROM app_user LIMIT 1) AS found";

    let count: i64 =
        on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_one(db).await?);
    Ok(count != 0)
}

async fn end_sessions(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM session WHERE user_name = $1";

    on_backend!(tx.connection(), db => sqlx::query(SQL).bind(name).execute(db).await.map(drop)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::session::{self, Session};
    use super::super::testing::{at, each_backend};
    use super::*;

    fn new<'a>(name: &'a str, password_hash: &'a str) -> NewUser<'a> {
        NewUser { name, password_hash, language: Some("zh"), created_at: at(0) }
    }

    #[tokio::test]
    async fn a_name_belongs_to_the_first_who_takes_it() {
        each_backend(async |store| {
            assert!(!any_exists(store).await.unwrap());
            assert!(create(store, new("林", "$argon2id$1")).await.unwrap());
            assert!(!create(store, new("林", "$argon2id$2")).await.unwrap());
            assert!(create(store, new("Zoë", "$argon2id$3")).await.unwrap());
            assert!(any_exists(store).await.unwrap());

            let found = find(store, "林").await.unwrap().unwrap();
            assert_eq!(found.password_hash, "$argon2id$1");
            assert_eq!(found.language.as_deref(), Some("zh"));
            assert!(!format!("{found:?}").contains("argon2id"), "hashes are not for logs");
            assert_eq!(find(store, "zoë").await.unwrap(), None);
            assert_eq!(find(store, "a\0b").await.unwrap(), None);
        })
        .await;
    }

    #[tokio::test]
    async fn a_new_password_ends_the_sessions_begun_with_the_old_one() {
        each_backend(async |store| {
            for name in ["lin", "zoe"] {
                create(store, new(name, "$argon2id$1")).await.unwrap();
                let stay = Session { user: name.to_owned(), created_at: at(0), expires_at: at(60) };
                session::create(store, name, &stay).await.unwrap();
            }
            assert!(set_password(store, "lin", "$argon2id$2").await.unwrap());
            assert!(!set_password(store, "nobody", "$argon2id$2").await.unwrap());

            assert_eq!(find(store, "lin").await.unwrap().unwrap().password_hash, "$argon2id$2");
            assert_eq!(session::find(store, "lin", at(1)).await.unwrap(), None);
            assert!(session::find(store, "zoe", at(1)).await.unwrap().is_some());
        })
        .await;
    }
}
