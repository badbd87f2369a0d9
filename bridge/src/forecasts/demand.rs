//! Demand by product and place, from the lines of orders.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use upturn_core::forecast::demand::{self, Forecast, HISTORY_MAX, Settings};
use upturn_core::forecast::ledger::DemandSaid;

use super::period::Frequency;
use super::reading::{self, Document};
use crate::config::forecast::ForecastConfig;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::forecast::{ForecastKind, NewForecast};

/// What stands between product and place in the name of a series; neither holds it.
pub(crate) const MARK: char = '|';
/// What makes the forecasts.
const METHOD: &str = "mixed-quantiles";
/// Series that are forecast together at most.
const GROUP_MAX: usize = 50_000;

/// Units by series and day.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    units: BTreeMap<String, BTreeMap<NaiveDate, u64>>,
    /// When a product was first ordered, anywhere.
    first_on: BTreeMap<String, NaiveDate>,
}

/// A series up to a day.
#[derive(Debug)]
pub(crate) struct Series {
    /// Product and place.
    pub(crate) subject: String,
    /// Units of each period; never empty.
    pub(crate) units: Vec<f64>,
}

impl Demand {
    /// Reads the orders.
    pub(crate) async fn read(store: &Store) -> Result<Self, StoreError> {
        let mut read = Self::default();
        reading::records(store, "order", |_, order| read.take(order)).await?;
        Ok(read)
    }

    fn take(&mut self, order: &Document) {
        let cell = |name: &str| order.get(name).map(String::as_str);
        let quantity: Option<u64> = cell("quantity").and_then(|text| text.parse().ok());
        let on: Option<NaiveDate> = cell("ordered_on").and_then(|text| text.parse().ok());
        let (Some(product), Some(quantity), Some(on)) = (cell("product"), quantity, on) else {
            return;
        };
        let subject = format!("{product}{MARK}{}", cell("place").unwrap_or_default());
        let units = self.units.entry(subject).or_default().entry(on).or_default();
        *units = units.saturating_add(quantity);
        let first = self.first_on.entry(product.to_owned()).or_insert(on);
        *first = on.min(*first);
    }

    /// Returns each series in periods up to the one before that of `as_of`: from the first order of
    /// the product on, at any place.
    pub(crate) fn series(&self, frequency: Frequency, as_of: NaiveDate) -> Vec<Series> {
        let end = frequency.number(as_of);
        let series = self.units.iter().filter_map(|(subject, days)| {
            let product = subject.rsplit_once(MARK).map_or(&**subject, |(product, _)| product);
            let first = frequency.number(*self.first_on.get(product)?);
            let first = first.max(end - i64::try_from(HISTORY_MAX).unwrap_or(i64::MAX));
            let mut units = vec![0_u64; usize::try_from(end - first).ok()?];
            for (on, of_day) in days {
                let place = usize::try_from(frequency.number(*on) - first);
                if let Some(units) = place.ok().and_then(|place| units.get_mut(place)) {
                    *units = units.saturating_add(*of_day);
                }
            }
            let units: Vec<f64> = units.into_iter().map(float).collect();
            (!units.is_empty()).then(|| Series { subject: subject.clone(), units })
        });
        series.collect()
    }

    /// Returns the units of `subject` from `from` to before `until`.
    pub(crate) fn came(&self, subject: &str, from: NaiveDate, until: NaiveDate) -> f64 {
        let Some(days) = self.units.get(subject).filter(|_| from < until) else { return 0.0 };
        float(days.range(from..until).fold(0, |sum, (_, units)| sum.saturating_add(*units)))
    }
}

/// Returns a count of units for statistics; beyond four thousand million they are all the same.
fn float(units: u64) -> f64 {
    f64::from(u32::try_from(units).unwrap_or(u32::MAX))
}

/// Forecasts `series`, which end before the period that begins on `as_of`: the next period, and all
/// periods of the horizon together.
pub(crate) fn forecast(
    series: &[Series],
    config: &ForecastConfig,
    as_of: NaiveDate,
) -> Vec<NewForecast> {
    let Ok(settings) = Settings::new(config.horizon, config.period.season()) else {
        return Vec::new();
    };
    let mut made = Vec::new();
    for group in series.chunks(GROUP_MAX) {
        let histories: Vec<&[f64]> = group.iter().map(|one| one.units.as_slice()).collect();
        for (one, forecast) in group.iter().zip(demand::forecast(&histories, settings)) {
            let due = |periods: u32| config.period.after(as_of, periods).unwrap_or(NaiveDate::MAX);
            let new = |said: &DemandSaid| NewForecast {
                kind: ForecastKind::Demand,
                subject: one.subject.clone(),
                as_of,
                due: due(said.periods),
                horizon: said.periods,
                revision: 0,
                method: METHOD,
                // Numbers always have a JSON text.
                said: serde_json::to_string(said).unwrap_or_default(),
            };
            made.extend(said(&forecast, &one.units).iter().map(new));
        }
    }
    made
}

fn said(forecast: &Forecast, history: &[f64]) -> Vec<DemandSaid> {
    let (next, total) =
        (DemandSaid::of_next(forecast, history), DemandSaid::of_total(forecast, history));
    if total.periods == 1 { vec![total] } else { vec![next, total] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn orders_become_series_from_the_first_order_of_the_product_on() {
        let mut demand = Demand::default();
        for (product, place, on, quantity) in [
            ("fan", "north", "2025-01-30", "2"),
            ("fan", "north", "2025-01-31", "1"),
            ("fan", "south", "2025-03-01", "4"),
            ("fan", "south", "2025-04-02", "9"),
            ("pump", "", "2025-04-01", "1"),
            ("pump", "", "2025-04-01", "many"),
        ] {
            let cells = [
                ("product", product),
                ("place", place),
                ("ordered_on", on),
                ("quantity", quantity),
            ];
            demand.take(&cells.map(|(name, cell)| (name.to_owned(), cell.to_owned())).into());
        }
        let series = demand.series(Frequency::Month, day("2025-04-01"));
        let found: Vec<_> = series.iter().map(|one| (&*one.subject, &*one.units)).collect();
        let expected: [(&str, &[f64]); 2] =
            [("fan|north", &[3.0, 0.0, 0.0]), ("fan|south", &[0.0, 0.0, 4.0])];
        assert_eq!(found, expected, "the pump is new");
        let came = demand.came("fan|south", day("2025-03-01"), day("2025-04-02"));
        assert!((came - 4.0).abs() < 1e-9);
    }
}
