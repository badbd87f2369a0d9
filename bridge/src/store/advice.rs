//! Advice on stock: one piece of each key stands, and takes the place of the one before.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use sqlx::QueryBuilder;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx, log};

/// Rows that are written in one statement.
const ROWS_MAX: usize = 500;

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
    pub(crate) id: String,
    /// What makes two plans speak of the same.
    pub(crate) key: String,
    /// A digest of what is to be done.
    pub(crate) decision: String,
    /// A digest of all that is said of it.
    pub(crate) figures: String,
    /// All that is said of it, as JSON.
    pub(crate) document: String,
    /// What is sent.
    pub(crate) item: String,
    /// From where.
    pub(crate) source: Option<String>,
    /// To where.
    pub(crate) place: String,
    /// How much.
    pub(crate) quantity: u32,
    /// The last day on which it may leave.
    pub(crate) ship_on: Option<NaiveDate>,
    /// When it arrives then.
    pub(crate) arrive_on: Option<NaiveDate>,
    /// Until when it covers what is needed.
    pub(crate) cover_until: NaiveDate,
    /// Which piece it takes the place of.
    pub(crate) replaces: Option<String>,
}

/// What a new plan looks at of a piece of advice that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its id.
    pub(crate) id: String,
    /// What makes two plans speak of the same; of what took the place of advice with another key, that key.
    pub(crate) key: String,
    /// Of what was decided against: the key that its own plan gave it.
    pub(crate) own_key: Option<String>,
    /// What it is.
    pub(crate) state: AdviceState,
    /// A digest of what is to be done.
    pub(crate) decision: String,
    /// A digest of all that is said of it.
    pub(crate) figures: String,
    /// What is sent.
    pub(crate) item: String,
    /// From where.
    pub(crate) source: Option<String>,
    /// To where.
    pub(crate) place: String,
    /// How much.
    pub(crate) quantity: u32,
    /// When it arrives.
    pub(crate) arrive_on: Option<NaiveDate>,
    /// Until when it covers what is needed.
    pub(crate) cover_until: NaiveDate,
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
            cover_until, CASE WHEN state = 'rejected' THEN document END AS rejected
        FROM advice WHERE state IN ('open', 'snoozed', 'firmed')
            OR (state = 'rejected' AND $1 <= cover_until)
        ORDER BY created_at, id";

    let rows: Vec<StandingRow> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(today.to_string())
        .fetch_all(db)
        .await?);
    rows.into_iter().map(StandingRow::read).collect()
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

/// Writes `rows`; those whose id is there stand on other figures from now on.
pub(crate) async fn write(
    tx: &mut Tx,
    rows: &[NewAdvice],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const INTO: &str = "
        INSERT INTO advice (id, key, state, revision, decision, figures, document, item, source,
            place, quantity, ship_on, arrive_on, cover_until, replaces, created_at, updated_at) ";
    const OVER: &str = "
        ON CONFLICT (id) DO UPDATE SET figures = excluded.figures, document = excluded.document,
            cover_until = excluded.cover_until";

    let at = at.timestamp_millis();
    for chunk in rows.chunks(ROWS_MAX) {
        on_backend!(tx.connection(), db => {
            let mut query = QueryBuilder::new(INTO);
            query.push_values(chunk, |mut row, one| {
                row.push_bind(&*one.id)
                    .push_bind(&*one.key)
                    .push_bind("open")
                    .push_bind(1_i64)
                    .push_bind(&*one.decision)
                    .push_bind(&*one.figures)
                    .push_bind(&*one.document)
                    .push_bind(&*one.item)
                    .push_bind(one.source.as_deref())
                    .push_bind(&*one.place)
                    .push_bind(i64::from(one.quantity))
                    .push_bind(one.ship_on.map(|day| day.to_string()))
                    .push_bind(one.arrive_on.map(|day| day.to_string()))
                    .push_bind(one.cover_until.to_string())
                    .push_bind(one.replaces.as_deref())
                    .push_bind(at)
                    .push_bind(at);
            });
            query.push(OVER).build().execute(db).await?;
        });
    }
    Ok(())
}

/// Ends what stands under `ids`: it is superseded, or withdrawn.
pub(crate) async fn end(
    tx: &mut Tx,
    ids: &[String],
    state: AdviceState,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    for chunk in ids.chunks(ROWS_MAX) {
        on_backend!(tx.connection(), db => {
            let mut query = QueryBuilder::new("UPDATE advice SET state = ");
            query.push_bind(state.word()).push(", revision = revision + 1, updated_at = ");
            query.push_bind(at.timestamp_millis());
            query.push(" WHERE state IN ('open', 'snoozed') AND id IN (");
            let mut list = query.separated(", ");
            for id in chunk {
                list.push_bind(&**id);
            }
            query.push(")");
            query.build().execute(db).await?;
        });
    }
    Ok(())
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

#[derive(sqlx::FromRow)]
struct StandingRow {
    id: String,
    key: String,
    state: String,
    decision: String,
    figures: String,
    item: String,
    source: Option<String>,
    place: String,
    quantity: i64,
    arrive_on: Option<String>,
    cover_until: String,
    rejected: Option<String>,
}

/// The part of a piece's document that names it.
#[derive(serde::Deserialize)]
struct Named {
    key: String,
}

impl StandingRow {
    fn read(self) -> Result<Standing, StoreError> {
        let named: Option<Named> = self.rejected.as_deref().map(log::parsed).transpose()?;
        Ok(Standing {
            id: self.id,
            key: self.key,
            own_key: named.map(|named| named.key),
            state: state(&self.state)?,
            decision: self.decision,
            figures: self.figures,
            item: self.item,
            source: self.source,
            place: self.place,
            quantity: quantity(self.quantity)?,
            arrive_on: self.arrive_on.as_deref().map(day).transpose()?,
            cover_until: day(&self.cover_until)?,
        })
    }
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
pub(super) fn day(text: &str) -> Result<NaiveDate, StoreError> {
    text.parse().map_err(|_| Column("advice", "cover_until").inconsistent("no day"))
}
