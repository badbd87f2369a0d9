//! Leads, and what waits in pools, as pages and the API list them: the highest score first.

use std::fmt;
use std::str::FromStr;

use sqlx::QueryBuilder;
use upturn_core::lead::Lead;

use super::super::Store;
use super::super::column::Column;
use super::super::error::StoreError;
use super::condition::{push_filter, push_sight};
use super::row::{self, Row};
use super::{DueFilter, OwnerFilter, PAGE_MAX, StateFilter, TaskCursorError, TaskFilter, TaskRow};
use crate::auth::sight::Sight;

/// Which leads a list shows; by default all that are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeadFilter {
    /// Of which grade.
    pub(crate) grade: Option<String>,
    /// Whose.
    pub(crate) owner: OwnerFilter,
    /// Of which region.
    pub(crate) region: Option<String>,
    /// Whether tasks are shown too that no document has judged.
    pub(crate) with_others: bool,
}

/// A task in the list, and what was decided about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LeadLine {
    /// The task; of its evidence the first piece only.
    pub(crate) task: TaskRow,
    /// What was decided about it; none for one that no document has judged.
    pub(crate) judged: Option<Judged>,
    ranked: i64,
}

/// What was decided about a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judged {
    /// When it was made.
    pub(crate) lead: Lead,
    /// The score, with what people decided over it.
    pub(crate) score_now: String,
    /// The grade, with what people decided over it.
    pub(crate) grade_now: String,
    /// What came of it last.
    pub(crate) last: Option<String>,
}

/// The last lead of a page: `{hundredths of points}~{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeadCursor {
    ranked: i64,
    id: String,
}

impl fmt::Display for LeadCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.ranked, self.id)
    }
}

impl FromStr for LeadCursor {
    type Err = TaskCursorError;

    fn from_str(text: &str) -> Result<Self, TaskCursorError> {
        let (ranked, id) = text.split_once('~').ok_or(TaskCursorError)?;
        let ranked = ranked.parse().map_err(|_| TaskCursorError)?;
        // PostgreSQL refuses a NUL even to compare with.
        if id.is_empty() || id.contains('\0') {
            return Err(TaskCursorError);
        }
        Ok(Self { ranked, id: id.to_owned() })
    }
}

/// Returns at most `limit` leads in `sight` that `filter` lets through behind `after`, the highest score
/// first, and where the next ones begin.
pub(crate) async fn page(
    store: &Store,
    sight: &Sight,
    filter: &LeadFilter,
    after: Option<&LeadCursor>,
    limit: u32,
) -> Result<(Vec<LeadLine>, Option<LeadCursor>), StoreError> {
    let limit = limit.clamp(1, PAGE_MAX);
    let open = StateFilter::Open;
    let tasks = TaskFilter { owner: filter.owner.clone(), state: open, due: DueFilter::Any };
    let join = if filter.with_others { " LEFT JOIN lead" } else { " JOIN lead" };
    let rows: Vec<LeadRow> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(row::SELECT);
        query.push(", lead.score_now, lead.grade_now, lead.last, lead.frozen, ");
        query.push(RANKED).push(" AS ranked FROM (SELECT * FROM task");
        push_filter(&mut query, &tasks, None);
        if let Some(region) = &filter.region {
            query.push(" AND region = ").push_bind(region.replace('\0', "\u{fffd}"));
        }
        push_sight(&mut query, sight);
        query.push(") AS task").push(join).push(" ON lead.task_id = task.id");
        query.push(row::JOIN_EVIDENCE).push(" AND task_evidence.ordinal = 0 WHERE 1 = 1");
        if let Some(grade) = &filter.grade {
            query.push(" AND lead.grade_now = ").push_bind(grade.replace('\0', "\u{fffd}"));
        }
        if let Some(LeadCursor { ranked, id }) = after {
            query.push(" AND (").push(RANKED).push(", task.id) < (").push_bind(*ranked);
            query.push(", ").push_bind(id.clone()).push(")");
        }
        query.push(" ORDER BY ").push(RANKED).push(" DESC, task.id DESC LIMIT ");
        query.push_bind(i64::from(limit) + 1);
        query.build_query_as().fetch_all(db).await?
    });
    let page_len = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = page_len < rows.len();
    let lines = rows.into_iter().take(page_len).map(LeadLine::try_from);
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    let place =
        |line: &LeadLine| LeadCursor { ranked: line.ranked, id: line.task.id.as_str().to_owned() };
    let next = lines.last().filter(|_| has_more).map(place);
    Ok((lines, next))
}

/// What is not judged comes last.
const RANKED: &str = "coalesce(lead.ranked, -1)";

#[derive(sqlx::FromRow)]
struct LeadRow {
    #[sqlx(flatten)]
    row: Row,
    score_now: Option<String>,
    grade_now: Option<String>,
    last: Option<String>,
    frozen: Option<String>,
    ranked: i64,
}

impl TryFrom<LeadRow> for LeadLine {
    type Error = StoreError;

    fn try_from(row: LeadRow) -> Result<Self, StoreError> {
        let judged = match (row.score_now, row.grade_now, row.frozen) {
            (Some(score_now), Some(grade_now), Some(frozen)) => Some(Judged {
                lead: Column("lead", "frozen").json(&frozen)?,
                score_now,
                grade_now,
                last: row.last,
            }),
            _ => None,
        };
        Ok(Self { task: TaskRow::try_from(row.row)?, judged, ranked: row.ranked })
    }
}
