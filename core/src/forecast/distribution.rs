//! How many units will be needed: a probability for each number of them.

/// The most units a [`Distribution`] reaches; a larger demand is counted in packs.
pub const UNITS_MAX: usize = 1 << 16;

/// Probability that may be cut off at the far end of an endless distribution.
const TAIL: f64 = 1e-12;
/// A mass at 0 whose logarithm is below this is near the smallest number that a float tells from 0.
const LOG_NONE_MIN: f64 = -600.0;

/// A distribution of a number of units, from none to a largest one.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    // Invariant: not empty, no longer than UNITS_MAX + 1, none negative, and they add up to 1.
    masses: Vec<f64>,
}

/// Why there is no [`Distribution`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DistributionError {
    /// It would reach too far.
    #[error("a demand of more than {UNITS_MAX} units is too large to convolve; count it in packs")]
    TooManyUnits,
    /// A mean that is none.
    #[error("{0} is no mean of a count; it needs a number of 0 or more")]
    Mean(f64),
    /// A variance that a count cannot have beside its mean.
    #[error("a variance of {0} is below the mean; a count that varies less is not modelled")]
    Variance(f64),
}

impl Distribution {
    /// Returns the one that says: none, for certain.
    pub fn nothing() -> Self {
        Self { masses: vec![1.0] }
    }

    /// Returns the Poisson distribution of `mean` units.
    pub fn poisson(mean: f64) -> Result<Self, DistributionError> {
        let ratio = |units: f64| mean / units;
        Self::of_ratios(mean, mean, -mean, ratio)
    }

    /// Returns the negative binomial distribution of this mean and variance, in units and units
    /// squared; the Poisson one where they are equal.
    pub fn negative_binomial(mean: f64, variance: f64) -> Result<Self, DistributionError> {
        if variance < mean {
            return Err(DistributionError::Variance(variance));
        }
        let excess = variance - mean;
        // Below this the two cannot be told apart, and the size would overflow.
        if excess <= mean * 1e-9 {
            return Self::poisson(mean);
        }
        let size = mean * mean / excess;
        let failure = excess / variance;
        let ratio = |units: f64| (size + units - 1.0) / units * failure;
        Self::of_ratios(mean, variance, size * libm::log1p(-failure), ratio)
    }

    /// Returns the distribution whose mass at 0 is the exponential of `log_none`, and each later
    /// mass `ratio(units)` times the one before.
    fn of_ratios(
        mean: f64,
        variance: f64,
        log_none: f64,
        ratio: impl Fn(f64) -> f64,
    ) -> Result<Self, DistributionError> {
        if !(mean.is_finite() && 0.0 <= mean) {
            return Err(DistributionError::Mean(mean));
        }
        if !variance.is_finite() || UNITS_MAX as f64 <= mean + 8.0 * variance.sqrt() {
            return Err(DistributionError::TooManyUnits);
        }
        if mean == 0.0 {
            return Ok(Self::nothing());
        }
        // In logarithms where, with a large mean, the mass at 0 is too small for a float.
        let is_small = log_none < LOG_NONE_MIN;
        let mut log_mass = log_none;
        let mut mass = log_mass.exp();
        let mut reached = mass;
        let mut masses = vec![reached];
        for units in 1..=UNITS_MAX {
            if mean < units as f64 && 1.0 - TAIL <= reached {
                break;
            }
            if is_small {
                log_mass += ratio(units as f64).ln();
                mass = log_mass.exp();
            } else {
                mass *= ratio(units as f64);
            }
            if mean < units as f64 && mass < TAIL * f64::EPSILON {
                break;
            }
            reached += mass;
            masses.push(mass);
        }
        for mass in &mut masses {
            *mass /= reached;
        }
        Ok(Self { masses })
    }

    /// Returns the distribution of the sum of both, which know nothing of each other.
    pub fn plus(&self, other: &Self) -> Result<Self, DistributionError> {
        let len = self.masses.len() + other.masses.len() - 1;
        if UNITS_MAX + 1 < len {
            return Err(DistributionError::TooManyUnits);
        }
        let mut masses = vec![0.0; len];
        // Deals come in lots, so one side is mostly zeros.
        let (sparse, dense) =
            if other.support() < self.support() { (other, self) } else { (self, other) };
        for (units, &mass) in sparse.masses.iter().enumerate() {
            if mass == 0.0 {
                continue;
            }
            let places = masses.iter_mut().skip(units);
            for (place, with) in places.zip(&dense.masses) {
                *place += mass * with;
            }
        }
        Ok(Self { masses })
    }

    fn support(&self) -> usize {
        self.masses.iter().filter(|mass| **mass != 0.0).count()
    }

    /// Returns the distribution with these masses from 0 units on. The caller keeps the invariant.
    pub(crate) fn of_masses(masses: Vec<f64>) -> Self {
        Self { masses }
    }

    /// Returns the probability of each number of units, from none on; they add up to 1.
    pub fn masses(&self) -> &[f64] {
        &self.masses
    }

    /// Returns the expected number of units.
    pub fn mean(&self) -> f64 {
        self.numbered().map(|(units, mass)| units * mass).sum()
    }

    /// Returns the variance, in units squared.
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        self.numbered().map(|(units, mass)| (units - mean) * (units - mean) * mass).sum()
    }

    /// Returns the smallest number of units that covers the demand with a probability of at least
    /// `level`, from 0 to 1.
    pub fn quantile(&self, level: f64) -> usize {
        let mut reached = 0.0;
        let covers = |mass: &f64| {
            reached += mass;
            // Sums of floats miss round levels by the last digits.
            level <= reached + 1e-12
        };
        self.masses.iter().position(covers).unwrap_or(self.masses.len() - 1)
    }

    /// Returns the probability that at most `units` are needed.
    pub fn at_most(&self, units: usize) -> f64 {
        let reached: f64 = self.masses.iter().take(units.saturating_add(1)).sum();
        reached.min(1.0)
    }

    /// Returns how many units will be missing, on average, where `stock` are there.
    pub fn expected_short(&self, stock: usize) -> f64 {
        self.numbered().map(|(units, mass)| (units - stock as f64).max(0.0) * mass).sum()
    }

    /// Returns how many units will be left over, on average, where `stock` are there.
    pub fn expected_idle(&self, stock: usize) -> f64 {
        self.numbered().map(|(units, mass)| (stock as f64 - units).max(0.0) * mass).sum()
    }

    /// Returns what a missing unit has to cost, as a multiple of an idle one, before more than
    /// `units` are worth having; `None` if more are never needed.
    ///
    /// A further unit is idle with the probability that `units` are enough, and missing otherwise:
    /// the newsvendor's critical ratio, written as odds.
    pub fn break_even(&self, units: usize) -> Option<f64> {
        let more: f64 = self.masses.iter().skip(units.saturating_add(1)).sum();
        (0.0 < more).then(|| self.at_most(units) / more)
    }

    fn numbered(&self) -> impl Iterator<Item = (f64, f64)> {
        self.masses.iter().enumerate().map(|(units, mass)| (units as f64, *mass))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_the_mean_and_variance_they_were_asked_for() {
        let plain = [(0.02, 0.02), (2.5, 2.5), (2.5, 9.0), (599.0, 599.0)];
        for (mean, variance) in plain.into_iter().chain([(601.0, 601.0), (900.0, 1_200.0)]) {
            let found = Distribution::negative_binomial(mean, variance).unwrap();
            let close = |a: f64, b: f64| (a - b).abs() < 1e-6 * b;
            assert!(close(found.mean(), mean), "mean of {mean}, {variance}: {}", found.mean());
            assert!(close(found.variance(), variance), "variance of {mean}, {variance}");
            assert!((found.masses().iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        use DistributionError::{Mean, TooManyUnits, Variance};
        let cases = [
            ("a negative mean", -1.0, 1.0, Mean(-1.0)),
            ("an enormous mean", 1e12, 1e12, TooManyUnits),
            ("an endless variance", 1.0, f64::INFINITY, TooManyUnits),
            ("a count that hardly varies", 4.0, 1.0, Variance(1.0)),
        ];
        for (case, mean, variance, expected) in cases {
            let refused = Distribution::negative_binomial(mean, variance);
            assert_eq!(refused, Err(expected), "case: {case}");
        }
        assert!(Distribution::poisson(f64::NAN).is_err());
    }
}
