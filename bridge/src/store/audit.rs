//! Who did what to what, and when: a chain, so that a change of what was written shows.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

pub(crate) mod chain;
pub(crate) mod search;

/// An entry to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewEntry<'a> {
    /// Log time.
    pub(crate) at: DateTime<Utc>,
    /// Who: a person's id, `upturn` for what the rules did, [`CONSOLE`] for a command.
    pub(crate) actor: &'a str,
    /// Did what: `task-created`.
    pub(crate) action: &'a str,
    /// To what: a task's id, or a name.
    pub(crate) subject: &'a str,
    /// The particulars.
    pub(crate) detail: &'a Value,
}

/// Who works on the machine itself, by a command; no person's id has a colon.
pub(crate) const CONSOLE: &str = "upturn:console";

/// An entry that was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AuditEntry {
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Who.
    pub(crate) actor: String,
    /// Did what.
    pub(crate) action: String,
    /// The particulars.
    pub(crate) detail: Value,
}

/// Writes `entry` behind all others. Entries are never changed.
pub(crate) async fn append(tx: &mut Tx, entry: NewEntry<'_>) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO audit (at, actor, action, subject, detail, digest)
        VALUES ($1, $2, $3, $4, $5, $6)";

    let detail = DETAIL.write_json(entry.detail)?;
    let before = chain::take_head(tx).await?;
    let link = chain::Link {
        at: entry.at.timestamp_millis(),
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
        detail: &detail,
    };
    let digest = link.digest(&before);
    chain::move_head(tx, &digest).await?;
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(entry.at.timestamp_millis())
        .bind(entry.actor)
        .bind(entry.action)
        .bind(entry.subject)
        .bind(&detail)
        .bind(&digest)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns the entries about `subject`, oldest first.
#[cfg(test)]
pub(crate) async fn of_subject(
    store: &Store,
    subject: &str,
) -> Result<Vec<AuditEntry>, StoreError> {
    const SQL: &str = "SELECT at, actor, action, detail FROM audit WHERE subject = $1 ORDER BY id";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(subject)
        .fetch_all(db)
        .await?);
    rows.into_iter().map(AuditEntry::try_from).collect()
}

/// Returns the newest `max` entries about `subject`, newest first.
pub(crate) async fn newest_of_subject(
    store: &Store,
    subject: &str,
    max: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    const SQL: &str = "
        SELECT at, actor, action, detail FROM audit WHERE subject = $1 ORDER BY id DESC LIMIT $2";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(subject)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(AuditEntry::try_from).collect()
}

const DETAIL: Column = Column("audit", "detail");

#[derive(sqlx::FromRow)]
struct Row {
    at: i64,
    actor: String,
    action: String,
    detail: String,
}

impl TryFrom<Row> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            at: Column("audit", "at").time(row.at)?,
            actor: row.actor,
            action: row.action,
            detail: DETAIL.json(&row.detail)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn tells_what_happened_to_a_subject_oldest_first() {
        each_backend(async |store| {
            let entries = [
                (0, "task-created", "t1", json!({"evidence": ["e1", "故障\0"]})),
                (1, "task-created", "t2", json!({})),
                (1, "task-amended", "t1", json!({"evidence": ["e2"]})),
            ];
            let mut tx = store.begin().await.unwrap();
            for (minutes, action, subject, detail) in &entries {
                let at = at(*minutes);
                let entry = NewEntry { at, actor: "upturn", action, subject, detail };
                append(&mut tx, entry).await.unwrap();
            }
            tx.commit().await.unwrap();

            let told = of_subject(store, "t1").await.unwrap();
            let expected =
                [&entries[0], &entries[2]].map(|(minutes, action, _, detail)| AuditEntry {
                    at: at(*minutes),
                    actor: "upturn".to_owned(),
                    action: (*action).to_owned(),
                    detail: detail.clone(),
                });
            assert_eq!(told, expected);
        })
        .await;
    }
}
