//! Coupons: the pools of campaigns, what was issued out of them, and what it was worth.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use upturn_core::id::TaskId;
use upturn_core::money::Currency;
use upturn_core::record::coupon::{BUDGET, COUPON};

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// Coupons of a pool that are looked at in one statement.
const CHUNK: usize = 200;
/// The most campaigns that a page lists.
pub(crate) const CAMPAIGNS_MAX: u32 = 1_000;

/// A coupon of a pool. Its code has no `Debug`: whoever knows it can spend it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Coupon {
    /// The campaign.
    pub(crate) campaign: String,
    /// What the customer shows.
    pub(crate) code: String,
    /// What it is worth.
    pub(crate) value: Decimal,
    /// Of which currency.
    pub(crate) currency: Currency,
    /// The last day it can be spent.
    pub(crate) expires_on: NaiveDate,
}

impl std::fmt::Debug for Coupon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coupon").field("campaign", &self.campaign).finish_non_exhaustive()
    }
}

/// A coupon that went to a customer because of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CouponIssue {
    /// The coupon.
    pub(crate) coupon: Coupon,
    /// Who at the customer gets it.
    pub(crate) contact: String,
    /// The month whose budget it comes out of: `2026-01`.
    pub(crate) month: String,
    /// When it was issued.
    pub(crate) issued_at: DateTime<Utc>,
    /// By whom.
    pub(crate) issued_by: String,
}

/// What a campaign may give away in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// So much.
    pub(crate) amount: Decimal,
    /// Of this currency.
    pub(crate) currency: Currency,
}

/// How a campaign stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Campaign {
    /// Coupons that were imported.
    pub(crate) imported: u64,
    /// Those that were issued.
    pub(crate) issued: u64,
    /// Those that were neither issued nor have expired, of the budget's currency.
    pub(crate) left: u64,
    /// What it may give away in a month, if that is set.
    pub(crate) budget: Option<Budget>,
    /// What it gave away this month.
    pub(crate) spent: Decimal,
}

/// Returns the coupon that the task `id` led to.
pub(crate) async fn of_task(store: &Store, id: &TaskId) -> Result<Option<CouponIssue>, StoreError> {
    let row: Option<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(OF_TASK).bind(id.as_str()).fetch_optional(db).await?
    });
    row.map(CouponIssue::try_from).transpose()
}

/// Returns the campaigns that have a budget.
pub(crate) async fn with_budget(store: &Store) -> Result<Vec<String>, StoreError> {
    let budgets = super::record::page(store, BUDGET.name, "", CAMPAIGNS_MAX).await?;
    Ok(budgets.into_iter().map(|budget| budget.id).collect())
}

/// Returns whether the task `id`, or else `contact` in `campaign`, has a coupon already.
pub(crate) async fn find_before(
    tx: &mut Tx,
    id: &TaskId,
    (campaign, contact): (&str, &str),
) -> Result<(bool, bool), StoreError> {
    const SQL: &str = "
        SELECT count(CASE WHEN task_id = $1 THEN 1 END),
            count(CASE WHEN campaign = $2 AND contact = $3 THEN 1 END)
        FROM coupon_issue WHERE task_id = $1 OR (campaign = $2 AND contact = $3)";

    let (of_task, of_contact): (i64, i64) = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(id.as_str())
        .bind(campaign)
        .bind(contact)
        .fetch_one(db)
        .await?);
    Ok((0 < of_task, 0 < of_contact))
}

/// Returns the budget of `campaign`, if it has one.
pub(crate) async fn budget(tx: &mut Tx, campaign: &str) -> Result<Option<Budget>, StoreError> {
    let document = super::record::find_in(tx, BUDGET.name, campaign).await?;
    document.map(|document| read_budget(&document)).transpose()
}

/// Returns what `campaign` gave away in `month`.
pub(crate) async fn spent(
    tx: &mut Tx,
    (campaign, month): (&str, &str),
) -> Result<Decimal, StoreError> {
    const SQL: &str = "SELECT value FROM coupon_issue WHERE campaign = $1 AND month = $2";

    let values: Vec<String> = on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(campaign)
        .bind(month)
        .fetch_all(db)
        .await?);
    values.iter().map(|value| amount("value", value)).sum()
}

/// Returns the first coupon of `campaign` in `currency`, in the order of the codes, that was not issued and
/// can be spent on `day`.
pub(crate) async fn next(
    tx: &mut Tx,
    (campaign, currency): (&str, Currency),
    day: NaiveDate,
) -> Result<Option<Coupon>, StoreError> {
    const SQL: &str = "
        SELECT id, document FROM record
        WHERE kind = $1 AND $2 < id AND id < $3 AND NOT EXISTS (
            SELECT 1 FROM coupon_issue
            WHERE coupon_issue.campaign = $4 AND coupon_issue.code = substr(record.id, $5))
        ORDER BY id LIMIT $6";

    let prefix = format!("{campaign}|");
    // The character behind '|'.
    let end = format!("{campaign}}}");
    let code_at = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX).saturating_add(1);
    let mut after = prefix;
    loop {
        let found: Vec<(String, String)> = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
            .bind(COUPON.name)
            .bind(&after)
            .bind(&end)
            .bind(campaign)
            .bind(i32::try_from(code_at).unwrap_or(i32::MAX))
            .bind(i64::try_from(CHUNK).unwrap_or(i64::MAX))
            .fetch_all(db)
            .await?);
        let Some((last, _)) = found.last() else { return Ok(None) };
        after.clone_from(last);
        for (_, document) in &found {
            let coupon = read_coupon(document)?;
            if coupon.currency == currency && day <= coupon.expires_on {
                return Ok(Some(coupon));
            }
        }
    }
}

/// Keeps that the task `id` led to `issued`; returns whether nobody was faster.
pub(crate) async fn issue(
    tx: &mut Tx,
    id: &TaskId,
    issued: &CouponIssue,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO coupon_issue (task_id, code, campaign, contact, value, currency, expires_on,
            month, issued_at, issued_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";

    let coupon = &issued.coupon;
    let rows = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id.as_str())
        .bind(&coupon.code)
        .bind(&coupon.campaign)
        .bind(&issued.contact)
        .bind(coupon.value.to_string())
        .bind(coupon.currency.as_str())
        .bind(coupon.expires_on.to_string())
        .bind(&issued.month)
        .bind(issued.issued_at.timestamp_millis())
        .bind(&issued.issued_by)
        .execute(db)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Returns every campaign with how it stands on `day`, in the month of that day.
pub(crate) async fn campaigns(
    store: &Store,
    day: NaiveDate,
) -> Result<BTreeMap<String, Campaign>, StoreError> {
    const ISSUED: &str = "SELECT campaign, code, value, month FROM coupon_issue";

    let mut campaigns: BTreeMap<String, Campaign> = BTreeMap::new();
    for budget in super::record::page(store, BUDGET.name, "", CAMPAIGNS_MAX).await? {
        let found = Some(read_budget(&budget.document)?);
        campaigns.entry(budget.id).or_default().budget = found;
    }
    let month = month_of(day);
    let rows: Vec<(String, String, String, String)> =
        on_backend!(store.reader(), db => sqlx::query_as(ISSUED).fetch_all(db).await?);
    let mut gone = std::collections::BTreeSet::new();
    for (campaign, code, value, issued_in) in rows {
        let standing = campaigns.entry(campaign.clone()).or_default();
        standing.issued += 1;
        if issued_in == month {
            standing.spent += amount("value", &value)?;
        }
        gone.insert(format!("{campaign}|{code}"));
    }
    let mut after = String::new();
    loop {
        let page = super::record::page(store, COUPON.name, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(campaigns) };
        after.clone_from(&last.id);
        for record in page {
            let coupon = read_coupon(&record.document)?;
            let standing = campaigns.entry(coupon.campaign.clone()).or_default();
            standing.imported += 1;
            let fits = standing.budget.is_none_or(|budget| budget.currency == coupon.currency);
            let is_left = !gone.contains(&record.id) && day <= coupon.expires_on && fits;
            standing.left += u64::from(is_left);
        }
    }
}

/// Returns the month of `day` as budgets have it.
pub(crate) fn month_of(day: NaiveDate) -> String {
    day.format("%Y-%m").to_string()
}

const PAGE: u32 = 500;
const OF_TASK: &str = "
    SELECT code, campaign, contact, value, currency, expires_on, month, issued_at, issued_by
    FROM coupon_issue WHERE task_id = $1";
const DOCUMENT: Column = Column("record", "document");

type Columns = BTreeMap<String, String>;

fn read_budget(document: &str) -> Result<Budget, StoreError> {
    let columns: Columns = DOCUMENT.json(document)?;
    let text = |name: &str| columns.get(name).map_or("", String::as_str);
    Ok(Budget { amount: amount("amount", text("amount"))?, currency: currency(text("currency"))? })
}

fn read_coupon(document: &str) -> Result<Coupon, StoreError> {
    let columns: Columns = DOCUMENT.json(document)?;
    let text = |name: &str| columns.get(name).map_or("", String::as_str);
    Ok(Coupon {
        campaign: text("campaign").to_owned(),
        code: text("code").to_owned(),
        value: amount("value", text("value"))?,
        currency: currency(text("currency"))?,
        expires_on: day(text("expires_on"))?,
    })
}

fn amount(column: &'static str, text: &str) -> Result<Decimal, StoreError> {
    text.parse().map_err(|_| Column("coupon_issue", column).inconsistent("no amount"))
}

fn currency(text: &str) -> Result<Currency, StoreError> {
    text.parse().map_err(|_| Column("coupon_issue", "currency").inconsistent("no currency"))
}

fn day(text: &str) -> Result<NaiveDate, StoreError> {
    text.parse().map_err(|_| Column("coupon_issue", "expires_on").inconsistent("no day"))
}

#[derive(sqlx::FromRow)]
struct Row {
    code: String,
    campaign: String,
    contact: String,
    value: String,
    currency: String,
    expires_on: String,
    month: String,
    issued_at: i64,
    issued_by: String,
}

impl TryFrom<Row> for CouponIssue {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let coupon = Coupon {
            campaign: row.campaign,
            code: row.code,
            value: amount("value", &row.value)?,
            currency: currency(&row.currency)?,
            expires_on: day(&row.expires_on)?,
        };
        Ok(Self {
            coupon,
            contact: row.contact,
            month: row.month,
            issued_at: Column("coupon_issue", "issued_at").time(row.issued_at)?,
            issued_by: row.issued_by,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{self, StoredRecord};
    use super::super::testing::{at, each_backend};
    use super::*;

    fn coupon(code: &str, currency: &str, expires_on: &str) -> StoredRecord {
        let document = format!(
            r#"{{"campaign":"spring","code":"{code}","value":"50.00","currency":"{currency}","expires_on":"{expires_on}"}}"#
        );
        StoredRecord { id: format!("spring|{code}"), document }
    }

    #[tokio::test]
    async fn a_pool_gives_each_coupon_once_and_none_that_has_expired() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            let pool = [
                coupon("A1", "EUR", "2025-01-09"),
                coupon("A2", "USD", "2025-12-31"),
                coupon("A3", "EUR", "2025-01-10"),
                coupon("A4", "EUR", "2025-12-31"),
            ];
            record::write(&mut tx, "coupon", &pool, at(0), "x").await.unwrap();
            let document = r#"{"campaign":"spring","amount":"120.00","currency":"EUR"}"#;
            let of_month = StoredRecord { id: "spring".into(), document: document.into() };
            record::write(&mut tx, "coupon-budget", &[of_month], at(0), "x").await.unwrap();
            let day = NaiveDate::from_ymd_opt(2025, 1, 10).unwrap();
            for (task, contact, expected) in
                [("t1", "c1", Some("A3")), ("t2", "c2", Some("A4")), ("t3", "c3", None)]
            {
                let found = next(&mut tx, ("spring", Currency::EUR), day).await.unwrap();
                assert_eq!(found.as_ref().map(|coupon| &*coupon.code), expected);
                let Some(coupon) = found else { continue };
                let issued = CouponIssue {
                    coupon,
                    contact: contact.to_owned(),
                    month: month_of(day),
                    issued_at: at(1),
                    issued_by: "lin".to_owned(),
                };
                let id = TaskId::from_text(task);
                assert!(issue(&mut tx, &id, &issued).await.unwrap());
                assert!(!issue(&mut tx, &id, &issued).await.unwrap(), "twice");
                let other = TaskId::from_text("other");
                let found = find_before(&mut tx, &other, ("spring", contact)).await.unwrap();
                assert_eq!(found, (false, true));
                let found = find_before(&mut tx, &id, ("summer", contact)).await.unwrap();
                assert_eq!(found, (true, false));
            }
            assert_eq!(next(&mut tx, ("sprin", Currency::EUR), day).await.unwrap(), None);
            let total = spent(&mut tx, ("spring", "2025-01")).await.unwrap();
            assert_eq!(total, "100.00".parse().unwrap());
            assert_eq!(budget(&mut tx, "summer").await.unwrap(), None);
            tx.commit().await.unwrap();
            let found = of_task(store, &TaskId::from_text("t2")).await.unwrap().unwrap();
            assert_eq!((&*found.coupon.code, &*found.contact), ("A4", "c2"));
            assert!(!format!("{found:?}").contains("A4"));
            let standing = campaigns(store, day).await.unwrap()["spring"].clone();
            assert_eq!((standing.imported, standing.issued, standing.left), (4, 2, 0));
            assert_eq!(standing.spent, total);
        })
        .await;
    }
}
