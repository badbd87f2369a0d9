//! When forecasts became worse than they were, or other than they say.

use chrono::{DateTime, NaiveDate, Utc};
use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// What is watched: `win-calibration`, `demand-loss`.
    pub(crate) watched: String,
    /// The first day of the look that raised it.
    pub(crate) as_of: NaiveDate,
    /// What was seen, as JSON.
    pub(crate) detail: String,
    /// When it was raised.
    pub(crate) raised_at: DateTime<Utc>,
}

/// Writes `alarm` down at a place in the log; returns whether it is new.
pub(crate) async fn raise(
    tx: &mut Tx,
    alarm: &Alarm,
    position: Position,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO forecast_alarm (watched, as_of_on, detail, position, raised_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (watched, as_of_on) DO NOTHING";

    let position = Column("forecast_alarm", "position").write_position(position)?;
    let written = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(&*alarm.watched)
        .bind(alarm.as_of.to_string())
        .bind(&*alarm.detail)
        .bind(position)
        .bind(alarm.raised_at.timestamp_millis())
        .execute(db)
        .await?
        .rows_affected());
    Ok(written == 1)
}

/// Returns the newest `max` alarms, newest first.
pub(crate) async fn newest(store: &Store, max: u32) -> Result<Vec<Alarm>, StoreError> {
    const SQL: &str = "
        SELECT watched, as_of_on, detail, raised_at FROM forecast_alarm ORDER BY id DESC LIMIT $1";

    let rows: Vec<(String, String, String, i64)> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
            .bind(i64::from(max))
            .fetch_all(db)
            .await?);
    let column = |name| Column("forecast_alarm", name);
    let read = |(watched, as_of, detail, raised_at): (String, String, String, i64)| {
        let as_of = as_of.parse().map_err(|_| column("as_of_on").inconsistent("no day"))?;
        Ok(Alarm { watched, as_of, detail, raised_at: column("raised_at").time(raised_at)? })
    };
    rows.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn an_alarm_is_raised_once() {
        each_backend(async |store| {
            let alarm = Alarm {
                watched: "demand-loss".to_owned(),
                as_of: "2025-01-01".parse().unwrap(),
                detail: "{}".to_owned(),
                raised_at: at(5),
            };
            let mut tx = store.begin().await.unwrap();
            assert!(raise(&mut tx, &alarm, 3).await.unwrap());
            let later = Alarm { raised_at: at(6), ..alarm.clone() };
            assert!(!raise(&mut tx, &later, 4).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(newest(store, 9).await.unwrap(), [alarm]);
        })
        .await;
    }
}
