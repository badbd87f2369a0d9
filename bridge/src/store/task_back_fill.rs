//! Contacts that were told later, and what somebody else decided about them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use upturn_core::id::TaskId;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// A contact that was told later.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BackFill {
    /// Its number.
    pub(crate) id: i64,
    /// When it was, as it was told.
    pub(crate) done_at: DateTime<Utc>,
    /// When it was told.
    pub(crate) told_at: DateTime<Utc>,
    /// Who told it.
    pub(crate) actor: String,
    /// What was said about it.
    pub(crate) detail: Value,
    /// Who decided, if anybody has.
    pub(crate) decided_by: Option<String>,
    /// Whether it counts; undecided, it does not.
    pub(crate) is_approved: bool,
}

/// Keeps what `actor` tells at `told_at` of the task `task`.
pub(crate) async fn tell(
    tx: &mut Tx,
    task: &TaskId,
    (actor, detail): (&str, &Value),
    (done_at, told_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO task_back_fill (task_id, done_at, told_at, actor, detail, approved)
        VALUES ($1, $2, $3, $4, $5, 0)";

    let detail = DETAIL.write_json(detail)?;
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(task.as_str())
        .bind(done_at.timestamp_millis())
        .bind(told_at.timestamp_millis())
        .bind(actor)
        .bind(&detail)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Decides about `id` of `task` for `actor`; returns it, unless somebody has decided before or it is what
/// `actor` told.
pub(crate) async fn decide(
    tx: &mut Tx,
    (task, id): (&TaskId, i64),
    (actor, at): (&str, DateTime<Utc>),
    approves: bool,
) -> Result<Option<BackFill>, StoreError> {
    const SQL: &str = "
        UPDATE task_back_fill SET decided_at = $4, decided_by = $3, approved = $5
        WHERE id = $2 AND task_id = $1 AND decided_by IS NULL AND actor <> $3
        RETURNING id, done_at, told_at, actor, detail, decided_by, approved";

    let row: Option<Row> = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(task.as_str())
        .bind(id)
        .bind(actor)
        .bind(at.timestamp_millis())
        .bind(i64::from(approves))
        .fetch_optional(db)
        .await?);
    row.map(BackFill::try_from).transpose()
}

/// Returns what was told later of the task `id`, oldest first.
pub(crate) async fn of_task(store: &Store, id: &str) -> Result<Vec<BackFill>, StoreError> {
    const SQL: &str = "
        SELECT id, done_at, told_at, actor, detail, decided_by, approved
        FROM task_back_fill WHERE task_id = $1 ORDER BY id";

    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(id).fetch_all(db).await?
    });
    rows.into_iter().map(BackFill::try_from).collect()
}

const DETAIL: Column = Column("task_back_fill", "detail");

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    done_at: i64,
    told_at: i64,
    actor: String,
    detail: String,
    decided_by: Option<String>,
    approved: i64,
}

impl TryFrom<Row> for BackFill {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            done_at: Column("task_back_fill", "done_at").time(row.done_at)?,
            told_at: Column("task_back_fill", "told_at").time(row.told_at)?,
            actor: row.actor,
            detail: DETAIL.json(&row.detail)?,
            decided_by: row.decided_by,
            is_approved: row.approved != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::task;
    use super::super::testing::{at, each_backend, task as sample};
    use super::*;

    #[tokio::test]
    async fn somebody_else_decides_once() {
        each_backend(async |store| {
            let (id, detail) = (TaskId::from_text("t1"), json!({"reason": "故障"}));
            let mut tx = store.begin().await.unwrap();
            task::create(&mut tx, &sample("t1", "d1", 0)).await.unwrap();
            tell(&mut tx, &id, ("lin", &detail), (at(1), at(9))).await.unwrap();
            tell(&mut tx, &id, ("lin", &detail), (at(2), at(9))).await.unwrap();
            tx.commit().await.unwrap();
            let told = of_task(store, "t1").await.unwrap();
            let [first, second] = [told[0].id, told[1].id];
            assert!(told.iter().all(|one| one.decided_by.is_none() && !one.is_approved));

            let mut tx = store.begin().await.unwrap();
            let other = TaskId::from_text("t2");
            let cases = [
                (&id, first, "lin", true, None),
                (&other, first, "wu", true, None),
                (&id, first, "wu", true, Some((true, at(1)))),
                (&id, first, "wu", false, None),
                (&id, second, "wu", false, Some((false, at(2)))),
                (&id, second + 1, "wu", true, None),
            ];
            for (task, number, actor, approves, expected) in cases {
                let found = decide(&mut tx, (task, number), (actor, at(10)), approves).await;
                let found = found.unwrap().map(|one| (one.is_approved, one.done_at));
                assert_eq!(found, expected, "case: {number} {actor} {approves}");
            }
            tx.commit().await.unwrap();
            let told = of_task(store, "t1").await.unwrap();
            assert_eq!(told[0].decided_by.as_deref(), Some("wu"));
            assert_eq!((told[0].is_approved, told[1].is_approved), (true, false));
        })
        .await;
    }
}
