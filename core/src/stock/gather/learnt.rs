//! Base demand as it is forecast: the methods of [`crate::forecast::demand`], told as a mean and a spread.

use crate::forecast::demand::{self, Forecast, LEVELS, Settings};
use crate::forecast::distribution::Distribution;
use crate::stock::plan::base::{self, Base, Observed, Summary};

/// The most series that are forecast by all methods; more have the mean of their history, with a spread
/// learnt over all of them.
const SERIES_MAX: usize = 20_000;
/// Fewer periods than these are too few to be forecast.
const PERIODS_MIN: usize = 4;
/// The largest spread that is looked for.
const SPREAD_MAX: f64 = 64.0;
/// Steps of the search for a spread; each halves what is left.
const STEPS: u32 = 12;

/// Returns the base demand of each history; all end on the same day, in periods of the same length.
pub(super) fn bases(histories: &[&[Observed]], ahead_days: u16) -> Vec<Base> {
    let summaries: Vec<Summary> = histories.iter().map(|history| Summary::of(history)).collect();
    let pooled = base::pooled_spread(summaries.iter());
    let mut bases: Vec<Base> = summaries.iter().map(|summary| summary.base(pooled)).collect();
    let long: Vec<usize> = (0..histories.len())
        .filter(|index| {
            let periods = histories.get(*index).map_or(0, |history| history.len());
            PERIODS_MIN <= periods && bases.get(*index).is_some_and(|base| 0.0 < base.per_day)
        })
        .collect();
    let days_of = |period: &Observed| (period.last_on - period.first_on).num_days() + 1;
    let length = histories.iter().find_map(|history| history.first().map(days_of));
    let (Some(length), true) = (length, long.len() <= SERIES_MAX) else { return bases };
    let units = |index: &usize| -> Vec<f64> {
        let history = histories.get(*index).copied().unwrap_or_default();
        history.iter().map(|period| f64::from(period.units)).collect()
    };
    let series: Vec<Vec<f64>> = long.iter().map(units).collect();
    let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
    let periods = i64::from(ahead_days.max(1)).saturating_add(length - 1).checked_div(length);
    let horizon = periods.and_then(|periods| u32::try_from(periods).ok()).unwrap_or(1);
    let Ok(settings) = Settings::new(horizon, 1) else { return bases };
    let days = f64::from(horizon) * length as f64;
    for (index, forecast) in long.into_iter().zip(demand::forecast(&series, settings)) {
        if let Some(base) = bases.get_mut(index) {
            take(base, &forecast, days);
        }
    }
    bases
}

/// Takes the mean of a forecast of so many days, and the least spread with which the highest quantile is
/// what the forecast says. A forecast of nothing, or of too much to reckon with, changes nothing.
fn take(base: &mut Base, forecast: &Forecast, days: f64) {
    let (mean, [.., high]) = (forecast.total.mean, forecast.total.quantiles);
    let [.., level] = LEVELS;
    if !(mean.is_finite() && 0.0 < mean && high.is_finite()) {
        return;
    }
    let reaches = |spread: f64| {
        let found = Distribution::negative_binomial(mean, mean * spread);
        found.map(|found| high <= found.quantile(level) as f64)
    };
    let (mut low, mut most) = (1.0, SPREAD_MAX);
    match (reaches(low), reaches(most)) {
        (Ok(true), _) => most = low,
        (Ok(false), Ok(true)) => {
            for _ in 0..STEPS {
                let middle = f64::midpoint(low, most);
                if reaches(middle) == Ok(true) { most = middle } else { low = middle }
            }
        }
        (Ok(false), Ok(false)) => {}
        (Err(_), _) | (_, Err(_)) => return,
    }
    (base.per_day, base.spread) = (mean / days, most);
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;

    fn history(units: &[u32]) -> Vec<Observed> {
        let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
        let period = |(index, units): (u64, &u32)| Observed {
            first_on: first + Days::new(index * 28),
            last_on: first + Days::new(index * 28 + 27),
            units: *units,
        };
        (0..).zip(units).map(period).collect()
    }

    #[test]
    fn the_mean_is_the_forecasts_and_the_spread_reaches_its_quantile() {
        let cases: [(&str, &[u32], (f64, f64)); 4] = [
            ("steady", &[10, 9, 11, 10, 10, 12, 9, 10, 11, 10, 9, 10], (0.25, 0.5)),
            ("now and then", &[0, 0, 4, 0, 0, 0, 3, 0, 0, 5, 0, 0], (0.005, 0.15)),
            ("nothing", &[0, 0, 0, 0, 0, 0], (0.0, 0.0)),
            ("once", &[3], (0.1, 0.11)),
        ];
        let all: Vec<Vec<Observed>> = cases.iter().map(|(_, units, _)| history(units)).collect();
        let all: Vec<&[Observed]> = all.iter().map(Vec::as_slice).collect();
        for ((name, _, (low, high)), base) in cases.iter().zip(bases(&all, 30)) {
            assert!((*low..=*high).contains(&base.per_day), "case: {name}: {base:?}");
            assert!(1.0 <= base.spread && base.spread <= SPREAD_MAX, "case: {name}: {base:?}");
        }
    }
}
