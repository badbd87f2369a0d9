//! What forecasts would have been worth, had they been made in the past: rolling origins.

use super::demand::{self, Settings};
use super::ledger::DemandSaid;

/// Periods that a series needs before an origin.
const PERIODS_MIN: usize = 8;

/// A forecast of a past origin: which series, what would have been said of the horizon, what came.
pub type Tried = (usize, DemandSaid, f64);

/// Returns what would have been said of each of `histories` at the origin that lies `back` horizons
/// before their end, knowing what was before it alone. Series that were too short then are left out.
pub fn demand(histories: &[&[f64]], settings: Settings, back: u32) -> Vec<Tried> {
    let horizon = settings.horizon() as usize;
    let behind = horizon.saturating_mul(back as usize);
    let cut = |(series, history): (usize, &&'_ [f64])| {
        let origin = history.len().checked_sub(behind).filter(|at| PERIODS_MIN <= *at)?;
        let came: f64 = history.iter().skip(origin).take(horizon).sum();
        Some((series, origin, came))
    };
    let cuts: Vec<(usize, usize, f64)> = histories.iter().enumerate().filter_map(cut).collect();
    let known: Vec<&[f64]> = cuts
        .iter()
        .filter_map(|(series, origin, _)| histories.get(*series)?.get(..*origin))
        .collect();
    let said = demand::forecast(&known, settings);
    let tried = cuts.into_iter().zip(said).zip(known);
    tried
        .map(|(((series, _, came), forecast), known)| {
            (series, DemandSaid::of_total(&forecast, known), came)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_knows_nothing_of_what_came_after_it() {
        let history = |late: f64| -> Vec<f64> {
            (0..24).map(|at| if at < 18 { f64::from(at % 4) } else { late }).collect()
        };
        let short = vec![1.0; 9];
        let settings = Settings::new(6, 1).unwrap();
        let (quiet, loud) = (history(0.0), history(50.0));
        let first = demand(&[&quiet, &short], settings, 1);
        let second = demand(&[&loud, &short], settings, 1);
        assert_eq!(first.len(), 1, "the short one had three periods then");
        assert_eq!((first[0].0, &first[0].1), (0, &second[0].1));
        assert!(first[0].2.abs() < 1e-12 && (second[0].2 - 300.0).abs() < 1e-12);
        assert_eq!(demand(&[&quiet], settings, 3), [], "nothing is left");
    }
}
