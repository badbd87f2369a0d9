//! What people asked for because of a task: it becomes a ticket elsewhere.

use chrono::{DateTime, Utc};

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    /// Its id.
    pub(crate) id: String,
    /// The task.
    pub(crate) task: String,
    /// `requirement` or `feedback`.
    pub(crate) kind: String,
    /// `low`, `normal` or `high`.
    pub(crate) priority: String,
    /// In the person's words.
    pub(crate) text: String,
    /// Who.
    pub(crate) actor: String,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
}

/// Keeps `requirement` unless it is kept; returns whether it is new.
pub(crate) async fn insert(tx: &mut Tx, requirement: &Requirement) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO requirement (id, task_id, kind, priority, text, actor, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";

    let inserted = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(&requirement.id)
        .bind(&requirement.task)
        .bind(&requirement.kind)
        .bind(&requirement.priority)
        .bind(&requirement.text)
        .bind(&requirement.actor)
        .bind(requirement.created_at.timestamp_millis())
        .execute(db)
        .await?
        .rows_affected());
    Ok(inserted == 1)
}

/// Returns at most `max` requirements of the task, oldest first.
pub(crate) async fn of_task(
    store: &Store,
    task: &str,
    max: u32,
) -> Result<Vec<Requirement>, StoreError> {
    const SQL: &str = "
        SELECT id, task_id, kind, priority, text, actor, created_at FROM requirement
        WHERE task_id = $1 ORDER BY created_at, id LIMIT $2";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(task)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Row::read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    task_id: String,
    kind: String,
    priority: String,
    text: String,
    actor: String,
    created_at: i64,
}

impl Row {
    fn read(self) -> Result<Requirement, StoreError> {
        Ok(Requirement {
            id: self.id,
            task: self.task_id,
            kind: self.kind,
            priority: self.priority,
            text: self.text,
            actor: self.actor,
            created_at: Column("requirement", "created_at").time(self.created_at)?,
        })
    }
}
