//! What was done with deals: kept for good, one row an act. A deal stands as the fold of its acts says.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use upturn_core::compliance::process::deal::Action;
use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// An act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DealAct {
    /// The deal.
    pub(crate) deal: String,
    /// Which act of the deal's it is, counted from 1.
    pub(crate) revision: u64,
    /// Its place in the log.
    pub(crate) position: Position,
    /// Log time.
    pub(crate) at: DateTime<Utc>,
    /// Who.
    pub(crate) actor: String,
    /// By which process it was judged.
    pub(crate) process: String,
    /// In which version: the digest of the policy then in force.
    pub(crate) policy: String,
    /// What.
    pub(crate) action: Action,
}

/// Writes `act` behind all others of its deal; returns whether it is the first with its revision.
pub(crate) async fn append(tx: &mut Tx, act: &DealAct) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO deal_act (deal, revision, position, at, actor, process, policy, action)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (deal, revision) DO NOTHING";

    let inserted = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(&act.deal)
        .bind(i64::try_from(act.revision).unwrap_or(i64::MAX))
        .bind(Column("deal_act", "position").write_position(act.position)?)
        .bind(act.at.timestamp_millis())
        .bind(&act.actor)
        .bind(&act.process)
        .bind(&act.policy)
        .bind(ACTION.write_json(&act.action)?)
        .execute(db)
        .await?
        .rows_affected());
    Ok(inserted == 1)
}

/// Returns the acts of `deal` in their order, as `tx` sees them.
pub(crate) async fn of_deal(tx: &mut Tx, deal: &str) -> Result<Vec<DealAct>, StoreError> {
    let rows: Vec<Row> = on_backend!(tx.connection(), db => {
        sqlx::query_as(OF_DEAL).bind(deal).fetch_all(db).await?
    });
    rows.into_iter().map(Row::read).collect()
}

/// Returns the acts of `deal` in their order.
pub(crate) async fn committed(store: &Store, deal: &str) -> Result<Vec<DealAct>, StoreError> {
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(OF_DEAL).bind(deal).fetch_all(db).await?
    });
    rows.into_iter().map(Row::read).collect()
}

/// Where a deal's way has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// By which process it goes.
    pub(crate) process: String,
    /// How many acts there are.
    pub(crate) revision: u64,
    /// When the last was.
    pub(crate) at: DateTime<Utc>,
}

/// Returns where the deals have come that have begun a process.
pub(crate) async fn heads(store: &Store) -> Result<BTreeMap<String, Head>, StoreError> {
    const SQL: &str = "
        SELECT deal, min(process), max(revision), max(at) FROM deal_act GROUP BY deal";

    let rows: Vec<(String, String, i64, i64)> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    let heads = rows.into_iter().map(|(deal, process, revision, at)| {
        let revision = Column("deal_act", "revision").count(revision)?;
        Ok((deal, Head { process, revision, at: Column("deal_act", "at").time(at)? }))
    });
    heads.collect()
}

/// Returns the acts of all deals with `after` < id, at most `max`, by deal and then in their order.
pub(crate) async fn page(
    store: &Store,
    after: (&str, u64),
    max: u32,
) -> Result<Vec<DealAct>, StoreError> {
    const SQL: &str = "
        SELECT deal, revision, position, at, actor, process, policy, action FROM deal_act
        WHERE $1 < deal OR (deal = $1 AND $2 < revision) ORDER BY deal, revision LIMIT $3";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(after.0)
        .bind(i64::try_from(after.1).unwrap_or(i64::MAX))
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Row::read).collect()
}

const OF_DEAL: &str = "
    SELECT deal, revision, position, at, actor, process, policy, action FROM deal_act
    WHERE deal = $1 ORDER BY revision";
const ACTION: Column = Column("deal_act", "action");

#[derive(sqlx::FromRow)]
struct Row {
    deal: String,
    revision: i64,
    position: i64,
    at: i64,
    actor: String,
    process: String,
    policy: String,
    action: String,
}

impl Row {
    fn read(self) -> Result<DealAct, StoreError> {
        Ok(DealAct {
            deal: self.deal,
            revision: Column("deal_act", "revision").count(self.revision)?,
            position: Column("deal_act", "position").position(self.position)?,
            at: Column("deal_act", "at").time(self.at)?,
            actor: self.actor,
            process: self.process,
            policy: self.policy,
            action: ACTION.json(&self.action)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use upturn_core::compliance::policy::Policy;

    use super::super::policy;
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn acts_come_back_in_their_order_and_a_revision_is_given_once() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            let none = Policy::default();
            policy::put(&mut tx, &none, (1, at(0)), "a").await.unwrap();
            let act = |deal: &str, revision, action| DealAct {
                deal: deal.to_owned(),
                revision,
                position: 7 + revision,
                at: at(1),
                actor: "lin".to_owned(),
                process: "p".to_owned(),
                policy: none.digest(),
                action,
            };
            let enter = Action::Enter { stage: "offer".to_owned() };
            let all =
                [act("d1", 1, Action::Begin), act("d1", 2, enter), act("d2", 1, Action::Begin)];
            for one in all.iter().rev() {
                assert!(append(&mut tx, one).await.unwrap());
            }
            assert!(!append(&mut tx, &act("d1", 2, Action::OrderWork)).await.unwrap());
            let [one, two, _] = &all;
            assert_eq!(of_deal(&mut tx, "d1").await.unwrap(), [one.clone(), two.clone()]);
            tx.commit().await.unwrap();
            assert_eq!(committed(store, "d1").await.unwrap(), all[..2]);
            assert_eq!(page(store, ("", 0), 9).await.unwrap(), all);
            assert_eq!(page(store, ("d1", 1), 1).await.unwrap(), all[1..2]);
            let heads = heads(store).await.unwrap();
            let told = heads.iter().map(|(deal, head)| (&**deal, head.revision));
            assert_eq!(told.collect::<Vec<_>>(), [("d1", 2), ("d2", 1)]);
            assert_eq!(page(store, ("d2", 1), 9).await.unwrap(), []);
        })
        .await;
    }
}
