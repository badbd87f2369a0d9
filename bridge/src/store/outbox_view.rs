//! Letters, as pages, the API and commands read them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::Store;
use super::column::Column;
use super::error::StoreError;
use super::outbox::BODY;

/// How a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LetterState {
    /// It goes out when its time has come.
    Waiting,
    /// It goes out with others at a time of day.
    Collecting,
    /// It went into a letter with others.
    Collected,
    /// It was tried often enough, or refused: a person has to look at it.
    Parked,
    /// It arrived.
    Sent,
    /// It will not go out.
    Dropped,
}

impl LetterState {
    /// All of them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Waiting, Self::Collecting, Self::Collected, Self::Parked, Self::Sent, Self::Dropped];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Collecting => "collecting",
            Self::Collected => "collected",
            Self::Parked => "parked",
            Self::Sent => "sent",
            Self::Dropped => "dropped",
        }
    }

    /// Returns the one called `word`.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A letter in a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LetterRow {
    /// Its number.
    pub(crate) id: i64,
    /// What the receiver knows it by.
    pub(crate) key: String,
    /// What it tells of.
    pub(crate) kind: String,
    /// What it is about.
    pub(crate) subject: String,
    /// Who is told.
    pub(crate) destination: String,
    /// How it stands.
    pub(crate) state: LetterState,
    /// How often sending it has failed since a person last looked.
    pub(crate) attempts: u64,
    /// When it was written.
    pub(crate) created_at: DateTime<Utc>,
    /// Not before.
    pub(crate) next_at: DateTime<Utc>,
    /// When it arrived.
    pub(crate) sent_at: Option<DateTime<Utc>>,
    /// Why it is not there.
    pub(crate) last_error: Option<String>,
    /// What the subject became there.
    pub(crate) remote: Option<String>,
    /// Where a person finds it there.
    pub(crate) url: Option<String>,
}

/// Which letters a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LetterFilter {
    /// About whom; any where absent.
    pub(crate) subject: Option<String>,
    /// To whom; anybody where absent.
    pub(crate) destination: Option<String>,
    /// How they stand; any way where absent.
    pub(crate) state: Option<LetterState>,
}

/// Returns at most `max` letters with numbers below `before`, newest first.
pub(crate) async fn page(
    store: &Store,
    filter: &LetterFilter,
    before: Option<i64>,
    max: u32,
) -> Result<Vec<LetterRow>, StoreError> {
    const SQL: &str = "
        SELECT o.id, o.key, o.kind, o.subject, o.destination, o.state, o.attempts, o.created_at,
            o.next_at, o.sent_at, o.last_error, r.remote, r.url
        FROM outbox AS o
        LEFT JOIN remote_record AS r ON r.destination = o.destination AND r.subject = o.subject
        WHERE o.id < $1 AND ($2 IS NULL OR o.subject = $2)
            AND ($3 IS NULL OR o.destination = $3) AND ($4 IS NULL OR o.state = $4)
        ORDER BY o.id DESC LIMIT $5";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(before.unwrap_or(i64::MAX))
        .bind(filter.subject.as_deref())
        .bind(filter.destination.as_deref())
        .bind(filter.state.map(LetterState::word))
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(LetterRow::try_from).collect()
}

/// Returns the letters about `subject`, oldest first.
pub(crate) async fn of_subject(
    store: &Store,
    subject: &str,
    max: u32,
) -> Result<Vec<LetterRow>, StoreError> {
    let filter = LetterFilter { subject: Some(subject.to_owned()), ..LetterFilter::default() };
    let mut rows = page(store, &filter, None, max).await?;
    rows.reverse();
    Ok(rows)
}

/// Returns the letter `id`.
pub(crate) async fn find(store: &Store, id: i64) -> Result<Option<LetterRow>, StoreError> {
    let below = id.saturating_add(1);
    let found = page(store, &LetterFilter::default(), Some(below), 1).await?;
    Ok(found.into_iter().find(|row| row.id == id))
}

/// Returns what the newest letter about the task `subject` says, if there is one.
pub(crate) async fn newest_body(store: &Store, subject: &str) -> Result<Option<Value>, StoreError> {
    const SQL: &str = "SELECT body FROM outbox WHERE subject = $1
            AND kind <> 'coupon-issued' ORDER BY id DESC LIMIT 1";

    let body: Option<String> = on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .bind(subject)
        .fetch_optional(db)
        .await?);
    body.map(|body| BODY.json(&body)).transpose()
}

/// How many letters of a destination wait, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// Waiting, or being collected.
    pub(crate) waiting: u64,
    /// Parked.
    pub(crate) parked: u64,
    /// When the oldest of those that wait was written.
    pub(crate) oldest_at: Option<DateTime<Utc>>,
}

/// Returns the queues of all destinations that have letters not sent, by id.
pub(crate) async fn queues(store: &Store) -> Result<Vec<(String, Queue)>, StoreError> {
    const SQL: &str = "
        SELECT destination,
            CAST(SUM(CASE WHEN state = 'parked' THEN 0 ELSE 1 END) AS BIGINT),
            CAST(SUM(CASE WHEN state = 'parked' THEN 1 ELSE 0 END) AS BIGINT),
            MIN(CASE WHEN state = 'parked' THEN NULL ELSE created_at END)
        FROM outbox WHERE state IN ('waiting', 'collecting', 'parked')
        GROUP BY destination ORDER BY destination";

    let rows: Vec<(String, i64, i64, Option<i64>)> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    let column = Column("outbox", "created_at");
    let read = |(destination, waiting, parked, oldest): (String, i64, i64, Option<i64>)| {
        let oldest_at = column.time_if_any(oldest)?;
        let (waiting, parked) = (column.count(waiting)?, column.count(parked)?);
        Ok((destination, Queue { waiting, parked, oldest_at }))
    };
    rows.into_iter().map(read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    key: String,
    kind: String,
    subject: String,
    destination: String,
    state: String,
    attempts: i64,
    created_at: i64,
    next_at: i64,
    sent_at: Option<i64>,
    last_error: Option<String>,
    remote: Option<String>,
    url: Option<String>,
}

impl TryFrom<Row> for LetterRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let column = |name| Column("outbox", name);
        Ok(Self {
            id: row.id,
            key: row.key,
            kind: row.kind,
            subject: row.subject,
            destination: row.destination,
            state: LetterState::find(&row.state)
                .ok_or_else(|| column("state").inconsistent("an unknown state"))?,
            attempts: column("attempts").count(row.attempts)?,
            created_at: column("created_at").time(row.created_at)?,
            next_at: column("next_at").time(row.next_at)?,
            sent_at: column("sent_at").time_if_any(row.sent_at)?,
            last_error: row.last_error,
            remote: row.remote,
            url: row.url,
        })
    }
}
