//! What the last horizon taught: weights of the methods and widths, for each class of demand.

use super::class::Class;
use super::experts::{MEANS, METHODS, Opinions, Trial, has_trees};
use super::weights::{self, weighted};
use super::{LEVELS, Outlook, score};

/// Weights of methods and means where nothing could be tried.
const USUAL: [f64; METHODS] = [0.4, 0.4, 0.2, 0.0];
const USUAL_TREES: [f64; METHODS] = [0.3, 0.25, 0.15, 0.3];
const USUAL_MEANS: [f64; MEANS] = [0.5, 0.0, 0.5, 0.0];

/// Series that the usual weights count for.
const USUAL_COUNT: f64 = 300.0;

/// Bounds of what widths are corrected by.
const WIDTHS: (f64, f64) = (0.85, 1.3);

/// How a class of demand is best forecast.
#[derive(Clone, Copy, Debug)]
pub(super) struct Learnt {
    weights: [f64; METHODS],
    means: [f64; MEANS],
    /// By how much the distance of each quantile of the total from its median is stretched.
    widths: [f64; 3],
}

/// A series whose last horizon is known.
struct Case<'t> {
    then: &'t Opinions,
    total: f64,
    periods: &'t [f64],
    /// Mean absolute and mean squared change from period to period before.
    change: f64,
    change_squared: f64,
}

impl Learnt {
    /// Learns from the `trials` of series of `class` with their `histories`.
    pub(super) fn from<'t>(
        trials: impl Iterator<Item = (&'t Trial, &'t [f64])>,
        horizon: usize,
        class: Class,
    ) -> Self {
        let usual = if has_trees(class) { USUAL_TREES } else { USUAL };
        let cases: Vec<Case<'t>> =
            trials.filter_map(|(trial, history)| Case::new(trial, history, horizon)).collect();
        let count = cases.len() as f64;
        if cases.is_empty() {
            return Self { weights: usual, means: USUAL_MEANS, widths: [1.0; 3] };
        }
        let loss = |weights: &[f64; METHODS]| cases.iter().map(|case| case.loss(weights)).sum();
        let weights = if has_trees(class) {
            weights::best(weights::fifths(), loss, (&usual, USUAL_COUNT), count)
        } else {
            let tried = weights::thirds().map(|[a, b, c]| [a, b, c, 0.0]);
            weights::best(tried, loss, (&usual, USUAL_COUNT), count)
        };
        let error = |weights: &[f64; MEANS]| cases.iter().map(|case| case.error(weights)).sum();
        let means = weights::best(weights::quarters(), error, (&USUAL_MEANS, USUAL_COUNT), count);
        Self { weights, means, widths: widths(&cases, &weights) }
    }

    /// Returns what is said of a period and of the total, each with its quantiles ascending.
    pub(super) fn outlook(&self, opinions: &Opinions) -> Outlook {
        let mixed = |of: fn(&Outlook) -> [f64; 3], widths: [f64; 3]| {
            let [half, rest @ ..] = quantiles(opinions, &self.weights, of);
            let [_, widths @ ..] = widths;
            let mut low = half.max(0.0);
            let mut ascending = [low; 3];
            let places = ascending.iter_mut().skip(1);
            for (place, (quantile, width)) in places.zip(rest.into_iter().zip(widths)) {
                low = (half + (quantile - half) * width).max(low);
                *place = low;
            }
            ascending
        };
        Outlook {
            mean: weighted(&self.means, opinions.means),
            period: mixed(|outlook| outlook.period, [1.0; 3]),
            total: mixed(|outlook| outlook.total, self.widths),
        }
    }
}

impl<'t> Case<'t> {
    fn new(trial: &'t Trial, history: &'t [f64], horizon: usize) -> Option<Self> {
        let then = trial.then.as_ref()?;
        let (before, periods) = history.split_at_checked(history.len().checked_sub(horizon)?)?;
        let (change, change_squared) = changes(before)?;
        let total = periods.iter().sum();
        Some(Self { then, total, periods, change, change_squared })
    }

    fn loss(&self, weights: &[f64; METHODS]) -> f64 {
        let said = quantiles(self.then, weights, |outlook| outlook.total);
        let losses =
            LEVELS.iter().zip(said).map(|(level, q)| score::pinball(*level, q, self.total));
        losses.sum::<f64>() / self.change
    }

    fn error(&self, weights: &[f64; MEANS]) -> f64 {
        let mean = weighted(weights, self.then.means);
        let squared: f64 = self.periods.iter().map(|units| (units - mean) * (units - mean)).sum();
        (squared / self.periods.len() as f64 / self.change_squared).sqrt()
    }
}

/// Returns the mean absolute and mean squared change from period to period since the first demand;
/// `None` if there is no change.
pub(super) fn changes(history: &[f64]) -> Option<(f64, f64)> {
    let first = history.iter().position(|units| 0.0 < *units)?;
    let since = history.get(first..)?;
    let (mut sum, mut squares) = (0.0, 0.0);
    for pair in since.windows(2) {
        if let [before, after] = pair {
            sum += (after - before).abs();
            squares += (after - before) * (after - before);
        }
    }
    let count = since.len() as f64 - 1.0;
    (0.0 < sum).then(|| (sum / count, squares / count))
}

fn quantiles(
    opinions: &Opinions,
    weights: &[f64; METHODS],
    of: fn(&Outlook) -> [f64; 3],
) -> [f64; 3] {
    let mut mixed = [0.0; 3];
    for (outlook, weight) in opinions.outlooks.iter().zip(weights) {
        for (sum, quantile) in mixed.iter_mut().zip(of(outlook)) {
            *sum += weight * quantile;
        }
    }
    mixed
}

/// Returns by how much each quantile has to be stretched from the median so that it would have
/// covered what it says, half of the way, since one horizon is one draw of the common fortune.
///
/// Split conformal prediction, pooled over series: Romano, Patterson and Candès, *Conformalized
/// quantile regression*, 2019.
fn widths(cases: &[Case<'_>], weights: &[f64; METHODS]) -> [f64; 3] {
    /// Fewer cases have no coverage to speak of.
    const CASES_MIN: usize = 100;
    let mut widths = [1.0; 3];
    if cases.len() < CASES_MIN {
        return widths;
    }
    for (at, (width, level)) in widths.iter_mut().zip(LEVELS).enumerate().skip(1) {
        let needed = cases.iter().map(|case| {
            let said = quantiles(case.then, weights, |outlook| outlook.total);
            let half = said.first().copied().unwrap_or_default();
            let quantile = said.get(at).copied().unwrap_or(half);
            (case.total - half) / (quantile - half).max(1e-9)
        });
        let mut needed: Vec<f64> = needed.collect();
        needed.sort_unstable_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in the list"
        )]
        let place = (level * needed.len() as f64) as usize;
        let stretch = needed.get(place).copied().unwrap_or(1.0);
        *width = 1.0_f64.midpoint(stretch).clamp(WIDTHS.0, WIDTHS.1);
    }
    widths
}
