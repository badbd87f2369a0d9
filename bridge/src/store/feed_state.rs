//! How each feed does, and what people decided about it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use serde_json::json;

use super::audit::{self, NewEntry};
use super::column::Column;
use super::error::StoreError;
use super::feed_run::Outcome;
use super::{Store, Tx};

/// How a feed does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeedState {
    /// How often in a row it failed.
    pub(crate) failures: u32,
    /// Before this time the source is left alone; a feed that failed is tried again then.
    pub(crate) retry_at: Option<DateTime<Utc>>,
    /// When the source last answered well, also with nothing new.
    pub(crate) checked_at: Option<DateTime<Utc>>,
    /// Who paused it, if somebody did.
    pub(crate) paused_by: Option<String>,
    /// When.
    pub(crate) paused_at: Option<DateTime<Utc>>,
}

/// Returns how all feeds do that ever ran or were paused, by name.
pub(crate) async fn all(store: &Store) -> Result<BTreeMap<String, FeedState>, StoreError> {
    const SQL: &str = "
        SELECT feed, failures, retry_at, checked_at, paused_by, paused_at
        FROM feed_state ORDER BY feed";

    let rows: Vec<Row> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    rows.into_iter().map(Row::read).collect()
}

/// Returns how the feed `name` does.
pub(crate) async fn find(store: &Store, name: &str) -> Result<FeedState, StoreError> {
    const SQL: &str = "
        SELECT feed, failures, retry_at, checked_at, paused_by, paused_at
        FROM feed_state WHERE feed = $1";

    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(name)
        .fetch_optional(db)
        .await?);
    row.map_or_else(|| Ok(FeedState::default()), |row| Ok(row.read()?.1))
}

/// Writes down how a run ended at `at` to which the source answered. What is held or of no use confirms
/// nothing, so that the set in force grows older.
pub(crate) async fn ended(
    tx: &mut Tx,
    name: &str,
    (outcome, at): (Outcome, DateTime<Utc>),
) -> Result<(), StoreError> {
    match outcome {
        Outcome::Active | Outcome::Unchanged => worked(tx, name, at).await,
        Outcome::Held => answered(tx, name).await,
        Outcome::Rejected | Outcome::Failed => failed(tx, name, None).await,
        Outcome::Interrupted | Outcome::Dropped => Ok(()),
    }
}

async fn answered(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO feed_state (feed, failures) VALUES ($1, 0)
        ON CONFLICT (feed) DO UPDATE SET failures = 0, retry_at = NULL";

    on_backend!(tx.connection(), db => sqlx::query(SQL).bind(name).execute(db).await.map(drop)?);
    Ok(())
}

async fn worked(tx: &mut Tx, name: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO feed_state (feed, failures, checked_at) VALUES ($1, 0, $2)
        ON CONFLICT (feed) DO UPDATE SET
            failures = 0, retry_at = NULL, checked_at = excluded.checked_at";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(name)
        .bind(at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Writes down that it failed once more, and when it is tried again before its next slot, if it is.
pub(crate) async fn failed(
    tx: &mut Tx,
    name: &str,
    retry_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO feed_state (feed, failures, retry_at) VALUES ($1, 1, $2)
        ON CONFLICT (feed) DO UPDATE SET
            failures = feed_state.failures + 1, retry_at = excluded.retry_at";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(name)
        .bind(retry_at.map(|at| at.timestamp_millis()))
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Pauses the feed, or lets it go on, as `actor` wants it, who is written down; returns whether that
/// changed anything.
pub(crate) async fn decide_pause(
    store: &Store,
    (name, is_paused): (&str, bool),
    (actor, now): (&str, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    if !pause(&mut tx, name, (Some(actor).filter(|_| is_paused), now)).await? {
        return Ok(false);
    }
    let action = if is_paused { "feed-paused" } else { "feed-resumed" };
    let entry = NewEntry { at: now, actor, action, subject: name, detail: &json!({}) };
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(true)
}

/// Pauses the feed, or lets it go on where nobody is named; returns whether that changed anything.
async fn pause(
    tx: &mut Tx,
    name: &str,
    (by, at): (Option<&str>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO feed_state (feed, failures, paused_by, paused_at) VALUES ($1, 0, $2, $3)
        ON CONFLICT (feed) DO UPDATE SET
            paused_by = excluded.paused_by, paused_at = excluded.paused_at
        WHERE (feed_state.paused_by IS NULL) <> (excluded.paused_by IS NULL)";

    let changed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(name)
        .bind(by)
        .bind(by.map(|_| at.timestamp_millis()))
        .execute(db)
        .await?
        .rows_affected());
    Ok(changed == 1)
}

#[derive(sqlx::FromRow)]
struct Row {
    feed: String,
    failures: i64,
    retry_at: Option<i64>,
    checked_at: Option<i64>,
    paused_by: Option<String>,
    paused_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<(String, FeedState), StoreError> {
        let column = |name| Column("feed_state", name);
        let failures = u32::try_from(self.failures)
            .map_err(|_| column("failures").inconsistent("an impossible count"))?;
        let state = FeedState {
            failures,
            retry_at: column("retry_at").time_if_any(self.retry_at)?,
            checked_at: column("checked_at").time_if_any(self.checked_at)?,
            paused_by: self.paused_by,
            paused_at: column("paused_at").time_if_any(self.paused_at)?,
        };
        Ok((self.feed, state))
    }
}
