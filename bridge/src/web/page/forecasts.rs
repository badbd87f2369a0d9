//! How good forecasts were: losses, coverage, calibration, what is watched, and back-tests.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use chrono::TimeDelta;
use fluent_bundle::FluentValue;
use serde::Deserialize;
use upturn_core::forecast::ledger::{DemandScore, DemandSheet, WinScore, WinSheet};

use super::plot::{Plot, number, percent};
use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::forecasts::trial::TrialResult;
use crate::forecasts::watch::{SHOWN_DAYS, Standing, Watched};
use crate::store::forecast::ForecastKind;
use crate::store::forecast_alarm::{self, Alarm};
use crate::store::forecast_trial::Trial;
use crate::web::App;
use crate::web::fault::{Fault, FaultKind};
use crate::web::forecasts;
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// Alarms that the start page shows at most.
const ALARMS: u32 = 3;

/// The page.
#[derive(Debug, Template)]
#[template(path = "forecasts.html")]
struct ForecastsPage {
    shell: Shell,
    told: Option<(String, bool)>,
    alarms: Vec<String>,
    watched: Table,
    demand: Option<DemandPart>,
    demand_waits: String,
    deals: Option<DealsPart>,
    deals_wait: String,
    trials: Vec<TrialLine>,
    /// What the newest back-test of each kind said.
    tried_demand: Option<DemandPart>,
    tried_deals: Option<DealsPart>,
    can_try: bool,
}

/// A table of texts: the first cell of a row names it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) heads: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// How forecasts of demand did.
#[derive(Debug)]
struct DemandPart {
    classes: Table,
    loss: Plot,
    coverage: Plot,
    months: Table,
}

/// How chances of deals did.
#[derive(Debug)]
struct DealsPart {
    lead: String,
    calibration: Plot,
    bins: Table,
    brier: Plot,
    months: Table,
}

/// A back-test.
#[derive(Debug)]
struct TrialLine {
    kind: String,
    wanted: When,
    actor: String,
    said: String,
}

/// What the reader just did, by the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    did: String,
}

/// Shows it.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadForecasts)?;
    let overview = forecasts::overview(&app).await?;
    let language = shell.language;
    let told = match &*params.did {
        "trial" => Some((text(language, key!("told-forecast-trial")), false)),
        "refused" => Some((text(language, key!("told-forecast-refused")), true)),
        _ => None,
    };
    let teller = shell.teller(&app);
    let newest = |kind| {
        let trial = overview.trials.iter().find(|one| one.kind == kind && one.result.is_some());
        trial.and_then(result)
    };
    let waits = |(kept, scored): (u64, u64)| {
        let values = [("kept", FluentValue::from(kept)), ("scored", FluentValue::from(scored))];
        text_with(language, key!("forecast-kept"), values)
    };
    let (demand, deals) = (&overview.horizon, &overview.deals);
    render(&ForecastsPage {
        told,
        alarms: alarms(language, &overview.alarms),
        watched: watched(language, &overview.standing),
        demand: (0 < demand.all.n).then(|| DemandPart::of(language, demand)),
        demand_waits: waits(overview.demand),
        deals: (0 < deals.all.n).then(|| DealsPart::of(language, deals)),
        deals_wait: waits(overview.wins),
        tried_demand: newest(ForecastKind::Demand)
            .and_then(|tried| tried.demand)
            .filter(|sheet| 0 < sheet.all.n)
            .map(|sheet| DemandPart::of(language, &sheet)),
        tried_deals: newest(ForecastKind::Win)
            .and_then(|tried| tried.wins)
            .filter(|sheet| 0 < sheet.all.n)
            .map(|sheet| DealsPart::of(language, &sheet)),
        trials: overview.trials.iter().map(|trial| line(&teller, trial)).collect(),
        can_try: shell.can(Action::TryForecasts),
        shell,
    })
}

/// Has a back-test made.
pub(crate) async fn try_out(
    State(app): State<App>,
    shell: Shell,
    Path(kind): Path<String>,
) -> Result<Redirect, Fault> {
    shell.check(Action::TryForecasts)?;
    let kind = ForecastKind::find(&kind).ok_or(FaultKind::NotFound)?;
    match forecasts::want_trial(&app, kind, shell.caller()?.id()).await {
        Ok(()) => Ok(Redirect::to("/forecasts?did=trial")),
        Err(fault) if fault.kind == FaultKind::TrialOpen => {
            Ok(Redirect::to("/forecasts?did=refused"))
        }
        Err(fault) => Err(fault),
    }
}

/// Returns the alarms of late in words, for whoever may look at forecasts.
pub(super) async fn alarms_of_late(app: &App, shell: &Shell) -> Result<Vec<String>, Fault> {
    if !shell.can(Action::ReadForecasts) {
        return Ok(Vec::new());
    }
    let since = app.clock.now() - TimeDelta::days(SHOWN_DAYS);
    let mut of_late = forecast_alarm::newest(&app.store, ALARMS).await?;
    of_late.retain(|alarm| since <= alarm.raised_at);
    Ok(alarms(shell.language, &of_late))
}

fn alarms(language: Language, alarms: &[Alarm]) -> Vec<String> {
    let alarm = |one: &Alarm| {
        let named = [Watched::WinCalibration, Watched::DemandLoss, Watched::DemandCoverage]
            .into_iter()
            .find(|watched| watched.word() == one.watched)?;
        let values = [
            ("what", FluentValue::from(watched_words(language, named))),
            ("day", FluentValue::from(one.as_of.to_string())),
        ];
        Some(text_with(language, key!("forecast-alarm"), values))
    };
    alarms.iter().filter_map(alarm).collect()
}

fn watched_words(language: Language, watched: Watched) -> String {
    let key = match watched {
        Watched::WinCalibration => key!("watched-win-calibration"),
        Watched::DemandLoss => key!("watched-demand-loss"),
        Watched::DemandCoverage => key!("watched-demand-coverage"),
    };
    text(language, key)
}

fn watched(language: Language, standing: &[Standing]) -> Table {
    let words = |key| text(language, key);
    let row = |one: &Standing| {
        let newest = one.alarms.last().map_or_else(|| "–".to_owned(), ToString::to_string);
        vec![
            watched_words(language, one.watched),
            one.looks.to_string(),
            format!("{:.1} / {:.1}", one.sum, one.limit),
            one.false_alarm_every.to_string(),
            newest,
        ]
    };
    Table {
        title: words(key!("forecast-watched")),
        heads: vec![
            words(key!("forecast-what")),
            words(key!("forecast-looks")),
            words(key!("forecast-sum")),
            words(key!("forecast-false-alarm")),
            words(key!("forecast-last-alarm")),
        ],
        rows: standing.iter().map(row).collect(),
    }
}

impl DemandPart {
    fn of(language: Language, sheet: &DemandSheet) -> Self {
        let words = |key| text(language, key);
        let heads = |first: String| {
            let heads = [
                key!("forecast-n"),
                key!("forecast-loss"),
                key!("forecast-coverage"),
                key!("forecast-cost"),
                key!("forecast-units"),
            ];
            std::iter::once(first).chain(heads.map(words)).collect::<Vec<_>>()
        };
        let row = |name: String, score: &DemandScore| {
            vec![
                name,
                score.n.to_string(),
                number(score.loss),
                score.coverage.map(percent).join(" · "),
                number(score.stock_cost),
                format!("{} / {}", number(score.units), number(score.expected)),
            ]
        };
        let classes = sheet.classes.iter();
        let classes =
            classes.map(|(class, score)| row(class_words(language, class.as_str()), score));
        let all = std::iter::once(row(words(key!("forecast-all")), &sheet.all));
        let month = |day: &chrono::NaiveDate| day.format("%Y-%m").to_string();
        let losses: Vec<_> =
            sheet.months.iter().map(|(on, score)| (month(on), score.loss)).collect();
        let covered = |score: &DemandScore| score.coverage.last().copied().unwrap_or_default();
        let coverage: Vec<_> =
            sheet.months.iter().map(|(on, score)| (month(on), covered(score))).collect();
        Self {
            classes: Table {
                title: words(key!("forecast-by-class")),
                heads: heads(words(key!("forecast-class"))),
                rows: all.chain(classes).collect(),
            },
            loss: Plot::over_time(
                (words(key!("forecast-loss-plot")), words(key!("forecast-loss"))),
                &losses,
                (None, number),
            ),
            coverage: Plot::over_time(
                (words(key!("forecast-coverage-plot")), words(key!("forecast-share"))),
                &coverage,
                (Some(0.95), percent),
            ),
            months: Table {
                title: words(key!("forecast-by-month")),
                heads: heads(words(key!("forecast-month"))),
                rows: sheet.months.iter().map(|(on, score)| row(month(on), score)).collect(),
            },
        }
    }
}

fn class_words(language: Language, class: &str) -> String {
    let key = match class {
        "smooth" => key!("class-smooth"),
        "erratic" => key!("class-erratic"),
        "intermittent" => key!("class-intermittent"),
        _ => key!("class-lumpy"),
    };
    text(language, key)
}

impl DealsPart {
    fn of(language: Language, sheet: &WinSheet) -> Self {
        let words = |key| text(language, key);
        let WinScore { n, won, expected, brier, log_loss, share_log_loss, calibration_error } =
            sheet.all;
        let values = [
            ("n", FluentValue::from(n)),
            ("won", FluentValue::from(won)),
            ("expected", FluentValue::from(number(expected))),
            ("brier", FluentValue::from(number(brier))),
            ("loss", FluentValue::from(number(log_loss))),
            ("share", FluentValue::from(number(share_log_loss))),
            ("ece", FluentValue::from(number(calibration_error))),
        ];
        let month = |day: &chrono::NaiveDate| day.format("%Y-%m").to_string();
        let briers: Vec<_> =
            sheet.months.iter().map(|(on, score)| (month(on), score.brier)).collect();
        let points: Vec<(f64, f64)> = sheet.bins.iter().map(|bin| (bin.said, bin.won)).collect();
        let bins = sheet
            .bins
            .iter()
            .map(|bin| vec![percent(bin.said), percent(bin.won), bin.n.to_string()]);
        let months = sheet.months.iter().map(|(on, score)| {
            let wins = format!("{} / {}", score.won, number(score.expected));
            vec![month(on), score.n.to_string(), wins, number(score.brier), number(score.log_loss)]
        });
        Self {
            lead: text_with(language, key!("forecast-deals-lead"), values),
            calibration: Plot::calibration(
                (words(key!("forecast-calibration")), words(key!("forecast-won-share"))),
                &points,
            ),
            bins: Table {
                title: words(key!("forecast-calibration")),
                heads: vec![
                    words(key!("forecast-said")),
                    words(key!("forecast-won-share")),
                    words(key!("forecast-n")),
                ],
                rows: bins.collect(),
            },
            brier: Plot::over_time(
                (words(key!("forecast-brier-plot")), words(key!("forecast-brier"))),
                &briers,
                (None, number),
            ),
            months: Table {
                title: words(key!("forecast-by-month")),
                heads: vec![
                    words(key!("forecast-month")),
                    words(key!("forecast-n")),
                    words(key!("forecast-wins")),
                    words(key!("forecast-brier")),
                    words(key!("forecast-log-loss")),
                ],
                rows: months.collect(),
            },
        }
    }
}

fn result(trial: &Trial) -> Option<TrialResult> {
    serde_json::from_str(trial.result.as_deref()?).ok()
}

fn line(teller: &Teller, trial: &Trial) -> TrialLine {
    let language = teller.language;
    let kind = match trial.kind {
        ForecastKind::Demand => key!("forecast-demand"),
        ForecastKind::Win => key!("forecast-deals"),
    };
    let said = match result(trial) {
        None if trial.ended_at.is_none() => text(language, key!("forecast-trial-runs")),
        Some(TrialResult { origins, demand: Some(DemandSheet { all, .. }), .. }) if 0 < all.n => {
            let values = [
                ("origins", FluentValue::from(origins.len())),
                ("n", FluentValue::from(all.n)),
                ("loss", FluentValue::from(number(all.loss))),
                ("covered", FluentValue::from(all.coverage.map(percent).join(" · "))),
            ];
            text_with(language, key!("forecast-trial-demand"), values)
        }
        Some(TrialResult { origins, wins: Some(WinSheet { all, .. }), .. }) if 0 < all.n => {
            let values = [
                ("origins", FluentValue::from(origins.len())),
                ("n", FluentValue::from(all.n)),
                ("loss", FluentValue::from(number(all.log_loss))),
                ("share", FluentValue::from(number(all.share_log_loss))),
            ];
            text_with(language, key!("forecast-trial-deals"), values)
        }
        _ => text(language, key!("forecast-trial-nothing")),
    };
    TrialLine {
        kind: text(language, kind),
        wanted: teller.when(trial.wanted_at),
        actor: Visible(&trial.actor).to_string(),
        said,
    }
}
