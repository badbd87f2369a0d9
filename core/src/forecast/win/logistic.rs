//! Logistic regression with weights for cases, drawn towards given coefficients.

/// Rounds of Newton's method.
const ROUNDS_MAX: usize = 25;

/// A round that moves no coefficient further than this is the last one.
const STILL: f64 = 1e-7;

/// The logistic function.
pub(super) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Returns the log-odds of `probability`, which is first kept off certainty.
pub(super) fn log_odds(probability: f64) -> f64 {
    let probability = probability.clamp(1e-6, 1.0 - 1e-6);
    (probability / (1.0 - probability)).ln()
}

/// What is seen of one case: its features, whether it came true, and how much it counts.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) features: Vec<f64>,
    pub(super) happened: bool,
    pub(super) weight: f64,
}

/// A coefficient's value before anything is seen, and its precision (1 / variance).
#[derive(Clone, Copy, Debug)]
pub(super) struct Prior {
    pub(super) mean: f64,
    pub(super) precision: f64,
}

/// Returns the coefficients of greatest posterior probability, one for each of `priors`.
///
/// Newton's method (iteratively reweighted least squares): `McCullagh` and Nelder, *Generalized Linear
/// Models* (1989).
pub(super) fn fit(cases: &[Case], priors: &[Prior]) -> Vec<f64> {
    let mut coefficients: Vec<f64> = priors.iter().map(|prior| prior.mean).collect();
    for _ in 0..ROUNDS_MAX {
        let step = step(cases, priors, &coefficients);
        let mut moved = 0.0_f64;
        for (coefficient, step) in coefficients.iter_mut().zip(&step) {
            // Far steps overshoot where few cases speak.
            let step = step.clamp(-2.0, 2.0);
            *coefficient += step;
            moved = moved.max(step.abs());
        }
        if moved < STILL {
            break;
        }
    }
    coefficients
}

/// Returns the sum of products.
pub(super) fn dot(coefficients: &[f64], features: &[f64]) -> f64 {
    coefficients.iter().zip(features).map(|(coefficient, feature)| coefficient * feature).sum()
}

fn step(cases: &[Case], priors: &[Prior], coefficients: &[f64]) -> Vec<f64> {
    let size = priors.len();
    // The curvature, with the slope as its last column.
    let mut rows: Vec<Vec<f64>> = vec![vec![0.0; size + 1]; size];
    for (at, (row, (prior, coefficient))) in
        rows.iter_mut().zip(priors.iter().zip(coefficients)).enumerate()
    {
        let values = [(at, prior.precision), (size, prior.precision * (prior.mean - coefficient))];
        for (place, value) in values {
            if let Some(cell) = row.get_mut(place) {
                *cell = value;
            }
        }
    }
    for case in cases {
        let said = probability(dot(coefficients, &case.features));
        let missed = case.weight * (f64::from(case.happened) - said);
        let curvature = case.weight * said * (1.0 - said);
        for (row, feature) in rows.iter_mut().zip(&case.features) {
            if *feature == 0.0 {
                continue;
            }
            let scaled = curvature * feature;
            for (cell, other) in row.iter_mut().zip(&case.features) {
                *cell += scaled * other;
            }
            if let Some(slope) = row.last_mut() {
                *slope += missed * feature;
            }
        }
    }
    solved(rows)
}

/// Solves a system of equations with a positive definite matrix, whose right side is the last
/// column, by Gauss's elimination.
fn solved(mut rows: Vec<Vec<f64>>) -> Vec<f64> {
    let size = rows.len();
    for at in 0..size {
        let (upper, lower) = rows.split_at_mut(at + 1);
        let Some(pivot_row) = upper.last() else { continue };
        let pivot = pivot_row.get(at).copied().unwrap_or(1.0);
        for row in lower {
            let factor = row.get(at).copied().unwrap_or_default() / pivot;
            for (cell, above) in row.iter_mut().zip(pivot_row).skip(at) {
                *cell -= factor * above;
            }
        }
    }
    let mut solution = vec![0.0; size];
    for (at, row) in rows.iter().enumerate().rev() {
        let known: f64 =
            row.iter().zip(&solution).skip(at + 1).map(|(cell, value)| cell * value).sum();
        let right = row.last().copied().unwrap_or_default();
        let pivot = row.get(at).copied().unwrap_or(1.0);
        if let Some(place) = solution.get_mut(at) {
            *place = (right - known) / pivot;
        }
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        let rows = vec![vec![4.0, 2.0, 10.0], vec![2.0, 3.0, 9.0]];
        let found = solved(rows);
        assert!((found[0] - 1.5).abs() < 1e-12 && (found[1] - 2.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn shares_are_found_and_priors_hold_where_little_is_seen() {
        let case =
            |group: f64, happened| Case { features: vec![1.0, group], happened, weight: 1.0 };
        let mut cases = Vec::new();
        for at in 0..1_000 {
            cases.push(case(0.0, at % 4 == 0));
            cases.push(case(1.0, at % 2 == 0));
        }
        let loose = Prior { mean: 0.0, precision: 1e-6 };
        let found = fit(&cases, &[loose, loose]);
        assert!((probability(found[0]) - 0.25).abs() < 1e-6);
        assert!((probability(found[0] + found[1]) - 0.5).abs() < 1e-6);

        let firm = Prior { mean: 1.0, precision: 1e9 };
        assert!((fit(&cases, &[loose, firm])[1] - 1.0).abs() < 1e-3);
    }
}
