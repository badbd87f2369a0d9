//! Messages that could not be read, kept as they came, with the reason.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};
use crate::hex::hex;

/// A message that could not be read.
#[derive(Clone, Debug)]
pub(crate) struct NewDeadLetter {
    /// When it came.
    pub(crate) received_at: DateTime<Utc>,
    /// The topic it came by.
    pub(crate) topic: String,
    /// Its bytes.
    pub(crate) payload: Bytes,
    /// The source whose topic it came by, if one fits.
    pub(crate) source: Option<String>,
    /// The kind of fault, in kebab-case, for counting.
    pub(crate) code: &'static str,
    /// What is wrong with it, for people.
    pub(crate) reason: String,
}

/// A stored message that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    /// Its number; newer ones have larger ones.
    pub(crate) id: i64,
    /// When it came first.
    pub(crate) received_at: DateTime<Utc>,
    /// When it came last.
    pub(crate) last_at: DateTime<Utc>,
    /// How often it came.
    pub(crate) times: u64,
    /// The topic it came by.
    pub(crate) topic: String,
    /// Its bytes.
    pub(crate) payload: Bytes,
    /// The source whose topic it came by, if one fits.
    pub(crate) source: Option<String>,
    /// The kind of fault.
    pub(crate) code: String,
    /// What is wrong with it.
    pub(crate) reason: String,
}

/// Stores `letters`. One with the topic, the code and the bytes of a stored one is that one, come
/// again.
pub(crate) async fn insert(tx: &mut Tx, letters: &[NewDeadLetter]) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO dead_letter (received_at, topic, payload, source, code, reason, digest, last_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $1)
        ON CONFLICT (digest) DO UPDATE SET
            times = dead_letter.times + 1, last_at = excluded.last_at";

    for letter in letters {
        on_backend!(tx.connection(), db => sqlx::query(SQL)
            .bind(letter.received_at.timestamp_millis())
            .bind(without_nul(&letter.topic))
            .bind(&*letter.payload)
            .bind(letter.source.as_deref())
            .bind(letter.code)
            .bind(without_nul(&letter.reason))
            .bind(digest(letter))
            .execute(db)
            .await
            .map(drop)?);
    }
    Ok(())
}

/// Returns how many there are.
pub(crate) async fn count(store: &Store) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT count(*) FROM dead_letter";

    let count: i64 =
        on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_one(db).await?);
    Column("dead_letter", "id").count(count)
}

/// Returns at most `max`, newest first, of those older than `before`.
pub(crate) async fn page(
    store: &Store,
    before: Option<i64>,
    max: u32,
) -> Result<Vec<DeadLetter>, StoreError> {
    const SQL: &str = "
        SELECT id, received_at, last_at, times, topic, payload, source, code, reason
        FROM dead_letter WHERE id < $1 ORDER BY id DESC LIMIT $2";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(before.unwrap_or(i64::MAX))
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(DeadLetter::try_from).collect()
}

/// Returns the dead letter with this number.
pub(crate) async fn find(store: &Store, id: i64) -> Result<Option<DeadLetter>, StoreError> {
    const SQL: &str = "
        SELECT id, received_at, last_at, times, topic, payload, source, code, reason
        FROM dead_letter WHERE id = $1";

    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(id)
        .fetch_optional(db)
        .await?);
    row.map(DeadLetter::try_from).transpose()
}

/// Returns what tells a dead letter from another.
fn digest(letter: &NewDeadLetter) -> String {
    let mut hash = Sha256::new();
    for part in [letter.topic.as_bytes(), letter.code.as_bytes(), &letter.payload] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// PostgreSQL takes every character but this one.
pub(super) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    received_at: i64,
    last_at: Option<i64>,
    times: i64,
    topic: String,
    payload: Vec<u8>,
    source: Option<String>,
    code: String,
    reason: String,
}

impl TryFrom<Row> for DeadLetter {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            received_at: Column("dead_letter", "received_at").time(row.received_at)?,
            last_at: Column("dead_letter", "last_at")
                .time(row.last_at.unwrap_or(row.received_at))?,
            times: Column("dead_letter", "times").count(row.times)?,
            topic: row.topic,
            payload: row.payload.into(),
            source: row.source,
            code: row.code,
            reason: row.reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn keeps_the_bytes_as_they_came_and_pages_newest_first() {
        let payloads: [&'static [u8]; 3] = [b"", b"\0\xff\xfe{\0", "不是 JSON".as_bytes()];
        let letter = |minutes: i64, payload| NewDeadLetter {
            received_at: at(minutes),
            topic: "devices/\0/events".to_owned(),
            payload: Bytes::from_static(payload),
            source: (minutes == 1).then(|| "native".to_owned()),
            code: "not-json",
            reason: "line 1: '\0' is not a value".to_owned(),
        };
        let letters: Vec<_> = (0..).zip(payloads).map(|(n, payload)| letter(n, payload)).collect();
        each_backend(async |store| {
            assert_eq!(count(store).await.unwrap(), 0);
            let mut tx = store.begin().await.unwrap();
            insert(&mut tx, &letters).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(count(store).await.unwrap(), 3);

            let newest = page(store, None, 2).await.unwrap();
            let oldest = page(store, newest.last().map(|letter| letter.id), 2).await.unwrap();
            let stored: Vec<_> = newest.into_iter().chain(oldest).rev().collect();
            assert_eq!(stored.len(), 3);
            for (stored, sent) in stored.into_iter().zip(&letters) {
                let expected = DeadLetter {
                    id: stored.id,
                    received_at: sent.received_at,
                    last_at: sent.received_at,
                    times: 1,
                    topic: "devices/\u{fffd}/events".to_owned(),
                    payload: sent.payload.clone(),
                    source: sent.source.clone(),
                    code: "not-json".to_owned(),
                    reason: "line 1: '\u{fffd}' is not a value".to_owned(),
                };
                assert_eq!(stored, expected);
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_letter_that_comes_again_is_counted_and_no_second_row() {
        let letter = |minutes: i64, topic: &str, code, payload: &'static [u8]| NewDeadLetter {
            received_at: at(minutes),
            topic: topic.to_owned(),
            payload: Bytes::from_static(payload),
            source: None,
            code,
            reason: format!("read at {minutes}"),
        };
        let (one, two) = (letter(0, "a", "not-json", b"x"), letter(9, "a", "not-json", b"x"));
        let others = [
            letter(1, "ab", "not-json", b"x"),
            letter(1, "a", "no-source", b"x"),
            letter(1, "a", "not-json", b"xx"),
        ];
        each_backend(async |store| {
            // Twice in one commit, and again in the next.
            for letters in [vec![one.clone(), one.clone()], others.to_vec(), vec![two.clone()]] {
                let mut tx = store.begin().await.unwrap();
                insert(&mut tx, &letters).await.unwrap();
                tx.commit().await.unwrap();
            }
            assert_eq!(count(store).await.unwrap(), 4);
            let all = page(store, None, 9).await.unwrap();
            let first = all.last().unwrap();
            assert_eq!((first.times, first.received_at, first.last_at), (3, at(0), at(9)));
            assert_eq!(first.reason, "read at 0");
            assert!(all.iter().rev().skip(1).all(|other| other.times == 1));
        })
        .await;
    }
}
