//! Rows of tasks joined with their evidence, and the tasks they make.

use upturn_core::id::TaskId;
use upturn_core::rule::Stage;
use upturn_core::task::life::State;
use upturn_core::task::{EpisodeState, Evidence};

use super::super::column::Column;
use super::super::error::StoreError;
use super::super::task_life;
use super::{TaskDetail, TaskRow, TaskStatus};

/// The columns of [`Row`].
pub(super) const SELECT: &str = "
    SELECT task.id, task.rule_id, task.scope, task.device, task.account, task.kind, task.title,
        task.owner, task.region, task.due_at, task.created_at, task.first_at, task.last_at, task.status,
        task.progress, task.started_at, task.snoozed_until,
        task.contacted_at, task.contradicted_at, task.rule_version, task.stage, task.episode,
        task.joined, task.joined_at, task_evidence.event_id";

/// The further columns of [`DetailRow`].
pub(super) const AND_DETAIL: &str = ",
        task.steps, task.checked, task.taken_at, task.contacted_late, task.closed_at, task.outcome,
        task.revision, task_evidence.device AS evidence_device,
        task_evidence.channel AS evidence_channel, task_evidence.kind AS evidence_kind,
        task_evidence.occurred_at AS evidence_occurred_at,
        task_evidence.attributes AS evidence_attributes";

/// One row for each piece of evidence: one statement sees a task and its evidence as of one moment.
pub(super) const JOIN_EVIDENCE: &str =
    " LEFT JOIN task_evidence ON task_evidence.task_id = task.id";

/// A task with one piece of its evidence.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: String,
    rule_id: String,
    scope: String,
    device: String,
    account: Option<String>,
    kind: String,
    title: String,
    owner: String,
    region: Option<String>,
    due_at: Option<i64>,
    created_at: i64,
    first_at: i64,
    last_at: i64,
    status: String,
    progress: String,
    started_at: Option<i64>,
    snoozed_until: Option<i64>,
    contacted_at: Option<i64>,
    contradicted_at: Option<i64>,
    rule_version: String,
    stage: String,
    episode: String,
    joined: i64,
    joined_at: Option<i64>,
    event_id: Option<String>,
}

/// A task with one piece of its evidence, in full.
#[derive(sqlx::FromRow)]
pub(super) struct DetailRow {
    #[sqlx(flatten)]
    row: Row,
    steps: String,
    checked: String,
    taken_at: Option<i64>,
    contacted_late: i64,
    closed_at: Option<i64>,
    outcome: Option<String>,
    revision: i64,
    evidence_device: Option<String>,
    evidence_channel: Option<String>,
    evidence_kind: Option<String>,
    evidence_occurred_at: Option<i64>,
    evidence_attributes: Option<String>,
}

/// Joins the rows of each task, which follow each other.
pub(super) fn tasks(rows: Vec<Row>) -> Result<Vec<TaskRow>, StoreError> {
    let mut tasks: Vec<TaskRow> = Vec::new();
    for mut row in rows {
        let event_id = row.event_id.take();
        if tasks.last().is_none_or(|task| task.id.as_str() != row.id) {
            tasks.push(TaskRow::try_from(row)?);
        }
        if let (Some(task), Some(id)) = (tasks.last_mut(), event_id) {
            task.evidence.push(EVENT_ID.event(&id)?);
        }
    }
    Ok(tasks)
}

/// Joins the rows of one task.
pub(super) fn detail(rows: Vec<DetailRow>) -> Result<Option<TaskDetail>, StoreError> {
    let mut detail: Option<TaskDetail> = None;
    for mut joined in rows {
        let evidence = evidence(&mut joined)?;
        let task = match &mut detail {
            Some(task) => task,
            None => detail.insert(TaskDetail::try_from(joined)?),
        };
        if let Some(evidence) = evidence {
            task.row.evidence.push(evidence.id.clone());
            task.evidence.push(evidence);
        }
    }
    Ok(detail)
}

const EVENT_ID: Column = Column("task_evidence", "event_id");

fn evidence(joined: &mut DetailRow) -> Result<Option<Evidence>, StoreError> {
    let Some(id) = joined.row.event_id.take() else {
        return Ok(None);
    };
    let missing = |column| Column("task_evidence", column).inconsistent("nothing");
    let device = joined.evidence_device.as_deref().ok_or_else(|| missing("device"))?;
    let occurred_at = joined.evidence_occurred_at.ok_or_else(|| missing("occurred_at"))?;
    Ok(Some(Evidence {
        id: EVENT_ID.event(&id)?,
        device: Column("task_evidence", "device").device(device)?,
        channel: joined.evidence_channel.take().map(Into::into),
        kind: joined.evidence_kind.take().ok_or_else(|| missing("kind"))?.into(),
        occurred_at: Column("task_evidence", "occurred_at").time(occurred_at)?,
        attributes: joined.evidence_attributes.take().ok_or_else(|| missing("attributes"))?.into(),
    }))
}

impl TryFrom<Row> for TaskRow {
    type Error = StoreError;

    /// Leaves the evidence to the caller.
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: TaskId::from_text(&row.id),
            rule: Column("task", "rule_id").rule(&row.rule_id)?,
            scope: row.scope,
            device: Column("task", "device").device(&row.device)?,
            account: row.account,
            kind: row.kind,
            title: Column("task", "title").json(&row.title)?,
            owner: row.owner,
            region: row.region,
            due_at: Column("task", "due_at").time_if_any(row.due_at)?,
            created_at: Column("task", "created_at").time(row.created_at)?,
            first_at: Column("task", "first_at").time(row.first_at)?,
            last_at: Column("task", "last_at").time(row.last_at)?,
            status: status((&row.status, &row.progress), row.started_at)?,
            snoozed_until: Column("task", "snoozed_until").time_if_any(row.snoozed_until)?,
            contacted_at: Column("task", "contacted_at").time_if_any(row.contacted_at)?,
            contradicted: row.contradicted_at.is_some(),
            version: row.rule_version,
            stage: stage(&row.stage)?,
            episode: episode(&row.episode)?,
            joined: Column("task", "joined").count(row.joined)?,
            joined_at: Column("task", "joined_at").time_if_any(row.joined_at)?,
            evidence: Vec::new(),
        })
    }
}

impl TryFrom<DetailRow> for TaskDetail {
    type Error = StoreError;

    /// Leaves the evidence and the history to the caller.
    fn try_from(joined: DetailRow) -> Result<Self, StoreError> {
        Ok(Self {
            steps: Column("task", "steps").json(&joined.steps)?,
            checked: task_life::CHECKED.json(&joined.checked)?,
            taken_at: Column("task", "taken_at").time_if_any(joined.taken_at)?,
            is_contacted_late: joined.contacted_late != 0,
            closed_at: Column("task", "closed_at").time_if_any(joined.closed_at)?,
            outcome: joined.outcome,
            revision: Column("task", "revision").count(joined.revision)?,
            row: TaskRow::try_from(joined.row)?,
            evidence: Vec::new(),
            history: Vec::new(),
            back_fills: Vec::new(),
        })
    }
}

fn status(columns: (&str, &str), started_at: Option<i64>) -> Result<TaskStatus, StoreError> {
    Ok(match task_life::state(columns, started_at)? {
        State::New => TaskStatus::New,
        State::Accepted => TaskStatus::Accepted,
        State::InProgress => TaskStatus::InProgress,
        State::Done => TaskStatus::Done,
        State::Dismissed => TaskStatus::Dismissed,
        State::Withdrawn => TaskStatus::Withdrawn,
    })
}

/// Returns the stage that a column holds.
pub(in crate::store) fn stage(text: &str) -> Result<Stage, StoreError> {
    match text {
        "live" => Ok(Stage::Live),
        "shadow" => Ok(Stage::Shadow),
        other => Err(Column("task", "stage").inconsistent(&format!("the word {other:?}"))),
    }
}

fn episode(text: &str) -> Result<EpisodeState, StoreError> {
    match text {
        "open" => Ok(EpisodeState::Open),
        "closed" => Ok(EpisodeState::Closed),
        other => Err(Column("task", "episode").inconsistent(&format!("the word {other:?}"))),
    }
}
