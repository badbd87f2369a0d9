//! What figures are counted from: tasks of a period, the deals they opened, and orders.

use chrono::{DateTime, Utc};
use sqlx::{Database, Encode, QueryBuilder, Type};

use super::Store;
use super::column::Column;
use super::error::StoreError;
use super::record;
use super::task_view::condition::push_sight;
use crate::auth::sight::Sight;

/// The most tasks, deals or order lines that one page of figures is counted from.
pub(crate) const COUNTED_MAX: u32 = 200_000;
/// Order lines that are read in one statement.
const CHUNK: u32 = 500;

/// Which tasks.
#[derive(Clone, Debug)]
pub(crate) struct Period {
    /// Made at this time or later.
    pub(crate) from: DateTime<Utc>,
    /// Made before.
    pub(crate) until: DateTime<Utc>,
    /// Of this rule, if only one is asked for.
    pub(crate) rule: Option<String>,
}

/// A task, as figures are counted from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FigureTask {
    /// The rule that asked for it.
    pub(crate) rule: String,
    /// Who has it.
    pub(crate) owner: String,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When the customer had to be contacted.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// The first contact.
    pub(crate) contacted_at: Option<DateTime<Utc>>,
    /// Whether it was told later.
    pub(crate) is_late: bool,
    /// When it was closed.
    pub(crate) closed_at: Option<DateTime<Utc>>,
    /// How it ended: an outcome, or `dismissed`.
    pub(crate) outcome: Option<String>,
    /// The grade that it was worked by: a person's where there was one, else the machine's; none where it
    /// is no lead.
    pub(crate) grade: Option<String>,
}

/// A deal that a task opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FigureDeal {
    /// The deal's id.
    pub(crate) deal: String,
    /// Whose it is.
    pub(crate) account: String,
    /// What it is about.
    pub(crate) product: Option<String>,
    /// When it was opened.
    pub(crate) opened_at: DateTime<Utc>,
    /// The rule of the task.
    pub(crate) rule: String,
    /// Who has the task.
    pub(crate) owner: String,
    /// The grade of the task.
    pub(crate) grade: Option<String>,
}

/// Returns the tasks of `period` in `sight` that stand and are no rule's on trial, newest first, at most
/// [`COUNTED_MAX`].
pub(crate) async fn tasks(
    store: &Store,
    sight: &Sight,
    period: &Period,
) -> Result<Vec<FigureTask>, StoreError> {
    const SQL: &str = "
        SELECT rule_id, owner, created_at, due_at, contacted_at, contacted_late, closed_at,
            CASE WHEN progress = 'dismissed' THEN 'dismissed' ELSE outcome END AS outcome,
            lead.grade_now AS grade
        FROM task LEFT JOIN lead ON lead.task_id = task.id WHERE stage = 'live' AND status = 'new'";

    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(SQL);
        push_period(&mut query, "task.created_at", period);
        push_sight(&mut query, sight);
        query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(i64::from(COUNTED_MAX));
        query.build_query_as().fetch_all(db).await?
    });
    rows.into_iter().map(FigureTask::try_from).collect()
}

type DealRow = (String, String, Option<String>, i64, String, String, Option<String>);

/// Returns the deals that tasks in `sight` opened in `period`, first opened first, at most
/// [`COUNTED_MAX`].
pub(crate) async fn deals(
    store: &Store,
    sight: &Sight,
    period: &Period,
) -> Result<Vec<FigureDeal>, StoreError> {
    const SQL: &str = "
        SELECT deal_id, task_deal.account, product, opened_at, rule_id, owner, lead.grade_now
        FROM task_deal JOIN task ON task.id = task_deal.task_id
            LEFT JOIN lead ON lead.task_id = task.id
        WHERE 1 = 1";

    let rows: Vec<DealRow> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(SQL);
        push_period(&mut query, "task_deal.opened_at", period);
        push_sight(&mut query, sight);
        query.push(" ORDER BY opened_at, deal_id LIMIT ").push_bind(i64::from(COUNTED_MAX));
        query.build_query_as().fetch_all(db).await?
    });
    let deal = |(deal, account, product, opened_at, rule, owner, grade)| {
        let opened_at = Column("task_deal", "opened_at").time(opened_at)?;
        Ok(FigureDeal { deal, account, product, opened_at, rule, owner, grade })
    };
    rows.into_iter().map(deal).collect()
}

/// Returns the documents of order lines in the order of their keys, at most [`COUNTED_MAX`].
pub(crate) async fn orders(store: &Store) -> Result<Vec<String>, StoreError> {
    let (mut documents, mut after) = (Vec::new(), String::new());
    let most = usize::try_from(COUNTED_MAX).unwrap_or(usize::MAX);
    loop {
        let page = record::page(store, "order", &after, CHUNK).await?;
        let Some(last) = page.last() else { return Ok(documents) };
        after.clone_from(&last.id);
        documents.extend(page.into_iter().map(|order| order.document));
        if most <= documents.len() {
            documents.truncate(most);
            return Ok(documents);
        }
    }
}

fn push_period<DB: Database>(query: &mut QueryBuilder<DB>, column: &'static str, period: &Period)
where
    for<'a> i64: Encode<'a, DB> + Type<DB>,
    for<'a> String: Encode<'a, DB> + Type<DB>,
{
    query.push(" AND ").push(column).push(" >= ").push_bind(period.from.timestamp_millis());
    query.push(" AND ").push(column).push(" < ").push_bind(period.until.timestamp_millis());
    if let Some(rule) = &period.rule {
        query.push(" AND rule_id = ").push_bind(rule.replace('\0', "\u{fffd}"));
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    rule_id: String,
    owner: String,
    created_at: i64,
    due_at: Option<i64>,
    contacted_at: Option<i64>,
    contacted_late: i64,
    closed_at: Option<i64>,
    outcome: Option<String>,
    grade: Option<String>,
}

impl TryFrom<Row> for FigureTask {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let column = |name| Column("task", name);
        Ok(Self {
            rule: row.rule_id,
            owner: row.owner,
            created_at: column("created_at").time(row.created_at)?,
            due_at: column("due_at").time_if_any(row.due_at)?,
            contacted_at: column("contacted_at").time_if_any(row.contacted_at)?,
            is_late: row.contacted_late != 0,
            closed_at: column("closed_at").time_if_any(row.closed_at)?,
            outcome: row.outcome,
            grade: row.grade,
        })
    }
}

#[cfg(test)]
mod tests {
    use upturn_core::id::TaskId;
    use upturn_core::record::offer::Offer;
    use upturn_core::rule::Stage;

    use super::super::task_deal::{self, TaskDeal};
    use super::super::testing::{act, at, each_backend, task as sample};
    use super::super::{record::StoredRecord, task};
    use super::*;
    use crate::runtime::deed::{Deed, Words};

    #[tokio::test]
    async fn tasks_and_deals_of_a_period_are_those_in_sight() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            for (id, minutes) in [("a", 10), ("b", 20), ("c", 30)] {
                let mut made = sample(id, id, minutes);
                made.owner = if id == "b" { "wu".into() } else { "lin".into() };
                task::create(&mut tx, &made).await.unwrap();
            }
            let mut trial = sample("trial", "t", 11);
            trial.stage = Stage::Shadow;
            task::create(&mut tx, &trial).await.unwrap();
            let dismissed = Deed::Dismiss { reason: Words::new("x").unwrap() };
            act(&mut tx, &TaskId::from_text("a"), &dismissed, at(15)).await.unwrap();
            for id in ["a", "b"] {
                let deal = TaskDeal {
                    deal: format!("deal-{id}"),
                    account: "acc".to_owned(),
                    offer: Offer { replacement: Some("X9".to_owned()), ..Offer::default() },
                    opened_at: at(20),
                    opened_by: "lin".to_owned(),
                    contradicted_at: None,
                };
                task_deal::open(&mut tx, &TaskId::from_text(id), &deal).await.unwrap();
            }
            let orders_kept = ["o|1", "o|2"]
                .map(|id| StoredRecord { id: id.to_owned(), document: format!("\"{id}\"") });
            record::write(&mut tx, "order", &orders_kept, at(1), "x").await.unwrap();
            tx.commit().await.unwrap();

            let period = |from, until| Period { from: at(from), until: at(until), rule: None };
            let found = tasks(store, &Sight::All, &period(0, 25)).await.unwrap();
            let told: Vec<_> =
                found.iter().map(|one| (&*one.owner, one.outcome.as_deref())).collect();
            assert_eq!(told, [("wu", None), ("lin", Some("dismissed"))]);
            assert_eq!(found[1].closed_at, Some(at(15)));
            let own = Sight::Part { owners: ["wu".to_owned()].into(), regions: [].into() };
            assert_eq!(tasks(store, &own, &period(0, 99)).await.unwrap().len(), 1);
            let deals_of = async |sight: &Sight, period: &Period| {
                let found = deals(store, sight, period).await.unwrap();
                found.into_iter().map(|deal| deal.deal).collect::<Vec<_>>()
            };
            assert_eq!(deals_of(&Sight::All, &period(0, 99)).await, ["deal-a", "deal-b"]);
            assert_eq!(deals_of(&own, &period(0, 99)).await, ["deal-b"]);
            assert_eq!(deals_of(&Sight::All, &period(0, 20)).await, Vec::<String>::new());
            let other = Period { rule: Some("other\0".to_owned()), ..period(0, 99) };
            assert_eq!(tasks(store, &Sight::All, &other).await.unwrap(), []);
            assert_eq!(orders(store).await.unwrap(), ["\"o|1\"", "\"o|2\""]);
        })
        .await;
    }
}
