//! Quantiles of counts in closed form, fast enough for every item of a shop.

/// Quantile levels that a forecast states.
pub const LEVELS: [f64; 3] = [0.5, 0.9, 0.95];

/// The standard normal distribution's quantiles at [`LEVELS`].
const NORMAL: [f64; 3] = [0.0, 1.281_551_565_544_600_4, 1.644_853_626_951_472_2];

/// Means above which a count is taken as continuous.
const MEAN_COUNTED: f64 = 400.0;

/// Steps after which a far tail is no longer counted out.
const STEPS_MAX: u32 = 20_000;

/// Returns the quantiles at [`LEVELS`] of a negative binomial count of this mean and variance, in
/// units; of a Poisson one where the variance is not above the mean.
///
/// Large means are taken for gamma distributed, by the cube root of Wilson and Hilferty, *The
/// distribution of chi-square*, Proceedings of the National Academy of Sciences 17 (1931).
pub(super) fn quantiles(mean: f64, variance: f64) -> [f64; 3] {
    let mean = mean.max(1e-9);
    let variance = variance.max(mean * (1.0 + 1e-6));
    let success = mean / variance;
    let size = mean * success / (1.0 - success);
    if mean < MEAN_COUNTED {
        let none = (size * success.ln()).exp();
        if 0.0 < none {
            return counted(none, size, 1.0 - success);
        }
    }
    let shape = mean * success;
    let ninth = 1.0 / (9.0 * shape);
    NORMAL.map(|normal| {
        let root = (1.0 - ninth + normal * ninth.sqrt()).max(0.0);
        (mean * root * root * root).round()
    })
}

/// Walks from 0 up, with the mass `none` there.
fn counted(none: f64, size: f64, failure: f64) -> [f64; 3] {
    let mut found = [0.0; 3];
    let mut levels = LEVELS.iter().zip(&mut found);
    let Some(mut next) = levels.next() else { return found };
    let (mut mass, mut reached, mut units) = (none, none, 0.0);
    for _ in 0..STEPS_MAX {
        while *next.0 <= reached {
            *next.1 = units;
            match levels.next() {
                Some(later) => next = later,
                None => return found,
            }
        }
        mass *= (size + units) / (units + 1.0) * failure;
        units += 1.0;
        reached += mass;
    }
    *next.1 = units;
    levels.for_each(|(_, place)| *place = units);
    found
}

/// Returns the quantiles at [`LEVELS`] of a sample, with straight lines between its values; zeros
/// of an empty one. The sample is left in another order.
pub(super) fn of_sample(sample: &mut [f64]) -> [f64; 3] {
    let last = sample.len().saturating_sub(1);
    let mut quantiles = [0.0; 3];
    // From the highest down: what lies above a quantile is done with.
    let mut rest = sample;
    for (quantile, level) in quantiles.iter_mut().zip(LEVELS).rev() {
        let place = level * last as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in the sample"
        )]
        let above = (place as usize + 1).min(last);
        if rest.len() <= above {
            continue;
        }
        let (below, high, _) = rest.select_nth_unstable_by(above, f64::total_cmp);
        let low = below.iter().copied().max_by(f64::total_cmp).unwrap_or(*high);
        *quantile = low + (*high - low) * (place - (above as f64 - 1.0)).clamp(0.0, 1.0);
        let Some(lower) = rest.get_mut(..=above) else { break };
        rest = lower;
    }
    quantiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_counts_are_those_of_the_tables() {
        // Negative binomial and Poisson quantiles, computed with exact sums.
        let cases = [
            (0.01, 0.01, [0.0, 0.0, 0.0]),
            (2.5, 2.5, [2.0, 5.0, 5.0]),
            (6.0, 12.0, [5.0, 11.0, 12.0]),
            (1.0, 11.0, [0.0, 3.0, 6.0]),
        ];
        for (mean, variance, expected) in cases {
            let found = quantiles(mean, variance);
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 0.5), "{found:?}");
        }
    }

    #[test]
    fn quantiles_of_a_sample_lie_between_its_values() {
        let mixed: Vec<f64> = (0..=20).map(|at| f64::from(at * 8 % 21)).collect();
        for (mut sample, expected) in [
            (mixed, [10.0, 18.0, 19.0]),
            (vec![], [0.0; 3]),
            (vec![4.0], [4.0; 3]),
            (vec![7.0, 3.0], [5.0, 6.6, 6.8]),
            (vec![2.0, 2.0, 2.0, 9.0], [2.0, 6.9, 7.95]),
        ] {
            let found = of_sample(&mut sample);
            let near = found.iter().zip(&expected).all(|(a, b): (&f64, &f64)| (a - b).abs() < 1e-9);
            assert!(near, "{sample:?}: {found:?}");
        }
    }

    #[test]
    fn large_counts_come_near_and_stay_finite() {
        let [half, high, higher] = quantiles(399.0, 1_600.0);
        let far = quantiles(401.0, 1_600.0);
        for (near, far) in [half, high, higher].into_iter().zip(far) {
            assert!((near + 2.0 - far).abs() <= 3.0, "{near} and {far}");
        }
        let [half, high, higher] = quantiles(1e12, 1e25);
        assert!(half <= high && high <= higher && higher.is_finite());
    }
}
