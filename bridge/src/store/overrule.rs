//! What people decided over what the machine says, in the table `override`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use upturn_core::id::TaskId;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// What a decision is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A task that is a lead.
    Task(TaskId),
    /// A record of kind `deal`.
    Deal(String),
}

/// What the machine says, and people can decide over.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// The grade of a lead.
    Grade,
    /// The score of a lead.
    Score,
    /// Who gets a lead.
    Route,
    /// How likely a deal is won.
    Probability,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Override {
    /// Its number.
    pub(crate) id: i64,
    /// About what.
    pub(crate) subject: Subject,
    /// About what of it.
    pub(crate) what: What,
    /// What the person says.
    pub(crate) value: String,
    /// What the machine says, if it says anything.
    pub(crate) machine: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// Who.
    pub(crate) actor: String,
    /// Since when.
    pub(crate) at: DateTime<Utc>,
    /// Until when.
    pub(crate) until: DateTime<Utc>,
    /// When it ended.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Who ended it; the program where its time was over.
    pub(crate) ended_by: Option<String>,
}

/// A decision that is to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewOverride<'n> {
    /// About what.
    pub(crate) subject: &'n Subject,
    /// About what of it.
    pub(crate) what: What,
    /// What the person says.
    pub(crate) value: &'n str,
    /// What the machine says.
    pub(crate) machine: Option<&'n str>,
    /// Why.
    pub(crate) reason: &'n str,
    /// Who.
    pub(crate) actor: &'n str,
    /// Since when.
    pub(crate) at: DateTime<Utc>,
    /// Until when.
    pub(crate) until: DateTime<Utc>,
}

/// A decision about a lead, and how the task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The decision that stood when it ended.
    pub(crate) decision: Override,
    /// How it ended: an outcome, or `won` or `lost`.
    pub(crate) outcome: String,
    /// Who had it.
    pub(crate) owner: String,
    /// The region of the task.
    pub(crate) region: Option<String>,
}

impl Override {
    /// Returns whether it stood on a day, in UTC.
    fn stood_on(&self, day: NaiveDate) -> bool {
        let ended_on = self.ended_at.map(|at| at.date_naive());
        self.at.date_naive() <= day && ended_on.is_none_or(|ended_on| day <= ended_on)
    }
}

impl Subject {
    /// Returns the word of its kind, and its id.
    pub(crate) fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Task(task) => ("task", task.as_str()),
            Self::Deal(deal) => ("deal", deal),
        }
    }

    fn read(kind: &str, id: &str) -> Result<Self, StoreError> {
        match kind {
            "task" => Ok(Self::Task(TaskId::from_text(id))),
            "deal" => Ok(Self::Deal(id.to_owned())),
            _ => Err(Column("override", "subject_kind").inconsistent("an unknown kind")),
        }
    }
}

impl What {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Grade, Self::Score, Self::Route, Self::Probability];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Grade => "grade",
            Self::Score => "score",
            Self::Route => "route",
            Self::Probability => "probability",
        }
    }

    /// Returns what `word` names.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word)
    }
}

/// Returns all decisions about `subject` that stand, as `tx` sees them.
pub(crate) async fn standing(tx: &mut Tx, subject: &Subject) -> Result<Vec<Override>, StoreError> {
    let (kind, id) = subject.parts();
    let sql = STANDING;
    let rows: Vec<Row> = on_backend!(tx.connection(), db => {
        sqlx::query_as(sql).bind(kind).bind(id).fetch_all(db).await?
    });
    rows.into_iter().map(Override::try_from).collect()
}

/// Returns all decisions about `subject`, the newest first.
pub(crate) async fn of_subject(
    store: &Store,
    subject: &Subject,
) -> Result<Vec<Override>, StoreError> {
    const SQL: &str = "
        SELECT id, subject_kind, subject_id, what, value, machine_value, reason, actor, at, until,
            ended_at, ended_by
        FROM override WHERE subject_kind = $1 AND subject_id = $2 ORDER BY id DESC LIMIT 200";

    let (kind, id) = subject.parts();
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(kind).bind(id).fetch_all(db).await?
    });
    rows.into_iter().map(Override::try_from).collect()
}

/// Stores a decision; no other about the same stands.
pub(crate) async fn insert(tx: &mut Tx, new: &NewOverride<'_>) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO override (subject_kind, subject_id, what, value, machine_value, reason, actor,
            at, until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    let (kind, id) = new.subject.parts();
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(kind)
        .bind(id)
        .bind(new.what.word())
        .bind(new.value)
        .bind(new.machine)
        .bind(new.reason)
        .bind(new.actor)
        .bind(new.at.timestamp_millis())
        .bind(new.until.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Ends the decision `id`.
pub(crate) async fn end(
    tx: &mut Tx,
    id: i64,
    (at, by): (DateTime<Utc>, &str),
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE override SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id)
        .bind(at.timestamp_millis())
        .bind(by)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns at most `max` decisions whose time is over by `now`, in the order of their ends.
pub(crate) async fn due(
    tx: &mut Tx,
    now: DateTime<Utc>,
    max: u32,
) -> Result<Vec<Override>, StoreError> {
    const SQL: &str = "
        SELECT id, subject_kind, subject_id, what, value, machine_value, reason, actor, at, until,
            ended_at, ended_by
        FROM override WHERE ended_at IS NULL AND until <= $1 ORDER BY until, id LIMIT $2";

    let rows: Vec<Row> = on_backend!(tx.connection(), db => {
        sqlx::query_as(SQL)
            .bind(now.timestamp_millis())
            .bind(i64::from(max))
            .fetch_all(db)
            .await?
    });
    rows.into_iter().map(Override::try_from).collect()
}

/// Returns at most `max` decisions that stood when their task or deal ended, the newest first.
pub(crate) async fn ended(store: &Store, max: u32) -> Result<Vec<Ended>, StoreError> {
    const SQL: &str = "
        SELECT override.id, subject_kind, subject_id, what, value, machine_value, reason, actor,
            at, until, ended_at, ended_by, task.outcome, task.owner, task.region
        FROM override JOIN task ON task.id = override.subject_id
        WHERE subject_kind = 'task' AND task.outcome IS NOT NULL AND task.closed_at IS NOT NULL
            AND at <= task.closed_at AND (ended_at IS NULL OR task.closed_at <= ended_at)
        UNION ALL
        SELECT override.id, subject_kind, subject_id, what, value, machine_value, reason, actor,
            at, until, ended_at, ended_by, record.document, '', NULL
        FROM override JOIN record ON record.kind = 'deal' AND record.id = override.subject_id
        WHERE subject_kind = 'deal'
        ORDER BY 1 DESC LIMIT $1";

    let rows: Vec<EndedRow> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(i64::from(max)).fetch_all(db).await?
    });
    let mut ended = Vec::new();
    for EndedRow { row, outcome, owner, region } in rows {
        let decision = Override::try_from(row)?;
        let (outcome, owner) = match &decision.subject {
            Subject::Task(_) => (Some(outcome), owner),
            Subject::Deal(_) => {
                let mut columns: BTreeMap<String, String> =
                    Column("record", "document").json(&outcome)?;
                let closed_on = columns.get("closed_on").and_then(|day| day.parse().ok());
                let stood = closed_on.is_some_and(|day| decision.stood_on(day));
                let outcome = columns.remove("outcome").filter(|_| stood);
                (outcome, columns.remove("owner").unwrap_or_default())
            }
        };
        ended.extend(outcome.map(|outcome| Ended { decision, outcome, owner, region }));
    }
    Ok(ended)
}

const STANDING: &str = "
    SELECT id, subject_kind, subject_id, what, value, machine_value, reason, actor, at, until,
        ended_at, ended_by
    FROM override WHERE subject_kind = $1 AND subject_id = $2 AND ended_at IS NULL ORDER BY id";

#[derive(sqlx::FromRow)]
struct EndedRow {
    #[sqlx(flatten)]
    row: Row,
    outcome: String,
    owner: String,
    region: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    subject_kind: String,
    subject_id: String,
    what: String,
    value: String,
    machine_value: Option<String>,
    reason: String,
    actor: String,
    at: i64,
    until: i64,
    ended_at: Option<i64>,
    ended_by: Option<String>,
}

impl TryFrom<Row> for Override {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unknown = || Column("override", "what").inconsistent("an unknown word");
        Ok(Self {
            id: row.id,
            subject: Subject::read(&row.subject_kind, &row.subject_id)?,
            what: What::find(&row.what).ok_or_else(unknown)?,
            value: row.value,
            machine: row.machine_value,
            reason: row.reason,
            actor: row.actor,
            at: Column("override", "at").time(row.at)?,
            until: Column("override", "until").time(row.until)?,
            ended_at: Column("override", "ended_at").time_if_any(row.ended_at)?,
            ended_by: row.ended_by,
        })
    }
}
