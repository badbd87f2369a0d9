//! Demand of many items, as quantiles of each period and of the whole horizon.
//!
//! Four methods forecast each series, at its end and one horizon earlier: a Gamma-Poisson count
//! ([`gamma_poisson`]), what followed where other series looked alike ([`neighbours`]), whether and
//! how much ([`compound`]), and small trees that tell windows of all series apart ([`boosted`]). How
//! they are weighed is learnt for each [`Class`] of demand from what they said one horizon earlier,
//! beside weights that did well elsewhere; so is whether seasons are taken out before. Quantiles are
//! averaged (Lichtendahl, Grushka-Cockayne and Winkler, *Is it better to average probabilities or
//! quantiles?*, Management Science 59, 2013), widened where far too few outcomes would have been
//! covered, and whole where demand comes in whole units.

use self::class::Class;
use self::experts::Trial;
use self::learnt::Learnt;
use self::plain::Plain;
use super::score;

mod boosted;
pub mod class;
mod compound;
mod experts;
mod gamma_poisson;
mod learnt;
mod neighbours;
mod plain;
mod seasonal;
mod smoothing;
mod weights;

pub use super::count::LEVELS;

/// The most periods that are forecast.
pub const HORIZON_MAX: u32 = 400;

/// The most periods of a season.
pub const SEASON_MAX: usize = 400;

/// Later periods of a history are used up to this many.
pub const HISTORY_MAX: usize = 4_000;

/// The part of a unit that a quantile of whole units at each of [`LEVELS`] may lack: methods that
/// disagree say a part of a unit, which costs more to stock than to do without.
const CUTS: [f64; 3] = [0.5, 0.6, 0.6];

/// How far, and how long a season is, both in periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    horizon: u32,
    season: usize,
}

/// Why there are no [`Settings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A horizon that is none.
    #[error("a horizon of {0} periods; it needs 1 to {HORIZON_MAX}")]
    Horizon(u32),
    /// A season that is none.
    #[error("a season of {0} periods; it needs 1, which is none, to {SEASON_MAX}")]
    Season(usize),
}

impl Settings {
    /// Returns settings for `horizon` periods; a `season` of 1 period is none.
    pub fn new(horizon: u32, season: usize) -> Result<Self, SettingsError> {
        if !(1..=HORIZON_MAX).contains(&horizon) {
            return Err(SettingsError::Horizon(horizon));
        }
        if !(1..=SEASON_MAX).contains(&season) {
            return Err(SettingsError::Season(season));
        }
        Ok(Self { horizon, season })
    }

    /// Returns how many periods are forecast.
    pub fn horizon(&self) -> u32 {
        self.horizon
    }
}

/// What is expected of one number of units: its mean, and its quantiles at [`LEVELS`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expected {
    /// The mean, in units.
    pub mean: f64,
    /// The quantiles, ascending, in units; not always whole ones.
    pub quantiles: [f64; 3],
}

/// The forecast of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// What kind of demand it was taken for.
    pub class: Class,
    /// What is expected of each period to come.
    pub periods: Vec<Expected>,
    /// What is expected of all of them together, which is what is stocked before a closed window.
    pub total: Expected,
}

/// What one method says of a period and of the horizon; each period is like the other.
#[derive(Clone, Copy, Debug, Default)]
struct Outlook {
    mean: f64,
    period: [f64; 3],
    total: [f64; 3],
}

/// Forecasts each of `histories`: units a period up to now, none negative, all ending with the same
/// period. What series have in common is learnt from all of them.
pub fn forecast(histories: &[&[f64]], settings: Settings) -> Vec<Forecast> {
    let recent = histories.iter().map(|history| {
        let first = history.len().saturating_sub(HISTORY_MAX);
        history.get(first..).filter(|rest| !rest.is_empty()).unwrap_or(&[0.0])
    });
    let recent: Vec<&[f64]> = recent.collect();
    if recent.is_empty() {
        return Vec::new();
    }
    let classes: Vec<Class> = recent.iter().map(|history| Class::of(history)).collect();
    let plain = Plain::of(&recent, &classes, settings);
    let trials = experts::ask(&plain.histories(), settings);

    let horizon = settings.horizon as usize;
    let learnt = Class::ALL.map(|class| {
        let all = trials.iter().zip(plain.histories()).zip(&classes);
        Learnt::from(all.filter(|(_, of)| **of == class).map(|(trial, _)| trial), horizon, class)
    });
    let of_series = trials.iter().zip(classes).enumerate();
    let forecast = |(series, (trial, class)): (usize, (&Trial, Class))| {
        let learnt = Class::ALL.iter().zip(&learnt).find(|(of, _)| **of == class);
        let outlook = learnt.map(|(_, learnt)| learnt.outlook(&trial.now)).unwrap_or_default();
        let forecast = Forecast::new(class, &outlook, plain.ahead(series).take(horizon));
        let units = recent.get(series).copied().unwrap_or_default();
        let is_counted = units.iter().all(|units| units.fract() == 0.0);
        if is_counted { forecast.counted() } else { forecast }
    };
    of_series.map(forecast).collect()
}

/// Returns the mean absolute change of `history` from period to period since the first demand, in
/// units; 0 where there is none.
pub fn change(history: &[f64]) -> f64 {
    learnt::changes(history).map_or(0.0, |(absolute, _)| absolute)
}

impl Forecast {
    fn new(class: Class, outlook: &Outlook, factors: impl Iterator<Item = f64>) -> Self {
        let scaled = |quantiles: [f64; 3], factor: f64| Expected {
            mean: outlook.mean * factor,
            quantiles: quantiles.map(|units| units * factor),
        };
        let mut sum = 0.0;
        let mut periods = Vec::new();
        for factor in factors {
            sum += factor;
            periods.push(scaled(outlook.period, factor));
        }
        let average = sum / periods.len() as f64;
        let total = Expected { mean: outlook.mean * sum, ..scaled(outlook.total, average) };
        Self { class, periods, total }
    }

    /// Returns the forecast of demand that comes in whole units: its quantiles are whole.
    fn counted(mut self) -> Self {
        for expected in self.periods.iter_mut().chain([&mut self.total]) {
            let mut least = 0.0_f64;
            for (quantile, cut) in expected.quantiles.iter_mut().zip(CUTS) {
                // Cuts differ: close quantiles would cross.
                least = (*quantile - cut).ceil().max(least);
                *quantile = least;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecasts(histories: &[Vec<f64>], horizon: u32, season: usize) -> Vec<Forecast> {
        let borrowed: Vec<&[f64]> = histories.iter().map(Vec::as_slice).collect();
        forecast(&borrowed, Settings::new(horizon, season).unwrap())
    }

    /// Forty series of 40 periods: every so often, a few units.
    fn shop() -> Vec<Vec<f64>> {
        let units = |item: u32, at: u32| {
            f64::from((item * 7 + at * 13) % 10 / (6 + item % 3) * (1 + item % 4))
        };
        (0..40).map(|item| (0..40).map(|at| units(item, at)).collect()).collect()
    }

    #[test]
    fn whatever_comes_in_quantiles_ascend_from_zero_and_are_finite() {
        let strange: [(&str, Vec<f64>); 8] = [
            ("nothing known", vec![]),
            ("one observation", vec![3.0]),
            ("never any demand", vec![0.0; 60]),
            ("an enormous demand", vec![0.0, 1e12, 0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
            ("always enormous", vec![1e12; 30]),
            ("always the same", vec![5.0; 30]),
            ("one demand long ago", [vec![9.0], vec![0.0; 200]].concat()),
            ("longer than is used", vec![1.0; HISTORY_MAX + 10]),
        ];
        for (case, history) in strange {
            for beside in [vec![], shop()] {
                let all = [vec![history.clone()], beside].concat();
                for forecast in forecasts(&all, 6, 12) {
                    assert_eq!(forecast.periods.len(), 6, "case: {case}");
                    for said in forecast.periods.iter().chain([&forecast.total]) {
                        let [half, high, higher] = said.quantiles;
                        let ascend = 0.0 <= half && half <= high && high <= higher;
                        assert!(ascend && higher.is_finite(), "case: {case}, {said:?}");
                        assert!(0.0 <= said.mean && said.mean.is_finite(), "case: {case}");
                    }
                }
            }
        }
    }

    #[test]
    fn quantiles_are_whole_where_demand_comes_in_whole_units() {
        let metres: Vec<f64> = (0..40).map(|at| f64::from(at % 5) * 0.37).collect();
        let all = [shop(), vec![metres]].concat();
        let mut forecasts = forecasts(&all, 6, 12);
        let is_whole = |forecast: &Forecast| {
            let said = forecast.periods.iter().chain([&forecast.total]);
            said.flat_map(|said| said.quantiles).all(|quantile| quantile.fract() == 0.0)
        };
        assert!(!is_whole(&forecasts.pop().unwrap()), "of metres a part is something");
        assert!(forecasts.iter().all(is_whole), "{forecasts:?}");
    }

    #[test]
    fn the_same_series_get_the_same_forecast() {
        assert_eq!(forecasts(&shop(), 6, 12), forecasts(&shop(), 6, 12));
    }

    #[test]
    fn a_new_item_leans_on_the_others() {
        let mut all = shop();
        all.push(vec![0.0]);
        let new = forecasts(&all, 6, 1).pop().unwrap();
        let mean = all.iter().flatten().sum::<f64>() / 1_601.0;
        assert!(0.3 * mean < new.total.mean / 6.0 && new.total.mean / 6.0 < 1.2 * mean, "{new:?}");
        assert!(0.0 < new.total.quantiles[2], "{new:?}");
    }

    #[test]
    fn a_season_comes_again() {
        let year = [40.0, 10.0, 10.0, 10.0];
        let wobble = |item: usize, at: usize| ((item * 5 + at * 3) % 7) as f64;
        let units = |item: usize, at: usize| year[at % 4] + wobble(item, at);
        let all: Vec<Vec<f64>> =
            (0..60).map(|item| (0..32).map(|at| units(item, at)).collect()).collect();
        for forecast in forecasts(&all, 4, 4) {
            let [high, low @ ..] = &forecast.periods[..] else { panic!("no periods") };
            assert!(35.0 < high.mean && high.mean < 50.0, "{forecast:?}");
            assert!(low.iter().all(|period| period.mean < 18.0), "{forecast:?}");
        }
    }

    #[test]
    fn settings_have_bounds() {
        assert_eq!(Settings::new(0, 1), Err(SettingsError::Horizon(0)));
        assert_eq!(Settings::new(1, 0), Err(SettingsError::Season(0)));
        assert!(Settings::new(HORIZON_MAX, SEASON_MAX).is_ok());
    }
}
