//! Seasons: how much of a year's demand falls into which part of it.

/// Factors are kept within these bounds: one odd month is no season.
const FACTORS: (f64, f64) = (0.2, 5.0);

/// For each series and phase, how demand there compares with the average of a season.
///
/// Phases count from the end of a series, all of which end together: phase 0 is the first period to
/// be forecast.
#[derive(Debug)]
pub(super) struct Seasons {
    factors: Vec<Vec<f64>>,
}

/// What was seen in each phase of one series: its demand, and what the average of the season
/// around it would have been.
type Seen = Vec<(f64, f64)>;

impl Seasons {
    /// Learns the factors of all series, of `season` periods.
    ///
    /// Ratios to a centred moving average of one season are shrunk from the series' own to those
    /// of all series, the more the less they differ beyond what counts differ by chance (empirical
    /// Bayes by the method of moments).
    pub(super) fn learn(histories: &[&[f64]], season: usize) -> Option<Self> {
        let seen: Vec<Seen> = histories.iter().map(|history| seen(history, season)).collect();
        let mut shared = vec![(0.0, 0.0); season];
        for seen in &seen {
            for (sum, part) in shared.iter_mut().zip(seen) {
                sum.0 += part.0;
                sum.1 += part.1;
            }
        }
        let shared: Vec<f64> = shared
            .iter()
            .map(|(units, level)| (0.0 < *level).then(|| units / level))
            .collect::<Option<_>>()?;

        let noise: Vec<f64> = histories.iter().map(|history| dispersion(history)).collect();
        let (mut apart, mut weights) = (0.0, 0.0);
        for (seen, noise) in seen.iter().zip(&noise) {
            for (&(units, level), shared) in
                seen.iter().zip(&shared).filter(|((_, level), _)| 0.0 < *level)
            {
                let chance = noise / level;
                let difference = units / level - shared;
                apart += (difference * difference - chance) / chance;
                weights += 1.0 / chance;
            }
        }
        let spread = if 0.0 < weights { (apart / weights).max(0.0) } else { 0.0 };
        let factors =
            seen.iter().zip(&noise).map(|(seen, noise)| own(seen, *noise, &shared, spread));
        Some(Self { factors: factors.collect() })
    }

    /// Returns series number `series` without its seasons.
    pub(super) fn removed(&self, series: usize, history: &[f64]) -> Vec<f64> {
        let Some(factors) = self.factors.get(series) else { return history.to_vec() };
        let backwards = history.iter().rev().zip(factors.iter().rev().cycle());
        let mut plain: Vec<f64> = backwards.map(|(units, factor)| units / factor).collect();
        plain.reverse();
        plain
    }

    /// Returns the factor of each period to come.
    pub(super) fn ahead(&self, series: usize) -> impl Iterator<Item = f64> {
        self.factors.get(series).into_iter().flat_map(|factors| factors.iter().copied().cycle())
    }
}

fn seen(history: &[f64], season: usize) -> Seen {
    let mut seen = vec![(0.0, 0.0); season];
    let half = season / 2;
    // A window of one season around its middle; with an even season both ends count half.
    let width = 2 * half + 1;
    if history.len() < 2 * season {
        return seen;
    }
    for (start, window) in history.windows(width).enumerate() {
        let sum: f64 = window.iter().sum();
        let ends = window.first().zip(window.last()).map_or(0.0, |(first, last)| first + last);
        let sum = if season.is_multiple_of(2) { sum - ends / 2.0 } else { sum };
        let phase = (season - (history.len() - start - half) % season) % season;
        let middle = window.get(half).copied().unwrap_or_default();
        if let Some(place) = seen.get_mut(phase) {
            place.0 += middle;
            place.1 += sum / season as f64;
        }
    }
    seen
}

fn own(seen: &Seen, noise: f64, shared: &[f64], spread: f64) -> Vec<f64> {
    let shrunk = seen.iter().zip(shared).map(|(&(units, level), shared)| {
        if level <= 0.0 {
            return *shared;
        }
        let chance = noise / level;
        shared + (units / level - shared) * spread / (spread + chance)
    });
    let factors: Vec<f64> = shrunk.collect();
    let mean = factors.iter().sum::<f64>() / factors.len() as f64;
    factors.iter().map(|factor| (factor / mean.max(1e-9)).clamp(FACTORS.0, FACTORS.1)).collect()
}

/// Returns variance by mean, at least that of a Poisson count.
fn dispersion(history: &[f64]) -> f64 {
    let count = history.len() as f64;
    let mean = history.iter().sum::<f64>() / count;
    let squares = history.iter().map(|units| units * units).sum::<f64>() / count;
    ((squares - mean * mean) / mean.max(1e-9)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_that_all_share_is_found_and_taken_out() {
        let year = [2.0, 4.0, 6.0, 8.0];
        let histories: Vec<Vec<f64>> = (1..=5)
            .map(|scale| (0..24).map(|at| f64::from(scale) * year[at % 4]).collect())
            .collect();
        let borrowed: Vec<&[f64]> = histories.iter().map(Vec::as_slice).collect();
        let seasons = Seasons::learn(&borrowed, 4).unwrap();
        let ahead: Vec<f64> = seasons.ahead(2).take(5).collect();
        for (found, expected) in ahead.iter().zip([0.4, 0.8, 1.2, 1.6, 0.4]) {
            assert!((found - expected).abs() < 1e-6, "{ahead:?}");
        }
        let plain = seasons.removed(2, &histories[2]);
        assert!(plain.iter().all(|units| (units - 15.0).abs() < 1e-6), "{plain:?}");
    }

    #[test]
    fn without_two_seasons_there_is_none() {
        assert!(Seasons::learn(&[&[1.0, 2.0, 3.0]], 4).is_none());
        assert!(Seasons::learn(&[&[0.0; 30]], 4).is_none());
    }
}
