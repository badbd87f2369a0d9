//! Alarms: what the scores say of forecasts that have become worse.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc, Weekday};
use serde::{Deserialize, Serialize};
use upturn_core::forecast::drift::{self, Drift, LOOKS_BOTH_WAYS, LOOKS_ONE_WAY};
use upturn_core::forecast::ledger::{DemandScore, DemandSheet, WinScore, WinSheet};

use super::sheets::{self, by_day};
use crate::config::forecast::ForecastConfig;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::forecast_alarm::Alarm;

/// Days for which an alarm is shown where people begin.
pub(crate) const SHOWN_DAYS: i64 = 30;

/// The first day of what is said of all open deals at once: the day after the week's first.
const LOOK_ON: Weekday = Weekday::Tue;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Watched {
    /// Whether as many deals are won as was said.
    WinCalibration,
    /// The loss of the next period's demand.
    DemandLoss,
    /// How often the next period's demand exceeds its 0.95 quantile.
    DemandCoverage,
}

/// How a thing that is watched stands.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Standing {
    /// What.
    pub(crate) watched: Watched,
    /// How many looks were judged.
    pub(crate) looks: usize,
    /// Where the larger of its sums stands.
    pub(crate) sum: f64,
    /// The sum that raises an alarm.
    pub(crate) limit: f64,
    /// Looks between two false alarms, on average.
    pub(crate) false_alarm_every: u32,
    /// The first days of the looks that raised an alarm.
    pub(crate) alarms: Vec<NaiveDate>,
}

impl Watched {
    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::WinCalibration => "win-calibration",
            Self::DemandLoss => "demand-loss",
            Self::DemandCoverage => "demand-coverage",
        }
    }
}

/// Returns how everything that is watched stands, from the newest scores.
pub(crate) async fn standing(
    store: &Store,
    config: &ForecastConfig,
) -> Result<Vec<Standing>, StoreError> {
    let wins = sheets::wins(store, config.within_days).await?;
    let demand = sheets::demand(store, 1).await?;
    let within = config.within_days;
    let work = move || {
        let looks: Vec<(NaiveDate, DemandScore)> =
            by_day(&demand).map(|(on, look)| (on, DemandSheet::of(look).all)).collect();
        let days: Vec<NaiveDate> = looks.iter().map(|(on, _)| *on).collect();
        let losses: Vec<f64> = looks.iter().map(|(_, look)| look.loss).collect();
        let short: Vec<f64> = looks.iter().map(|(_, look)| look.beyond()).collect();

        let (mut looks, mut free_from) = (Vec::new(), NaiveDate::MIN);
        for (on, look) in by_day(&wins) {
            // Between these days only deals that changed were looked at, and looks that overlap would
            // count the same wins twice.
            if on.weekday() == LOOK_ON && free_from <= on {
                let WinScore { expected, won, .. } = WinSheet::of(look).all;
                let variance = drift::variance(look.iter().map(|one| one.said.probability));
                looks.push((on, (expected, variance, won)));
                let days = Days::new(u64::from(within));
                free_from = on.checked_add_days(days).unwrap_or(NaiveDate::MAX);
            }
        }
        let (win_days, looks): (Vec<_>, Vec<_>) = looks.into_iter().unzip();
        vec![
            stand(Watched::WinCalibration, (&drift::of_wins(&looks), LOOKS_BOTH_WAYS), &win_days),
            stand(Watched::DemandLoss, (&drift::of_losses(&losses), LOOKS_ONE_WAY), &days),
            stand(Watched::DemandCoverage, (&drift::of_losses(&short), LOOKS_ONE_WAY), &days),
        ]
    };
    Ok(tokio::task::spawn_blocking(work).await.unwrap_or_default())
}

fn stand(
    watched: Watched,
    (drift, false_alarm_every): (&Drift, u32),
    days: &[NaiveDate],
) -> Standing {
    let day = |at: &usize| days.get(*at).copied();
    Standing {
        watched,
        looks: drift.looks,
        sum: drift.up.max(drift.down),
        limit: drift::LIMIT,
        false_alarm_every,
        alarms: drift.alarms.iter().filter_map(day).collect(),
    }
}

/// Returns the alarms of `standing`, raised at `now`.
pub(crate) fn alarms(standing: &[Standing], now: DateTime<Utc>) -> Vec<Alarm> {
    let of = |one: &Standing| {
        let detail = serde_json::json!({
            "limit": one.limit, "false_alarm_every": one.false_alarm_every, "looks": one.looks,
        });
        let watched = one.watched.word();
        let alarm = |as_of: &NaiveDate| Alarm {
            watched: watched.to_owned(),
            as_of: *as_of,
            detail: detail.to_string(),
            raised_at: now,
        };
        one.alarms.iter().map(alarm).collect::<Vec<_>>()
    };
    standing.iter().flat_map(of).collect()
}
