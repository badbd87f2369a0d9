//! Forecasts, scores, alarms and back-tests are written: one transaction each, fenced by the cursor.

use chrono::{DateTime, Utc};
use serde_json::json;
use upturn_core::event::Position;

use super::Runtime;
use super::fold::Fold;
use super::letters::{Desk, Notice};
use crate::delivery::document::Occurrence;
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::forecast::{self, ForecastKind, NewForecast, NewScore};
use crate::store::forecast_alarm::{self, Alarm};
use crate::store::{self, Tx, forecast_trial};

/// Who makes forecasts.
const ACTOR: &str = "upturn";

/// What is to be written of forecasts.
#[derive(Debug)]
pub(crate) enum ForecastStep {
    /// Forecasts, with the place in the log up to which was known what they rest on.
    Keep(Vec<NewForecast>, Position),
    /// What came.
    Score(Vec<NewScore>, Position),
    /// Forecasts have become worse.
    Raise(Vec<Alarm>),
    /// A person wants a back-test.
    WantTrial {
        /// Of which forecasts.
        kind: ForecastKind,
        /// Who.
        actor: String,
    },
    /// A back-test has ended.
    EndTrial {
        /// Its number.
        id: i64,
        /// What came of it, as JSON.
        result: String,
        /// When it began.
        started_at: DateTime<Utc>,
    },
}

impl Runtime<'_> {
    /// Writes `step`; returns how much of it is new. Whoever was shut out writes nothing.
    pub(super) async fn write_forecasts(
        &self,
        fold: &Fold,
        step: &ForecastStep,
    ) -> Result<u64, StoreError> {
        let now = self.now(fold);
        let mut tx = self.store.begin().await?;
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, fold.cursor).await?;
        let place = (fold.cursor, now);
        let new = write(&mut tx, &self.desk(&fold.engine), (step, place)).await?;
        tx.commit().await?;
        self.metrics.commits.inc();
        Ok(new)
    }
}

/// Writes `step` at a place in the log; returns how much of it is new.
async fn write(
    tx: &mut Tx,
    desk: &Desk<'_>,
    (step, (cursor, now)): (&ForecastStep, (Position, DateTime<Utc>)),
) -> Result<u64, StoreError> {
    match step {
        ForecastStep::Keep(forecasts, position) => {
            forecast::keep(tx, forecasts, (*position, now)).await
        }
        ForecastStep::Score(scores, position) => {
            forecast::score(tx, scores, (*position, now)).await
        }
        ForecastStep::WantTrial { kind, actor } => {
            let Some(id) = forecast_trial::want(tx, *kind, (actor, now)).await? else {
                return Ok(0);
            };
            let detail = json!({ "trial": id });
            let (action, subject) = ("forecast-trial-wanted", kind.word());
            audit::append(tx, NewEntry { at: now, actor, action, subject, detail: &detail })
                .await?;
            Ok(1)
        }
        ForecastStep::EndTrial { id, result, started_at } => {
            let ended = forecast_trial::end(tx, (*id, result), (*started_at, now)).await?;
            Ok(u64::from(ended))
        }
        ForecastStep::Raise(alarms) => {
            let mut new = 0;
            for alarm in alarms {
                if forecast_alarm::raise(tx, alarm, cursor).await? {
                    new += 1;
                    tell(tx, desk, alarm).await?;
                }
            }
            Ok(new)
        }
    }
}

/// Writes the trail and the letters of a new alarm.
async fn tell(tx: &mut Tx, desk: &Desk<'_>, alarm: &Alarm) -> Result<(), StoreError> {
    let (kind, subject) = (Occurrence::ForecastDrifted.word(), &*alarm.watched);
    let detail = json!({ "as_of": alarm.as_of.to_string() });
    let (at, actor) = (alarm.raised_at, ACTOR);
    audit::append(tx, NewEntry { at, actor, action: kind, subject, detail: &detail }).await?;
    let (en, zh) = words(subject);
    let as_of = alarm.as_of.to_string();
    let notice = Notice {
        occurrence: Occurrence::ForecastDrifted,
        rule: "",
        subject,
        kind: "forecast",
        page: "/forecasts",
        to: "",
        detail: &json!({
            "title": { "en": en, "zh": zh },
            "text": format!("{subject} {as_of}"),
            "watched": subject,
            "as_of": as_of,
        }),
        cause: &as_of,
    };
    desk.notify(tx, at, &notice).await.map(drop)
}

fn words(watched: &str) -> (&'static str, &'static str) {
    match watched {
        "win-calibration" => {
            ("Deals are won more or less often than is said", "赢单的比例与预测的不符")
        }
        "demand-coverage" => {
            ("Demand exceeds what was thought enough more often", "需求比以前更常超出预测的上限")
        }
        _ => ("Forecasts of demand have become worse", "需求预测变差了"),
    }
}
