//! Histories without their seasons, where it pays to take them out.

use super::class::Class;
use super::gamma_poisson::Pool;
use super::learnt::changes;
use super::seasonal::Seasons;
use super::{LEVELS, Outlook, Settings, score};

/// Seasons are taken out of a class whose loss falls below this part of what it is with them.
const GAIN: f64 = 0.99;

/// Histories as the methods are to see them.
pub(super) struct Plain<'h> {
    histories: &'h [&'h [f64]],
    /// What seasons were taken out, and what is left; `None` where they stay.
    without: Option<(Seasons, Vec<Option<Vec<f64>>>)>,
}

impl<'h> Plain<'h> {
    /// Takes the seasons out of those classes whose last horizon would have been forecast better.
    pub(super) fn of(histories: &'h [&'h [f64]], classes: &[Class], settings: Settings) -> Self {
        let paying = paying(histories, classes, settings);
        if paying.is_empty() {
            return Self { histories, without: None };
        }
        let without = Seasons::learn(histories, settings.season).map(|seasons| {
            let left =
                histories.iter().zip(classes).enumerate().map(|(series, (history, class))| {
                    paying.contains(class).then(|| seasons.removed(series, history))
                });
            let left = left.collect();
            (seasons, left)
        });
        Self { histories, without }
    }

    pub(super) fn histories(&self) -> Vec<&[f64]> {
        let Some((_, left)) = &self.without else { return self.histories.to_vec() };
        let both = self.histories.iter().zip(left);
        both.map(|(history, left)| left.as_deref().unwrap_or(history)).collect()
    }

    /// Returns the factors by which the periods to come of a series differ from its level.
    pub(super) fn ahead(&self, series: usize) -> Box<dyn Iterator<Item = f64> + '_> {
        match &self.without {
            Some((seasons, left)) if left.get(series).is_some_and(Option::is_some) => {
                Box::new(seasons.ahead(series))
            }
            _ => Box::new(std::iter::repeat(1.0)),
        }
    }
}

/// Returns the classes of demand that are forecast better without their seasons.
///
/// The seasons and the levels are learnt from what was known one horizon ago, and judged by what
/// came then.
fn paying(histories: &[&[f64]], classes: &[Class], settings: Settings) -> Vec<Class> {
    let horizon = settings.horizon as usize;
    let known: Vec<(usize, &[f64])> = histories
        .iter()
        .enumerate()
        .filter_map(|(series, history)| {
            let known = history.get(..history.len().checked_sub(horizon)?)?;
            (2 * settings.season <= known.len()).then_some((series, known))
        })
        .collect();
    if settings.season < 2 || known.is_empty() {
        return Vec::new();
    }
    let before: Vec<&[f64]> = known.iter().map(|(_, history)| *history).collect();
    let Some(seasons) = Seasons::learn(&before, settings.season) else { return Vec::new() };
    let left: Vec<Vec<f64>> = before
        .iter()
        .enumerate()
        .map(|(series, history)| seasons.removed(series, history))
        .collect();
    let left: Vec<&[f64]> = left.iter().map(Vec::as_slice).collect();
    let (with, without) = (outlooks(&before, settings), outlooks(&left, settings));

    let losses = |class: Class| {
        let mut sums = (0.0, 0.0);
        let outlooks = with.iter().zip(&without);
        for (place, ((series, before), (with, without))) in known.iter().zip(outlooks).enumerate() {
            if classes.get(*series) != Some(&class) {
                continue;
            }
            let Some((change, _)) = changes(before) else { continue };
            let came = histories.get(*series).and_then(|all| all.get(before.len()..));
            let came = came.unwrap_or_default();
            sums.0 += loss(with, came, std::iter::repeat(1.0)) / change;
            sums.1 += loss(without, came, seasons.ahead(place)) / change;
        }
        sums
    };
    let pays = |class: &Class| {
        let (with, without) = losses(*class);
        without < GAIN * with
    };
    Class::ALL.into_iter().filter(pays).collect()
}

fn outlooks(histories: &[&[f64]], settings: Settings) -> Vec<Outlook> {
    let pool = Pool::learn(histories);
    let outlook = |history: &&[f64]| {
        let states = pool.states(history, &[history.len()]);
        states.first().map(|state| state.outlook(f64::from(settings.horizon))).unwrap_or_default()
    };
    histories.iter().map(outlook).collect()
}

/// Returns the loss of `outlook`, times `factors` period by period, for what came: that of the
/// total a period, and the average one of the periods.
fn loss(outlook: &Outlook, came: &[f64], factors: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut factors_sum, mut losses) = (0.0, 0.0, 0.0);
    for (units, factor) in came.iter().zip(factors) {
        total += units;
        factors_sum += factor;
        losses += pinballs(outlook.period.map(|quantile| quantile * factor), *units);
    }
    let count = came.len() as f64;
    let quantiles = outlook.total.map(|quantile| quantile * factors_sum / count);
    (losses + pinballs(quantiles, total)) / count
}

fn pinballs(quantiles: [f64; 3], came: f64) -> f64 {
    LEVELS
        .iter()
        .zip(quantiles)
        .map(|(level, quantile)| score::pinball(*level, quantile, came))
        .sum()
}
