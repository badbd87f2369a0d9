//! How often devices fail: a rule that has seen little leans on what the others have seen.

use std::iter::Sum;

/// Device-years without a failure that a pool begins with, so that a few days of one rule alone are no rate.
const EMPTY_YEARS: f64 = 1.0;

/// Failures, and for how long devices were watched for them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counted {
    /// How many there were; where a person wrote how often devices fail, how many that makes.
    pub failures: f64,
    /// Years of devices, added up.
    pub device_years: f64,
}

impl Counted {
    /// Returns how often a device fails in a year, with `pool` the failures of all rules, this one's too.
    ///
    /// It is the mean of a Gamma-Poisson posterior (Gelman et al., *Bayesian Data Analysis*, 3rd edition,
    /// section 2.6) whose prior is worth one failure: an exponential distribution about the pool's rate,
    /// which weighs as many device-years as the pool needs for a failure.
    pub(super) fn per_year(self, pool: Self) -> f64 {
        let rate = pool.pooled();
        if rate <= 0.0 {
            return 0.0;
        }
        (self.failures + 1.0) / (self.device_years + rate.recip())
    }

    /// Returns whether the prior weighs more than what was counted.
    pub(super) fn is_thin(self, pool: Self) -> bool {
        self.device_years * pool.pooled() < 1.0
    }

    fn pooled(self) -> f64 {
        self.failures / (self.device_years + EMPTY_YEARS)
    }
}

impl Sum for Counted {
    fn sum<I: Iterator<Item = Self>>(counted: I) -> Self {
        counted.fold(Self::default(), |all, one| Self {
            failures: all.failures + one.failures,
            device_years: all.device_years + one.device_years,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_leans_on_the_pool_where_little_was_counted() {
        // What the rule counted, failures and device-years; what the others did; the rate, and whether
        // it is the pool's more than its own.
        for (name, own, others, rate, is_thin) in [
            ("nothing is known", (0.0, 0.0), (0.0, 0.0), 0.0, true),
            ("nothing ever failed", (0.0, 500.0), (0.0, 500.0), 0.0, true),
            ("live today", (0.0, 0.0), (19.8, 98.0), 0.2, true),
            ("three days of two devices", (1.0, 0.0164), (19.8, 98.0), 0.4187, true),
            ("the same alone", (1.0, 0.0164), (0.0, 0.0), 1.9361, true),
            ("three days of a thousand", (1.0, 8.2), (19.8, 98.0), 0.1498, false),
            ("a year of a thousand", (300.0, 1000.0), (19.8, 98.0), 0.2999, false),
            ("a year of ten alone", (3.0, 10.0), (0.0, 0.0), 0.2927, false),
            ("none of ten", (0.0, 10.0), (30.0, 89.0), 0.0750, false),
        ] {
            let [own, others] =
                [own, others].map(|(failures, device_years)| Counted { failures, device_years });
            let pool = [own, others].into_iter().sum();
            let found = own.per_year(pool);
            assert!((found - rate).abs() < 1e-3, "case: {name}: {found}, not {rate}");
            assert_eq!(own.is_thin(pool), is_thin, "case: {name}");
        }
    }
}
