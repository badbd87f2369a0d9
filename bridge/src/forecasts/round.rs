//! A round: what is due is scored, and what is to be said is said.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use upturn_core::event::Position;

use super::demand::{self, Demand};
use super::period::Frequency;
use super::wins::Wins;
use crate::config::forecast::ForecastConfig;
use crate::store::error::StoreError;
use crate::store::forecast::{self, Forecast, ForecastKind, NewForecast, NewScore};
use crate::store::{Store, cursor};

/// Days after its end in which the truth of a forecast may still be booked.
pub(crate) const GRACE_DAYS: u64 = 3;
/// Days after which the truth of a forecast is not waited for any more, as that of a deal that is gone.
const WAITED_DAYS: u64 = 400;
/// Forecasts without a score that are looked at in one question.
const PAGE: u32 = 5_000;

/// What comes of a round.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// The place in the log up to which was known what it rests on.
    pub(crate) position: Position,
    /// What came.
    pub(crate) scores: Vec<NewScore>,
    /// What is said.
    pub(crate) forecasts: Vec<NewForecast>,
}

impl Round {
    /// Looks at the deals that changed since the round of `day`; only looks.
    pub(crate) async fn of_deals(
        store: &Store,
        config: &ForecastConfig,
        day: NaiveDate,
    ) -> Result<Self, StoreError> {
        let position = cursor::read(store).await?;
        let (wins, said) = (Wins::read(store).await?, said_of_deals(store, day).await?);
        let within = config.within_days;
        let work = move || wins.forecast(day, within, &said);
        let forecasts = tokio::task::spawn_blocking(work).await.unwrap_or_default();
        Ok(Self { position, scores: Vec::new(), forecasts })
    }

    /// Makes the round of `day`; only looks.
    pub(crate) async fn of_day(
        store: &Store,
        config: &ForecastConfig,
        day: NaiveDate,
    ) -> Result<Self, StoreError> {
        let position = cursor::read(store).await?;
        let (demand, wins) = (Demand::read(store).await?, Wins::read(store).await?);
        let scores = scores(store, (&demand, &wins), day).await?;

        let as_of = config.period.beginning(day);
        let said = forecast::made_since(store, ForecastKind::Demand, as_of).await?;
        let said_of_deals = said_of_deals(store, day).await?;
        let config = config.clone();
        let work = move || {
            let mut made = wins.forecast(day, config.within_days, &said_of_deals);
            let series = demand.series(config.period, as_of);
            // A round that was cut short is made up for: what is kept stays as it is.
            if series.iter().any(|one| !said.contains(&(one.subject.clone(), 0))) {
                made.extend(demand::forecast(&series, &config, as_of));
            }
            made
        };
        // Off the threads that serve. It ends early only where the program does.
        let forecasts = tokio::task::spawn_blocking(work).await.unwrap_or_default();
        Ok(Self { position, scores, forecasts })
    }
}

/// Returns the deals of which something was said in the week of `day`, with the revision it rests on.
async fn said_of_deals(
    store: &Store,
    day: NaiveDate,
) -> Result<BTreeSet<(String, u64)>, StoreError> {
    // What is said on a day begins with the next one.
    let since = Frequency::Week.beginning(day).succ_opt().unwrap_or(day);
    forecast::made_since(store, ForecastKind::Win, since).await
}

/// Returns what came of forecasts whose days are over.
async fn scores(
    store: &Store,
    (demand, wins): (&Demand, &Wins),
    day: NaiveDate,
) -> Result<Vec<NewScore>, StoreError> {
    let before = |days: u64| day.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN);
    let due = (before(WAITED_DAYS), before(GRACE_DAYS));
    let (mut scores, mut after) = (Vec::new(), 0);
    let known: BTreeSet<&str> = wins.known().collect();
    loop {
        let page = forecast::unscored(store, due, after, PAGE).await?;
        let Some((_, last)) = page.last() else { return Ok(scores) };
        after = last.id;
        for (kind, one) in &page {
            let Forecast { id, subject, as_of, due, horizon, .. } = one;
            let came = match kind {
                ForecastKind::Demand => demand.came(subject, *as_of, *due).to_string(),
                // Of a deal that is gone, nothing came.
                ForecastKind::Win if !known.contains(&**subject) => continue,
                ForecastKind::Win => {
                    u8::from(wins.deals.is_won(subject, *as_of, *horizon)).to_string()
                }
            };
            scores.push(NewScore { forecast: *id, came });
        }
    }
}
