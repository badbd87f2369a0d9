//! What followed where other series looked alike: quantiles without a model.
//!
//! Each earlier window of each series is a case: how it looked, and what came next in multiples of
//! its level. The forecast is the spread of what followed in the nearest cases (an analogue
//! forecast; Montero-Manso and Hyndman, *Principles and algorithms for forecasting groups of time
//! series*, International Journal of Forecasting 37, 2021, tell why pooling works).

use super::Outlook;
use super::gamma_poisson::State;
use crate::forecast::count;

/// Cases whose followers are taken together.
const NEAREST: usize = 200;

/// Cases of a like rate among which the nearest are sought.
const CANDIDATES: usize = 2_400;

/// Fewer cases say nothing.
const CASES_MIN: usize = 50;

/// Added to levels, in units a period, so that none is zero.
const LEVEL_FLOOR: f64 = 0.02;

/// How a series looks, in numbers of comparable weight.
type Look = [f64; 6];

/// An earlier window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'h> {
    look: Look,
    scale: f64,
    followers: &'h [f64],
}

/// Cases in the order of their rate.
#[derive(Debug)]
pub(super) struct Neighbours<'h> {
    cases: Vec<(f64, Case<'h>)>,
}

impl<'h> Case<'h> {
    /// Returns the case of a series that looked like `state` before `followers`.
    pub(super) fn new(state: &State, followers: &'h [f64]) -> Self {
        Self { look: look(state), scale: scale(state), followers }
    }

    fn total(&self) -> f64 {
        self.followers.iter().sum::<f64>() / self.scale
    }
}

impl<'h> Neighbours<'h> {
    /// Returns the cases to compare with, if they are enough.
    pub(super) fn new(cases: impl Iterator<Item = Case<'h>>) -> Option<Self> {
        let mut cases: Vec<(f64, Case<'h>)> = cases.map(|case| (rate(&case.look), case)).collect();
        cases.sort_by(|a, b| a.0.total_cmp(&b.0));
        (CASES_MIN <= cases.len()).then_some(Self { cases })
    }

    /// Returns what followed the cases that looked like `state`.
    pub(super) fn outlook(&self, state: &State, horizon: f64) -> Outlook {
        let look = look(state);
        let middle = rate(&look);
        let at = self.cases.partition_point(|(rate, _)| *rate < middle);
        let from =
            at.saturating_sub(CANDIDATES / 2).min(self.cases.len().saturating_sub(CANDIDATES));
        let candidates = self.cases.iter().skip(from).take(CANDIDATES);
        let mut near: Vec<(f64, &Case<'h>)> =
            candidates.map(|(_, case)| (distance(&look, &case.look), case)).collect();
        let count = NEAREST.min(near.len());
        if count < near.len() {
            near.select_nth_unstable_by(count, |a, b| a.0.total_cmp(&b.0));
            near.truncate(count);
        }
        let scale = scale(state);
        let mut totals: Vec<f64> = near.iter().map(|(_, case)| case.total()).collect();
        let mut periods: Vec<f64> = near
            .iter()
            .flat_map(|(_, case)| case.followers.iter().map(|units| units / case.scale))
            .collect();
        let total = count::of_sample(&mut totals);
        // The few enormous ones say little of this series: they count as the 90 % quantile.
        let [_, most, _] = total;
        let mean = totals.iter().map(|total| total.min(most)).sum::<f64>() / count as f64 / horizon;
        Outlook {
            mean: mean * scale,
            period: count::of_sample(&mut periods).map(|ratio| ratio * scale),
            total: total.map(|ratio| ratio * scale),
        }
    }
}

fn scale(state: &State) -> f64 {
    state.level + LEVEL_FLOOR
}

fn look(state: &State) -> Look {
    let scale = scale(state);
    // Ratios to the level, with a little of it on both sides: none of them is without end.
    let to_scale = |value: f64| ((value + 0.05 * scale) / scale).ln();
    [
        0.7 * scale.ln(),
        1.5 * state.share.ln(),
        0.7 * to_scale(state.quick),
        0.3 * to_scale(state.slow),
        0.35 * state.idle.ln_1p(),
        to_scale(state.deviation),
    ]
}

/// Returns the part of a look by which cases are ordered: level, and share of periods with demand.
fn rate(look: &Look) -> f64 {
    look.iter().take(2).sum()
}

fn distance(a: &Look, b: &Look) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
