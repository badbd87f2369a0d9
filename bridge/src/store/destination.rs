//! How destinations do: kept, so that a restart does not forget that one is in trouble or turned off.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Store;
use super::column::Column;
use super::error::StoreError;

/// How a destination does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DestinationState {
    /// How often it failed since it last worked.
    pub(crate) failures: u32,
    /// Until when no letter is tried.
    pub(crate) open_until: Option<DateTime<Utc>>,
    /// Why it is turned off, if it is.
    pub(crate) off_reason: Option<String>,
    /// The last thing that went wrong.
    pub(crate) last_error: Option<String>,
    /// When that was.
    pub(crate) failed_at: Option<DateTime<Utc>>,
    /// When it last took something.
    pub(crate) worked_at: Option<DateTime<Utc>>,
}

/// Returns how the destination `id` does; as nobody ever saw it, if it was never tried.
pub(crate) async fn find(store: &Store, id: &str) -> Result<DestinationState, StoreError> {
    const SQL: &str = "
        SELECT id, failures, open_until, off_reason, last_error, failed_at, worked_at
        FROM destination_state WHERE id = $1";

    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(id)
        .fetch_optional(db)
        .await?);
    row.map_or_else(|| Ok(DestinationState::default()), |row| Ok(row.read()?.1))
}

/// Returns how all destinations do that were ever tried, by id.
pub(crate) async fn all(store: &Store) -> Result<BTreeMap<String, DestinationState>, StoreError> {
    const SQL: &str = "
        SELECT id, failures, open_until, off_reason, last_error, failed_at, worked_at
        FROM destination_state ORDER BY id";

    let rows: Vec<Row> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    rows.into_iter().map(Row::read).collect()
}

/// Keeps how the destination `id` does.
pub(crate) async fn keep(
    store: &Store,
    id: &str,
    state: &DestinationState,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO destination_state
            (id, failures, open_until, off_reason, last_error, failed_at, worked_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET
            failures = excluded.failures, open_until = excluded.open_until,
            off_reason = excluded.off_reason, last_error = excluded.last_error,
            failed_at = excluded.failed_at, worked_at = excluded.worked_at";

    let ms = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_millis());
    on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(id)
        .bind(i64::from(state.failures))
        .bind(ms(state.open_until))
        .bind(state.off_reason.as_deref())
        .bind(state.last_error.as_deref())
        .bind(ms(state.failed_at))
        .bind(ms(state.worked_at))
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Lets the destination `id` be tried again at once, also if it is turned off.
pub(crate) async fn turn_on(store: &Store, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE destination_state SET failures = 0, open_until = NULL, off_reason = NULL
        WHERE id = $1";

    on_backend!(store.writer(), db => sqlx::query(SQL).bind(id).execute(db).await.map(drop)?);
    store.bells().ring(id);
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    failures: i64,
    open_until: Option<i64>,
    off_reason: Option<String>,
    last_error: Option<String>,
    failed_at: Option<i64>,
    worked_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<(String, DestinationState), StoreError> {
        let column = |name| Column("destination_state", name);
        let state = DestinationState {
            failures: u32::try_from(self.failures)
                .map_err(|_| column("failures").inconsistent("an impossible count"))?,
            open_until: column("open_until").time_if_any(self.open_until)?,
            off_reason: self.off_reason,
            last_error: self.last_error,
            failed_at: column("failed_at").time_if_any(self.failed_at)?,
            worked_at: column("worked_at").time_if_any(self.worked_at)?,
        };
        Ok((self.id, state))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn what_is_known_of_a_destination_stays_until_somebody_turns_it_on() {
        each_backend(async |store| {
            assert_eq!(find(store, "crm").await.unwrap(), DestinationState::default());
            let off = DestinationState {
                failures: 3,
                open_until: Some(at(5)),
                off_reason: Some("it answered 410".to_owned()),
                last_error: Some("it answered 410".to_owned()),
                failed_at: Some(at(1)),
                worked_at: None,
            };
            keep(store, "crm", &DestinationState::default()).await.unwrap();
            keep(store, "crm", &off).await.unwrap();
            assert_eq!(find(store, "crm").await.unwrap(), off);

            turn_on(store, "crm").await.unwrap();
            turn_on(store, "unknown").await.unwrap();
            let on = DestinationState { failures: 0, open_until: None, off_reason: None, ..off };
            assert_eq!(all(store).await.unwrap(), BTreeMap::from([("crm".to_owned(), on)]));
        })
        .await;
    }
}
