//! Answers to requests with a key, given again when the request comes again.

use chrono::{DateTime, TimeDelta, Utc};

use super::Tx;
use super::error::StoreError;

/// How long an answer is kept: whoever asks again later asks anew.
pub(crate) const KEPT: TimeDelta = TimeDelta::hours(24);
/// How many old answers go with each new one: more than come, so that they get fewer.
const DELETED_MAX: i64 = 20;

/// What was asked and answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    /// A digest of what was asked.
    pub(crate) digest: String,
    /// The answer, as JSON.
    pub(crate) answer: String,
}

/// Returns what `actor` was answered under `key` not longer ago than it is kept.
pub(crate) async fn find(
    tx: &mut Tx,
    (actor, key): (&str, &str),
    now: DateTime<Utc>,
) -> Result<Option<Answered>, StoreError> {
    const SQL: &str = "
        SELECT digest, answer FROM idempotent_request
        WHERE actor = $1 AND key = $2 AND $3 <= done_at";

    let found: Option<(String, String)> = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(actor)
        .bind(key)
        .bind((now - KEPT).timestamp_millis())
        .fetch_optional(db)
        .await?);
    Ok(found.map(|(digest, answer)| Answered { digest, answer }))
}

/// Keeps the answer to what `actor` asked under `key`, and lets old ones go.
pub(crate) async fn keep(
    tx: &mut Tx,
    (actor, key): (&str, &str),
    answered: &Answered,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const OLD: &str = "
        DELETE FROM idempotent_request WHERE (actor, key) IN (
            SELECT actor, key FROM idempotent_request
            WHERE done_at < $1 ORDER BY done_at LIMIT $2)";
    const NEW: &str = "
        INSERT INTO idempotent_request (actor, key, digest, answer, done_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (actor, key) DO UPDATE SET digest = excluded.digest,
            answer = excluded.answer, done_at = excluded.done_at";

    on_backend!(tx.connection(), db => {
        let before = (now - KEPT).timestamp_millis();
        sqlx::query(OLD).bind(before).bind(DELETED_MAX).execute(&mut *db).await?;
        sqlx::query(NEW)
            .bind(actor)
            .bind(key)
            .bind(&answered.digest)
            .bind(&answered.answer)
            .bind(now.timestamp_millis())
            .execute(db)
            .await
            .map(drop)?;
    });
    Ok(())
}
