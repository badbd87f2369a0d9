//! What letters say of a task, as the transaction that writes them sees it.

use chrono::{DateTime, Utc};
use upturn_core::task::Title;

use super::Tx;
use super::column::Column;
use super::error::StoreError;

/// What letters say of a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TaskFacts {
    /// The rule that asked for it.
    pub(crate) rule: String,
    /// The rule's version.
    pub(crate) version: String,
    /// What the rule counted by.
    pub(crate) scope: String,
    /// The device of the newest piece of evidence.
    pub(crate) device: String,
    /// The account behind it.
    pub(crate) account: Option<String>,
    /// The rule's word for the kind of task.
    pub(crate) kind: String,
    /// What it is about.
    pub(crate) title: Title,
    /// What to do, in order.
    pub(crate) steps: Vec<String>,
    /// Who has it.
    pub(crate) owner: String,
    /// When it must be done.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// Whether it stands, and what people did with it: `new`, `accepted`, `done`, `dismissed`,
    /// `withdrawn`.
    pub(crate) status: String,
}

/// Returns what is known of the task `id`, unless it is on trial, where nobody is told.
pub(crate) async fn find(tx: &mut Tx, id: &str) -> Result<Option<TaskFacts>, StoreError> {
    const SQL: &str = "
        SELECT rule_id, rule_version, scope, device, account, kind, title, steps, owner, due_at,
            created_at, status, progress
        FROM task WHERE id = $1 AND stage = 'live'";

    let row: Option<Row> = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(id)
        .fetch_optional(db)
        .await?);
    row.map(Row::read).transpose()
}

/// Returns how many pieces of evidence of each kind the task `id` stands on, by kind.
pub(crate) async fn evidence_kinds(
    tx: &mut Tx,
    id: &str,
) -> Result<Vec<(String, i64)>, StoreError> {
    const SQL: &str = "
        SELECT kind, count(*) FROM task_evidence WHERE task_id = $1 GROUP BY kind ORDER BY kind";

    Ok(on_backend!(tx.connection(), db => sqlx::query_as(SQL).bind(id).fetch_all(db).await?))
}

/// Returns the ids of the events that the task `id` stands on, in event order.
pub(crate) async fn evidence_ids(tx: &mut Tx, id: &str) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT event_id FROM task_evidence WHERE task_id = $1 ORDER BY ordinal";

    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL).bind(id).fetch_all(db).await?))
}

#[derive(sqlx::FromRow)]
struct Row {
    rule_id: String,
    rule_version: String,
    scope: String,
    device: String,
    account: Option<String>,
    kind: String,
    title: String,
    steps: String,
    owner: String,
    due_at: Option<i64>,
    created_at: i64,
    status: String,
    progress: String,
}

impl Row {
    fn read(self) -> Result<TaskFacts, StoreError> {
        let column = |name| Column("task", name);
        Ok(TaskFacts {
            rule: self.rule_id,
            version: self.rule_version,
            scope: self.scope,
            device: self.device,
            account: self.account,
            kind: self.kind,
            title: column("title").json(&self.title)?,
            steps: column("steps").json(&self.steps)?,
            owner: self.owner,
            due_at: column("due_at").time_if_any(self.due_at)?,
            created_at: column("created_at").time(self.created_at)?,
            status: if self.status == "withdrawn" { self.status } else { self.progress },
        })
    }
}
