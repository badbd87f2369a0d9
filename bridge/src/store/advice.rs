//! Advice on stock: one piece of each key stands, and takes the place of the one before.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tokio_stream::StreamExt as _;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};
use crate::stock::digest::Digest;
use crate::stock::kept;

mod write;

pub(crate) use write::{end, renew, write};

/// What a piece of advice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "AdviceState")]
pub(crate) enum AdviceState {
    /// It waits for a person.
    Open,
    /// A person looks at it later.
    Snoozed,
    /// It is agreed on, and no plan moves it.
    Firmed,
    /// It was sent.
    Shipped,
    /// A person decided against it.
    Rejected,
    /// Another took its place.
    Superseded,
    /// Nothing has to be sent any more.
    Withdrawn,
}

impl AdviceState {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Open,
        Self::Snoozed,
        Self::Firmed,
        Self::Shipped,
        Self::Rejected,
        Self::Superseded,
        Self::Withdrawn,
    ];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Snoozed => "snoozed",
            Self::Firmed => "firmed",
            Self::Shipped => "shipped",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Returns the one called `word`.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What is kept of a piece of advice that a plan brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewAdvice {
    /// Its id.
    pub(crate) id: Box<str>,
    /// What makes two plans speak of the same.
    pub(crate) key: Box<str>,
    /// A digest of what is to be done.
    pub(crate) decision: Digest,
    /// A digest of all that is said of it.
    pub(crate) figures: Digest,
    /// All that is said of it.
    pub(crate) packed: Vec<u8>,
    /// What is sent.
    pub(crate) item: Box<str>,
    /// From where.
    pub(crate) source: Option<Box<str>>,
    /// To where.
    pub(crate) place: Box<str>,
    /// How much.
    pub(crate) quantity: u32,
    /// The last day on which it may leave.
    pub(crate) ship_on: Option<NaiveDate>,
    /// When it arrives then.
    pub(crate) arrive_on: Option<NaiveDate>,
    /// Until when it covers what is needed.
    pub(crate) cover_until: NaiveDate,
    /// Which piece it takes the place of.
    pub(crate) replaces: Option<Box<str>>,
}

/// What a new plan looks at of a piece of advice that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its id.
    pub(crate) id: Box<str>,
    /// What makes two plans speak of the same; of what took the place of advice with another key, that key.
    pub(crate) key: Box<str>,
    /// Of what was decided against: the key that its own plan gave it.
    pub(crate) own_key: Option<Box<str>>,
    /// What it is.
    pub(crate) state: AdviceState,
    /// A digest of what is to be done.
    pub(crate) decision: Digest,
    /// A digest of all that is said of it.
    pub(crate) figures: Digest,
    /// What is sent.
    pub(crate) item: Box<str>,
    /// From where.
    pub(crate) source: Option<Box<str>>,
    /// To where.
    pub(crate) place: Box<str>,
    /// How much.
    pub(crate) quantity: u32,
    /// When it arrives.
    pub(crate) arrive_on: Option<NaiveDate>,
}

impl Standing {
    /// Returns what stands once `new` is written.
    pub(crate) fn of(new: &NewAdvice) -> Self {
        Self {
            id: new.id.clone(),
            key: new.key.clone(),
            own_key: None,
            state: AdviceState::Open,
            decision: new.decision,
            figures: new.figures,
            item: new.item.clone(),
            source: new.source.clone(),
            place: new.place.clone(),
            quantity: new.quantity,
            arrive_on: new.arrive_on,
        }
    }
}

/// The newest plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlanState {
    /// Counts what changes advice.
    pub(crate) revision: i64,
    /// The moment it was made for.
    pub(crate) as_of: Option<DateTime<Utc>>,
    /// When it was made.
    pub(crate) planned_at: Option<DateTime<Utc>>,
    /// What there is to say of it.
    pub(crate) document: Value,
}

/// Something a person changes about a piece of advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change<'c> {
    /// What it becomes.
    pub(crate) state: AdviceState,
    /// How much is sent.
    pub(crate) quantity: u32,
    /// Until when nobody looks at it.
    pub(crate) snoozed_until: Option<DateTime<Utc>>,
    /// Why.
    pub(crate) reason: Option<&'c str>,
    /// Who.
    pub(crate) actor: &'c str,
}

/// Returns what a new plan has to know: what stands, what is agreed on, and what was decided against
/// and would still cover `today`.
pub(crate) async fn standing(store: &Store, today: NaiveDate) -> Result<Vec<Standing>, StoreError> {
    const SQL: &str = "
        SELECT id, key, state, decision, figures, item, source, place, quantity, arrive_on,
            CASE WHEN state = 'rejected' THEN document END,
            CASE WHEN state = 'rejected' THEN packed END
        FROM advice WHERE state IN ('open', 'snoozed', 'firmed')
            OR (state = 'rejected' AND $1 <= cover_until)";

    let mut standing = on_backend!(store.reader(), db => {
        let mut rows = sqlx::query_as::<_, StandingRow>(SQL).bind(today.to_string()).fetch(db);
        let mut standing = Vec::new();
        while let Some(row) = rows.try_next().await? {
            standing.push(read(row)?);
        }
        standing
    });
    standing.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(standing)
}

/// Returns the newest plan.
pub(crate) async fn plan_state(store: &Store) -> Result<PlanState, StoreError> {
    const SQL: &str = "SELECT revision, as_of, planned_at, document FROM advice_plan WHERE id = 1";

    let (revision, as_of, planned_at, document): (i64, Option<i64>, Option<i64>, String) =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_one(db).await?);
    Ok(PlanState {
        revision,
        as_of: Column("advice_plan", "as_of").time_if_any(as_of)?,
        planned_at: Column("advice_plan", "planned_at").time_if_any(planned_at)?,
        document: Column("advice_plan", "document").json(&document)?,
    })
}

/// Writes down a plan, unless something has changed since the `revision` it was made of; returns
/// whether it was written.
pub(crate) async fn save_plan(
    tx: &mut Tx,
    revision: i64,
    (as_of, planned_at): (DateTime<Utc>, DateTime<Utc>),
    document: &Value,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE advice_plan SET revision = revision + 1, as_of = $2, planned_at = $3, document = $4
        WHERE id = 1 AND revision = $1";

    let document = Column("advice_plan", "document").write_json(document)?;
    let updated = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(revision)
        .bind(as_of.timestamp_millis())
        .bind(planned_at.timestamp_millis())
        .bind(&document)
        .execute(db)
        .await?
        .rows_affected());
    Ok(updated == 1)
}

/// Changes the piece `id` as a person wants it, unless it was changed after `revision`; returns whether
/// it was.
pub(crate) async fn change(
    tx: &mut Tx,
    (id, revision): (&str, i64),
    change: &Change<'_>,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE advice SET state = $3, quantity = $4, snoozed_until = $5, reason = $6, actor = $7,
            updated_at = $8, revision = revision + 1
        WHERE id = $1 AND revision = $2";
    const PLAN: &str = "UPDATE advice_plan SET revision = revision + 1 WHERE id = 1";

    let changed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id)
        .bind(revision)
        .bind(change.state.word())
        .bind(i64::from(change.quantity))
        .bind(change.snoozed_until.map(|at| at.timestamp_millis()))
        .bind(change.reason)
        .bind(change.actor)
        .bind(at.timestamp_millis())
        .execute(db)
        .await?
        .rows_affected());
    if changed == 1 {
        on_backend!(tx.connection(), db => sqlx::query(PLAN).execute(db).await.map(drop)?);
    }
    Ok(changed == 1)
}

/// Id, key, state, decision, figures, item, source, place, quantity, day of arrival; of what was decided
/// against all that is said.
type StandingRow = (
    String,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    String,
    i64,
    Option<String>,
    Option<String>,
    Option<Vec<u8>>,
);

fn read(row: StandingRow) -> Result<Standing, StoreError> {
    let (id, key, word, decision, figures, item, source, place, units, arrive_on, told, packed) =
        row;
    let own_key = told.map(|told| kept::read_key(said(&told, packed.as_deref()))).transpose();
    let own_key = own_key.map_err(|error| Column("advice", "packed").inconsistent(&error))?;
    let digest = |name: &'static str, text: &str| {
        let unknown = || Column("advice", name).inconsistent("no digest");
        Digest::read(text).ok_or_else(unknown)
    };
    Ok(Standing {
        id: id.into(),
        key: key.into(),
        own_key: own_key.map(Into::into),
        state: state(&word)?,
        decision: digest("decision", &decision)?,
        figures: digest("figures", &figures)?,
        item: item.into(),
        source: source.map(Into::into),
        place: place.into(),
        quantity: quantity(units)?,
        arrive_on: arrive_on.as_deref().map(day).transpose()?,
    })
}

/// Returns all that a row says: rows of earlier builds have a `document`, others are `packed`.
pub(super) fn said<'r>(document: &'r str, packed: Option<&'r [u8]>) -> &'r [u8] {
    packed.unwrap_or(document.as_bytes())
}

/// Returns the state that a row has.
pub(super) fn state(word: &str) -> Result<AdviceState, StoreError> {
    let unknown = || Column("advice", "state").inconsistent("an unknown state");
    AdviceState::find(word).ok_or_else(unknown)
}

/// Returns the quantity that a row has.
pub(super) fn quantity(quantity: i64) -> Result<u32, StoreError> {
    let beyond = |_| Column("advice", "quantity").inconsistent("a quantity beyond reason");
    u32::try_from(quantity).map_err(beyond)
}

/// Returns the day that a row has.
fn day(text: &str) -> Result<NaiveDate, StoreError> {
    text.parse().map_err(|_| Column("advice", "arrive_on").inconsistent("no day"))
}
