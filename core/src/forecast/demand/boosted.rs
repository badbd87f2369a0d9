//! Boosted trees for the quantiles of the horizon: what tells apart series that look alike.
//!
//! Small trees are added up, each fitted to where the ones before were wrong, with the quantile's own loss
//! (Friedman, *Greedy function approximation: a gradient boosting machine*, Annals of Statistics 29,
//! 2001). Features are cut into few parts first, so a round is a few passes over small numbers.

use super::gamma_poisson::State;
use crate::forecast::count::LEVELS;

/// Fewer cases are not learnt from.
const CASES_MIN: usize = 400;

/// Trees, the splits of each from its root to its leaves, and how far each tree goes.
const ROUNDS: usize = 30;
const DEPTH: usize = 3;
const RATE: f64 = 0.15;

/// Cases that a leaf needs.
const LEAF_MIN: u32 = 40;

/// Parts that a feature is cut into.
const PARTS: usize = 24;

/// Added to levels, in units a period, so that none is zero.
const LEVEL_FLOOR: f64 = 0.1;

/// How many numbers tell of a case.
const FEATURES: usize = 12;

type Features = [f64; FEATURES];

/// What came after a series looked so.
#[derive(Clone, Debug)]
pub(super) struct Case {
    features: Features,
    /// Units of the horizon, in multiples of the level.
    came: f64,
}

/// Trees for each quantile.
#[derive(Debug)]
pub(super) struct Boosted {
    /// Upper bounds of the parts of each feature.
    bounds: Vec<Vec<f64>>,
    quantiles: Vec<Forest>,
}

#[derive(Debug)]
struct Forest {
    start: f64,
    trees: Vec<Tree>,
}

/// A tree of full depth: the splits row by row, and the leaves.
#[derive(Debug)]
struct Tree {
    /// Feature, and the last part that goes to the left; a part beyond all sends everything there.
    splits: Vec<(usize, u8)>,
    leaves: Vec<f64>,
}

/// How many cases there are, and of how many of them too little was said.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    cases: u32,
    low: u32,
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self { cases: self.cases + other.cases, low: self.low + other.low }
    }
}

impl Case {
    /// Returns the case of a series with the history `known` in `state`, before `followers`.
    pub(super) fn new(state: &State, known: &[f64], followers: &[f64]) -> Self {
        let came = followers.iter().sum::<f64>() / scale(state);
        Self { features: features(state, known, followers.len()), came }
    }
}

impl Boosted {
    /// Learns from `cases`, if they are enough.
    pub(super) fn learn(cases: &[Case]) -> Option<Self> {
        if cases.len() < CASES_MIN {
            return None;
        }
        let bounds: Vec<Vec<f64>> = (0..FEATURES)
            .map(|at| bounds(cases.iter().filter_map(|case| case.features.get(at).copied())))
            .collect();
        let parts: Vec<[u8; FEATURES]> =
            cases.iter().map(|case| parts(&bounds, &case.features)).collect();
        let came: Vec<f64> = cases.iter().map(|case| case.came).collect();
        let quantiles = LEVELS.iter().map(|level| Forest::grow(*level, &parts, &came)).collect();
        Some(Self { bounds, quantiles })
    }

    /// Returns the quantiles of the units of `horizon` periods, ascending.
    pub(super) fn total(&self, state: &State, known: &[f64], horizon: usize) -> [f64; 3] {
        let parts = parts(&self.bounds, &features(state, known, horizon));
        let mut low = 0.0_f64;
        let mut total = [0.0; 3];
        for (place, forest) in total.iter_mut().zip(&self.quantiles) {
            low = low.max(forest.said(&parts) * scale(state));
            *place = low;
        }
        total
    }
}

impl Forest {
    fn grow(level: f64, parts: &[[u8; FEATURES]], came: &[f64]) -> Self {
        let start = quantile(&mut came.to_vec(), level);
        let mut said = vec![start; came.len()];
        let mut trees = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let low: Vec<bool> = said.iter().zip(came).map(|(said, came)| said <= came).collect();
            let (mut tree, leaf_of) = Tree::grow(level, parts, &low);
            let mut missed: Vec<Vec<f64>> = vec![Vec::new(); tree.leaves.len()];
            for ((leaf, said), came) in leaf_of.iter().zip(&said).zip(came) {
                if let Some(missed) = missed.get_mut(usize::from(*leaf)) {
                    missed.push(came - said);
                }
            }
            for (leaf, missed) in tree.leaves.iter_mut().zip(&mut missed) {
                *leaf = RATE * quantile(missed, level);
            }
            for (leaf, said) in leaf_of.iter().zip(&mut said) {
                *said += tree.leaves.get(usize::from(*leaf)).copied().unwrap_or_default();
            }
            trees.push(tree);
        }
        Self { start, trees }
    }

    fn said(&self, parts: &[u8; FEATURES]) -> f64 {
        self.start + self.trees.iter().map(|tree| tree.said(parts)).sum::<f64>()
    }
}

impl Tree {
    /// Grows a tree to what was said too `low`, of each case, for the quantile at `level`; returns it
    /// with the leaf of each case.
    fn grow(level: f64, parts: &[[u8; FEATURES]], low: &[bool]) -> (Self, Vec<u8>) {
        let mut splits = Vec::new();
        let mut node_of = vec![0_u8; low.len()];
        for depth in 0..DEPTH {
            let mut counts = vec![[[Count::default(); PARTS]; FEATURES]; 1 << depth];
            for ((node, parts), low) in node_of.iter().zip(parts).zip(low) {
                let Some(of_node) = counts.get_mut(usize::from(*node)) else { continue };
                let one = Count { cases: 1, low: u32::from(*low) };
                for (of_feature, part) in of_node.iter_mut().zip(parts) {
                    if let Some(count) = of_feature.get_mut(usize::from(*part)) {
                        *count = count.plus(one);
                    }
                }
            }
            let row: Vec<(usize, u8)> =
                counts.iter().map(|of_node| best_split(level, of_node)).collect();
            for (node, parts) in node_of.iter_mut().zip(parts) {
                *node = 2 * *node + u8::from(is_right(row.get(usize::from(*node)), parts));
            }
            splits.extend(row);
        }
        (Self { splits, leaves: vec![0.0; 1 << DEPTH] }, node_of)
    }

    fn said(&self, parts: &[u8; FEATURES]) -> f64 {
        let (mut node, mut first) = (0, 0);
        for depth in 0..DEPTH {
            let split = self.splits.get(first + node);
            node = 2 * node + usize::from(is_right(split, parts));
            first += 1 << depth;
        }
        self.leaves.get(node).copied().unwrap_or_default()
    }
}

fn is_right(split: Option<&(usize, u8)>, parts: &[u8; FEATURES]) -> bool {
    split.is_some_and(|(feature, last)| parts.get(*feature).is_some_and(|part| last < part))
}

/// Returns the split that explains the slopes best; one that splits nothing where none is worth it.
///
/// The slope of the quantile's loss has two values only, so cases are counted instead of summed.
fn best_split(level: f64, of_node: &[[Count; PARTS]; FEATURES]) -> (usize, u8) {
    let explained = |count: Count| {
        let sum = f64::from(count.low) - (1.0 - level) * f64::from(count.cases);
        sum * sum / f64::from(count.cases.max(1))
    };
    let mut best = (1e-9, (0, u8::MAX));
    for (feature, parts) in of_node.iter().enumerate() {
        let all = parts.iter().fold(Count::default(), |all, part| all.plus(*part));
        let (mut left, before) = (Count::default(), explained(all));
        for (last, part) in (0..).zip(parts) {
            left = left.plus(*part);
            let right = Count { cases: all.cases - left.cases, low: all.low - left.low };
            if left.cases < LEAF_MIN || right.cases < LEAF_MIN {
                continue;
            }
            let gain = explained(left) + explained(right) - before;
            if best.0 < gain {
                best = (gain, (feature, last));
            }
        }
    }
    best.1
}

fn scale(state: &State) -> f64 {
    state.level + LEVEL_FLOOR
}

/// Returns the mean of the newest `count` of `known`; of all, if they are fewer.
fn newest(known: &[f64], count: usize) -> f64 {
    let newest = known.iter().rev().take(count);
    newest.clone().sum::<f64>() / (newest.len() as f64).max(1.0)
}

fn features(state: &State, known: &[f64], horizon: usize) -> Features {
    let scale = scale(state);
    let year = |back: usize| {
        let from = known.len().checked_sub(back)?;
        let season = known.get(from..(from + horizon).min(known.len()))?;
        Some(season.iter().sum::<f64>() / season.len().max(1) as f64 / scale)
    };
    let most = known.iter().rev().take(2 * horizon).fold(0.0_f64, |most, units| most.max(*units));
    [
        scale.ln(),
        state.level / scale,
        state.quick / scale,
        state.deviation / scale,
        state.ratio,
        state.share,
        state.idle,
        newest(known, horizon.div_ceil(2)) / scale,
        newest(known, horizon) / scale,
        newest(known, 2 * horizon) / scale,
        year(2 * horizon).unwrap_or(1.0),
        most / scale,
    ]
}

/// Returns bounds that cut `values` into parts of like many.
fn bounds(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let cut = |part: usize| values.get(part * values.len() / PARTS).copied();
    let mut bounds: Vec<f64> = (1..PARTS).filter_map(cut).collect();
    bounds.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
    bounds
}

/// Returns the part that each feature lies in.
fn parts(bounds: &[Vec<f64>], features: &Features) -> [u8; FEATURES] {
    let mut parts = [0; FEATURES];
    for ((part, bounds), feature) in parts.iter_mut().zip(bounds).zip(features) {
        let at = bounds.partition_point(|bound| bound < feature);
        *part = u8::try_from(at).unwrap_or(u8::MAX);
    }
    parts
}

/// Returns the `level` quantile of `values`, which are put in another order; 0 of none.
fn quantile(values: &mut [f64], level: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in the list"
    )]
    let place = (level * values.len() as f64) as usize;
    let place = place.min(values.len().saturating_sub(1));
    if values.is_empty() {
        return 0.0;
    }
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_follow_what_tells_cases_apart() {
        let case = |at: u32| {
            let is_high = at.is_multiple_of(2);
            let mut features = [0.0; FEATURES];
            features[3] = f64::from(u8::from(is_high)) + f64::from(at % 7) / 100.0;
            let came = f64::from(at * 31 % 20) + if is_high { 100.0 } else { 0.0 };
            Case { features, came }
        };
        let cases: Vec<Case> = (0..2_000).map(case).collect();
        assert!(Boosted::learn(&cases[..100]).is_none(), "too few");
        let boosted = Boosted::learn(&cases).unwrap();
        let said = |is_high: f64| {
            let mut features = [0.0; FEATURES];
            features[3] = is_high + 0.03;
            let parts = parts(&boosted.bounds, &features);
            boosted.quantiles.iter().map(|forest| forest.said(&parts)).collect::<Vec<_>>()
        };
        let (low, high) = (said(0.0), said(1.0));
        assert!((low[0] - 9.5).abs() < 3.0 && (high[0] - 109.5).abs() < 3.0, "{low:?} {high:?}");
        assert!(low[2] < 25.0 && 115.0 < high[2], "{low:?} {high:?}");
    }
}
