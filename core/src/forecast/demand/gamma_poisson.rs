//! Demand as a Poisson count whose rate drifts: closed form, one pass over each series.
//!
//! The rate has a gamma distribution that forgets: before each period its shape and its sum of
//! periods are multiplied by a discount (Harvey and Fernandes, *Time series models for count or
//! qualitative observations*, Journal of Business & Economic Statistics 7, 1989). Demand that varies
//! more than a Poisson count is first divided by its ratio of variance to mean. The prior, the
//! discount and the common ratio are learnt from all series (empirical Bayes), so that an item
//! with little history leans on the others.

use super::Outlook;
use crate::forecast::count;

/// Discounts to choose from; the further from 1, the sooner the past is forgotten.
const DISCOUNTS: [f64; 7] = [1.0, 0.99, 0.98, 0.97, 0.95, 0.92, 0.88];

/// The discount of the quick mean that tells where a rate is going.
const QUICK: f64 = 0.82;

/// Periods that the common ratio of variance to mean weighs against a series' own.
const RATIO_WEIGHT: f64 = 12.0;

/// Periods that the prior may weigh at most.
const PRIOR_PERIODS_MAX: f64 = 20.0;

/// Series on which the discount is tried; more do not change it.
const TRIED_MAX: usize = 250;

/// What all series have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    ratio: f64,
    prior_shape: f64,
    prior_rate: f64,
    discount: f64,
}

/// What a series looks like before some period.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    /// Expected units a period.
    pub(super) level: f64,
    /// How uncertain the level is, as a variance.
    pub(super) doubt: f64,
    /// Variance by mean.
    pub(super) ratio: f64,
    /// The level by the quick discount, and by none.
    pub(super) quick: f64,
    pub(super) slow: f64,
    /// Standard deviation of the units in a period.
    pub(super) deviation: f64,
    /// Periods since the last demand.
    pub(super) idle: f64,
    /// Share of periods with demand, kept off 0.
    pub(super) share: f64,
}

impl Pool {
    /// Learns from `histories`, none of them empty.
    pub(super) fn learn(histories: &[&[f64]]) -> Self {
        let moments: Vec<Moments> = histories.iter().map(|history| Moments::of(history)).collect();
        let count = moments.len() as f64;
        let ratio = (moments.iter().map(|own| own.ratio().ln()).sum::<f64>() / count).exp();

        let rates = moments.iter().map(|own| (own.mean() / own.shrunk_ratio(ratio), own.count));
        let mean = rates.clone().map(|(rate, _)| rate).sum::<f64>() / count;
        let spread =
            rates.clone().map(|(rate, _)| (rate - mean) * (rate - mean)).sum::<f64>() / count;
        let chance = rates.map(|(rate, count)| rate / count).sum::<f64>() / count;
        let mean = mean.max(1e-9);
        let prior_rate = (mean / (spread - chance).max(1e-9)).min(PRIOR_PERIODS_MAX);
        let prior_shape = (mean * prior_rate).max(1e-3);
        let prior_rate = prior_shape / mean;

        let pool = Self { ratio, prior_shape, prior_rate, discount: 1.0 };
        let stride = histories.len().div_ceil(TRIED_MAX).max(1);
        let tried: Vec<&[f64]> = histories.iter().step_by(stride).copied().collect();
        let likely = DISCOUNTS.map(|discount| {
            let pool = Self { discount, ..pool };
            (tried.iter().map(|history| pool.likelihood(history)).sum::<f64>(), discount)
        });
        let best = likely
            .into_iter()
            .fold((f64::NEG_INFINITY, 1.0), |best, next| if best.0 < next.0 { next } else { best });
        Self { discount: best.1, ..pool }
    }

    /// Returns the logarithm of the probability of `history`, each period by those before it.
    fn likelihood(&self, history: &[f64]) -> f64 {
        /// Periods in which the level is still being found.
        const WARM: usize = 4;
        let ratio = Moments::of(history).shrunk_ratio(self.ratio);
        let (mut shape, mut rate, mut sum) = (self.prior_shape, self.prior_rate, 0.0);
        for (at, units) in history.iter().enumerate() {
            let units = units / ratio;
            if WARM <= at {
                sum +=
                    libm::lgamma(shape + units) - libm::lgamma(shape) - libm::lgamma(units + 1.0)
                        + shape * (rate / (rate + 1.0)).ln()
                        - units * (rate + 1.0).ln();
            }
            shape = self.discount * shape + units;
            rate = self.discount * rate + 1.0;
        }
        sum
    }

    /// Returns what `history` looks like before each of `origins`, which ascend; the last may be
    /// its length.
    pub(super) fn states(&self, history: &[f64], origins: &[usize]) -> Vec<State> {
        let mut states = Vec::with_capacity(origins.len());
        let mut walk = Walk::default();
        let mut from = 0;
        for origin in origins {
            let part = history.get(from..*origin).unwrap_or_default();
            for units in part {
                walk.take(*units, self.discount);
            }
            states.push(walk.state(self));
            from = *origin;
        }
        states
    }
}

impl State {
    /// Returns what this state expects of the next `horizon` periods.
    pub(super) fn outlook(&self, horizon: f64) -> Outlook {
        let spread = |periods: f64| {
            let mean = periods * self.level;
            count::quantiles(mean, self.ratio * mean + periods * periods * self.doubt)
        };
        Outlook { mean: self.level, period: spread(1.0), total: spread(horizon) }
    }
}

/// Count, sum and sum of squares of what was seen.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn of(history: &[f64]) -> Self {
        let mut moments = Self::default();
        for units in history {
            moments.take(*units);
        }
        moments
    }

    fn take(&mut self, units: f64) {
        self.count += 1.0;
        self.sum += units;
        self.squares += units * units;
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    fn variance(&self) -> f64 {
        let apart = self.squares - self.sum * self.mean();
        (apart / (self.count - 1.0).max(1.0)).max(0.0)
    }

    /// Variance by mean, at least that of a Poisson count.
    fn ratio(&self) -> f64 {
        (self.variance() / self.mean().max(1e-9)).max(1.0)
    }

    fn shrunk_ratio(&self, common: f64) -> f64 {
        if self.count < 2.0 {
            return common;
        }
        let own = self.count * self.ratio().ln();
        ((own + RATIO_WEIGHT * common.ln()) / (self.count + RATIO_WEIGHT)).exp()
    }
}

/// A discounted sum of units and of periods, and how much of the prior is left.
#[derive(Clone, Copy, Debug)]
struct Discounted {
    units: f64,
    periods: f64,
    prior: f64,
}

impl Default for Discounted {
    fn default() -> Self {
        Self { units: 0.0, periods: 0.0, prior: 1.0 }
    }
}

impl Discounted {
    fn take(&mut self, units: f64, discount: f64) {
        self.units = discount * self.units + units;
        self.periods = discount * self.periods + 1.0;
        self.prior *= discount;
    }

    /// Returns shape and rate of the units divided by `ratio`.
    fn gamma(&self, pool: &Pool, ratio: f64) -> (f64, f64) {
        let shape = pool.prior_shape * self.prior + self.units / ratio;
        (shape, pool.prior_rate * self.prior + self.periods)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Walk {
    moments: Moments,
    chosen: Discounted,
    quick: Discounted,
    slow: Discounted,
    idle: f64,
    demands: f64,
}

impl Walk {
    fn take(&mut self, units: f64, discount: f64) {
        self.moments.take(units);
        self.chosen.take(units, discount);
        self.quick.take(units, QUICK);
        self.slow.take(units, 1.0);
        if 0.0 < units {
            self.idle = 0.0;
            self.demands += 1.0;
        } else {
            self.idle += 1.0;
        }
    }

    fn state(&self, pool: &Pool) -> State {
        let ratio = self.moments.shrunk_ratio(pool.ratio);
        let mean = |sums: &Discounted| {
            let (shape, rate) = sums.gamma(pool, ratio);
            shape / rate * ratio
        };
        let (shape, rate) = self.chosen.gamma(pool, ratio);
        State {
            level: shape / rate * ratio,
            doubt: shape / (rate * rate) * ratio * ratio,
            ratio,
            quick: mean(&self.quick),
            slow: mean(&self.slow),
            deviation: self.moments.variance().sqrt(),
            idle: self.idle,
            share: (self.demands + 0.5) / (self.moments.count + 1.0),
        }
    }
}
