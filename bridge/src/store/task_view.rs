//! Tasks, as pages and the API read them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Database, Encode, QueryBuilder, Type};
use upturn_core::id::{DeviceId, EventId, RuleId, TaskId};
use upturn_core::task::{EpisodeState, Evidence, Title};

use self::row::{DetailRow, Row};
use super::Store;
use super::audit::{self, AuditEntry};
use super::column::Column;
use super::error::StoreError;

mod row;

/// The largest page.
pub(crate) const PAGE_MAX: u32 = 500;

/// A task in a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TaskRow {
    /// Its id.
    pub(crate) id: TaskId,
    /// The rule that asked for it.
    pub(crate) rule: RuleId,
    /// What the rule counted by.
    pub(crate) scope: String,
    /// The device of the newest piece of evidence.
    pub(crate) device: DeviceId,
    /// The account behind the device, if it is registered.
    pub(crate) account: Option<String>,
    /// The rule's word for the kind of task.
    pub(crate) kind: String,
    /// What it is about.
    pub(crate) title: Title,
    /// Who has it.
    pub(crate) owner: String,
    /// When it must be done, if it must.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// Event time of the first piece of evidence.
    pub(crate) first_at: DateTime<Utc>,
    /// Event time of the last one.
    pub(crate) last_at: DateTime<Utc>,
    /// Whether it stands.
    pub(crate) status: TaskStatus,
    /// Whether later events can still join it.
    pub(crate) episode: EpisodeState,
    /// The ids of the evidence, in event order.
    pub(crate) evidence: Vec<EventId>,
}

/// Whether a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TaskStatus {
    /// It stands, and nobody has touched it.
    New,
    /// Late evidence took away what it was based on.
    Withdrawn,
}

/// A task with everything behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TaskDetail {
    /// What a list shows.
    pub(crate) row: TaskRow,
    /// What to do, in order.
    pub(crate) steps: Vec<String>,
    /// How often it was written: 1 when it is made.
    pub(crate) revision: u64,
    /// Why, in event order.
    pub(crate) evidence: Vec<Evidence>,
    /// What happened to it, oldest first.
    pub(crate) history: Vec<AuditEntry>,
}

/// Which tasks a list shows; by default all that stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskFilter {
    /// Whose.
    pub(crate) owner: OwnerFilter,
    /// Those that stand, or those that were withdrawn.
    pub(crate) status: TaskStatus,
    /// Due when.
    pub(crate) due: DueFilter,
}

impl Default for TaskFilter {
    fn default() -> Self {
        Self { owner: OwnerFilter::Anyone, status: TaskStatus::New, due: DueFilter::Any }
    }
}

/// Whose tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnerFilter {
    /// Everybody's.
    Anyone,
    /// Those of one person or one pool.
    Is(String),
    /// Those of all pools: owners that begin with `pool:`.
    Pools,
}

/// Due when. A task without a due time is due later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DueFilter {
    /// Whenever.
    Any,
    /// Before the given time.
    Before(DateTime<Utc>),
    /// From the first time on, before the second.
    Between(DateTime<Utc>, DateTime<Utc>),
    /// From the given time on, or never.
    FromOrNever(DateTime<Utc>),
}

/// The day that "due today" speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Today {
    /// Now: what was due before is overdue.
    pub(crate) now: DateTime<Utc>,
    /// When tomorrow begins, by the clock on the wall.
    pub(crate) ends_at: DateTime<Utc>,
}

/// Some tasks, newest first, and where the next ones begin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TaskPage {
    /// The tasks.
    pub(crate) rows: Vec<TaskRow>,
    /// What to ask for the next ones with, if there are any.
    pub(crate) next: Option<TaskCursor>,
}

/// The last task of a page: the next page begins behind it, whatever was made in between.
///
/// As text, `{milliseconds}~{id}`, it is part of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskCursor {
    /// See [`TaskRow::created_at`], in milliseconds.
    pub(crate) created_at: i64,
    /// See [`TaskRow::id`].
    pub(crate) id: String,
}

/// How many tasks there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskCounts {
    /// All that stand.
    pub(crate) all: u64,
    /// Those that were due before now.
    pub(crate) overdue: u64,
    /// Those that are due from now on, but before the end of the day.
    pub(crate) due_today: u64,
    /// Those that were withdrawn.
    pub(crate) withdrawn: u64,
}

impl fmt::Display for TaskCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.created_at, self.id)
    }
}

/// The text of an address names no place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that a page of tasks gave; start again without it")]
pub(crate) struct TaskCursorError;

impl FromStr for TaskCursor {
    type Err = TaskCursorError;

    fn from_str(text: &str) -> Result<Self, TaskCursorError> {
        let (created_at, id) = text.split_once('~').ok_or(TaskCursorError)?;
        let created_at = created_at.parse().map_err(|_| TaskCursorError)?;
        // PostgreSQL refuses a NUL even to compare with.
        if id.is_empty() || id.contains('\0') {
            return Err(TaskCursorError);
        }
        Ok(Self { created_at, id: id.to_owned() })
    }
}

/// Returns at most `limit` tasks that `filter` lets through, newest first, behind `after`.
pub(crate) async fn page(
    store: &Store,
    filter: &TaskFilter,
    after: Option<&TaskCursor>,
    limit: u32,
) -> Result<TaskPage, StoreError> {
    let limit = limit.clamp(1, PAGE_MAX);
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(row::SELECT);
        query.push(" FROM (SELECT * FROM task");
        push_filter(&mut query, filter, after);
        query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(i64::from(limit) + 1);
        query.push(") AS task").push(row::JOIN_EVIDENCE);
        query.push(" ORDER BY task.created_at DESC, task.id DESC, task_evidence.ordinal");
        query.build_query_as().fetch_all(db).await?
    });
    let mut rows = row::tasks(rows)?;
    let page_len = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = page_len < rows.len();
    rows.truncate(page_len);
    let next = rows.last().filter(|_| has_more).map(|last| TaskCursor {
        created_at: last.created_at.timestamp_millis(),
        id: last.id.as_str().to_owned(),
    });
    Ok(TaskPage { rows, next })
}

/// Returns every standing task, by device and the time of its last piece of evidence.
pub(crate) async fn standing(store: &Store) -> Result<Vec<TaskRow>, StoreError> {
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(row::SELECT);
        query.push(" FROM task").push(row::JOIN_EVIDENCE);
        query.push(" WHERE task.status <> 'withdrawn'");
        query.push(" ORDER BY task.device, task.last_at, task.id, task_evidence.ordinal");
        query.build_query_as().fetch_all(db).await?
    });
    row::tasks(rows)
}

/// Returns the task `id` with its evidence and history.
pub(crate) async fn find(store: &Store, id: &TaskId) -> Result<Option<TaskDetail>, StoreError> {
    // PostgreSQL refuses a NUL even to compare with, and an address can hold one.
    if id.as_str().contains('\0') {
        return Ok(None);
    }
    let rows: Vec<DetailRow> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(row::SELECT);
        query.push(row::AND_DETAIL).push(" FROM task").push(row::JOIN_EVIDENCE);
        query.push(" WHERE task.id = ").push_bind(id.as_str());
        query.push(" ORDER BY task_evidence.ordinal");
        query.build_query_as().fetch_all(db).await?
    });
    let Some(mut detail) = row::detail(rows)? else {
        return Ok(None);
    };
    detail.history = audit::of_subject(store, id.as_str()).await?;
    Ok(Some(detail))
}

/// Counts the tasks of `owner` by when they are due.
pub(crate) async fn counts(
    store: &Store,
    owner: &OwnerFilter,
    today: Today,
) -> Result<TaskCounts, StoreError> {
    let (now, ends_at) = (today.now.timestamp_millis(), today.ends_at.timestamp_millis());
    let standing: (i64, i64, i64) = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new("SELECT count(*), count(CASE WHEN due_at < ");
        query.push_bind(now).push(" THEN 1 END), count(CASE WHEN due_at >= ").push_bind(now);
        query.push(" AND due_at < ").push_bind(ends_at);
        query.push(" THEN 1 END) FROM task WHERE status <> 'withdrawn'");
        push_owner(&mut query, owner);
        query.build_query_as().fetch_one(db).await?
    });
    let withdrawn: i64 = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new("SELECT count(*) FROM task WHERE status = 'withdrawn'");
        push_owner(&mut query, owner);
        query.build_query_scalar().fetch_one(db).await?
    });
    let (all, overdue, due_today) = standing;
    let column = Column("task", "due_at");
    Ok(TaskCounts {
        all: column.count(all)?,
        overdue: column.count(overdue)?,
        due_today: column.count(due_today)?,
        withdrawn: column.count(withdrawn)?,
    })
}

/// Adds the conditions of `filter` and `after`. Each combination is a text of its own, so each is
/// planned with the index that serves it.
fn push_filter<DB: Database>(
    query: &mut QueryBuilder<DB>,
    filter: &TaskFilter,
    after: Option<&TaskCursor>,
) where
    for<'a> i64: Encode<'a, DB> + Type<DB>,
    for<'a> String: Encode<'a, DB> + Type<DB>,
{
    query.push(match filter.status {
        TaskStatus::New => " WHERE status <> 'withdrawn'",
        TaskStatus::Withdrawn => " WHERE status = 'withdrawn'",
    });
    push_owner(query, &filter.owner);
    match filter.due {
        DueFilter::Any => {}
        DueFilter::Before(before) => {
            query.push(" AND due_at < ").push_bind(before.timestamp_millis());
        }
        DueFilter::Between(from, before) => {
            query.push(" AND due_at >= ").push_bind(from.timestamp_millis());
            query.push(" AND due_at < ").push_bind(before.timestamp_millis());
        }
        DueFilter::FromOrNever(from) => {
            query.push(" AND (due_at IS NULL OR due_at >= ").push_bind(from.timestamp_millis());
            query.push(")");
        }
    }
    if let Some(TaskCursor { created_at, id }) = after {
        query.push(" AND (created_at, id) < (").push_bind(*created_at);
        query.push(", ").push_bind(id.clone()).push(")");
    }
}

fn push_owner<DB: Database>(query: &mut QueryBuilder<DB>, owner: &OwnerFilter)
where
    for<'a> String: Encode<'a, DB> + Type<DB>,
{
    match owner {
        OwnerFilter::Anyone => {}
        OwnerFilter::Is(owner) => {
            // No column holds the character, so another that none holds finds the same: nothing.
            query.push(" AND owner = ").push_bind(owner.replace('\0', "\u{fffd}"));
        }
        OwnerFilter::Pools => {
            query.push(" AND owner LIKE 'pool:%'");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::task;
    use super::super::testing::{at, each_backend, execute, task as sample};
    use super::*;

    fn ids(rows: &[TaskRow]) -> Vec<&str> {
        rows.iter().map(|row| row.id.as_str()).collect()
    }

    /// Stores `(id, device, minutes, owner)`.
    async fn store_tasks(store: &Store, tasks: &[(&str, &str, i64, &str)]) {
        let mut tx = store.begin().await.unwrap();
        for (id, device, minutes, owner) in tasks {
            let mut task = sample(id, device, *minutes);
            task.owner = (*owner).into();
            assert!(task::create(&mut tx, &task).await.unwrap());
        }
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn pages_do_not_shift_when_tasks_are_made_in_between() {
        each_backend(async |store| {
            let tasks = [
                ("a", "d1", 1, "lin"),
                ("b", "d2", 2, "lin"),
                ("c", "d3", 2, "lin"),
                ("d", "d4", 2, "lin"),
                ("e", "d5", 3, "lin"),
            ];
            store_tasks(store, &tasks).await;
            let filter = TaskFilter::default();
            let first = page(store, &filter, None, 2).await.unwrap();
            assert_eq!(ids(&first.rows), ["e", "d"]);

            store_tasks(store, &[("new", "d6", 9, "lin")]).await;
            let after = first.next.unwrap().to_string().parse().unwrap();
            let second = page(store, &filter, Some(&after), 2).await.unwrap();
            assert_eq!(ids(&second.rows), ["c", "b"]);
            let third = page(store, &filter, second.next.as_ref(), 2).await.unwrap();
            assert_eq!(ids(&third.rows), ["a"]);
            assert_eq!(third.next, None);

            let all = page(store, &filter, None, 6).await.unwrap();
            assert_eq!((all.rows.len(), all.next), (6, None), "a page that is just full");
        })
        .await;
    }

    #[tokio::test]
    async fn a_list_shows_what_the_filter_lets_through() {
        each_backend(async |store| {
            let tasks =
                [("a", "d1", 1, "lin"), ("b", "d2", 2, "pool:ev"), ("c", "d1", 3, "pool:ev")];
            store_tasks(store, &tasks).await;
            store_tasks(store, &[("gone", "d1", 4, "lin")]).await;
            let mut tx = store.begin().await.unwrap();
            task::withdraw(&mut tx, &TaskId::from_text("gone"), at(5)).await.unwrap();
            tx.commit().await.unwrap();

            let all = TaskFilter::default;
            let of = |owner: &str| OwnerFilter::Is(owner.to_owned());
            let cases: [(TaskFilter, &[&str]); 8] = [
                (all(), &["c", "b", "a"]),
                (TaskFilter { status: TaskStatus::Withdrawn, ..all() }, &["gone"]),
                (TaskFilter { owner: of("pool:ev"), ..all() }, &["c", "b"]),
                (TaskFilter { owner: OwnerFilter::Pools, ..all() }, &["c", "b"]),
                (TaskFilter { due: DueFilter::Before(at(122)), ..all() }, &["a"]),
                (TaskFilter { due: DueFilter::Between(at(122), at(123)), ..all() }, &["b"]),
                (TaskFilter { due: DueFilter::FromOrNever(at(122)), ..all() }, &["c", "b"]),
                (TaskFilter { owner: of("l\0n' OR 1=1 --"), ..all() }, &[]),
            ];
            for (filter, expected) in cases {
                let found = page(store, &filter, None, 10).await.unwrap();
                assert_eq!(ids(&found.rows), expected, "case: {filter:?}");
                let after = TaskCursor { created_at: i64::MAX, id: "z".to_owned() };
                let found = page(store, &filter, Some(&after), 10).await.unwrap();
                assert_eq!(ids(&found.rows), expected, "case: {filter:?} with a cursor");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn standing_tasks_come_by_device_and_time() {
        each_backend(async |store| {
            let tasks = [
                ("a", "d2", 5, "lin"),
                ("b", "d1", 9, "lin"),
                ("c", "d1", 3, "lin"),
                ("d", "D3", 1, "lin"),
            ];
            store_tasks(store, &tasks).await;
            let rows = standing(store).await.unwrap();
            assert_eq!(ids(&rows), ["d", "c", "b", "a"]);
            let evidence = rows.iter().map(|row| row.evidence.len()).collect::<Vec<_>>();
            assert_eq!(evidence, [3, 3, 3, 3]);
        })
        .await;
    }

    #[tokio::test]
    async fn counts_what_is_overdue_and_what_is_due_today() {
        each_backend(async |store| {
            // Each is due two hours after its minute.
            let tasks = [
                ("a", "d1", 0, "lin"),
                ("b", "d2", 1, "lin"),
                ("c", "d3", 2, "lin"),
                ("d", "d4", 3, "lin"),
            ];
            store_tasks(store, &tasks).await;
            let mut undated = sample("e", "d5", 0);
            undated.due_at = None;
            let mut tx = store.begin().await.unwrap();
            task::create(&mut tx, &undated).await.unwrap();
            task::withdraw(&mut tx, &TaskId::from_text("d"), at(5)).await.unwrap();
            tx.commit().await.unwrap();

            let cases = [(0, 0, 3), (120, 0, 3), (121, 1, 2), (122, 2, 1), (200, 3, 0)];
            for (now, overdue, due_today) in cases {
                let today = Today { now: at(now), ends_at: at(600) };
                let counted = counts(store, &OwnerFilter::Anyone, today).await.unwrap();
                let expected = TaskCounts { all: 4, overdue, due_today, withdrawn: 1 };
                assert_eq!(counted, expected, "case: at {now}");
            }
            let today = Today { now: at(120), ends_at: at(122) };
            let counted = counts(store, &OwnerFilter::Anyone, today).await.unwrap();
            assert_eq!(counted.due_today, 2, "the last is due when the day has ended");
            let counted = counts(store, &OwnerFilter::Pools, today).await.unwrap();
            assert_eq!(counted, TaskCounts::default(), "no pool has any");
        })
        .await;
    }

    #[tokio::test]
    async fn finds_no_task_by_an_id_that_cannot_be() {
        each_backend(async |store| {
            for id in ["", "nobody", "a\0b"] {
                let found = find(store, &TaskId::from_text(id)).await.unwrap();
                assert_eq!(found, None, "case: {id:?}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_title_that_is_not_one_is_an_error_that_names_its_column() {
        each_backend(async |store| {
            store_tasks(store, &[("a", "d1", 1, "lin")]).await;
            execute(store, "UPDATE task SET title = '[]'".to_owned()).await;
            let error = standing(store).await.unwrap_err();
            assert!(error.to_string().starts_with("task.title holds what"), "{error}");
        })
        .await;
    }

    #[test]
    fn a_cursor_is_only_what_a_page_gave() {
        for text in ["", "~", "1~", "~a", "x~a", "1~a\0b", "99999999999999999999~a"] {
            assert_eq!(text.parse::<TaskCursor>(), Err(TaskCursorError), "case: {text:?}");
        }
        let cursor: TaskCursor = "-5~a~b".parse().unwrap();
        assert_eq!(cursor.to_string(), "-5~a~b");
    }
}
