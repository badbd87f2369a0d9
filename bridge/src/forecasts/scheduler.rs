//! The one task that makes forecasts: a round when a day begins or a deal changes, and the back-tests
//! that people want.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::round::Round;
use super::trial;
use super::watch::{self, SHOWN_DAYS};
use crate::clock::Clock;
use crate::config::forecast::ForecastConfig;
use crate::health::Health;
use crate::runtime::forecasts::ForecastStep;
use crate::runtime::request::Request;
use crate::store::error::StoreError;
use crate::store::{Store, deal_history, forecast_alarm, forecast_trial};

/// How often it is looked whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Forecasts, or scores, of one transaction: the writer is not held up.
const PART: usize = 1_000;
/// Alarms that are looked at for those to show.
const ALARMS: u32 = 20;

/// What making forecasts takes.
#[derive(Clone, Debug)]
pub(crate) struct Office {
    /// Where everything is kept.
    pub(crate) store: Store,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// To the one writer.
    pub(crate) asks: mpsc::Sender<Request>,
    /// What is forecast.
    pub(crate) config: ForecastConfig,
    /// Where alarms are shown.
    pub(crate) health: Health,
}

/// What a round was made for.
type Mark = (NaiveDate, Option<DateTime<Utc>>);

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForecastError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer began anew, or ends; it is tried again.
    #[error("the writer did not answer")]
    Writer,
}

/// Makes forecasts until `stop`.
pub(crate) async fn run(office: Office, stop: CancellationToken) {
    let mut last = None;
    loop {
        let worked = tokio::select! {
            worked = office.look(&mut last) => worked,
            () = stop.cancelled() => return,
        };
        if let Err(error) = worked {
            let cause = &error as &dyn std::error::Error;
            tracing::warn!(error = cause, "forecasts wait; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

impl Office {
    /// Does what there is to do; `last` is what the last round was made for.
    pub(crate) async fn look(&self, last: &mut Option<Mark>) -> Result<(), ForecastError> {
        let mark = (self.clock.now().date_naive(), deal_history::newest_at(&self.store).await?);
        if *last != Some(mark) {
            let is_new_day = last.is_none_or(|(day, _)| day != mark.0);
            self.round(mark.0, is_new_day).await?;
            *last = Some(mark);
        }
        let Some(trial) = forecast_trial::first_open(&self.store).await? else { return Ok(()) };
        let (id, started_at) = (trial.id, self.clock.now());
        let as_of = self.config.period.beginning(started_at.date_naive());
        let result = trial::run(&self.store, &self.config, (trial.kind, as_of)).await?;
        let result = serde_json::to_string(&result).unwrap_or_default();
        self.write(ForecastStep::EndTrial { id, result, started_at }).await.map(drop)
    }

    /// Makes the round of `day`, or of the deals alone once it was made, and shows what is to be looked
    /// at.
    async fn round(&self, day: NaiveDate, is_new_day: bool) -> Result<(), ForecastError> {
        let (store, config) = (&self.store, &self.config);
        let Round { position, scores, forecasts } = if is_new_day {
            Round::of_day(store, config, day).await?
        } else {
            Round::of_deals(store, config, day).await?
        };
        let (scored, made) = (scores.len(), forecasts.len());
        for part in scores.chunks(PART) {
            self.write(ForecastStep::Score(part.to_vec(), position)).await?;
        }
        for part in forecasts.chunks(PART) {
            self.write(ForecastStep::Keep(part.to_vec(), position)).await?;
        }
        if 0 < scored {
            let standing = watch::standing(&self.store, &self.config).await?;
            let alarms = watch::alarms(&standing, self.clock.now());
            if !alarms.is_empty() {
                self.write(ForecastStep::Raise(alarms)).await?;
            }
        }
        if 0 < scored + made {
            tracing::info!(scored, made, "forecasts were scored and made");
        }
        self.warn().await
    }

    /// Shows the alarms of late.
    async fn warn(&self) -> Result<(), ForecastError> {
        let since = self.clock.now() - TimeDelta::days(SHOWN_DAYS);
        let alarms = forecast_alarm::newest(&self.store, ALARMS).await?;
        let of_late = alarms.iter().filter(|alarm| since <= alarm.raised_at);
        let words = of_late.map(|alarm| {
            format!("forecasts: {} since {}; look at /forecasts", alarm.watched, alarm.as_of)
        });
        self.health.warn("forecasts", words.collect());
        Ok(())
    }

    async fn write(&self, step: ForecastStep) -> Result<u64, ForecastError> {
        let (reply, answer) = oneshot::channel();
        let request = Request::Forecast { step: Box::new(step), reply };
        self.asks.send(request).await.map_err(|_ended| ForecastError::Writer)?;
        answer.await.map_err(|_ended| ForecastError::Writer)
    }
}
