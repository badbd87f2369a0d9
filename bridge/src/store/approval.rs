//! What people were asked to allow, and what became of it.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ApprovalState {
    /// It waits.
    Open,
    /// It is allowed.
    Approved,
    /// It is not.
    Rejected,
    /// What it was about has changed.
    Void,
}

impl ApprovalState {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Open, Self::Approved, Self::Rejected, Self::Void];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Void => "void",
        }
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredApproval {
    /// Its id.
    pub(crate) id: String,
    /// The hash of the content.
    pub(crate) content: String,
    /// The digest of the quote it was asked for with.
    pub(crate) quote: String,
    /// The deal.
    pub(crate) deal: Option<String>,
    /// Whose quote it is.
    pub(crate) person: String,
    /// Who asked, if somebody asked in the name of `person`.
    pub(crate) asked_by: String,
    /// How much it is about, in `currency`; where it is not known, the highest role decides.
    pub(crate) amount: Option<Decimal>,
    /// The currency of the tiers.
    pub(crate) currency: String,
    /// What is beyond authority, and why it is asked for.
    pub(crate) reason: String,
    /// When it was asked for.
    pub(crate) asked_at: DateTime<Utc>,
    /// What became of it.
    pub(crate) state: ApprovalState,
    /// Who decided, when, and what they said.
    pub(crate) decision: Option<Decision>,
    /// Grows with each change.
    pub(crate) revision: u64,
}

/// What somebody decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Who.
    pub(crate) by: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// What they said.
    pub(crate) comment: String,
    /// The first and the last day it holds, of an approval.
    pub(crate) valid: Option<(NaiveDate, NaiveDate)>,
}

const COLUMNS: &str = "
    SELECT id, content, quote, deal, person, amount, currency, reason, asked_at, state, decided_by,
        decided_at, comment, valid_from, valid_until, revision, asked_by
    FROM approval ";

/// Keeps a new case unless there is one with its id; returns whether it is new.
pub(crate) async fn insert(tx: &mut Tx, case: &StoredApproval) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO approval (id, content, quote, deal, person, amount, currency, reason, asked_at,
            state, revision, asked_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11) ON CONFLICT (id) DO NOTHING";

    let inserted = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(&case.id)
        .bind(&case.content)
        .bind(&case.quote)
        .bind(&case.deal)
        .bind(&case.person)
        .bind(case.amount.map(|amount| amount.to_string()))
        .bind(&case.currency)
        .bind(&case.reason)
        .bind(case.asked_at.timestamp_millis())
        .bind(case.state.word())
        .bind(&case.asked_by)
        .execute(db)
        .await?
        .rows_affected());
    Ok(inserted == 1)
}

/// Writes down what was decided about the open case `id`; returns whether it was open. Of several who
/// decide exactly one does.
pub(crate) async fn decide(
    tx: &mut Tx,
    (id, state): (&str, ApprovalState),
    decision: &Decision,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE approval SET state = $2, decided_by = $3, decided_at = $4, comment = $5,
            valid_from = $6, valid_until = $7, revision = revision + 1
        WHERE id = $1 AND state = 'open'";

    let day = |day: NaiveDate| day.to_string();
    let changed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id)
        .bind(state.word())
        .bind(&decision.by)
        .bind(decision.at.timestamp_millis())
        .bind(&decision.comment)
        .bind(decision.valid.map(|(from, _)| day(from)))
        .bind(decision.valid.map(|(_, until)| day(until)))
        .execute(db)
        .await?
        .rows_affected());
    Ok(changed == 1)
}

/// Voids the case `id`.
pub(crate) async fn void_one(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE approval SET state = 'void', revision = revision + 1 WHERE id = $1";

    on_backend!(tx.connection(), db => sqlx::query(SQL).bind(id).execute(db).await.map(drop)?);
    Ok(())
}

/// Voids what was asked or allowed for `deal`, since something that is guarded has changed; returns
/// how many cases that were.
pub(crate) async fn void(tx: &mut Tx, deal: &str) -> Result<u64, StoreError> {
    const SQL: &str = "
        UPDATE approval SET state = 'void', revision = revision + 1
        WHERE deal = $1 AND state IN ('open', 'approved')";

    Ok(on_backend!(tx.connection(), db => {
        sqlx::query(SQL).bind(deal).execute(db).await?.rows_affected()
    }))
}

/// Returns the case `id`, as `tx` sees it.
pub(crate) async fn get(tx: &mut Tx, id: &str) -> Result<Option<StoredApproval>, StoreError> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    let row: Option<Row> = on_backend!(tx.connection(), db => {
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?
    });
    row.map(Row::read).transpose()
}

/// Returns the cases about `content`, the newest first.
pub(crate) async fn of_content(
    store: &Store,
    content: &str,
) -> Result<Vec<StoredApproval>, StoreError> {
    let sql = format!("{COLUMNS} WHERE content = $1 ORDER BY asked_at DESC, id LIMIT 100");
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(content).fetch_all(db).await?
    });
    rows.into_iter().map(Row::read).collect()
}

/// Returns the cases about `content`, the newest first, as `tx` sees them.
pub(crate) async fn about(tx: &mut Tx, content: &str) -> Result<Vec<StoredApproval>, StoreError> {
    let sql = format!("{COLUMNS} WHERE content = $1 ORDER BY asked_at DESC, id LIMIT 100");
    let rows: Vec<Row> = on_backend!(tx.connection(), db => {
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(content).fetch_all(db).await?
    });
    rows.into_iter().map(Row::read).collect()
}

/// Returns at most `max` cases, the newest first.
pub(crate) async fn newest(store: &Store, max: u32) -> Result<Vec<StoredApproval>, StoreError> {
    let sql = format!("{COLUMNS} ORDER BY asked_at DESC, id LIMIT $1");
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(i64::from(max)).fetch_all(db).await?
    });
    rows.into_iter().map(Row::read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    content: String,
    quote: String,
    deal: Option<String>,
    person: String,
    amount: Option<String>,
    currency: String,
    reason: String,
    asked_at: i64,
    state: String,
    decided_by: Option<String>,
    decided_at: Option<i64>,
    comment: Option<String>,
    valid_from: Option<String>,
    valid_until: Option<String>,
    revision: i64,
    asked_by: String,
}

impl Row {
    fn read(self) -> Result<StoredApproval, StoreError> {
        let column = |name| Column("approval", name);
        let state = ApprovalState::ALL.into_iter().find(|state| state.word() == self.state);
        let amount = self.amount.map(|amount| amount.parse()).transpose();
        let day = |text: Option<String>| {
            let day = text.map(|text| text.parse::<NaiveDate>()).transpose();
            day.map_err(|_not_a_day| column("valid_from").inconsistent("a day that is none"))
        };
        let valid = day(self.valid_from)?.zip(day(self.valid_until)?);
        let decision = match self.decided_by.zip(self.decided_at) {
            None => None,
            Some((by, at)) => {
                let at = column("decided_at").time(at)?;
                Some(Decision { by, at, comment: self.comment.unwrap_or_default(), valid })
            }
        };
        Ok(StoredApproval {
            id: self.id,
            content: self.content,
            quote: self.quote,
            deal: self.deal,
            person: self.person,
            amount: amount.map_err(|_| column("amount").inconsistent("an amount that is none"))?,
            currency: self.currency,
            reason: self.reason,
            asked_at: column("asked_at").time(self.asked_at)?,
            state: state.ok_or_else(|| column("state").inconsistent("an unknown state"))?,
            decision,
            revision: column("revision").count(self.revision)?,
            asked_by: self.asked_by,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::quote::{self, tests::quote as sample};
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn a_case_is_decided_once_and_void_when_the_deal_changes() {
        each_backend(async |store| {
            let case = |id: &str, minute| StoredApproval {
                id: id.to_owned(),
                content: "c".to_owned(),
                quote: "q".to_owned(),
                deal: Some("d1".to_owned()),
                person: "lin".to_owned(),
                asked_by: "lin".to_owned(),
                amount: Some("12.50".parse().unwrap()),
                currency: "CNY".to_owned(),
                reason: "r".to_owned(),
                asked_at: at(minute),
                state: ApprovalState::Open,
                decision: None,
                revision: 1,
            };
            let mut tx = store.begin().await.unwrap();
            quote::insert(&mut tx, &sample("q", 0, Some("d1"))).await.unwrap();
            let (one, two) = (case("a1", 1), case("a2", 2));
            for each in [&one, &two] {
                assert!(insert(&mut tx, each).await.unwrap());
                assert!(!insert(&mut tx, each).await.unwrap());
            }
            let day = |day: &str| day.parse().unwrap();
            let decision = Decision {
                by: "d.lin".to_owned(),
                at: at(5),
                comment: "fine".to_owned(),
                valid: Some((day("2025-01-27"), day("2025-02-26"))),
            };
            assert!(decide(&mut tx, ("a1", ApprovalState::Approved), &decision).await.unwrap());
            let again = Decision { valid: None, ..decision.clone() };
            assert!(!decide(&mut tx, ("a1", ApprovalState::Rejected), &again).await.unwrap());
            let (state, decision) = (ApprovalState::Approved, Some(decision));
            let approved = StoredApproval { state, decision, revision: 2, ..one };
            assert_eq!(get(&mut tx, "a1").await.unwrap().as_ref(), Some(&approved));
            tx.commit().await.unwrap();
            assert_eq!(newest(store, 9).await.unwrap(), [two.clone(), approved.clone()]);
            assert_eq!(of_content(store, "c").await.unwrap(), [two, approved]);

            let mut tx = store.begin().await.unwrap();
            assert_eq!(void(&mut tx, "d1").await.unwrap(), 2);
            assert_eq!(void(&mut tx, "d1").await.unwrap(), 0);
            assert_eq!(get(&mut tx, "a2").await.unwrap().unwrap().state, ApprovalState::Void);
        })
        .await;
    }
}
