//! Forecasts that were kept, against what came: how good they are, by class of demand and over time.
//!
//! **Entry**: [`DemandSheet::of`], [`WinSheet::of`]. Both are functions of what was said and what came
//! alone, so a sheet made again is the same.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count::LEVELS;
use super::demand::class::Class;
use super::demand::{self, Expected, Forecast};
use super::score;

/// What a missing unit costs, in idle ones, where the cost of stock is judged: the ratio at which the
/// 0.95 quantile is the right stock.
pub const MISSING_COSTS: f64 = 19.0;

/// Parts into which probabilities are cut to compare them with shares.
const BINS: usize = 10;

/// What was said of the units of some periods together.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct DemandSaid {
    /// How many periods.
    pub periods: u32,
    /// The mean, in units.
    pub mean: f64,
    /// Quantiles at [`LEVELS`], in units.
    pub quantiles: [f64; 3],
    /// Mean absolute change of the history from period to period, in units, by which losses are made
    /// comparable; 0 where there was none.
    pub change: f64,
    /// What the history was taken for.
    pub class: Class,
}

impl DemandSaid {
    /// Returns what `forecast` says of all its periods together, of a series with this history.
    pub fn of_total(forecast: &Forecast, history: &[f64]) -> Self {
        let periods = u32::try_from(forecast.periods.len()).unwrap_or(u32::MAX);
        Self::of(&forecast.total, (forecast.class, periods), history)
    }

    /// Returns what `forecast` says of its first period.
    pub fn of_next(forecast: &Forecast, history: &[f64]) -> Self {
        let next = forecast.periods.first().copied().unwrap_or_default();
        Self::of(&next, (forecast.class, 1), history)
    }

    fn of(expected: &Expected, (class, periods): (Class, u32), history: &[f64]) -> Self {
        let Expected { mean, quantiles } = *expected;
        Self { periods, mean, quantiles, change: demand::change(history), class }
    }
}

/// What was said of a deal.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct WinSaid {
    /// The probability of being won in time.
    pub probability: f64,
    /// The share of all deals, which would have been said without a signal.
    pub share: f64,
    /// Whether it rests on what is known of the deal.
    pub has_signal: bool,
    /// Of how many earlier looks at open deals it was learnt.
    pub n: u64,
    /// How many of them were won in time.
    pub won: u64,
}

/// A forecast with its truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored<S, T> {
    /// The first day of what was forecast.
    pub as_of: NaiveDate,
    /// What was said.
    pub said: S,
    /// What came.
    pub came: T,
}

/// How good forecasts of demand were.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct DemandSheet {
    /// All together.
    pub all: DemandScore,
    /// By class, those with forecasts.
    pub classes: Vec<(Class, DemandScore)>,
    /// By month of the first day, ascending.
    pub months: Vec<(NaiveDate, DemandScore)>,
}

/// Means over forecasts of demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct DemandScore {
    /// How many forecasts.
    pub n: u64,
    /// How many of them had a history that changed, so that their loss can be compared.
    pub compared: u64,
    /// Pinball loss, a mean over [`LEVELS`], in mean changes of the history a period.
    pub loss: f64,
    /// Share of outcomes at or below each quantile.
    pub coverage: [f64; 3],
    /// What stocking the 0.95 quantile, rounded up, would have cost: idle units and
    /// [`MISSING_COSTS`] times missing ones, for each unit of demand; the sum where there was none.
    pub stock_cost: f64,
    /// Units that came.
    pub units: f64,
    /// Units that were expected.
    pub expected: f64,
}

/// How good probabilities of deals were.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct WinSheet {
    /// All together.
    pub all: WinScore,
    /// Probabilities against shares, ascending, in parts of like many.
    pub bins: Vec<Bin>,
    /// By month of the first day, ascending.
    pub months: Vec<(NaiveDate, WinScore)>,
}

/// Means over probabilities of deals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct WinScore {
    /// How many.
    pub n: u64,
    /// How many deals were won in time.
    pub won: u64,
    /// How many were expected.
    pub expected: f64,
    /// The Brier score.
    pub brier: f64,
    /// The logarithmic loss, in nats.
    pub log_loss: f64,
    /// The same, had the share of all deals been said.
    pub share_log_loss: f64,
    /// The expected calibration error.
    pub calibration_error: f64,
}

/// Probabilities that are close to each other, and what happened.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Bin {
    /// The mean of the probabilities.
    pub said: f64,
    /// The share that was won.
    pub won: f64,
    /// How many.
    pub n: u64,
}

impl DemandSheet {
    /// Judges forecasts of the same number of periods.
    pub fn of(scored: &[Scored<DemandSaid, f64>]) -> Self {
        let of_class = |class: Class| {
            let those: Vec<_> = scored.iter().filter(|one| one.said.class == class).collect();
            (!those.is_empty()).then(|| (class, DemandScore::of(&those)))
        };
        Self {
            all: DemandScore::of(&scored.iter().collect::<Vec<_>>()),
            classes: Class::ALL.into_iter().filter_map(of_class).collect(),
            months: by_month(scored, DemandScore::of),
        }
    }
}

impl DemandScore {
    /// Returns the share of outcomes above the highest quantile.
    pub fn beyond(&self) -> f64 {
        1.0 - self.coverage.last().copied().unwrap_or(1.0)
    }

    fn of(scored: &[&Scored<DemandSaid, f64>]) -> Self {
        let mut score = Self { n: scored.len() as u64, ..Self::default() };
        let mut cost = 0.0;
        for Scored { said, came, .. } in scored {
            score.units += came;
            score.expected += said.mean;
            let stock = said.quantiles.last().copied().unwrap_or_default().ceil();
            cost += (stock - came).max(0.0) + MISSING_COSTS * (came - stock).max(0.0);
            if let Some(loss) = loss(said, *came) {
                score.compared += 1;
                score.loss += loss;
            }
            for (share, quantile) in score.coverage.iter_mut().zip(said.quantiles) {
                *share += f64::from(*came <= quantile + 1e-9) / scored.len() as f64;
            }
        }
        score.loss /= (score.compared as f64).max(1.0);
        score.stock_cost = if 0.0 < score.units { cost / score.units } else { cost };
        score
    }
}

/// Returns the mean pinball loss of what was said, in mean changes a period; `None` where the history
/// had no change.
pub fn loss(said: &DemandSaid, came: f64) -> Option<f64> {
    let scale = said.change * f64::from(said.periods);
    let losses =
        LEVELS.iter().zip(said.quantiles).map(|(level, q)| score::pinball(*level, q, came));
    (0.0 < scale).then(|| losses.sum::<f64>() / LEVELS.len() as f64 / scale)
}

impl WinSheet {
    /// Judges probabilities of being won within the same number of days.
    pub fn of(scored: &[Scored<WinSaid, bool>]) -> Self {
        let all: Vec<_> = scored.iter().collect();
        Self { all: WinScore::of(&all), bins: bins(&all), months: by_month(scored, WinScore::of) }
    }
}

impl WinScore {
    fn of(scored: &[&Scored<WinSaid, bool>]) -> Self {
        let pairs: Vec<(f64, bool)> = pairs(scored);
        let shares = scored.iter().map(|one| (one.said.share, one.came));
        Self {
            n: pairs.len() as u64,
            won: pairs.iter().filter(|(_, won)| *won).count() as u64,
            expected: pairs.iter().map(|(said, _)| said).sum(),
            brier: score::brier(pairs.iter().copied()).unwrap_or_default(),
            log_loss: score::log_loss(pairs.iter().copied()).unwrap_or_default(),
            share_log_loss: score::log_loss(shares).unwrap_or_default(),
            calibration_error: score::calibration_error(&pairs, BINS).unwrap_or_default(),
        }
    }
}

fn pairs(scored: &[&Scored<WinSaid, bool>]) -> Vec<(f64, bool)> {
    scored.iter().map(|one| (one.said.probability, one.came)).collect()
}

fn bins(scored: &[&Scored<WinSaid, bool>]) -> Vec<Bin> {
    let mut pairs = pairs(scored);
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let each = pairs.len().div_ceil(BINS).max(1);
    let bin = |part: &[(f64, bool)]| {
        let n = part.len() as f64;
        Bin {
            said: part.iter().map(|(said, _)| said).sum::<f64>() / n,
            won: part.iter().filter(|(_, won)| *won).count() as f64 / n,
            n: part.len() as u64,
        }
    };
    pairs.chunks(each).map(bin).collect()
}

fn by_month<S, T, R>(
    scored: &[Scored<S, T>],
    judge: impl Fn(&[&Scored<S, T>]) -> R,
) -> Vec<(NaiveDate, R)> {
    let mut months: BTreeMap<NaiveDate, Vec<&Scored<S, T>>> = BTreeMap::new();
    for one in scored {
        months.entry(one.as_of.with_day(1).unwrap_or(one.as_of)).or_default().push(one);
    }
    months.into_iter().map(|(month, those)| (month, judge(&those))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn demand_is_judged_by_class_and_month() {
        let said = |class, quantiles: [f64; 3], change| DemandSaid {
            periods: 2,
            mean: 2.0,
            quantiles,
            change,
            class,
        };
        let smooth = said(Class::Smooth, [2.0, 4.0, 5.5], 1.0);
        let flat = said(Class::Lumpy, [0.0, 0.0, 0.0], 0.0);
        let scored = [
            Scored { as_of: day("2025-01-01"), said: smooth.clone(), came: 3.0 },
            Scored { as_of: day("2025-02-01"), said: smooth, came: 7.0 },
            Scored { as_of: day("2025-02-03"), said: flat, came: 0.0 },
        ];
        let sheet = DemandSheet::of(&scored);
        assert_eq!((sheet.all.n, sheet.all.compared, sheet.months.len()), (3, 2, 2));
        // First: .5, .1, .125; then 2.5, 2.7, 1.425; over two periods of one unit of change each.
        let loss = (0.725 + 6.625) / 3.0 / 2.0 / 2.0;
        assert!(close(sheet.all.loss, loss), "{}", sheet.all.loss);
        assert!(close(sheet.all.coverage[1], 2.0 / 3.0));
        // Six in stock: three idle, then one missing.
        assert!(close(sheet.all.stock_cost, (3.0 + 19.0) / 10.0), "{}", sheet.all.stock_cost);
        let classes: Vec<_> =
            sheet.classes.iter().map(|(class, score)| (*class, score.n)).collect();
        assert_eq!(classes, [(Class::Smooth, 2), (Class::Lumpy, 1)]);
    }

    #[test]
    fn deals_are_judged_beside_the_share_of_all() {
        let one = |probability: f64, came: bool| Scored {
            as_of: day("2025-03-09"),
            said: WinSaid { probability, share: 0.5, has_signal: true, n: 9, won: 4 },
            came,
        };
        let sheet = WinSheet::of(&[one(0.8, true), one(0.2, false), one(0.8, true)]);
        assert_eq!((sheet.all.n, sheet.all.won, sheet.bins.len()), (3, 2, 3));
        assert!(close(sheet.all.brier, 0.04) && close(sheet.all.expected, 1.8));
        assert!(sheet.all.log_loss < sheet.all.share_log_loss);
        assert!(close(sheet.bins[0].said, 0.2) && close(sheet.bins[0].won, 0.0));
    }

    #[test]
    fn of_nothing_a_sheet_is_empty() {
        assert_eq!(DemandSheet::of(&[]).all, DemandScore::default());
        assert_eq!(WinSheet::of(&[]).all, WinScore::default());
    }
}
