//! The rules of the house on selling as they were in force, and who has read of their changes.

use chrono::{DateTime, Utc};
use upturn_core::compliance::policy::Policy;
use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

const DOCUMENT: Column = Column("policy_version", "document");
const AT: Column = Column("policy_version", "at");

/// A version of all documents together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// What names it.
    pub(crate) digest: String,
    /// When it came into force.
    pub(crate) at: DateTime<Utc>,
    /// Whether it took the place of another, so that people have to read of it.
    pub(crate) is_change: bool,
    /// The documents.
    pub(crate) policy: Policy,
}

type Row = (String, i64, String);

const NEWEST: &str = "
    SELECT digest, at, document FROM policy_version ORDER BY position DESC LIMIT 2";

/// Puts `policy` in force from `position` on, in the name of `actor`.
pub(crate) async fn put(
    tx: &mut Tx,
    policy: &Policy,
    (position, at): (Position, DateTime<Utc>),
    actor: &str,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO policy_version (digest, position, at, actor, document)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (digest) DO UPDATE
        SET position = excluded.position, at = excluded.at, actor = excluded.actor";
    // What is in force again is read again.
    const FORGET: &str = "DELETE FROM policy_confirmation WHERE digest = $1";

    let digest = policy.digest();
    on_backend!(tx.connection(), db => {
        sqlx::query(FORGET).bind(&digest).execute(db).await.map(drop)?;
    });
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(&digest)
        .bind(Column("policy_version", "position").write_position(position)?)
        .bind(at.timestamp_millis())
        .bind(actor)
        .bind(DOCUMENT.write_json(policy)?)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns what is in force, as `tx` sees it.
pub(crate) async fn in_force(tx: &mut Tx) -> Result<Option<Version>, StoreError> {
    let rows: Vec<Row> =
        on_backend!(tx.connection(), db => sqlx::query_as(NEWEST).fetch_all(db).await?);
    version(rows)
}

/// Returns what is in force.
pub(crate) async fn committed(store: &Store) -> Result<Option<Version>, StoreError> {
    let rows: Vec<Row> =
        on_backend!(store.reader(), db => sqlx::query_as(NEWEST).fetch_all(db).await?);
    version(rows)
}

fn version(rows: Vec<Row>) -> Result<Option<Version>, StoreError> {
    let is_change = 1 < rows.len();
    let Some((digest, at, document)) = rows.into_iter().next() else { return Ok(None) };
    let policy = DOCUMENT.json(&document)?;
    Ok(Some(Version { digest, at: AT.time(at)?, is_change, policy }))
}

/// Returns the documents that `digest` names, as `tx` sees them.
pub(crate) async fn get(tx: &mut Tx, digest: &str) -> Result<Policy, StoreError> {
    let found: Option<String> = on_backend!(tx.connection(), db => {
        sqlx::query_scalar(FIND).bind(digest).fetch_optional(db).await?
    });
    DOCUMENT.json(&found.ok_or_else(|| DOCUMENT.inconsistent("a missing version"))?)
}

/// Returns the documents that `digest` names.
pub(crate) async fn get_committed(store: &Store, digest: &str) -> Result<Policy, StoreError> {
    let found: Option<String> = on_backend!(store.reader(), db => {
        sqlx::query_scalar(FIND).bind(digest).fetch_optional(db).await?
    });
    DOCUMENT.json(&found.ok_or_else(|| DOCUMENT.inconsistent("a missing version"))?)
}

const FIND: &str = "SELECT document FROM policy_version WHERE digest = $1";

/// Notes that `person` has read of the change to `digest`; returns whether that is new.
pub(crate) async fn confirm(
    tx: &mut Tx,
    (digest, person): (&str, &str),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO policy_confirmation (digest, person, at) VALUES ($1, $2, $3)
        ON CONFLICT (digest, person) DO NOTHING";

    let inserted = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(digest)
        .bind(person)
        .bind(at.timestamp_millis())
        .execute(db)
        .await?
        .rows_affected());
    Ok(inserted == 1)
}

/// Returns whether `person` has read of the change to `digest`, as `tx` sees it.
pub(crate) async fn has_confirmed(
    tx: &mut Tx,
    (digest, person): (&str, &str),
) -> Result<bool, StoreError> {
    let found: Option<i64> = on_backend!(tx.connection(), db => {
        sqlx::query_scalar(CONFIRMED).bind(digest).bind(person).fetch_optional(db).await?
    });
    Ok(found.is_some())
}

/// Returns when `person` has read of the change to `digest`.
pub(crate) async fn confirmed_at(
    store: &Store,
    (digest, person): (&str, &str),
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let found: Option<i64> = on_backend!(store.reader(), db => {
        sqlx::query_scalar(CONFIRMED).bind(digest).bind(person).fetch_optional(db).await?
    });
    Column("policy_confirmation", "at").time_if_any(found)
}

const CONFIRMED: &str = "SELECT at FROM policy_confirmation WHERE digest = $1 AND person = $2";

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn the_newest_is_in_force_and_older_ones_stay() {
        each_backend(async |store| {
            assert_eq!(committed(store).await.unwrap(), None);
            let first = Policy::default();
            let text = include_str!("../../../deploy/compliance/delivery-risk.toml");
            let second = Policy { delivery_risk: toml::from_str(text).unwrap(), ..first.clone() };
            let mut tx = store.begin().await.unwrap();
            put(&mut tx, &first, (1, at(1)), "a").await.unwrap();
            let found = in_force(&mut tx).await.unwrap().unwrap();
            assert_eq!((found.is_change, &found.policy), (false, &first));
            put(&mut tx, &second, (2, at(2)), "a").await.unwrap();
            tx.commit().await.unwrap();
            let found = committed(store).await.unwrap().unwrap();
            assert_eq!((found.is_change, found.at, &found.policy), (true, at(2), &second));
            assert_eq!(get_committed(store, &first.digest()).await.unwrap(), first);
            assert!(get_committed(store, "none").await.is_err());

            let line = (&*found.digest, "lin");
            let mut tx = store.begin().await.unwrap();
            assert!(!has_confirmed(&mut tx, line).await.unwrap());
            assert!(confirm(&mut tx, line, at(3)).await.unwrap());
            assert!(!confirm(&mut tx, line, at(4)).await.unwrap());
            assert!(has_confirmed(&mut tx, line).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(confirmed_at(store, line).await.unwrap(), Some(at(3)));

            // The first comes back: it is in force, and is read again.
            let mut tx = store.begin().await.unwrap();
            put(&mut tx, &first, (5, at(5)), "a").await.unwrap();
            let found = in_force(&mut tx).await.unwrap().unwrap();
            assert_eq!((found.is_change, &found.policy), (true, &first));
            assert_eq!(get(&mut tx, line.0).await.unwrap(), second);
        })
        .await;
    }
}
