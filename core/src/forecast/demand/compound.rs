//! Lumpy demand: whether there is any, and then how much, by the sizes that were seen.
//!
//! The share of periods with demand has a beta distribution that forgets. Sizes are the series' own,
//! the later ones more, mixed with those of all series in multiples of the mean size, the more the
//! fewer the series has. A bootstrap of the lead-time demand (Willemain, Smart and Schwarz, *A new
//! approach to forecasting intermittent demand*, International Journal of Forecasting 20, 2004),
//! with the number of demands in strata instead of at random.

use super::Outlook;
use crate::forecast::count;

/// Discounts of the share to choose from.
const DISCOUNTS: [f64; 4] = [1.0, 0.98, 0.95, 0.9];

/// How much a demand weighs against the next one.
const SIZE_DISCOUNT: f64 = 0.97;

/// Demands that the sizes of all series weigh against a series' own.
const SHARED_WEIGHT: f64 = 3.0;

/// Sizes of all series that are kept.
const SHARED: usize = 50;

/// Series with fewer demands say nothing about sizes.
const DEMANDS_MIN: usize = 3;

/// Totals drawn for a series.
const DRAWS: usize = 300;

/// Sizes that are drawn for one total; a sum of more is extended from these.
const SIZES_MAX: u32 = 32;

/// What all series have in common.
#[derive(Debug)]
pub(super) struct Sizes {
    /// Multiples of a series' mean size, ascending.
    shared: Vec<f64>,
    prior: (f64, f64),
    discount: f64,
}

impl Sizes {
    /// Learns from `histories`.
    pub(super) fn learn(histories: &[&[f64]]) -> Self {
        let mut sizes: Vec<f64> = histories.iter().flat_map(|history| multiples(history)).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        let places = (0..SHARED).map(|at| (2 * at + 1) * sizes.len() / (2 * SHARED));
        let shared: Vec<f64> = places.filter_map(|at| sizes.get(at).copied()).collect();

        let prior = prior(histories);
        let likely = DISCOUNTS.map(|discount| {
            let of_one = |history: &&[f64]| likelihood(history, prior, discount);
            (histories.iter().map(of_one).sum::<f64>(), discount)
        });
        let best = likely
            .into_iter()
            .fold((f64::NEG_INFINITY, 1.0), |best, next| if best.0 < next.0 { next } else { best });
        Self { shared, prior, discount: best.1 }
    }

    /// Returns what `history` lets expect of the next `horizon` periods.
    pub(super) fn outlook(&self, history: &[f64], horizon: u32) -> Outlook {
        let (mut yes, mut no) = self.prior;
        for units in history {
            let any = f64::from(0.0 < *units);
            yes = self.discount * yes + any;
            no = self.discount * no + 1.0 - any;
        }
        let bag = self.bag(history);
        let mean_size = bag.mean;
        let mut random = Random(0x5eed);

        let share = yes / (yes + no);
        let mut periods: Vec<f64> =
            strata().map(|level| if level < share { bag.draw(&mut random) } else { 0.0 }).collect();
        let mut totals = Vec::with_capacity(DRAWS);
        let mut counts = Counts::new(yes, no.max(1e-6), horizon);
        for level in strata() {
            totals.push(bag.sum(counts.quantile(level), &mut random));
        }
        Outlook {
            mean: share * mean_size,
            period: count::of_sample(&mut periods),
            total: count::of_sample(&mut totals),
        }
    }

    fn bag(&self, history: &[f64]) -> Bag {
        let own: Vec<f64> = history.iter().copied().filter(|units| 0.0 < *units).collect();
        let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
        let mut reached = Vec::with_capacity(own.len());
        for units in own.iter().rev() {
            sum += units * weight;
            weights += weight;
            reached.push((weights, *units));
            weight *= SIZE_DISCOUNT;
        }
        let mean = if 0.0 < weights { sum / weights } else { 1.0 };
        let demands = own.len() as f64;
        let shared =
            self.shared.iter().map(|multiple| (multiple * mean).round().max(1.0)).collect();
        let starts = starts(&reached, weights);
        let own_share = demands / (demands + SHARED_WEIGHT);
        Bag { reached, starts, weights, shared, own_share, mean }
    }
}

/// Sizes to draw from.
struct Bag {
    /// Own sizes from the newest, each with the sum of weights up to it.
    reached: Vec<(f64, f64)>,
    /// Where to look for a level's own size first: one place for each equal part of the levels.
    starts: Vec<usize>,
    weights: f64,
    shared: Vec<f64>,
    own_share: f64,
    mean: f64,
}

impl Bag {
    fn draw(&self, random: &mut Random) -> f64 {
        let level = random.next();
        if level < self.own_share || self.shared.is_empty() {
            return self.own(random.next());
        }
        let level = (level - self.own_share) / (1.0 - self.own_share);
        self.shared.get(place(level, self.shared.len())).copied().unwrap_or(self.mean)
    }

    /// Returns the first own size up to which the weights reach a level; a start is at most a rounding
    /// beyond it, and a step or two before it (Chen and Asau, *On generating random variates from an
    /// empirical distribution*, AIIE Transactions 6, 1974).
    fn own(&self, level: f64) -> f64 {
        let target = level * self.weights;
        let reaches = |at: usize| self.reached.get(at).is_none_or(|(weight, _)| target <= *weight);
        let mut at = self.starts.get(place(level, self.starts.len())).copied().unwrap_or_default();
        while 0 < at && reaches(at - 1) {
            at -= 1;
        }
        while !reaches(at) {
            at += 1;
        }
        self.reached.get(at).map_or(self.mean, |(_, units)| *units)
    }

    fn sum(&self, demands: u32, random: &mut Random) -> f64 {
        let drawn = demands.min(SIZES_MAX);
        let sum: f64 = (0..drawn).map(|_| self.draw(random)).sum();
        if drawn == demands {
            return sum;
        }
        // The mean grows with the number of demands, the distance from it with its root.
        let (drawn, demands) = (f64::from(drawn), f64::from(demands));
        let away = (sum - drawn * self.mean) * (demands / drawn).sqrt();
        (demands * self.mean + away).max(0.0)
    }
}

/// Returns for each equal part of `weights`, as many as there are sums, the first sum that reaches its
/// beginning.
fn starts(reached: &[(f64, f64)], weights: f64) -> Vec<usize> {
    let mut at = 0;
    let part = weights / reached.len() as f64;
    let start = |begin: usize| {
        let target = begin as f64 * part;
        while reached.get(at).is_some_and(|(weight, _)| *weight < target) {
            at += 1;
        }
        at
    };
    (0..reached.len()).map(start).collect()
}

/// Returns the place of a level from 0 to 1 in a list of so many.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
fn place(level: f64, count: usize) -> usize {
    (level * count as f64) as usize
}

/// A beta-binomial number of periods with demand, asked for ascending levels.
struct Counts {
    yes: f64,
    no: f64,
    horizon: f64,
    at: u32,
    mass: f64,
    reached: f64,
}

impl Counts {
    fn new(yes: f64, no: f64, horizon: u32) -> Self {
        let none: f64 = (0..horizon)
            .map(|period| (no + f64::from(period)) / (yes + no + f64::from(period)))
            .product();
        Self { yes, no, horizon: f64::from(horizon), at: 0, mass: none, reached: none }
    }

    fn quantile(&mut self, level: f64) -> u32 {
        while self.reached < level && f64::from(self.at) < self.horizon {
            let at = f64::from(self.at);
            self.mass *= (self.horizon - at) / (at + 1.0) * (self.yes + at)
                / (self.no + self.horizon - at - 1.0);
            self.at += 1;
            self.reached += self.mass;
        }
        self.at
    }
}

/// A generator of numbers from 0 to 1: the same ones each time (Steele, Lea and Flood, *Fast
/// splittable pseudorandom number generators*, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // 53 bits are what a float holds.
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn strata() -> impl Iterator<Item = f64> {
    (0..DRAWS).map(|draw| (draw as f64 + 0.5) / DRAWS as f64)
}

/// Returns the sizes of a series as multiples of their mean, if there are enough.
fn multiples(history: &[f64]) -> Vec<f64> {
    let sizes: Vec<f64> = history.iter().copied().filter(|units| 0.0 < *units).collect();
    if sizes.len() < DEMANDS_MIN {
        return Vec::new();
    }
    let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
    sizes.iter().map(|size| size / mean).collect()
}

/// Returns the beta distribution of the shares of all series, by its first two moments.
fn prior(histories: &[&[f64]]) -> (f64, f64) {
    let share = |history: &&[f64]| {
        let demands = history.iter().filter(|units| 0.0 < **units).count();
        (demands as f64 + 0.5) / (history.len() as f64 + 1.0)
    };
    let count = histories.len() as f64;
    let mean = histories.iter().map(share).sum::<f64>() / count;
    let spread =
        histories.iter().map(|history| (share(history) - mean).powi(2)).sum::<f64>() / count;
    let weight = (mean * (1.0 - mean) / spread.max(1e-6) - 1.0).clamp(0.5, 50.0);
    (mean * weight, (1.0 - mean) * weight)
}

fn likelihood(history: &[f64], prior: (f64, f64), discount: f64) -> f64 {
    let (mut yes, mut no) = prior;
    let mut sum = 0.0;
    for units in history {
        let any = 0.0 < *units;
        let share = yes / (yes + no);
        sum += if any { share } else { 1.0 - share }.max(1e-9).ln();
        yes = discount * yes + f64::from(any);
        no = discount * no + f64::from(!any);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_size_is_the_first_whose_weights_reach_the_level() {
        let sizes = Sizes { shared: vec![], prior: (1.0, 1.0), discount: 1.0 };
        for count in [0, 1, 3, 84, 500] {
            let history: Vec<f64> = (1..=count).map(f64::from).collect();
            let bag = sizes.bag(&history);
            let of_sums = bag.reached.iter().map(|(weight, _)| weight / bag.weights);
            for level in (0..1_000).map(|at| f64::from(at) / 1_000.0).chain(of_sums) {
                let target = level * bag.weights;
                let first = bag.reached.iter().find(|(weight, _)| target <= *weight);
                let expected = first.map_or(bag.mean, |(_, units)| *units);
                let found = bag.own(level);
                assert_eq!(found.to_bits(), expected.to_bits(), "case: {count} sizes at {level}");
            }
        }
    }
}
