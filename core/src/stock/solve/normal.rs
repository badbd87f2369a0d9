//! The standard normal distribution.

use std::f64::consts::{PI, SQRT_2};

/// Returns the density at `z`.
pub(super) fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Returns the probability of at most `z`.
pub(super) fn at_most(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// Returns the `z` that is not exceeded with probability `level`, between 0 and 1.
pub(in crate::stock) fn quantile(level: f64) -> f64 {
    super::root(-40.0, 40.0, |z| at_most(z) - level)
}

/// Returns by how much a draw exceeds `z` on average, counting 0 where it does not.
pub(super) fn loss(z: f64) -> f64 {
    density(z) - z * at_most(-z)
}
