//! Meetings of customers with consultants that tasks led to.

use chrono::{DateTime, Utc};
use upturn_core::booking::Span;
use upturn_core::id::TaskId;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// A meeting with a consultant that a task led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Booking {
    /// The consultant's id.
    pub(crate) consultant: String,
    /// When it is.
    pub(crate) span: Span,
    /// When it was booked.
    pub(crate) booked_at: DateTime<Utc>,
    /// By whom.
    pub(crate) booked_by: String,
}

/// Whether a meeting can be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Possible {
    /// It can.
    Yes,
    /// The task has one.
    OfTask,
    /// The consultant has another one at that time.
    Taken,
}

/// Returns the meeting that the task `id` led to.
pub(crate) async fn of_task(store: &Store, id: &TaskId) -> Result<Option<Booking>, StoreError> {
    const SQL: &str = "
        SELECT consultant, starts_at, ends_at, booked_at, booked_by FROM booking
        WHERE task_id = $1";

    let row: Option<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(id.as_str()).fetch_optional(db).await?
    });
    row.map(Booking::try_from).transpose()
}

/// Returns when `consultant` has meetings that overlap `within`.
pub(crate) async fn times(
    store: &Store,
    consultant: &str,
    within: Span,
) -> Result<Vec<Span>, StoreError> {
    const SQL: &str = "
        SELECT starts_at, ends_at FROM booking
        WHERE consultant = $1 AND starts_at < $2 AND $3 < ends_at ORDER BY starts_at";

    let rows: Vec<(i64, i64)> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(consultant)
        .bind(within.ends_at.timestamp_millis())
        .bind(within.starts_at.timestamp_millis())
        .fetch_all(db)
        .await?);
    rows.into_iter().map(span).collect()
}

/// Returns whether the task `id` can lead to a meeting with `consultant` at `wanted`.
pub(crate) async fn check(
    tx: &mut Tx,
    id: &TaskId,
    (consultant, wanted): (&str, Span),
) -> Result<Possible, StoreError> {
    const SQL: &str = "
        SELECT count(CASE WHEN task_id = $1 THEN 1 END), count(*) FROM booking
        WHERE task_id = $1 OR (consultant = $2 AND starts_at < $3 AND $4 < ends_at)";

    let (of_task, all): (i64, i64) = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(id.as_str())
        .bind(consultant)
        .bind(wanted.ends_at.timestamp_millis())
        .bind(wanted.starts_at.timestamp_millis())
        .fetch_one(db)
        .await?);
    Ok(match (of_task, all) {
        (_, 0) => Possible::Yes,
        (0, _) => Possible::Taken,
        _ => Possible::OfTask,
    })
}

/// Keeps the meeting that the task `id` led to; returns whether nobody was faster.
pub(crate) async fn insert(
    tx: &mut Tx,
    id: &TaskId,
    booking: &Booking,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO booking (task_id, consultant, starts_at, ends_at, booked_at, booked_by)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

    let rows = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id.as_str())
        .bind(&booking.consultant)
        .bind(booking.span.starts_at.timestamp_millis())
        .bind(booking.span.ends_at.timestamp_millis())
        .bind(booking.booked_at.timestamp_millis())
        .bind(&booking.booked_by)
        .execute(db)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

#[derive(sqlx::FromRow)]
struct Row {
    consultant: String,
    starts_at: i64,
    ends_at: i64,
    booked_at: i64,
    booked_by: String,
}

impl TryFrom<Row> for Booking {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            consultant: row.consultant,
            span: span((row.starts_at, row.ends_at))?,
            booked_at: Column("booking", "booked_at").time(row.booked_at)?,
            booked_by: row.booked_by,
        })
    }
}

fn span((starts_at, ends_at): (i64, i64)) -> Result<Span, StoreError> {
    Ok(Span {
        starts_at: Column("booking", "starts_at").time(starts_at)?,
        ends_at: Column("booking", "ends_at").time(ends_at)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    fn booking(consultant: &str, from: i64, until: i64) -> Booking {
        Booking {
            consultant: consultant.to_owned(),
            span: Span { starts_at: at(from), ends_at: at(until) },
            booked_at: at(1),
            booked_by: "lin".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_task_has_one_meeting_and_a_consultant_one_at_a_time() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            let (t1, t2) = (TaskId::from_text("t1"), TaskId::from_text("t2"));
            let first = booking("wu", 60, 120);
            assert!(insert(&mut tx, &t1, &first).await.unwrap());
            let cases = [
                ("another of the task", &t1, "ann", (600, 660), Possible::OfTask),
                ("the same time", &t2, "wu", (60, 120), Possible::Taken),
                ("a part of it", &t2, "wu", (90, 150), Possible::Taken),
                ("behind it", &t2, "wu", (120, 180), Possible::Yes),
                ("before it", &t2, "wu", (0, 60), Possible::Yes),
                ("somebody else's time", &t2, "ann", (60, 120), Possible::Yes),
            ];
            for (name, task, consultant, (from, until), expected) in cases {
                let wanted = Span { starts_at: at(from), ends_at: at(until) };
                let found = check(&mut tx, task, (consultant, wanted)).await.unwrap();
                assert_eq!(found, expected, "case: {name}");
            }
            assert!(!insert(&mut tx, &t1, &booking("ann", 600, 660)).await.unwrap());
            assert!(!insert(&mut tx, &t2, &first).await.unwrap(), "one beginning, one meeting");
            tx.commit().await.unwrap();
            assert_eq!(of_task(store, &t1).await.unwrap(), Some(first.clone()));
            assert_eq!(of_task(store, &t2).await.unwrap(), None);
            let within = |from, until| Span { starts_at: at(from), ends_at: at(until) };
            assert_eq!(times(store, "wu", within(119, 500)).await.unwrap(), [first.span]);
            assert_eq!(times(store, "wu", within(120, 500)).await.unwrap(), []);
            assert_eq!(times(store, "ann", within(0, 500)).await.unwrap(), []);
        })
        .await;
    }
}
