//! How good forecasts were, once the truth is known. Lower is better, but for coverage.

/// Returns the pinball loss of `quantile` as the `level` quantile (0 to 1), in the unit of the
/// outcome; its mean is least where the quantile is the true one.
///
/// Koenker and Bassett, *Regression Quantiles*, Econometrica 46 (1978).
pub fn pinball(level: f64, quantile: f64, outcome: f64) -> f64 {
    let over = outcome - quantile;
    (level * over).max((level - 1.0) * over)
}

/// Returns the share of outcomes at or below their quantile, from pairs of both; `None` of none.
/// With counts, the level or a little more is right.
pub fn coverage(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    mean(pairs.into_iter().map(|(quantile, outcome)| f64::from(outcome <= quantile + 1e-9)))
}

/// Returns the Brier score of pairs of a probability and what happened: the mean squared
/// difference; `None` of none.
///
/// Brier, *Verification of forecasts expressed in terms of probability*, Monthly Weather Review 78
/// (1950).
pub fn brier(pairs: impl IntoIterator<Item = (f64, bool)>) -> Option<f64> {
    let squared = |(probability, happened)| {
        let difference: f64 = probability - f64::from(happened);
        difference * difference
    };
    mean(pairs.into_iter().map(squared))
}

/// Returns the mean logarithmic loss of pairs of a probability and what happened, in nats; `None`
/// of none. Probabilities are first kept 1e-5 away from certainty, else one surprise costs
/// everything.
///
/// Good, *Rational Decisions*, Journal of the Royal Statistical Society B 14 (1952).
pub fn log_loss(pairs: impl IntoIterator<Item = (f64, bool)>) -> Option<f64> {
    let loss = |(probability, happened): (f64, bool)| {
        let probability = probability.clamp(1e-5, 1.0 - 1e-5);
        -(if happened { probability } else { 1.0 - probability }).ln()
    };
    mean(pairs.into_iter().map(loss))
}

/// Returns the expected calibration error of pairs of a probability and what happened; `None` of
/// none.
///
/// Sorted by probability and cut into `bins` parts of equal count, it is the weighted mean distance
/// between what was said and the share that happened.
///
/// Naeini, Cooper and Hauskrecht, *Obtaining Well Calibrated Probabilities Using Bayesian Binning*,
/// AAAI 2015; with bins of equal count.
pub fn calibration_error(pairs: &[(f64, bool)], bins: usize) -> Option<f64> {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let bins = bins.clamp(1, sorted.len().max(1));
    // The first ones have one more where it does not come out even.
    let (each, longer) = (sorted.len() / bins, sorted.len() % bins);
    let mut rest = sorted.as_slice();
    let mut apart = 0.0;
    for bin in 0..bins {
        let (part, after) = rest.split_at(each + usize::from(bin < longer));
        let said: f64 = part.iter().map(|(probability, _)| probability).sum();
        let happened = part.iter().filter(|(_, happened)| *happened).count();
        apart += (said - happened as f64).abs();
        rest = after;
    }
    (!pairs.is_empty()).then(|| apart / pairs.len() as f64)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count != 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() < 1e-12)
    }

    #[test]
    fn a_shortage_costs_its_level_and_an_excess_the_rest() {
        for (level, quantile, outcome, loss) in [
            (0.9, 10.0, 14.0, 3.6),
            (0.9, 10.0, 6.0, 0.4),
            (0.5, 3.0, 1.0, 1.0),
            (0.95, 2.0, 2.0, 0.0),
        ] {
            assert!(close(Some(pinball(level, quantile, outcome)), loss), "{level} {outcome}");
        }
    }

    #[test]
    fn an_outcome_on_the_quantile_is_covered() {
        assert!(close(coverage([(2.0, 2.0), (2.0, 3.0), (2.0, 0.0), (0.0, 1.0)]), 0.5));
    }

    #[test]
    fn probabilities_are_judged_by_what_happened() {
        let pairs = [(0.8, true), (0.8, false), (0.2, false), (0.2, false)];
        assert!(close(brier(pairs), (0.04 + 0.64 + 0.04 + 0.04) / 4.0));
        let logs = -(0.8_f64.ln() + 0.2_f64.ln() + 2.0 * 0.8_f64.ln()) / 4.0;
        assert!(close(log_loss(pairs), logs));
        // Said 1.6 of two and one happened, said 0.4 of two and none did.
        assert!(close(calibration_error(&pairs, 2), (0.6 + 0.4) / 4.0));
        // Of three, the first part has two: said 1 and one happened; then said 0.8 and none did.
        assert!(close(calibration_error(&pairs[..3], 2), 0.8 / 3.0));
    }

    #[test]
    fn of_nothing_there_is_no_score() {
        assert_eq!(coverage([]), None);
        assert_eq!(brier([]), None);
        assert_eq!(log_loss([]), None);
        assert_eq!(calibration_error(&[], 10), None);
    }
}
