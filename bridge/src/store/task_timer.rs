//! What is to happen to tasks when log time has come so far. A timer is taken away in the transaction
//! of what it brings about, so it goes off once.

use chrono::{DateTime, Utc};
use upturn_core::id::TaskId;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimerKind {
    /// The task is put off no longer.
    Wake,
    /// Its time is over.
    Overdue,
    /// Nobody has done anything with it for too long.
    Silent,
}

impl TimerKind {
    const ALL: [Self; 3] = [Self::Wake, Self::Overdue, Self::Silent];

    fn as_text(self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Overdue => "overdue",
            Self::Silent => "silent",
        }
    }
}

/// A timer that went off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    /// Of which task.
    pub(crate) task: TaskId,
    /// What for.
    pub(crate) kind: TimerKind,
    /// When it was due.
    pub(crate) at: DateTime<Utc>,
}

/// Sets the timer of `kind` of `task` to `at`, or takes it away.
pub(crate) async fn set(
    tx: &mut Tx,
    (task, kind): (&TaskId, TimerKind),
    at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    const SET: &str = "
        INSERT INTO task_timer (task_id, kind, at) VALUES ($1, $2, $3)
        ON CONFLICT (task_id, kind) DO UPDATE SET at = excluded.at";
    const CLEAR: &str = "DELETE FROM task_timer WHERE task_id = $1 AND kind = $2";

    on_backend!(tx.connection(), db => match at {
        Some(at) => sqlx::query(SET)
            .bind(task.as_str())
            .bind(kind.as_text())
            .bind(at.timestamp_millis())
            .execute(db)
            .await
            .map(drop)?,
        None => sqlx::query(CLEAR)
            .bind(task.as_str())
            .bind(kind.as_text())
            .execute(db)
            .await
            .map(drop)?,
    });
    Ok(())
}

/// Takes away all timers of `task`.
pub(crate) async fn clear(tx: &mut Tx, task: &TaskId) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM task_timer WHERE task_id = $1";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(task.as_str())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Takes away at most `max` timers that are due by `until`, and returns them in the order of their times.
pub(crate) async fn take_due(
    tx: &mut Tx,
    until: DateTime<Utc>,
    max: u32,
) -> Result<Vec<Timer>, StoreError> {
    const DUE: &str = "
        SELECT task_id, kind, at FROM task_timer WHERE at <= $1
        ORDER BY at, task_id, kind LIMIT $2";

    let rows: Vec<(String, String, i64)> = on_backend!(tx.connection(), db => sqlx::query_as(DUE)
        .bind(until.timestamp_millis())
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    let mut timers = Vec::with_capacity(rows.len());
    for (task, kind, at) in rows {
        let found = TimerKind::ALL.into_iter().find(|known| known.as_text() == kind);
        let kind =
            found.ok_or_else(|| Column("task_timer", "kind").inconsistent("an unknown kind"))?;
        let (task, at) = (TaskId::from_text(&task), Column("task_timer", "at").time(at)?);
        set(tx, (&task, kind), None).await?;
        timers.push(Timer { task, kind, at });
    }
    Ok(timers)
}

/// Returns when the next timer is due, as `tx` sees it.
pub(crate) async fn next(tx: &mut Tx) -> Result<Option<DateTime<Utc>>, StoreError> {
    let next: Option<i64> =
        on_backend!(tx.connection(), db => sqlx::query_scalar(NEXT).fetch_one(db).await?);
    Column("task_timer", "at").time_if_any(next)
}

/// Returns when the next timer is due.
pub(crate) async fn next_committed(store: &Store) -> Result<Option<DateTime<Utc>>, StoreError> {
    let next: Option<i64> =
        on_backend!(store.reader(), db => sqlx::query_scalar(NEXT).fetch_one(db).await?);
    Column("task_timer", "at").time_if_any(next)
}

/// What people decided over the machine ends by itself as well.
const NEXT: &str = "
    SELECT min(at) FROM (
        SELECT min(at) AS at FROM task_timer
        UNION ALL
        SELECT min(until) AS at FROM override WHERE ended_at IS NULL
    ) AS next";

#[cfg(test)]
mod tests {
    use super::super::task;
    use super::super::testing::{at, each_backend, task as sample};
    use super::*;

    #[tokio::test]
    async fn timers_go_off_once_in_the_order_of_their_times() {
        each_backend(async |store| {
            let ids = ["t1", "t2"].map(TaskId::from_text);
            let mut tx = store.begin().await.unwrap();
            for (id, device) in [("t1", "d1"), ("t2", "d2")] {
                task::create(&mut tx, &sample(id, device, 0)).await.unwrap();
            }
            assert_eq!(next(&mut tx).await.unwrap(), None);
            let [one, two] = &ids;
            set(&mut tx, (one, TimerKind::Overdue), Some(at(9))).await.unwrap();
            set(&mut tx, (one, TimerKind::Overdue), Some(at(5))).await.unwrap();
            set(&mut tx, (two, TimerKind::Wake), Some(at(3))).await.unwrap();
            set(&mut tx, (two, TimerKind::Silent), Some(at(4))).await.unwrap();
            set(&mut tx, (two, TimerKind::Silent), None).await.unwrap();
            assert_eq!(next(&mut tx).await.unwrap(), Some(at(3)));
            tx.commit().await.unwrap();
            assert_eq!(next_committed(store).await.unwrap(), Some(at(3)));

            let mut tx = store.begin().await.unwrap();
            assert_eq!(take_due(&mut tx, at(2), 9).await.unwrap(), []);
            let due = take_due(&mut tx, at(5), 9).await.unwrap();
            let told: Vec<_> = due.iter().map(|timer| (&timer.task, timer.kind)).collect();
            assert_eq!(told, [(two, TimerKind::Wake), (one, TimerKind::Overdue)]);
            assert_eq!(take_due(&mut tx, at(9), 9).await.unwrap(), []);
            set(&mut tx, (one, TimerKind::Wake), Some(at(7))).await.unwrap();
            clear(&mut tx, one).await.unwrap();
            assert_eq!(next(&mut tx).await.unwrap(), None);
        })
        .await;
    }
}
