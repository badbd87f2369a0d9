//! What is reckoned by a calendar: when open tasks are due, and when their clocks go off.

use chrono::{DateTime, Utc};
use upturn_core::id::TaskId;

use super::Tx;
use super::column::Column;
use super::error::StoreError;

/// An open task, with what is reckoned by its owner's calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Which.
    pub(crate) task: TaskId,
    /// The rule that asked for it.
    pub(crate) rule: String,
    /// The rule's version.
    pub(crate) version: String,
    /// Who has it.
    pub(crate) owner: String,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it must be done.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// When somebody first spoke with the customer.
    pub(crate) contacted_at: Option<DateTime<Utc>>,
    /// When somebody last did something with it, or when it came back after it was put off.
    pub(crate) touched_at: Option<DateTime<Utc>>,
    /// Until when it is put off.
    pub(crate) snoozed_until: Option<DateTime<Utc>>,
    /// How often superiors were told.
    pub(crate) escalated: usize,
    /// When they are told next.
    pub(crate) overdue_at: Option<DateTime<Utc>>,
    /// When its silence is told.
    pub(crate) silent_at: Option<DateTime<Utc>>,
}

/// Returns at most `max` of the tasks behind `after` that people have to do, by id.
pub(crate) async fn open(tx: &mut Tx, after: &str, max: u32) -> Result<Vec<Standing>, StoreError> {
    const SQL: &str = "
        SELECT id, rule_id, rule_version, owner, created_at, due_at, contacted_at, touched_at,
            snoozed_until, escalated,
            (SELECT at FROM task_timer WHERE task_id = task.id AND kind = 'overdue') AS overdue_at,
            (SELECT at FROM task_timer WHERE task_id = task.id AND kind = 'silent') AS silent_at
        FROM task
        WHERE id > $1 AND stage = 'live' AND status <> 'withdrawn'
            AND progress IN ('new', 'accepted')
        ORDER BY id LIMIT $2";

    let rows: Vec<Row> = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(after)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Row::read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    rule_id: String,
    rule_version: String,
    owner: String,
    created_at: i64,
    due_at: Option<i64>,
    contacted_at: Option<i64>,
    touched_at: Option<i64>,
    snoozed_until: Option<i64>,
    escalated: i64,
    overdue_at: Option<i64>,
    silent_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Standing, StoreError> {
        let column = |name| Column("task", name);
        let timer = Column("task_timer", "at");
        let escalated = column("escalated").count(self.escalated)?;
        Ok(Standing {
            task: TaskId::from_text(&self.id),
            rule: self.rule_id,
            version: self.rule_version,
            owner: self.owner,
            created_at: column("created_at").time(self.created_at)?,
            due_at: column("due_at").time_if_any(self.due_at)?,
            contacted_at: column("contacted_at").time_if_any(self.contacted_at)?,
            touched_at: column("touched_at").time_if_any(self.touched_at)?,
            snoozed_until: column("snoozed_until").time_if_any(self.snoozed_until)?,
            escalated: usize::try_from(escalated).unwrap_or(usize::MAX),
            overdue_at: timer.time_if_any(self.overdue_at)?,
            silent_at: timer.time_if_any(self.silent_at)?,
        })
    }
}
