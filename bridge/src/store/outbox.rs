//! Letters on their way to other systems, written with what caused them.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// A letter to be sent.
#[derive(Clone, Debug)]
pub(crate) struct NewLetter {
    /// Derived from the cause, so that the same cause makes one letter.
    pub(crate) key: String,
    /// What it tells of: `task-created`.
    pub(crate) kind: String,
    /// What it is about: a task's id.
    pub(crate) subject: String,
    /// What it says.
    pub(crate) body: Value,
}

/// A letter that has not been sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Letter {
    /// Its number.
    pub(crate) id: i64,
    /// See [`NewLetter::key`]; the receiver can tell a repetition by it.
    pub(crate) key: String,
    /// See [`NewLetter::kind`].
    pub(crate) kind: String,
    /// See [`NewLetter::subject`].
    pub(crate) subject: String,
    /// See [`NewLetter::body`].
    pub(crate) body: Value,
    /// How often sending it has failed.
    pub(crate) attempts: u32,
}

/// Stores those of `letters` whose keys are new, due at once.
pub(crate) async fn insert(
    tx: &mut Tx,
    at: DateTime<Utc>,
    letters: &[NewLetter],
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO outbox (key, kind, subject, body, created_at, next_at, attempts)
        VALUES ($1, $2, $3, $4, $5, $5, 0)
        ON CONFLICT (key) DO NOTHING";

    for letter in letters {
        let body = BODY.write_json(&letter.body)?;
        on_backend!(tx.connection(), db => sqlx::query(SQL)
            .bind(&letter.key)
            .bind(&letter.kind)
            .bind(&letter.subject)
            .bind(body)
            .bind(at.timestamp_millis())
            .execute(db)
            .await
            .map(drop)?);
    }
    Ok(())
}

/// Returns at most `max` letters that are due at `now`, those that wait longest first.
pub(crate) async fn due(
    store: &Store,
    now: DateTime<Utc>,
    max: u32,
) -> Result<Vec<Letter>, StoreError> {
    const SQL: &str = "
        SELECT id, key, kind, subject, body, attempts
        FROM outbox WHERE sent_at IS NULL AND next_at <= $1
        ORDER BY next_at, id LIMIT $2";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(now.timestamp_millis())
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Letter::try_from).collect()
}

/// Records that the letter `id` has arrived.
pub(crate) async fn mark_sent(store: &Store, id: i64, at: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str =
        "UPDATE outbox SET sent_at = $2, last_error = NULL WHERE id = $1 AND sent_at IS NULL";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(id)
        .bind(at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Records that the letter `id` has not arrived, and when to try again.
pub(crate) async fn mark_failed(
    store: &Store,
    id: i64,
    error: &str,
    next_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE outbox SET attempts = attempts + 1, last_error = $2, next_at = $3
        WHERE id = $1 AND sent_at IS NULL";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(id)
        .bind(error)
        .bind(next_at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

const BODY: Column = Column("outbox", "body");

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    key: String,
    kind: String,
    subject: String,
    body: String,
    attempts: i64,
}

impl TryFrom<Row> for Letter {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let attempts = Column("outbox", "attempts");
        Ok(Self {
            id: row.id,
            key: row.key,
            kind: row.kind,
            subject: row.subject,
            body: BODY.json(&row.body)?,
            attempts: u32::try_from(row.attempts)
                .map_err(|_| attempts.inconsistent("an impossible number of attempts"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{at, each_backend};
    use super::*;

    fn letter(key: &str, body: Value) -> NewLetter {
        let (kind, subject) = ("task-created".to_owned(), "t1".to_owned());
        NewLetter { key: key.to_owned(), kind, subject, body }
    }

    async fn keys_due(store: &Store, minutes: i64) -> Vec<(String, u32)> {
        let due = due(store, at(minutes), 10).await.unwrap();
        due.into_iter().map(|letter| (letter.key, letter.attempts)).collect()
    }

    #[tokio::test]
    async fn a_cause_makes_one_letter_however_often_it_is_told() {
        each_backend(async |store| {
            for (minutes, body) in [(0, json!({"n": 1})), (1, json!({"n": 2}))] {
                let mut tx = store.begin().await.unwrap();
                insert(&mut tx, at(minutes), &[letter("k1", body)]).await.unwrap();
                tx.commit().await.unwrap();
            }
            let due = due(store, at(5), 10).await.unwrap();
            assert_eq!(due.len(), 1);
            assert_eq!(due[0].body, json!({"n": 1}), "the first one stays");
            assert_eq!((&*due[0].kind, &*due[0].subject), ("task-created", "t1"));
        })
        .await;
    }

    #[tokio::test]
    async fn a_letter_is_due_until_it_arrives_and_waits_after_a_failure() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            insert(&mut tx, at(1), &[letter("late", json!({}))]).await.unwrap();
            insert(&mut tx, at(0), &[letter("early", json!({}))]).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(keys_due(store, -1).await, []);
            let early = || ("early".to_owned(), 0);
            assert_eq!(keys_due(store, 0).await, [early()]);
            assert_eq!(keys_due(store, 1).await, [early(), ("late".to_owned(), 0)]);

            let ids: Vec<_> =
                due(store, at(1), 10).await.unwrap().iter().map(|letter| letter.id).collect();
            mark_failed(store, ids[0], "answered 503", at(9)).await.unwrap();
            mark_sent(store, ids[1], at(2)).await.unwrap();
            assert_eq!(keys_due(store, 8).await, []);
            assert_eq!(keys_due(store, 9).await, [("early".to_owned(), 1)]);
        })
        .await;
    }
}
