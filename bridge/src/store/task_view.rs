//! Tasks, as pages and the API read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use upturn_core::event::Position;
use upturn_core::id::{DeviceId, EventId, RuleId, TaskId};
use upturn_core::rule::Stage;
use upturn_core::task::{EpisodeState, Evidence, Title};

use self::condition::{push_filter, push_owner, push_sight};
use self::row::{DetailRow, Row};
use super::column::Column;
use super::error::StoreError;
use super::task_back_fill::BackFill;
use super::{Store, task_back_fill, task_history};
use crate::auth::sight::Sight;

pub(super) mod condition;
pub(crate) mod lead;
mod row;

pub(super) use self::row::stage;

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
    /// The region of the site it is about, as of when it was made.
    pub(crate) region: Option<String>,
    /// When it must be done, if it must.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// Event time of the first piece of evidence.
    pub(crate) first_at: DateTime<Utc>,
    /// Event time of the last one.
    pub(crate) last_at: DateTime<Utc>,
    /// Whether it stands, and what people did with it.
    pub(crate) status: TaskStatus,
    /// Until when it is put off.
    pub(crate) snoozed_until: Option<DateTime<Utc>>,
    /// When somebody first spoke with the customer, which stops the clock.
    pub(crate) contacted_at: Option<DateTime<Utc>>,
    /// Whether late evidence took away what it was based on after somebody had touched it.
    pub(crate) contradicted: bool,
    /// The version of the rule that asked for it; empty for what an older Upturn made.
    pub(crate) version: String,
    /// Whether the rule was in force for trial, so that nobody is told.
    pub(crate) stage: Stage,
    /// Whether later events can still join it.
    pub(crate) episode: EpisodeState,
    /// How many further matches joined it.
    pub(crate) joined: u64,
    /// Event time of the newest of them.
    pub(crate) joined_at: Option<DateTime<Utc>>,
    /// The ids of the evidence, in event order.
    pub(crate) evidence: Vec<EventId>,
}

/// How a task stands, as a person sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TaskStatus {
    /// It stands, and nobody has touched it.
    New,
    /// Somebody has taken it on.
    Accepted,
    /// Somebody is at it.
    InProgress,
    /// What it asked for is done.
    Done,
    /// Somebody decided that nothing will be done.
    Dismissed,
    /// Late evidence took away what it was based on before anybody touched it.
    Withdrawn,
}

impl TaskStatus {
    /// Returns its word, as programs, the style sheet and the catalogues know it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Accepted => "accepted",
            Self::InProgress => "in-progress",
            Self::Done => "done",
            Self::Dismissed => "dismissed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Returns whether there is still something to do.
    pub(crate) fn is_open(self) -> bool {
        match self {
            Self::New | Self::Accepted | Self::InProgress => true,
            Self::Done | Self::Dismissed | Self::Withdrawn => false,
        }
    }
}

/// A task with everything behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TaskDetail {
    /// What a list shows.
    pub(crate) row: TaskRow,
    /// What to do, in order.
    pub(crate) steps: Vec<String>,
    /// Which of them are done, by their places from 0 on.
    pub(crate) checked: BTreeSet<usize>,
    /// When it was first taken on.
    pub(crate) taken_at: Option<DateTime<Utc>>,
    /// Whether the first contact was told later, so that it was not in time.
    pub(crate) is_contacted_late: bool,
    /// When it was closed.
    pub(crate) closed_at: Option<DateTime<Utc>>,
    /// How it ended, if it is done.
    pub(crate) outcome: Option<String>,
    /// How often it was written: 1 when it is made.
    pub(crate) revision: u64,
    /// Why, in event order.
    pub(crate) evidence: Vec<Evidence>,
    /// What happened to it, oldest first.
    pub(crate) history: Vec<task_history::Entry>,
    /// Contacts that were told later, oldest first.
    pub(crate) back_fills: Vec<BackFill>,
}

/// Which tasks a list shows; by default all that are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskFilter {
    /// Whose.
    pub(crate) owner: OwnerFilter,
    /// In which state.
    pub(crate) state: StateFilter,
    /// Due when.
    pub(crate) due: DueFilter,
}

impl Default for TaskFilter {
    fn default() -> Self {
        Self { owner: OwnerFilter::Anyone, state: StateFilter::Open, due: DueFilter::Any }
    }
}

/// In which state. What rules on trial made is in the last one only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateFilter {
    /// New, accepted or in progress, and not put off.
    Open,
    /// Put off.
    Snoozed,
    /// Done or dismissed.
    Closed,
    /// Withdrawn.
    Withdrawn,
    /// Made by a rule on trial, and standing.
    Trial,
}

impl StateFilter {
    /// Returns its condition: that of the partial index which serves it, word for word, and more.
    fn condition(self) -> &'static str {
        match self {
            Self::Open => {
                "stage = 'live' AND status = 'new' AND progress IN ('new', 'accepted')
                AND snoozed_until IS NULL"
            }
            Self::Snoozed => {
                "stage = 'live' AND status = 'new' AND progress IN ('new', 'accepted')
                AND snoozed_until IS NOT NULL"
            }
            Self::Closed => {
                "stage = 'live' AND status = 'new' AND progress IN ('done', 'dismissed')"
            }
            Self::Withdrawn => "stage = 'live' AND status = 'withdrawn'",
            Self::Trial => "stage = 'shadow' AND status = 'new'",
        }
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

/// Due when. A task without a due time is due later, and so is one whose clock a contact has stopped.
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

/// How many tasks there are. Those of rules on trial count for nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskCounts {
    /// All that are open.
    pub(crate) all: u64,
    /// Those that were due before now.
    pub(crate) overdue: u64,
    /// Those that are due from now on, but before the end of the day.
    pub(crate) due_today: u64,
    /// Those that are put off.
    pub(crate) snoozed: u64,
    /// Those that were withdrawn.
    pub(crate) withdrawn: u64,
}

impl fmt::Display for TaskCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.created_at, self.id)
    }
}

impl TaskCursor {
    /// Returns the place behind `last`.
    pub(crate) fn of(last: &TaskRow) -> Self {
        let created_at = last.created_at.timestamp_millis();
        Self { created_at, id: last.id.as_str().to_owned() }
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

/// Returns at most `limit` tasks in `sight` that `filter` lets through, newest first, behind `after`.
pub(crate) async fn page(
    store: &Store,
    sight: &Sight,
    filter: &TaskFilter,
    after: Option<&TaskCursor>,
    limit: u32,
) -> Result<TaskPage, StoreError> {
    let limit = limit.clamp(1, PAGE_MAX);
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(row::SELECT);
        query.push(" FROM (SELECT * FROM task");
        push_filter(&mut query, filter, after);
        push_sight(&mut query, sight);
        query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(i64::from(limit) + 1);
        query.push(") AS task").push(row::JOIN_EVIDENCE);
        query.push(" ORDER BY task.created_at DESC, task.id DESC, task_evidence.ordinal");
        query.build_query_as().fetch_all(db).await?
    });
    let mut rows = row::tasks(rows)?;
    let page_len = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = page_len < rows.len();
    rows.truncate(page_len);
    let next = rows.last().filter(|_| has_more).map(TaskCursor::of);
    Ok(TaskPage { rows, next })
}

/// Returns every standing task that is for people, by device and the time of its last piece of
/// evidence.
pub(crate) async fn standing(store: &Store) -> Result<Vec<TaskRow>, StoreError> {
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(row::SELECT);
        query.push(" FROM task").push(row::JOIN_EVIDENCE);
        query.push(" WHERE task.status <> 'withdrawn' AND task.stage = 'live'");
        query.push(" ORDER BY task.device, task.last_at, task.id, task_evidence.ordinal");
        query.build_query_as().fetch_all(db).await?
    });
    row::tasks(rows)
}

/// Returns the task `id`, if it is in `sight`, with its evidence and history.
pub(crate) async fn find(
    store: &Store,
    sight: &Sight,
    id: &TaskId,
) -> Result<Option<TaskDetail>, StoreError> {
    // PostgreSQL refuses a NUL even to compare with, and an address can hold one.
    if id.as_str().contains('\0') {
        return Ok(None);
    }
    let rows: Vec<DetailRow> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(row::SELECT);
        query.push(row::AND_DETAIL).push(" FROM task").push(row::JOIN_EVIDENCE);
        query.push(" WHERE task.id = ").push_bind(id.as_str().to_owned());
        push_sight(&mut query, sight);
        query.push(" ORDER BY task_evidence.ordinal");
        query.build_query_as().fetch_all(db).await?
    });
    let Some(mut detail) = row::detail(rows)? else {
        return Ok(None);
    };
    detail.history = task_history::of_task(store, id.as_str()).await?;
    detail.back_fills = task_back_fill::of_task(store, id.as_str()).await?;
    Ok(Some(detail))
}

/// Returns the place in the log of the input that made the task `id`; 0 for an unknown one.
pub(crate) async fn made_by(store: &Store, id: &TaskId) -> Result<Position, StoreError> {
    const SQL: &str = "SELECT created_by FROM task WHERE id = $1";

    let found: Option<i64> = on_backend!(store.reader(), db => {
        sqlx::query_scalar(SQL).bind(id.as_str()).fetch_optional(db).await?
    });
    Column("task", "created_by").position(found.unwrap_or_default())
}

/// Returns whether there ever was a task in `sight`.
pub(crate) async fn any_exists(store: &Store, sight: &Sight) -> Result<bool, StoreError> {
    let count: i64 = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM task WHERE 1 = 1");
        push_sight(&mut query, sight);
        query.push(" LIMIT 1) AS one");
        query.build_query_scalar().fetch_one(db).await?
    });
    Ok(0 < count)
}

/// Returns whether a task in `sight` was written at `since` or later, and when any task was last.
pub(crate) async fn newer(
    store: &Store,
    sight: &Sight,
    since: i64,
) -> Result<(bool, i64), StoreError> {
    const NEWEST: &str = "SELECT max(updated_at) FROM task";

    // Read first: what is written in between is found by the next call.
    let newest: Option<i64> =
        on_backend!(store.reader(), db => sqlx::query_scalar(NEWEST).fetch_one(db).await?);
    let count: i64 = on_backend!(store.reader(), db => {
        let mut query =
            QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM task WHERE updated_at >= ");
        query.push_bind(since);
        push_sight(&mut query, sight);
        query.push(" LIMIT 1) AS one");
        query.build_query_scalar().fetch_one(db).await?
    });
    Ok((0 < count, newest.unwrap_or_default()))
}

/// Returns how many tasks in `sight` of each rule somebody could still do something about, by the
/// rule's id and stage.
pub(crate) async fn open_by_rule(
    store: &Store,
    sight: &Sight,
) -> Result<BTreeMap<(String, Stage), u64>, StoreError> {
    const SQL: &str = "
        SELECT rule_id, stage, count(*) FROM task
        WHERE status = 'new' AND progress IN ('new', 'accepted')";

    let rows: Vec<(String, String, i64)> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(SQL);
        push_sight(&mut query, sight);
        query.push(" GROUP BY rule_id, stage");
        query.build_query_as().fetch_all(db).await?
    });
    let counted = rows.into_iter().map(|(rule, stage, count)| {
        Ok(((rule, row::stage(&stage)?), Column("task", "rule_id").count(count)?))
    });
    counted.collect()
}

/// Counts the tasks of `owner` in `sight` by when they are due.
pub(crate) async fn counts(
    store: &Store,
    sight: &Sight,
    owner: &OwnerFilter,
    today: Today,
) -> Result<TaskCounts, StoreError> {
    let (now, ends_at) = (today.now.timestamp_millis(), today.ends_at.timestamp_millis());
    let standing: (i64, i64, i64) = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new("SELECT count(*), count(CASE WHEN due_at < ");
        query.push_bind(now).push(" AND contacted_at IS NULL THEN 1 END)");
        query.push(", count(CASE WHEN due_at >= ").push_bind(now);
        query.push(" AND due_at < ").push_bind(ends_at);
        query.push(" AND contacted_at IS NULL THEN 1 END) FROM task WHERE ").push(StateFilter::Open.condition());
        push_owner(&mut query, owner);
        push_sight(&mut query, sight);
        query.build_query_as().fetch_one(db).await?
    });
    let (all, overdue, due_today) = standing;
    let column = Column("task", "due_at");
    Ok(TaskCounts {
        all: column.count(all)?,
        overdue: column.count(overdue)?,
        due_today: column.count(due_today)?,
        snoozed: count_in(store, sight, owner, StateFilter::Snoozed).await?,
        withdrawn: count_in(store, sight, owner, StateFilter::Withdrawn).await?,
    })
}

async fn count_in(
    store: &Store,
    sight: &Sight,
    owner: &OwnerFilter,
    state: StateFilter,
) -> Result<u64, StoreError> {
    let count: i64 = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new("SELECT count(*) FROM task WHERE ");
        query.push(state.condition());
        push_owner(&mut query, owner);
        push_sight(&mut query, sight);
        query.build_query_scalar().fetch_one(db).await?
    });
    Column("task", "id").count(count)
}

#[cfg(test)]
mod tests;
