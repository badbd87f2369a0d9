//! Leads: what was decided about tasks when they were made, and what that was decided on.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use sqlx::QueryBuilder;
use upturn_core::event::Position;
use upturn_core::id::{DeviceId, TaskId};
use upturn_core::lead::Lead;
use upturn_core::lead::input::{FACTS_MAX, Happening, Order};
use upturn_core::lead::route::Load;
use upturn_core::money::exact::Exact;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// Lines of orders of an account that are read.
const ORDERS_MAX: i64 = 2_000;
/// Blocks of places in the log, the newest ones, in which events are looked for.
const BLOCKS: i64 = 64;

/// A lead, and how it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LeadNow {
    /// What was decided when the task was made.
    pub(crate) lead: Lead,
    /// The score, with what people decided over it.
    pub(crate) score_now: Decimal,
    /// The grade, with what people decided over it.
    pub(crate) grade_now: String,
    /// What came of it last.
    pub(crate) last: Option<String>,
}

/// Stores what was decided about a task that was just made.
pub(crate) async fn put(tx: &mut Tx, task: &TaskId, lead: &Lead) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO lead (task_id, score, grade, route, score_now, grade_now, ranked, frozen)
        VALUES ($1, $2, $3, $4, $2, $3, $5, $6)
        ON CONFLICT (task_id) DO UPDATE SET score = excluded.score, grade = excluded.grade,
            route = excluded.route, score_now = excluded.score_now,
            grade_now = excluded.grade_now, ranked = excluded.ranked, last = NULL,
            frozen = excluded.frozen";

    let score = lead.scored.score.0;
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(task.as_str())
        .bind(score.to_string())
        .bind(&*lead.grade)
        .bind(&*lead.assignment.owner)
        .bind(ranked(score))
        .bind(FROZEN.write_json(lead)?)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Says how a lead stands with what people decided over it.
pub(crate) async fn set_now(
    tx: &mut Tx,
    task: &TaskId,
    (score, grade): (Decimal, &str),
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE lead SET score_now = $2, grade_now = $3, ranked = $4 WHERE task_id = $1";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(task.as_str())
        .bind(score.to_string())
        .bind(grade)
        .bind(ranked(score))
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Says what came of a lead last, if the task is one.
pub(crate) async fn set_last(tx: &mut Tx, task: &TaskId, last: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE lead SET last = $2 WHERE task_id = $1";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(task.as_str())
        .bind(last)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns the lead that the task is, as `tx` sees it.
pub(crate) async fn find(tx: &mut Tx, task: &TaskId) -> Result<Option<LeadNow>, StoreError> {
    let row: Option<Row> = on_backend!(tx.connection(), db => {
        sqlx::query_as(FIND).bind(task.as_str()).fetch_optional(db).await?
    });
    row.map(LeadNow::try_from).transpose()
}

/// Returns the lead that the task is.
pub(crate) async fn read(store: &Store, task: &TaskId) -> Result<Option<LeadNow>, StoreError> {
    let row: Option<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(FIND).bind(task.as_str()).fetch_optional(db).await?
    });
    row.map(LeadNow::try_from).transpose()
}

/// Returns what an account ordered, the newest first, and whether there is more.
pub(crate) async fn orders_of(
    tx: &mut Tx,
    account: &str,
) -> Result<(Vec<Order>, bool), StoreError> {
    const SQL: &str = "
        SELECT document FROM record WHERE kind = 'order' AND account = $1
        ORDER BY id DESC LIMIT $2";

    let found: Vec<String> = on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(account)
        .bind(ORDERS_MAX)
        .fetch_all(db)
        .await?);
    let mut orders: Vec<Order> = found.iter().filter_map(|text| order(text)).collect();
    orders.sort_by(|one, other| other.on.cmp(&one.on).then(one.amount.cmp(&other.amount)));
    let is_cut = FACTS_MAX < orders.len();
    orders.truncate(FACTS_MAX);
    Ok((orders, is_cut))
}

/// Returns what came of contacts with an account, the newest first, and whether there is more.
pub(crate) async fn contacts_of(
    tx: &mut Tx,
    account: &str,
) -> Result<(Vec<Happening>, bool), StoreError> {
    const SQL: &str = "
        SELECT task_history.done_at, task_history.detail FROM task
        JOIN task_history ON task_history.task_id = task.id
        WHERE task.account = $1 AND task_history.action = 'task-contact'
        ORDER BY task_history.done_at DESC, task_history.id DESC LIMIT $2";

    let rows = happened(tx, SQL, account).await?;
    let of_row = |(at, detail): (DateTime<Utc>, String)| {
        let detail: serde_json::Value = serde_json::from_str(&detail).ok()?;
        let what = detail.get("result")?.as_str()?.into();
        Some(Happening { at, what })
    };
    Ok(cut(rows.into_iter().filter_map(of_row).collect()))
}

/// Returns how tasks of an account ended, the newest first, and whether there is more.
pub(crate) async fn outcomes_of(
    tx: &mut Tx,
    account: &str,
) -> Result<(Vec<Happening>, bool), StoreError> {
    const SQL: &str = "
        SELECT closed_at, outcome FROM task
        WHERE account = $1 AND closed_at IS NOT NULL AND outcome IS NOT NULL AND status = 'new'
        ORDER BY closed_at DESC, id LIMIT $2";

    let rows = happened(tx, SQL, account).await?;
    let of_row = |(at, what): (DateTime<Utc>, String)| Happening { at, what: what.into() };
    Ok(cut(rows.into_iter().map(of_row).collect()))
}

/// Returns when which of `kinds` of events of `device` happened, of the newest places in the log up to
/// `until`, the newest first.
pub(crate) async fn events_of(
    tx: &mut Tx,
    (device, kinds): (&DeviceId, &BTreeSet<Box<str>>),
    until: Position,
) -> Result<Vec<Happening>, StoreError> {
    const BEGIN: &str = "
        WITH RECURSIVE block (number) AS (
            SELECT ";
    const GO_ON: &str = "
            UNION ALL
            SELECT number + 1 FROM block WHERE number < ";
    const FROM: &str = "
        )
        SELECT occurred_at, kind FROM block CROSS JOIN event
        WHERE event.position >> 12 = block.number AND event.device = ";

    let until = Column("event", "position").write_position(until)?;
    let newest = until >> 12;
    let rows: Vec<(i64, String)> = on_backend!(tx.connection(), db => {
        let mut query = QueryBuilder::new(BEGIN);
        query.push_bind((newest - BLOCKS + 1).max(0)).push(GO_ON).push_bind(newest).push(FROM);
        query.push_bind(device.as_str()).push(" AND position <= ").push_bind(until);
        query.push(" AND kind IN (");
        let mut list = query.separated(", ");
        for kind in kinds {
            list.push_bind(&**kind);
        }
        query.push(") ORDER BY occurred_at DESC, event.id LIMIT ").push_bind(LIMIT);
        query.build_query_as().fetch_all(db).await?
    });
    let of_row = |(at, what): (i64, String)| {
        Ok(Happening { at: Column("event", "occurred_at").time(at)?, what: what.into() })
    };
    rows.into_iter().map(of_row).collect()
}

/// Returns what the installed base says of a device, an object of texts.
pub(crate) async fn installed(
    tx: &mut Tx,
    device: &DeviceId,
) -> Result<Option<BTreeMap<String, String>>, StoreError> {
    const SQL: &str = "SELECT document FROM record WHERE kind = 'installed' AND id = $1";

    let found: Option<String> = on_backend!(tx.connection(), db => {
        sqlx::query_scalar(SQL).bind(device.as_str()).fetch_optional(db).await?
    });
    found.map(|text| Column("record", "document").json(&text)).transpose()
}

/// Returns what each of `people` has open.
pub(crate) async fn loads(
    tx: &mut Tx,
    people: &BTreeSet<Box<str>>,
) -> Result<BTreeMap<Box<str>, Load>, StoreError> {
    const SQL: &str = "
        SELECT owner, count(*), max(created_at) FROM task
        WHERE stage = 'live' AND status = 'new' AND progress IN ('new', 'accepted')
            AND owner IN (";

    let mut loads = BTreeMap::new();
    if people.is_empty() {
        return Ok(loads);
    }
    let rows: Vec<(String, i64, Option<i64>)> = on_backend!(tx.connection(), db => {
        let mut query = QueryBuilder::new(SQL);
        let mut list = query.separated(", ");
        for person in people {
            list.push_bind(&**person);
        }
        query.push(") GROUP BY owner");
        query.build_query_as().fetch_all(db).await?
    });
    for (owner, open, last_at) in rows {
        let open = u32::try_from(open).unwrap_or(u32::MAX);
        let last_at = Column("task", "created_at").time_if_any(last_at)?;
        loads.insert(owner.into(), Load { open, last_at });
    }
    Ok(loads)
}

/// Returns who of `people` has left, and who stands in for them as the database knows it.
pub(crate) async fn gone(
    tx: &mut Tx,
    people: &BTreeSet<Box<str>>,
) -> Result<BTreeMap<Box<str>, Option<Box<str>>>, StoreError> {
    const SQL: &str = "
        SELECT name, substitute FROM app_user WHERE disabled_at IS NOT NULL AND name IN (";

    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(String, Option<String>)> = on_backend!(tx.connection(), db => {
        let mut query = QueryBuilder::new(SQL);
        let mut list = query.separated(", ");
        for person in people {
            list.push_bind(&**person);
        }
        query.push(")");
        query.build_query_as().fetch_all(db).await?
    });
    Ok(rows.into_iter().map(|(name, other)| (name.into(), other.map(Into::into))).collect())
}

async fn happened(
    tx: &mut Tx,
    sql: &'static str,
    account: &str,
) -> Result<Vec<(DateTime<Utc>, String)>, StoreError> {
    let rows: Vec<(i64, String)> = on_backend!(tx.connection(), db => {
        sqlx::query_as(sql).bind(account).bind(LIMIT).fetch_all(db).await?
    });
    let of_row = |(at, what)| Ok((Column("task", "closed_at").time(at)?, what));
    rows.into_iter().map(of_row).collect()
}

fn cut(mut all: Vec<Happening>) -> (Vec<Happening>, bool) {
    let is_cut = FACTS_MAX < all.len();
    all.truncate(FACTS_MAX);
    (all, is_cut)
}

/// Returns the line of an order; none for one without a day, an amount or a currency.
fn order(document: &str) -> Option<Order> {
    let columns: BTreeMap<String, String> = serde_json::from_str(document).ok()?;
    let on: NaiveDate = columns.get("ordered_on")?.parse().ok()?;
    let amount = Exact(columns.get("amount")?.parse().ok()?);
    let currency = columns.get("currency")?.clone().try_into().ok()?;
    Some(Order { on, amount, currency })
}

/// One more than is looked at tells that there is more.
const LIMIT: i64 = 201;

const FIND: &str = "SELECT score_now, grade_now, last, frozen FROM lead WHERE task_id = $1";

const FROZEN: Column = Column("lead", "frozen");

/// Returns what orders by `score`: hundredths of points.
fn ranked(score: Decimal) -> i64 {
    (score * Decimal::ONE_HUNDRED).round().to_i64().unwrap_or_default()
}

#[derive(sqlx::FromRow)]
struct Row {
    score_now: String,
    grade_now: String,
    last: Option<String>,
    frozen: String,
}

impl TryFrom<Row> for LeadNow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let wrong = |_| Column("lead", "score_now").inconsistent("no decimal");
        Ok(Self {
            lead: FROZEN.json(&row.frozen)?,
            score_now: row.score_now.parse().map_err(wrong)?,
            grade_now: row.grade_now,
            last: row.last,
        })
    }
}
