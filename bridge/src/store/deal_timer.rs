//! What is to happen to deals when log time has come so far. A timer is taken away in the transaction of
//! what it brings about, so it goes off once.

use chrono::{DateTime, Utc};

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DealTimerKind {
    /// There is no work order for what was promised.
    WorkOrder,
    /// What was promised is not delivered.
    Delivery,
}

impl DealTimerKind {
    const ALL: [Self; 2] = [Self::WorkOrder, Self::Delivery];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::WorkOrder => "work-order",
            Self::Delivery => "delivery",
        }
    }
}

/// Sets the timer of `kind` of `deal` to `at`, or takes it away.
pub(crate) async fn set(
    tx: &mut Tx,
    (deal, kind): (&str, DealTimerKind),
    at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    const SET: &str = "
        INSERT INTO deal_timer (deal, kind, at) VALUES ($1, $2, $3)
        ON CONFLICT (deal, kind) DO UPDATE SET at = excluded.at";
    const CLEAR: &str = "DELETE FROM deal_timer WHERE deal = $1 AND kind = $2";

    on_backend!(tx.connection(), db => match at {
        Some(at) => sqlx::query(SET)
            .bind(deal)
            .bind(kind.word())
            .bind(at.timestamp_millis())
            .execute(db)
            .await
            .map(drop)?,
        None => sqlx::query(CLEAR).bind(deal).bind(kind.word()).execute(db).await.map(drop)?,
    });
    Ok(())
}

/// Takes away at most `max` timers whose time is before `until`, and returns them in the order of their
/// times: the last instant is in time.
pub(crate) async fn take_due(
    tx: &mut Tx,
    until: DateTime<Utc>,
    max: u32,
) -> Result<Vec<(String, DealTimerKind, DateTime<Utc>)>, StoreError> {
    const DUE: &str = "
        SELECT deal, kind, at FROM deal_timer WHERE at < $1 ORDER BY at, deal, kind LIMIT $2";

    let rows: Vec<(String, String, i64)> = on_backend!(tx.connection(), db => sqlx::query_as(DUE)
        .bind(until.timestamp_millis())
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    let mut timers = Vec::with_capacity(rows.len());
    for (deal, kind, at) in rows {
        let found = DealTimerKind::ALL.into_iter().find(|known| known.word() == kind);
        let kind =
            found.ok_or_else(|| Column("deal_timer", "kind").inconsistent("an unknown kind"))?;
        set(tx, (&deal, kind), None).await?;
        timers.push((deal, kind, Column("deal_timer", "at").time(at)?));
    }
    Ok(timers)
}

/// Returns when the next timer is due, as `tx` sees it.
pub(crate) async fn next(tx: &mut Tx) -> Result<Option<DateTime<Utc>>, StoreError> {
    let next: Option<i64> =
        on_backend!(tx.connection(), db => sqlx::query_scalar(NEXT).fetch_one(db).await?);
    Column("deal_timer", "at").time_if_any(next)
}

/// Returns when the next timer is due.
pub(crate) async fn next_committed(store: &Store) -> Result<Option<DateTime<Utc>>, StoreError> {
    let next: Option<i64> =
        on_backend!(store.reader(), db => sqlx::query_scalar(NEXT).fetch_one(db).await?);
    Column("deal_timer", "at").time_if_any(next)
}

const NEXT: &str = "SELECT min(at) FROM deal_timer";

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn timers_go_off_once_and_not_at_the_last_instant() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            assert_eq!(next(&mut tx).await.unwrap(), None);
            set(&mut tx, ("d1", DealTimerKind::WorkOrder), Some(at(5))).await.unwrap();
            set(&mut tx, ("d1", DealTimerKind::Delivery), Some(at(3))).await.unwrap();
            set(&mut tx, ("d2", DealTimerKind::Delivery), Some(at(3))).await.unwrap();
            set(&mut tx, ("d2", DealTimerKind::Delivery), None).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(next_committed(store).await.unwrap(), Some(at(3)));
            let mut tx = store.begin().await.unwrap();
            assert_eq!(take_due(&mut tx, at(3), 9).await.unwrap(), []);
            let due = take_due(&mut tx, at(6), 9).await.unwrap();
            let told: Vec<_> = due.iter().map(|(deal, kind, _)| (&**deal, kind.word())).collect();
            assert_eq!(told, [("d1", "delivery"), ("d1", "work-order")]);
            assert_eq!(take_due(&mut tx, at(9), 9).await.unwrap(), []);
        })
        .await;
    }
}
