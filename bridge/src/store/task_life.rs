//! How a task stands with the people who work on it, read and written in one transaction.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use upturn_core::id::TaskId;
use upturn_core::rule::Stage;
use upturn_core::task::life::State;

use super::Tx;
use super::column::Column;
use super::error::StoreError;
use super::task_view;

/// How a task stands with the people who work on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// How it stands.
    pub(crate) state: State,
    /// Nobody works on what a rule on trial makes.
    pub(crate) stage: Stage,
    /// How often it was written; a change is refused where somebody else wrote in between.
    pub(crate) revision: i64,
    /// Who has it: a person's id, or `pool:TEAM`.
    pub(crate) owner: String,
    /// How many steps it has.
    pub(crate) steps: usize,
    /// Which of them are done, by their places from 0 on.
    pub(crate) checked: BTreeSet<usize>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it was first taken on.
    pub(crate) taken_at: Option<DateTime<Utc>>,
    /// When somebody first spoke with the customer.
    pub(crate) contacted_at: Option<DateTime<Utc>>,
    /// Whether that contact was told later.
    pub(crate) is_contacted_late: bool,
    /// When it was closed.
    pub(crate) closed_at: Option<DateTime<Utc>>,
    /// Until when it is put off.
    pub(crate) snoozed_until: Option<DateTime<Utc>>,
    /// How it ended, if it is done.
    pub(crate) outcome: Option<String>,
}

/// Returns how the task `id` stands.
pub(crate) async fn find(tx: &mut Tx, id: &TaskId) -> Result<Option<Life>, StoreError> {
    const SQL: &str = "
        SELECT status, progress, started_at, stage, revision, owner, steps, checked, created_at,
            taken_at, contacted_at, contacted_late, closed_at, snoozed_until, outcome
        FROM task WHERE id = $1";

    // PostgreSQL refuses a NUL even to compare with, and an address can hold one.
    if id.as_str().contains('\0') {
        return Ok(None);
    }
    let row: Option<Row> = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(id.as_str())
        .fetch_optional(db)
        .await?);
    row.map(Life::try_from).transpose()
}

/// Makes `life` how the task `id` stands since `at`; returns whether it still stood as its revision says.
#[tracing::instrument(level = "debug", skip_all, fields(task.id = %id))]
pub(crate) async fn put(
    tx: &mut Tx,
    id: &TaskId,
    life: &Life,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE task SET progress = $3,
            started_at = CASE WHEN $4 IS NULL THEN NULL ELSE coalesce(started_at, $4) END,
            owner = $5, checked = $6, taken_at = $7, contacted_at = $8, closed_at = $9, snoozed_until = $10, outcome = $11,
            revision = revision + 1, updated_at = $12, touched_at = $12, contacted_late = $13
        WHERE id = $1 AND revision = $2 AND status <> 'withdrawn'";

    let (progress, is_started) = match life.state {
        State::New => ("new", false),
        State::Accepted => ("accepted", false),
        State::InProgress => ("accepted", true),
        State::Done => ("done", false),
        State::Dismissed => ("dismissed", false),
        State::Withdrawn => return Ok(false),
    };
    let millis = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_millis());
    let changed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id.as_str())
        .bind(life.revision)
        .bind(progress)
        .bind(is_started.then_some(at.timestamp_millis()))
        .bind(&life.owner)
        .bind(CHECKED.write_json(&life.checked)?)
        .bind(millis(life.taken_at))
        .bind(millis(life.contacted_at))
        .bind(millis(life.closed_at))
        .bind(millis(life.snoozed_until))
        .bind(life.outcome.as_deref())
        .bind(at.timestamp_millis())
        .bind(i64::from(life.is_contacted_late))
        .execute(db)
        .await?
        .rows_affected());
    Ok(changed == 1)
}

/// Counts one more time that superiors are told of the task `id`; returns how often they were before.
pub(crate) async fn escalate(tx: &mut Tx, id: &TaskId) -> Result<u64, StoreError> {
    const SQL: &str = "
        UPDATE task SET escalated = escalated + 1 WHERE id = $1 RETURNING escalated - 1";

    let before: i64 = on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(id.as_str())
        .fetch_one(db)
        .await?);
    Column("task", "escalated").count(before)
}

/// Makes `due_at` the time that the task `id` is due at: what people decide about its grade moves it.
pub(crate) async fn fall_due(
    tx: &mut Tx,
    id: &TaskId,
    due_at: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE task SET due_at = $2, revision = revision + 1, updated_at = $3 WHERE id = $1";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id.as_str())
        .bind(due_at.map(|at| at.timestamp_millis()))
        .bind(at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Says that the task `id` came back at `back_at`: it was put off until then.
pub(crate) async fn wake(
    tx: &mut Tx,
    id: &TaskId,
    (revision, at): (i64, DateTime<Utc>),
    back_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    // Silence is counted from when it came back, also after its calendar has become another one.
    const SQL: &str = "
        UPDATE task SET snoozed_until = NULL, revision = revision + 1, updated_at = $3,
            touched_at = $4
        WHERE id = $1 AND revision = $2";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id.as_str())
        .bind(revision)
        .bind(at.timestamp_millis())
        .bind(back_at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns the state that the columns of a task hold.
pub(super) fn state(
    (status, progress): (&str, &str),
    started_at: Option<i64>,
) -> Result<State, StoreError> {
    match (status, progress) {
        ("withdrawn", _) => Ok(State::Withdrawn),
        ("new", "new") => Ok(State::New),
        ("new", "accepted") if started_at.is_some() => Ok(State::InProgress),
        ("new", "accepted") => Ok(State::Accepted),
        ("new", "done") => Ok(State::Done),
        ("new", "dismissed") => Ok(State::Dismissed),
        other => Err(Column("task", "status").inconsistent(&format!("the words {other:?}"))),
    }
}

/// The column of the steps that are done.
pub(super) const CHECKED: Column = Column("task", "checked");

#[derive(sqlx::FromRow)]
struct Row {
    status: String,
    progress: String,
    started_at: Option<i64>,
    stage: String,
    revision: i64,
    owner: String,
    steps: String,
    checked: String,
    created_at: i64,
    taken_at: Option<i64>,
    contacted_at: Option<i64>,
    contacted_late: i64,
    closed_at: Option<i64>,
    snoozed_until: Option<i64>,
    outcome: Option<String>,
}

impl TryFrom<Row> for Life {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let steps: Vec<String> = Column("task", "steps").json(&row.steps)?;
        let time = |name, at| Column("task", name).time_if_any(at);
        Ok(Self {
            state: state((&row.status, &row.progress), row.started_at)?,
            stage: task_view::stage(&row.stage)?,
            revision: row.revision,
            owner: row.owner,
            steps: steps.len(),
            checked: CHECKED.json(&row.checked)?,
            created_at: Column("task", "created_at").time(row.created_at)?,
            taken_at: time("taken_at", row.taken_at)?,
            contacted_at: time("contacted_at", row.contacted_at)?,
            is_contacted_late: row.contacted_late != 0,
            closed_at: time("closed_at", row.closed_at)?,
            snoozed_until: time("snoozed_until", row.snoozed_until)?,
            outcome: row.outcome,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::task;
    use super::super::testing::{at, each_backend, task as sample};
    use super::*;

    #[tokio::test]
    async fn a_life_comes_back_as_it_was_put_and_an_old_one_is_refused() {
        each_backend(async |store| {
            let id = TaskId::from_text("t1");
            let mut tx = store.begin().await.unwrap();
            task::create(&mut tx, &sample("t1", "d1", 10)).await.unwrap();
            let new = find(&mut tx, &id).await.unwrap().unwrap();
            assert_eq!((new.state, new.revision, new.steps), (State::New, 1, 2));
            for state in [State::Accepted, State::InProgress, State::Done, State::Dismissed] {
                let before = find(&mut tx, &id).await.unwrap().unwrap();
                let life = Life {
                    state,
                    owner: "pool:ev".to_owned(),
                    checked: [1].into(),
                    taken_at: Some(at(11)),
                    contacted_at: Some(at(12)),
                    is_contacted_late: true,
                    closed_at: Some(at(13)),
                    snoozed_until: Some(at(14)),
                    outcome: Some("solved".to_owned()),
                    ..before.clone()
                };
                assert!(put(&mut tx, &id, &life, at(20)).await.unwrap(), "{state:?}");
                let expected = Life { revision: life.revision + 1, ..life.clone() };
                assert_eq!(find(&mut tx, &id).await.unwrap(), Some(expected), "{state:?}");
                assert!(!put(&mut tx, &id, &life, at(21)).await.unwrap(), "{state:?} twice");
            }
            for nobody in ["t2", "a\0b"] {
                assert_eq!(find(&mut tx, &TaskId::from_text(nobody)).await.unwrap(), None);
            }
        })
        .await;
    }
}
