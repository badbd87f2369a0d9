//! What happened to each task, oldest first. Entries are only ever added, each together with its entry
//! in the trail.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::audit::{self, NewEntry};
use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// Something that happened to a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Log time.
    pub(crate) at: DateTime<Utc>,
    /// Who.
    pub(crate) actor: String,
    /// Did what: `task-accepted`.
    pub(crate) action: String,
    /// The particulars.
    pub(crate) detail: Value,
    /// When it was done: before `at` where it was told later.
    pub(crate) done_at: DateTime<Utc>,
}

/// Writes that `entry` happened to the task that is its subject, here and in the trail.
pub(crate) async fn append(tx: &mut Tx, entry: NewEntry<'_>) -> Result<(), StoreError> {
    append_late(tx, entry, entry.at).await
}

/// Writes `entry` as [`append`] does, of something that was done at `done_at` and told later.
pub(crate) async fn append_late(
    tx: &mut Tx,
    entry: NewEntry<'_>,
    done_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO task_history (task_id, at, actor, action, detail, done_at)
        VALUES ($1, $2, $3, $4, $5, $6)";

    audit::append(tx, entry).await?;
    let detail = DETAIL.write_json(entry.detail)?;
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(entry.subject)
        .bind(entry.at.timestamp_millis())
        .bind(entry.actor)
        .bind(entry.action)
        .bind(&detail)
        .bind(done_at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns what happened to the task `id`, oldest first.
pub(crate) async fn of_task(store: &Store, id: &str) -> Result<Vec<Entry>, StoreError> {
    const SQL: &str = "
        SELECT at, actor, action, detail, done_at FROM task_history WHERE task_id = $1 ORDER BY id";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(id)
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Entry::try_from).collect()
}

const DETAIL: Column = Column("task_history", "detail");

#[derive(sqlx::FromRow)]
struct Row {
    at: i64,
    actor: String,
    action: String,
    detail: String,
    done_at: i64,
}

impl TryFrom<Row> for Entry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            at: Column("task_history", "at").time(row.at)?,
            actor: row.actor,
            action: row.action,
            detail: DETAIL.json(&row.detail)?,
            done_at: Column("task_history", "done_at").time(row.done_at)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn a_history_tells_what_was_done_when_and_the_trail_has_it_too() {
        each_backend(async |store| {
            let detail = json!({"text": "故障"});
            let entry = |subject, minutes| {
                let (at, action) = (at(minutes), "task-commented");
                NewEntry { at, actor: "lin", action, subject, detail: &detail }
            };
            let mut tx = store.begin().await.unwrap();
            append(&mut tx, entry("t1", 5)).await.unwrap();
            append(&mut tx, entry("t2", 6)).await.unwrap();
            append_late(&mut tx, entry("t1", 7), at(1)).await.unwrap();
            tx.commit().await.unwrap();

            let told = of_task(store, "t1").await.unwrap();
            let times: Vec<_> = told.iter().map(|entry| (entry.at, entry.done_at)).collect();
            assert_eq!(times, [(at(5), at(5)), (at(7), at(1))]);
            assert_eq!((&*told[0].actor, &told[1].detail), ("lin", &detail));
            assert_eq!(audit::of_subject(store, "t1").await.unwrap().len(), 2);
        })
        .await;
    }
}
