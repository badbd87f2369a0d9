//! Letters on their way to other systems, written with what caused them.
//!
//! Letters about one subject go to one destination one after the other, in the order they were
//! written: while one waits, is collected or is parked, those behind it are not claimed.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

pub(super) use self::row::{BODY, Row};

mod row;

/// A letter to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewLetter {
    /// A function of the cause and the destination, so that the same cause makes one letter.
    pub(crate) key: String,
    /// What it tells of: `task-created`.
    pub(crate) kind: String,
    /// What it is about: a task's id.
    pub(crate) subject: String,
    /// Who is told.
    pub(crate) destination: String,
    /// What it says.
    pub(crate) body: Value,
    /// `en` or `zh`.
    pub(crate) language: String,
    /// The person it is for, as JSON, if it is for one.
    pub(crate) recipient: Option<String>,
    /// Not before.
    pub(crate) next_at: DateTime<Utc>,
    /// The key of the letter it goes out in, if it waits for others.
    pub(crate) digest: Option<String>,
}

/// A letter that is being sent.
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
    /// See [`NewLetter::language`].
    pub(crate) language: String,
    /// See [`NewLetter::recipient`].
    pub(crate) recipient: Option<String>,
    /// How often sending it has failed since a person last looked.
    pub(crate) attempts: u32,
    /// How often sending it was begun, this time included: more than once, and it may be there.
    pub(crate) begun: u32,
    /// Until when it is ours.
    pub(crate) claimed_until: DateTime<Utc>,
    /// What an earlier letter about the subject became there.
    pub(crate) remote: Option<String>,
}

/// Stores those of `letters` whose keys are new; returns how many.
pub(crate) async fn insert(
    tx: &mut Tx,
    at: DateTime<Utc>,
    letters: &[NewLetter],
) -> Result<u64, StoreError> {
    const SQL: &str = "
        INSERT INTO outbox (key, kind, subject, body, created_at, next_at, attempts, destination,
            language, recipient, digest, state)
        VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11)
        ON CONFLICT (key) DO NOTHING";

    let mut new = 0;
    for letter in letters {
        tx.wake(&letter.destination);
        let body = BODY.write_json(&letter.body)?;
        let state = if letter.digest.is_some() { "collecting" } else { "waiting" };
        new += on_backend!(tx.connection(), db => sqlx::query(SQL)
            .bind(&letter.key)
            .bind(&letter.kind)
            .bind(&letter.subject)
            .bind(body)
            .bind(at.timestamp_millis())
            .bind(letter.next_at.timestamp_millis())
            .bind(&letter.destination)
            .bind(&letter.language)
            .bind(letter.recipient.as_deref())
            .bind(letter.digest.as_deref())
            .bind(state)
            .execute(db)
            .await?
            .rows_affected());
    }
    Ok(new)
}

/// Gives what is not yet told of `subject` newer facts; returns whether there was such a letter, which
/// then says all there is to say.
pub(crate) async fn renew(
    tx: &mut Tx,
    (destination, subject): (&str, &str),
    body: &Value,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE outbox SET body = $3
        WHERE destination = $1 AND subject = $2 AND state IN ('waiting', 'collecting')
            AND begun = 0 AND kind IN ('task-created', 'task-amended')";

    let body = BODY.write_json(body)?;
    let renewed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(destination)
        .bind(subject)
        .bind(body)
        .execute(db)
        .await?
        .rows_affected());
    Ok(0 < renewed)
}

/// Takes back what is not yet told of `subject`; returns whether there is nothing to revoke: nothing was
/// ever told, or it was revoked already.
pub(crate) async fn take_back(
    tx: &mut Tx,
    (destination, subject): (&str, &str),
    reason: &str,
) -> Result<bool, StoreError> {
    const DROP: &str = "
        UPDATE outbox SET state = 'dropped', last_error = $3
        WHERE destination = $1 AND subject = $2 AND state IN ('waiting', 'collecting')
            AND begun = 0";
    // What was begun may have arrived; what was never begun was taken back, or given up.
    const LAST: &str = "
        SELECT kind, CAST(CASE WHEN state = 'dropped' AND begun = 0 THEN 1 ELSE 0 END AS BIGINT)
        FROM outbox WHERE subject = $1 AND destination = $2 ORDER BY 2, id DESC LIMIT 1";

    on_backend!(tx.connection(), db => sqlx::query(DROP)
        .bind(destination)
        .bind(subject)
        .bind(reason)
        .execute(db)
        .await
        .map(drop)?);
    let last: Option<(String, i64)> = on_backend!(tx.connection(), db => sqlx::query_as(LAST)
        .bind(subject)
        .bind(destination)
        .fetch_optional(db)
        .await?);
    // Where nothing was ever written, a route tells of withdrawals alone.
    Ok(last.is_some_and(|(kind, is_silent)| is_silent == 1 || kind == "task-withdrawn"))
}

/// Returns when `destination` is to be looked at next, after `now`: when a letter's time comes, or when
/// its circuit lets letters through again; none while neither will be by itself.
pub(crate) async fn next_due(
    store: &Store,
    destination: &str,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    const SQL: &str = "
        SELECT COALESCE(
            (SELECT open_until FROM destination_state WHERE id = $1 AND open_until > $2),
            (SELECT MIN(next_at) FROM outbox
                WHERE destination = $1 AND state IN ('waiting', 'collecting') AND next_at > $2))";

    let next: Option<i64> = on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .bind(destination)
        .bind(now.timestamp_millis())
        .fetch_one(db)
        .await?);
    column("next_at").time_if_any(next)
}

/// Returns the destinations that letters are due at, by `now`, and that let them through.
pub(crate) async fn due(store: &Store, now: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "
        SELECT DISTINCT o.destination FROM outbox AS o
        LEFT JOIN destination_state AS s ON s.id = o.destination
        WHERE o.state IN ('waiting', 'collecting') AND o.next_at <= $1 AND s.off_reason IS NULL
            AND (s.open_until IS NULL OR s.open_until <= $1)";

    Ok(on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .bind(now.timestamp_millis())
        .fetch_all(db)
        .await?))
}

/// Claims the letter to `destination` that waits longest of those that are due at `now`, until
/// `claimed_until`: nobody else gets it before.
pub(crate) async fn claim(
    store: &Store,
    destination: &str,
    now: DateTime<Utc>,
    claimed_until: DateTime<Utc>,
) -> Result<Option<Letter>, StoreError> {
    // SQLite has one writer at a time, so nothing needs locking there.
    macro_rules! claiming {
        ($lock:literal) => {
            concat!(
                "
        UPDATE outbox SET begun = begun + 1, claimed_until = $3
        WHERE id = (
            SELECT due.id FROM outbox AS due
            WHERE due.destination = $1 AND due.state = 'waiting' AND due.next_at <= $2
                AND (due.claimed_until IS NULL OR due.claimed_until <= $2)
                AND NOT EXISTS (
                    SELECT 1 FROM outbox AS before
                    WHERE before.destination = $1 AND before.subject = due.subject
                        AND before.id < due.id
                        AND before.state IN ('waiting', 'collecting', 'parked'))
            ORDER BY due.next_at, due.id LIMIT 1",
                $lock,
                ")
        RETURNING id, key, kind, subject, body, language, recipient, attempts, begun, claimed_until"
            )
        };
    }
    const SQLITE: &str = claiming!("");
    const POSTGRES: &str = claiming!(" FOR UPDATE SKIP LOCKED");
    const REMOTE: &str = "SELECT remote FROM remote_record WHERE destination = $1 AND subject = $2";

    let sql = match store.0 {
        super::Backend::Sqlite(_) => SQLITE,
        super::Backend::Postgres(_) => POSTGRES,
    };
    let row: Option<Row> = on_backend!(store.writer(), db => sqlx::query_as(sql)
        .bind(destination)
        .bind(now.timestamp_millis())
        .bind(claimed_until.timestamp_millis())
        .fetch_optional(db)
        .await?);
    let Some(row) = row else { return Ok(None) };
    let remote: Option<Option<String>> = on_backend!(store.reader(), db => {
        sqlx::query_scalar(REMOTE)
            .bind(destination)
            .bind(&row.subject)
            .fetch_optional(db)
            .await?
    });
    row.into_letter(remote.flatten()).map(Some)
}

/// Gives back every claim, for whoever begins to send: nobody else does.
pub(crate) async fn release(store: &Store) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE outbox SET claimed_until = NULL
        WHERE state = 'waiting' AND claimed_until IS NOT NULL";

    on_backend!(store.writer(), db => sqlx::query(SQL).execute(db).await.map(drop)?);
    Ok(())
}

/// What another system said of a letter that arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrived<'a> {
    /// The record's id there.
    pub(crate) remote: Option<&'a str>,
    /// Where a person finds it there.
    pub(crate) url: Option<&'a str>,
}

/// Records that `letter` has arrived at `destination`, and as what.
pub(crate) async fn mark_sent(
    store: &Store,
    (destination, letter): (&str, &Letter),
    at: DateTime<Utc>,
    arrived: Arrived<'_>,
) -> Result<(), StoreError> {
    const SENT: &str = "
        UPDATE outbox SET state = 'sent', sent_at = $3, last_error = NULL, claimed_until = NULL
        WHERE id = $1 AND state = 'waiting' AND claimed_until = $2";
    const REMOTE: &str = "
        INSERT INTO remote_record (destination, subject, remote, url, asked_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (destination, subject) DO UPDATE SET
            remote = COALESCE(excluded.remote, remote_record.remote),
            url = COALESCE(excluded.url, remote_record.url)";

    let mut tx = store.begin().await?;
    on_backend!(tx.connection(), db => sqlx::query(SENT)
        .bind(letter.id)
        .bind(letter.claimed_until.timestamp_millis())
        .bind(at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    if arrived.remote.is_some() || arrived.url.is_some() {
        on_backend!(tx.connection(), db => sqlx::query(REMOTE)
            .bind(destination)
            .bind(&letter.subject)
            .bind(arrived.remote)
            .bind(arrived.url)
            .bind(at.timestamp_millis())
            .execute(db)
            .await
            .map(drop)?);
    }
    tx.commit().await
}

/// Records that `letter` has not arrived: `error`, and when to try again.
pub(crate) async fn mark_failed(
    store: &Store,
    letter: &Letter,
    error: &str,
    next_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE outbox SET attempts = attempts + 1, last_error = $3, next_at = $4,
            claimed_until = NULL
        WHERE id = $1 AND state = 'waiting' AND claimed_until = $2";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(letter.id)
        .bind(letter.claimed_until.timestamp_millis())
        .bind(error)
        .bind(next_at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Lets `letter` wait for a person, who reads `error`.
pub(crate) async fn park(store: &Store, letter: &Letter, error: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE outbox SET state = 'parked', attempts = attempts + 1, last_error = $3,
            claimed_until = NULL
        WHERE id = $1 AND state = 'waiting' AND claimed_until = $2";

    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(letter.id)
        .bind(letter.claimed_until.timestamp_millis())
        .bind(error)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Sends the letter `id` again, if it is parked, waits, or was sent; returns whether it is. Before it
/// goes out the destination is asked whether it is there.
pub(crate) async fn retry(store: &Store, id: i64, now: DateTime<Utc>) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE outbox SET state = 'waiting', attempts = 0, next_at = $2, claimed_until = NULL,
            sent_at = NULL
        WHERE id = $1 AND (state IN ('parked', 'sent')
            OR (state = 'waiting' AND (claimed_until IS NULL OR claimed_until <= $2)))
        RETURNING destination";

    let changed: Option<String> = on_backend!(store.writer(), db => sqlx::query_scalar(SQL)
        .bind(id)
        .bind(now.timestamp_millis())
        .fetch_optional(db)
        .await?);
    if let Some(destination) = &changed {
        store.bells().ring(destination);
    }
    Ok(changed.is_some())
}

/// Gives up the letter `id`, for `reason`, if it is parked or waits; returns whether it was.
pub(crate) async fn give_up(
    store: &Store,
    id: i64,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE outbox SET state = 'dropped', last_error = $2
        WHERE id = $1 AND state IN ('parked', 'waiting', 'collecting')
            AND (claimed_until IS NULL OR claimed_until <= $3)
        RETURNING destination";

    let changed: Option<String> = on_backend!(store.writer(), db => sqlx::query_scalar(SQL)
        .bind(id)
        .bind(reason)
        .bind(now.timestamp_millis())
        .fetch_optional(db)
        .await?);
    // Those behind it go on.
    if let Some(destination) = &changed {
        store.bells().ring(destination);
    }
    Ok(changed.is_some())
}

/// The place of a value, for the message if the value is impossible.
const fn column(name: &'static str) -> Column {
    Column("outbox", name)
}

#[cfg(test)]
mod tests;
