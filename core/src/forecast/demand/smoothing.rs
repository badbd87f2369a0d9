//! Means by exponential smoothing, of the periods and of longer ones.

/// Smoothing constants that are tried.
const CONSTANTS: [f64; 8] = [0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 0.8];

/// The longest periods that demand is gathered into, in periods.
const GATHERED_MAX: usize = 24;

/// Returns the mean of a period to come by simple exponential smoothing, with the constant whose
/// one-step errors were least.
///
/// Brown, *Statistical Forecasting for Inventory Control* (1959).
pub(super) fn simple(history: &[f64]) -> f64 {
    smoothed(history.iter().copied())
}

/// Returns the mean of a period to come as the average of [`simple`] over demand gathered into
/// longer and longer periods, up to the mean interval between demands.
///
/// Petropoulos and Kourentzes, *Forecast combinations for intermittent demand*, Journal of the
/// Operational Research Society 66 (2015).
pub(super) fn gathered(history: &[f64]) -> f64 {
    let demands = history.iter().filter(|units| 0.0 < **units).count().max(1);
    let longest = history.len().div_ceil(demands).min(GATHERED_MAX).min(history.len().max(1));
    let levels = (1..=longest).map(|len| {
        // Whole periods up to the end; what is left over at the beginning is left out.
        let whole = history.get(history.len() % len..).unwrap_or_default();
        smoothed(whole.chunks(len).map(|part| part.iter().sum())) / len as f64
    });
    levels.sum::<f64>() / longest as f64
}

fn smoothed(mut history: impl Iterator<Item = f64>) -> f64 {
    let first = history.next().unwrap_or_default();
    let mut levels = [first; CONSTANTS.len()];
    let mut errors = [0.0; CONSTANTS.len()];
    for units in history {
        for ((level, error), constant) in levels.iter_mut().zip(&mut errors).zip(CONSTANTS) {
            let away = units - *level;
            *error += away * away;
            *level += constant * away;
        }
    }
    let tried = levels.into_iter().zip(errors);
    tried.fold((first, f64::INFINITY), |best, next| if next.1 < best.1 { next } else { best }).0
}
