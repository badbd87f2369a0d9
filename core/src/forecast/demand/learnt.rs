//! What the last horizon taught: weights of the methods and widths, for each class of demand.

use super::class::Class;
use super::experts::{MEANS, METHODS, Opinions, Trial};
use super::weights::{self, weighted};
use super::{LEVELS, Outlook, score};

/// Weights of the methods where nothing could be tried: of frequent, and of sparse demand.
const USUAL_FREQUENT: [f64; METHODS] = [0.4, 0.15, 0.0, 0.45];
const USUAL_SPARSE: [f64; METHODS] = [0.1, 0.4, 0.1, 0.4];
const USUAL_MEANS: [f64; MEANS] = [0.25; MEANS];

/// Series that the usual weights of methods and of means count for.
const USUAL_COUNT: f64 = 3_000.0;
const USUAL_MEANS_COUNT: f64 = 300.0;

/// Earlier windows that a series needs for those of all series to be believed by half: what they
/// have in common at one time happened once, however many series there are.
const WINDOWS_HALF: f64 = 3.0;

/// The most that distances from the median are stretched by.
const WIDTH_MAX: f64 = 1.3;

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
        let trials: Vec<(&Trial, &[f64])> = trials.collect();
        let windows: usize = trials.iter().map(|(trial, _)| trial.windows).sum();
        let usual = usual(class, windows as f64 / (trials.len() as f64).max(1.0));
        let cases = trials.iter().filter_map(|(trial, history)| Case::new(trial, history, horizon));
        let cases: Vec<Case<'t>> = cases.collect();
        let count = cases.len() as f64;
        if cases.is_empty() {
            return Self { weights: usual, means: USUAL_MEANS, widths: [1.0; 3] };
        }
        let loss = |weights: &[f64; METHODS]| cases.iter().map(|case| case.loss(weights)).sum();
        let weights = weights::best(weights::fifths(), loss, (&usual, USUAL_COUNT), count);
        let error = |weights: &[f64; MEANS]| cases.iter().map(|case| case.error(weights)).sum();
        let means =
            weights::best(weights::quarters(), error, (&USUAL_MEANS, USUAL_MEANS_COUNT), count);
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

/// Returns the usual weights of the methods for `class`, with so many earlier `windows` a series.
fn usual(class: Class, windows: f64) -> [f64; METHODS] {
    let [count, near, compound, trees] = match class {
        Class::Smooth | Class::Erratic => USUAL_FREQUENT,
        Class::Intermittent | Class::Lumpy => USUAL_SPARSE,
    };
    let believed = windows * windows / (windows * windows + WINDOWS_HALF * WINDOWS_HALF);
    let pooled = (near + trees) * believed;
    let own = (1.0 - pooled) / (count + compound);
    [count * own, near * believed, compound * own, trees * believed]
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

/// Returns by how much each quantile has to be stretched from the median so that no more than twice
/// as many outcomes would have been above it as it says; 1 where they were not. One horizon is one
/// draw of the common fortune, so a lesser miss tells nothing.
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
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in the list"
        )]
        let place = ((2.0 * level - 1.0) * needed.len() as f64) as usize;
        let (_, stretch, _) = needed.select_nth_unstable_by(place, f64::total_cmp);
        *width = stretch.clamp(1.0, WIDTH_MAX);
    }
    widths
}
