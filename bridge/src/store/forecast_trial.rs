//! Back-tests of forecasts: who wanted one, and what came of it.

use chrono::{DateTime, Utc};

use super::column::Column;
use super::error::StoreError;
use super::forecast::ForecastKind;
use super::{Store, Tx};

/// How many are kept of each kind.
const KEPT: i64 = 50;

/// A back-test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trial {
    /// Its number.
    pub(crate) id: i64,
    /// Of which forecasts.
    pub(crate) kind: ForecastKind,
    /// Who wanted it.
    pub(crate) actor: String,
    /// When.
    pub(crate) wanted_at: DateTime<Utc>,
    /// When it ended.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// What came of it, as JSON.
    pub(crate) result: Option<String>,
}

/// Writes down that `actor` wants one at `at`, unless one of the kind is under way; returns its number.
pub(crate) async fn want(
    tx: &mut Tx,
    kind: ForecastKind,
    (actor, at): (&str, DateTime<Utc>),
) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "
        INSERT INTO forecast_trial (kind, actor, wanted_at) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING id";

    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(kind.word())
        .bind(actor)
        .bind(at.timestamp_millis())
        .fetch_optional(db)
        .await?))
}

/// Returns the oldest one that has not ended: whoever began it may have stopped.
pub(crate) async fn first_open(store: &Store) -> Result<Option<Trial>, StoreError> {
    const SQL: &str = "
        SELECT id, kind, actor, wanted_at, ended_at, result FROM forecast_trial
        WHERE ended_at IS NULL ORDER BY id LIMIT 1";

    let row: Option<Row> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_optional(db).await?);
    row.map(Row::read).transpose()
}

/// Ends the one numbered `id`, which began at `started_at`, with its result; returns whether it had not
/// ended before.
pub(crate) async fn end(
    tx: &mut Tx,
    (id, result): (i64, &str),
    (started_at, at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE forecast_trial SET started_at = $2, ended_at = $3, result = $4
        WHERE id = $1 AND ended_at IS NULL";
    const PRUNE: &str = "
        DELETE FROM forecast_trial WHERE ended_at IS NOT NULL AND id NOT IN (
            SELECT id FROM forecast_trial ORDER BY id DESC LIMIT $1
        )";

    let ended = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id)
        .bind(started_at.timestamp_millis())
        .bind(at.timestamp_millis())
        .bind(result)
        .execute(db)
        .await?
        .rows_affected());
    on_backend!(tx.connection(), db => sqlx::query(PRUNE).bind(KEPT).execute(db).await.map(drop)?);
    Ok(ended == 1)
}

/// Returns the newest `max`, newest first.
pub(crate) async fn newest(store: &Store, max: u32) -> Result<Vec<Trial>, StoreError> {
    const SQL: &str = "
        SELECT id, kind, actor, wanted_at, ended_at, result FROM forecast_trial
        ORDER BY id DESC LIMIT $1";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Row::read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    kind: String,
    actor: String,
    wanted_at: i64,
    ended_at: Option<i64>,
    result: Option<String>,
}

impl Row {
    fn read(self) -> Result<Trial, StoreError> {
        let column = |name| Column("forecast_trial", name);
        let kind = ForecastKind::find(&self.kind);
        Ok(Trial {
            id: self.id,
            kind: kind.ok_or_else(|| column("kind").inconsistent("an unknown word"))?,
            actor: self.actor,
            wanted_at: column("wanted_at").time(self.wanted_at)?,
            ended_at: column("ended_at").time_if_any(self.ended_at)?,
            result: self.result,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::want as begin;
    use super::*;

    #[tokio::test]
    async fn one_of_a_kind_is_under_way_and_ends_once() {
        each_backend(async |store| {
            let want = async |actor: &str| {
                let mut tx = store.begin().await.unwrap();
                let id = begin(&mut tx, ForecastKind::Win, (actor, at(1))).await.unwrap();
                tx.commit().await.unwrap();
                id
            };
            let id = want("ana").await.expect("the first one");
            assert_eq!(want("bo").await, None, "one is under way");
            assert_eq!(first_open(store).await.unwrap().map(|one| one.id), Some(id));
            for (result, expected) in [("{}", true), ("{\"late\":1}", false)] {
                let mut tx = store.begin().await.unwrap();
                let ended = end(&mut tx, (id, result), (at(2), at(3))).await.unwrap();
                assert_eq!(ended, expected, "case: {result}");
                tx.commit().await.unwrap();
            }
            assert_eq!(first_open(store).await.unwrap(), None);
            assert!(want("bo").await.is_some());
            let all = newest(store, 9).await.unwrap();
            assert_eq!(all[1].result.as_deref(), Some("{}"));
            assert_eq!((all[0].ended_at, all[1].ended_at), (None, Some(at(3))));
        })
        .await;
    }
}
