//! Deals that tasks opened: at most one each. The deal itself is a record.

use chrono::{DateTime, Utc};
use upturn_core::id::TaskId;
use upturn_core::record::offer::Offer;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// A deal that a task opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskDeal {
    /// The deal's id.
    pub(crate) deal: String,
    /// Whose it is.
    pub(crate) account: String,
    /// What could be offered then.
    pub(crate) offer: Offer,
    /// When it was opened.
    pub(crate) opened_at: DateTime<Utc>,
    /// Who opened it.
    pub(crate) opened_by: String,
    /// When late evidence spoke against the task, if it did.
    pub(crate) contradicted_at: Option<DateTime<Utc>>,
}

/// Keeps `deal`, unless the task `id` has opened one before; returns whether it had not.
pub(crate) async fn open(tx: &mut Tx, id: &TaskId, deal: &TaskDeal) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO task_deal (task_id, deal_id, account, product, offer, opened_at, opened_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (task_id) DO NOTHING";

    let offer = OFFER.write_json(&deal.offer)?;
    let opened = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id.as_str())
        .bind(&deal.deal)
        .bind(&deal.account)
        .bind(deal.offer.replacement.as_deref())
        .bind(&offer)
        .bind(deal.opened_at.timestamp_millis())
        .bind(&deal.opened_by)
        .execute(db)
        .await?
        .rows_affected());
    Ok(opened == 1)
}

/// Marks what the task `id` opened: late evidence spoke against it at `at`.
pub(crate) async fn contradict(
    tx: &mut Tx,
    id: &TaskId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE task_deal SET contradicted_at = $2 WHERE task_id = $1 AND contradicted_at IS NULL";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id.as_str())
        .bind(at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns what the task `id` opened.
pub(crate) async fn of_task(store: &Store, id: &TaskId) -> Result<Option<TaskDeal>, StoreError> {
    const SQL: &str = "
        SELECT deal_id, account, offer, opened_at, opened_by, contradicted_at FROM task_deal
        WHERE task_id = $1";

    let row: Option<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(id.as_str()).fetch_optional(db).await?
    });
    row.map(TaskDeal::try_from).transpose()
}

const OFFER: Column = Column("task_deal", "offer");

#[derive(sqlx::FromRow)]
struct Row {
    deal_id: String,
    account: String,
    offer: String,
    opened_at: i64,
    opened_by: String,
    contradicted_at: Option<i64>,
}

impl TryFrom<Row> for TaskDeal {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let column = |name| Column("task_deal", name);
        Ok(Self {
            deal: row.deal_id,
            account: row.account,
            offer: OFFER.json(&row.offer)?,
            opened_at: column("opened_at").time(row.opened_at)?,
            opened_by: row.opened_by,
            contradicted_at: column("contradicted_at").time_if_any(row.contradicted_at)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn a_task_opens_one_deal_and_it_is_marked_once() {
        each_backend(async |store| {
            let id = TaskId::from_text("t1");
            let deal = TaskDeal {
                deal: "deal-1".to_owned(),
                account: "账户-1".to_owned(),
                offer: Offer { product: Some("X7".to_owned()), ..Offer::default() }.judged(),
                opened_at: at(5),
                opened_by: "lin".to_owned(),
                contradicted_at: None,
            };
            let mut tx = store.begin().await.unwrap();
            assert!(open(&mut tx, &id, &deal).await.unwrap());
            let again = TaskDeal { deal: "deal-2".to_owned(), ..deal.clone() };
            assert!(!open(&mut tx, &id, &again).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(of_task(store, &id).await.unwrap(), Some(deal.clone()));
            assert_eq!(of_task(store, &TaskId::from_text("t2")).await.unwrap(), None);

            let mut tx = store.begin().await.unwrap();
            for minutes in [7, 9] {
                contradict(&mut tx, &id, at(minutes)).await.unwrap();
            }
            tx.commit().await.unwrap();
            let marked = of_task(store, &id).await.unwrap().unwrap();
            assert_eq!(marked, TaskDeal { contradicted_at: Some(at(7)), ..deal });
        })
        .await;
    }
}
