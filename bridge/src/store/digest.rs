//! Letters that are collected, and go out as one.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::error::StoreError;
use super::outbox::{self, BODY, NewLetter};
use super::{Store, Tx};

/// What a collected letter tells of.
pub(crate) const KIND: &str = "digest";

/// Letters that are told in full in one; of the others only the number is told.
const TOLD_MAX: usize = 200;

/// Puts together the letters to `destination` that were collected until `now`, those of one recipient;
/// returns whether there were any.
pub(crate) async fn collect(
    store: &Store,
    destination: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const NEXT: &str = "
        SELECT digest FROM outbox
        WHERE destination = $1 AND state = 'collecting' AND next_at <= $2
        ORDER BY next_at, id LIMIT 1";

    let next: Option<Option<String>> = on_backend!(store.reader(), db => sqlx::query_scalar(NEXT)
        .bind(destination)
        .bind(now.timestamp_millis())
        .fetch_optional(db)
        .await?);
    let Some(key) = next.flatten() else { return Ok(false) };
    let mut tx = store.begin().await?;
    put_together(&mut tx, (destination, &key), now).await?;
    tx.commit().await?;
    Ok(true)
}

#[derive(sqlx::FromRow)]
struct Member {
    kind: String,
    subject: String,
    body: String,
    language: String,
    recipient: Option<String>,
}

async fn put_together(
    tx: &mut Tx,
    (destination, key): (&str, &str),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    const MEMBERS: &str = "
        SELECT kind, subject, body, language, recipient FROM outbox
        WHERE digest = $1 AND state = 'collecting' ORDER BY id LIMIT $2";
    const COLLECTED: &str =
        "UPDATE outbox SET state = 'collected' WHERE digest = $1 AND state = 'collecting'";
    // The letter they belong to has gone out: each goes by itself.
    const LATE: &str = "
        UPDATE outbox SET state = 'waiting', digest = NULL
        WHERE digest = $1 AND state = 'collecting'";

    let max = i64::try_from(TOLD_MAX).unwrap_or(i64::MAX);
    let members: Vec<Member> = on_backend!(tx.connection(), db => sqlx::query_as(MEMBERS)
        .bind(key)
        .bind(max)
        .fetch_all(db)
        .await?);
    let Some(first) = members.first() else { return Ok(()) };
    let (language, recipient) = (first.language.clone(), first.recipient.clone());
    let mut told = Vec::with_capacity(members.len());
    for member in members {
        let mut body: Value = BODY.json(&member.body)?;
        if let Some(object) = body.as_object_mut() {
            object.insert("event".into(), json!(member.kind));
            object.insert("task".into(), json!(member.subject));
        }
        told.push(body);
    }
    let count = count(tx, key).await?;
    let letter = NewLetter {
        key: key.to_owned(),
        kind: KIND.to_owned(),
        subject: format!("digest-{}", key.get(..16).unwrap_or(key)),
        destination: destination.to_owned(),
        // All of them are for one person, and in that person's zone.
        body: json!({ "count": count, "zone": told.first().map(|one| &one["zone"]), "letters": told }),
        language,
        recipient,
        next_at: now,
        digest: None,
    };
    let is_new = outbox::insert(tx, now, &[letter]).await? == 1;
    let sql = if is_new { COLLECTED } else { LATE };
    on_backend!(tx.connection(), db => sqlx::query(sql).bind(key).execute(db).await.map(drop)?);
    Ok(())
}

async fn count(tx: &mut Tx, key: &str) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT count(*) FROM outbox WHERE digest = $1 AND state = 'collecting'";

    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL).bind(key).fetch_one(db).await?))
}
