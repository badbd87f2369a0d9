//! What letters became elsewhere, and what became of it there.

use chrono::{DateTime, Utc};

use super::Store;
use super::error::StoreError;

/// What a subject of ours is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct RemoteRecord {
    /// The system.
    pub(crate) destination: String,
    /// The task, or what else it is about.
    pub(crate) subject: String,
    /// The record's id there.
    pub(crate) remote: Option<String>,
    /// Where a person finds it there.
    pub(crate) url: Option<String>,
    /// What the system last said of it: `open`, `done` or `dismissed`.
    pub(crate) heard: Option<String>,
}

/// Returns at most `max` records of `destination` that may have changed there, those first that were
/// not asked about for longest: tasks that are open here, or were closed since `closed_since`, and of
/// which nothing final was heard.
pub(crate) async fn to_ask(
    store: &Store,
    destination: &str,
    closed_since: DateTime<Utc>,
    max: u32,
) -> Result<Vec<RemoteRecord>, StoreError> {
    const SQL: &str = "
        SELECT r.destination, r.subject, r.remote, r.url, r.heard
        FROM remote_record AS r JOIN task AS t ON t.id = r.subject
        WHERE r.destination = $1 AND r.remote IS NOT NULL
            AND (r.heard IS NULL OR r.heard = 'open') AND t.status = 'new'
            AND (t.progress IN ('new', 'accepted') OR $2 <= t.updated_at)
        ORDER BY r.asked_at, r.subject LIMIT $3";

    Ok(on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(destination)
        .bind(closed_since.timestamp_millis())
        .bind(i64::from(max))
        .fetch_all(db)
        .await?))
}

/// Returns the subject that `destination` knows as `remote`.
pub(crate) async fn find_subject(
    store: &Store,
    destination: &str,
    remote: &str,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "
        SELECT subject FROM remote_record WHERE destination = $1 AND remote = $2
        ORDER BY asked_at DESC, subject LIMIT 1";

    Ok(on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .bind(destination)
        .bind(remote)
        .fetch_optional(db)
        .await?))
}

/// Returns what `subject` is elsewhere.
pub(crate) async fn of_subject(
    store: &Store,
    subject: &str,
) -> Result<Vec<RemoteRecord>, StoreError> {
    const SQL: &str = "
        SELECT destination, subject, remote, url, heard FROM remote_record
        WHERE subject = $1 ORDER BY destination";

    Ok(on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(subject)
        .fetch_all(db)
        .await?))
}

/// Returns what was last heard of `subject` from `destination`, if anything.
pub(crate) async fn heard(
    store: &Store,
    destination: &str,
    subject: &str,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT heard FROM remote_record WHERE destination = $1 AND subject = $2";

    let found: Option<Option<String>> = on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .bind(destination)
        .bind(subject)
        .fetch_optional(db)
        .await?);
    Ok(found.flatten())
}

/// Records what `destination` said at `at` of `subject`: `open`, `done` or `dismissed`.
pub(crate) async fn hear(
    store: &Store,
    (destination, subject): (&str, &str),
    word: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO remote_record (destination, subject, heard, heard_at, asked_at)
        VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (destination, subject) DO UPDATE SET
            heard = excluded.heard, heard_at = excluded.heard_at, asked_at = excluded.asked_at";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(destination)
        .bind(subject)
        .bind(word)
        .bind(at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Records that `destination` was asked at `at` about `subject`, and had nothing to say of it.
pub(crate) async fn asked(
    store: &Store,
    (destination, subject): (&str, &str),
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str =
        "UPDATE remote_record SET asked_at = $3 WHERE destination = $1 AND subject = $2";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(destination)
        .bind(subject)
        .bind(at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}
