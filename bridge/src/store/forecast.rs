//! Forecasts as they were made, and what came. Rows are added and never changed.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::QueryBuilder;
use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// Forecasts, or scores, that are written in one statement.
pub(crate) const ROWS_MAX: usize = 500;

/// What is forecast.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ForecastKind {
    /// Units of a product that a place needs.
    Demand,
    /// Whether a deal is won in time.
    Win,
}

/// A forecast to keep.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewForecast {
    /// What is forecast.
    pub(crate) kind: ForecastKind,
    /// Of what: a product and a place, or a deal.
    pub(crate) subject: String,
    /// The first day that is forecast.
    pub(crate) as_of: NaiveDate,
    /// The day after the last one.
    pub(crate) due: NaiveDate,
    /// Periods of demand, or days of a deal.
    pub(crate) horizon: u32,
    /// The deal's revision; 0 of demand.
    pub(crate) revision: u64,
    /// What said it.
    pub(crate) method: &'static str,
    /// What was said, as JSON.
    pub(crate) said: String,
}

/// A forecast that is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Forecast {
    /// Its number.
    pub(crate) id: i64,
    /// Of what.
    pub(crate) subject: String,
    /// The first day that is forecast.
    pub(crate) as_of: NaiveDate,
    /// The day after the last one.
    pub(crate) due: NaiveDate,
    /// Periods of demand, or days of a deal.
    pub(crate) horizon: u32,
    /// The deal's revision; 0 of demand.
    pub(crate) revision: u64,
    /// What said it.
    pub(crate) method: String,
    /// The program that said it.
    pub(crate) version: String,
    /// The place in the log up to which was known what it rests on.
    pub(crate) position: Position,
    /// When it was made.
    pub(crate) made_at: DateTime<Utc>,
    /// What was said, as JSON.
    pub(crate) said: String,
    /// What came, once that is known.
    pub(crate) came: Option<String>,
}

/// What came of a forecast.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewScore {
    /// The forecast's number.
    pub(crate) forecast: i64,
    /// Units, or 1 of a deal that was won in time and 0 of others.
    pub(crate) came: String,
}

impl ForecastKind {
    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Demand => "demand",
            Self::Win => "win",
        }
    }

    /// Returns the one that `word` names.
    pub(crate) fn find(word: &str) -> Option<Self> {
        [Self::Demand, Self::Win].into_iter().find(|kind| kind.word() == word)
    }
}

/// Keeps `forecasts`, made by this program at `at` of what was known up to `position`; those that are
/// kept stay as they are. Returns how many are new.
pub(crate) async fn keep(
    tx: &mut Tx,
    forecasts: &[NewForecast],
    (position, at): (Position, DateTime<Utc>),
) -> Result<u64, StoreError> {
    const INTO: &str = "
        INSERT INTO forecast (kind, subject, as_of_on, due_on, horizon, revision, method, version,
            position, made_at, said) ";
    const ONCE: &str = " ON CONFLICT (kind, subject, as_of_on, horizon, revision) DO NOTHING";

    let position = Column("forecast", "position").write_position(position)?;
    let mut kept = 0;
    for part in forecasts.chunks(ROWS_MAX) {
        kept += on_backend!(tx.connection(), db => {
            let mut query = QueryBuilder::new(INTO);
            query.push_values(part, |mut row, one| {
                row.push_bind(one.kind.word())
                    .push_bind(&*one.subject)
                    .push_bind(one.as_of.to_string())
                    .push_bind(one.due.to_string())
                    .push_bind(i64::from(one.horizon))
                    .push_bind(i64::try_from(one.revision).unwrap_or(i64::MAX))
                    .push_bind(one.method)
                    .push_bind(env!("CARGO_PKG_VERSION"))
                    .push_bind(position)
                    .push_bind(at.timestamp_millis())
                    .push_bind(&*one.said);
            });
            query.push(ONCE).build().execute(db).await?.rows_affected()
        });
    }
    Ok(kept)
}

/// Writes down what came; what is written stays as it is. Returns how many are new.
pub(crate) async fn score(
    tx: &mut Tx,
    scores: &[NewScore],
    (position, at): (Position, DateTime<Utc>),
) -> Result<u64, StoreError> {
    const INTO: &str = "INSERT INTO forecast_score (forecast_id, came, position, scored_at) ";
    const ONCE: &str = " ON CONFLICT (forecast_id) DO NOTHING";

    let position = Column("forecast_score", "position").write_position(position)?;
    let mut kept = 0;
    for part in scores.chunks(ROWS_MAX) {
        kept += on_backend!(tx.connection(), db => {
            let mut query = QueryBuilder::new(INTO);
            query.push_values(part, |mut row, one| {
                row.push_bind(one.forecast)
                    .push_bind(&*one.came)
                    .push_bind(position)
                    .push_bind(at.timestamp_millis());
            });
            query.push(ONCE).build().execute(db).await?.rows_affected()
        });
    }
    Ok(kept)
}

/// Returns which subjects were forecast from `since` on, with the revision that it rests on.
pub(crate) async fn made_since(
    store: &Store,
    kind: ForecastKind,
    since: NaiveDate,
) -> Result<BTreeSet<(String, u64)>, StoreError> {
    const SQL: &str = "
        SELECT DISTINCT subject, revision FROM forecast WHERE kind = $1 AND $2 <= as_of_on";

    let rows: Vec<(String, i64)> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(kind.word())
        .bind(since.to_string())
        .fetch_all(db)
        .await?);
    let revision = Column("forecast", "revision");
    rows.into_iter().map(|(subject, of)| Ok((subject, revision.count(of)?))).collect()
}

/// Returns at most `max` forecasts behind the number `after` that were due from `from` to `until` and
/// have no score, in the order of their numbers.
pub(crate) async fn unscored(
    store: &Store,
    (from, until): (NaiveDate, NaiveDate),
    after: i64,
    max: u32,
) -> Result<Vec<(ForecastKind, Forecast)>, StoreError> {
    const SQL: &str = "
        SELECT id, kind, subject, as_of_on, due_on, horizon, revision, method, version, position,
            made_at, said, NULL AS came
        FROM forecast
        WHERE $1 <= due_on AND due_on <= $2 AND $3 < id AND NOT EXISTS (
            SELECT 1 FROM forecast_score WHERE forecast_id = id
        )
        ORDER BY id LIMIT $4";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(from.to_string())
        .bind(until.to_string())
        .bind(after)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Row::read).collect()
}

/// Returns the newest `max` forecasts of `kind` that have a score, newest first; those of `horizon`, or
/// of any.
pub(crate) async fn scored(
    store: &Store,
    kind: ForecastKind,
    horizon: Option<u32>,
    max: u32,
) -> Result<Vec<Forecast>, StoreError> {
    const SQL: &str = "
        SELECT id, kind, subject, as_of_on, due_on, horizon, revision, method, version,
            forecast.position AS position, made_at, said, came
        FROM forecast JOIN forecast_score ON forecast_id = id
        WHERE kind = $1 AND ($2 = 0 OR horizon = $2) ORDER BY as_of_on DESC, id LIMIT $3";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(kind.word())
        .bind(i64::from(horizon.unwrap_or_default()))
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(|row| row.read().map(|(_, one)| one)).collect()
}

/// Returns the newest `max` forecasts of `subject`, newest first.
pub(crate) async fn of_subject(
    store: &Store,
    (kind, subject): (ForecastKind, &str),
    max: u32,
) -> Result<Vec<Forecast>, StoreError> {
    const SQL: &str = "
        SELECT id, kind, subject, as_of_on, due_on, horizon, revision, method, version,
            forecast.position AS position, made_at, said, came
        FROM forecast LEFT JOIN forecast_score ON forecast_id = id
        WHERE kind = $1 AND subject = $2 ORDER BY as_of_on DESC, id DESC LIMIT $3";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(kind.word())
        .bind(subject)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(|row| row.read().map(|(_, one)| one)).collect()
}

/// Returns how many forecasts of `kind` are kept, and how many of them have a score.
pub(crate) async fn count(store: &Store, kind: ForecastKind) -> Result<(u64, u64), StoreError> {
    const SQL: &str = "
        SELECT count(*), count(forecast_id)
        FROM forecast LEFT JOIN forecast_score ON forecast_id = id WHERE kind = $1";

    let (kept, scored): (i64, i64) = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(kind.word())
        .fetch_one(db)
        .await?);
    let id = Column("forecast", "id");
    Ok((id.count(kept)?, id.count(scored)?))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    kind: String,
    subject: String,
    as_of_on: String,
    due_on: String,
    horizon: i64,
    revision: i64,
    method: String,
    version: String,
    position: i64,
    made_at: i64,
    said: String,
    came: Option<String>,
}

impl Row {
    fn read(self) -> Result<(ForecastKind, Forecast), StoreError> {
        let column = |name| Column("forecast", name);
        let kind = ForecastKind::find(&self.kind);
        let kind = kind.ok_or_else(|| column("kind").inconsistent("an unknown word"))?;
        let day = |name, text: &str| -> Result<NaiveDate, StoreError> {
            text.parse().map_err(|_| column(name).inconsistent("no day"))
        };
        let horizon = u32::try_from(self.horizon);
        let forecast = Forecast {
            id: self.id,
            as_of: day("as_of_on", &self.as_of_on)?,
            due: day("due_on", &self.due_on)?,
            horizon: horizon.map_err(|_| column("horizon").inconsistent("a negative number"))?,
            revision: column("revision").count(self.revision)?,
            subject: self.subject,
            method: self.method,
            version: self.version,
            position: column("position").position(self.position)?,
            made_at: column("made_at").time(self.made_at)?,
            said: self.said,
            came: self.came,
        };
        Ok((kind, forecast))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn what_was_said_stays_and_gets_its_truth_once() {
        each_backend(async |store| {
            let forecast = |subject: &str, said: &str| NewForecast {
                kind: ForecastKind::Demand,
                subject: subject.to_owned(),
                as_of: day("2025-01-01"),
                due: day("2025-02-01"),
                horizon: 1,
                revision: 0,
                method: "mixed",
                said: said.to_owned(),
            };
            let mut tx = store.begin().await.unwrap();
            let first = [forecast("fan|", "{\"a\":1}"), forecast("fan|north", "{}")];
            assert_eq!(keep(&mut tx, &first, (7, at(1))).await.unwrap(), 2);
            let again = [forecast("fan|", "{\"a\":2}"), forecast("pump|", "{}")];
            assert_eq!(keep(&mut tx, &again, (8, at(2))).await.unwrap(), 1, "said once");
            tx.commit().await.unwrap();

            let due = (day("2024-06-01"), day("2025-02-01"));
            let found = unscored(store, due, 0, 9).await.unwrap();
            assert_eq!(found.len(), 3);
            let early = (day("2024-06-01"), day("2025-01-31"));
            assert_eq!(unscored(store, early, 0, 9).await.unwrap(), [], "not due");
            let (_, fan) = &found[0];
            assert_eq!((&*fan.said, fan.position, fan.made_at), ("{\"a\":1}", 7, at(1)));

            for (came, new) in [("4", 1), ("5", 0)] {
                let score = NewScore { forecast: fan.id, came: came.to_owned() };
                let mut tx = store.begin().await.unwrap();
                let written = super::score(&mut tx, &[score], (9, at(3))).await.unwrap();
                assert_eq!(written, new, "case: {came}");
                tx.commit().await.unwrap();
            }
            let kind = ForecastKind::Demand;
            let scored = scored(store, kind, Some(1), 9).await.unwrap();
            assert_eq!(scored.len(), 1);
            assert_eq!(scored[0].came.as_deref(), Some("4"));
            assert_eq!(super::scored(store, kind, Some(2), 9).await.unwrap(), []);
            assert_eq!(unscored(store, due, fan.id, 9).await.unwrap().len(), 2);
            assert_eq!(count(store, kind).await.unwrap(), (3, 1));
            assert_eq!(count(store, ForecastKind::Win).await.unwrap(), (0, 0));
            let made = made_since(store, kind, day("2025-01-01")).await.unwrap();
            assert_eq!(made.len(), 3);
            let of_fan = of_subject(store, (kind, "fan|"), 9).await.unwrap();
            assert_eq!(of_fan[0].came.as_deref(), Some("4"));
        })
        .await;
    }
}
