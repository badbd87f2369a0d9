//! Which parts failures need, learnt from closed work orders.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::NaiveDate;

use super::plan::failures::YEAR_DAYS;

/// The two-sided interval of a share covers with a probability of nine tenths.
const INTERVAL_Z: f64 = 1.644_853_626_951;

/// A line of a closed work order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The order's number, with the device where an order may hold several; several lines tell several
    /// parts.
    pub order: String,
    /// The device's model.
    pub model: String,
    /// What had failed.
    pub fault: String,
    /// When.
    pub failed_on: NaiveDate,
    /// What was needed, and when; none: nothing.
    pub part: Option<(String, NaiveDate)>,
}

/// What orders say of a part.
#[derive(Clone, Debug, PartialEq)]
pub struct Learnt {
    /// The device's model.
    pub model: String,
    /// What fails.
    pub fault: String,
    /// What is needed.
    pub part: String,
    /// Of how many orders that was learnt.
    pub orders: u32,
    /// The share of them that needed the part.
    pub share: f64,
    /// Between which shares the true one lies, nine times of ten.
    pub interval: (f64, f64),
    /// The days from the failure to the need: the middle one of those orders, the earlier of two.
    pub lag_days: u16,
    /// How often a device fails so in a year, where it is known how many devices there are.
    pub per_year: Option<f64>,
}

/// What is known of one failure of one model.
#[derive(Debug, Default)]
struct Seen<'l> {
    orders: BTreeSet<&'l str>,
    /// The days each part took, by part and order.
    parts: BTreeMap<&'l str, BTreeMap<&'l str, i64>>,
}

/// Returns what closed orders of failures within `days` say, with `devices` by model.
///
/// A part that stands twice in an order counts once, by its earlier day.
pub fn learn(
    lines: &[Line],
    devices: &BTreeMap<String, u64>,
    days: &Range<NaiveDate>,
) -> Vec<Learnt> {
    let mut seen: BTreeMap<(&str, &str), Seen<'_>> = BTreeMap::new();
    for line in lines.iter().filter(|line| days.contains(&line.failed_on)) {
        let one = seen.entry((&line.model, &line.fault)).or_default();
        one.orders.insert(&line.order);
        let Some((part, used_on)) = &line.part else { continue };
        let took = (*used_on - line.failed_on).num_days().max(0);
        let known = one.parts.entry(part).or_default().entry(&line.order).or_insert(took);
        *known = took.min(*known);
    }
    let years = (days.end - days.start).num_days().max(0) as f64 / YEAR_DAYS;
    let mut learnt = Vec::new();
    for ((model, fault), one) in seen {
        let orders = one.orders.len() as f64;
        let count = devices.get(model).filter(|count| 0 < **count);
        let per_year = count.map(|count| orders / (*count as f64 * years));
        for (part, took) in one.parts {
            let mut took: Vec<i64> = took.into_values().collect();
            took.sort_unstable();
            let middle = took.get(took.len().saturating_sub(1) / 2).copied().unwrap_or_default();
            let needed = took.len() as f64;
            learnt.push(Learnt {
                model: model.to_owned(),
                fault: fault.to_owned(),
                part: part.to_owned(),
                orders: u32::try_from(one.orders.len()).unwrap_or(u32::MAX),
                share: needed / orders,
                interval: wilson(needed, orders),
                lag_days: u16::try_from(middle).unwrap_or(u16::MAX),
                per_year,
            });
        }
    }
    learnt
}

/// Returns Wilson's interval of the share `hits` of `all`.
fn wilson(hits: f64, all: f64) -> (f64, f64) {
    let square = INTERVAL_Z * INTERVAL_Z;
    let share = hits / all;
    let middle = share + square / (2.0 * all);
    let half = INTERVAL_Z * (share * (1.0 - share) / all + square / (4.0 * all * all)).sqrt();
    let whole = 1.0 + square / all;
    (((middle - half) / whole).max(0.0), ((middle + half) / whole).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn line(order: &str, part: Option<(&str, &str)>) -> Line {
        Line {
            order: order.to_owned(),
            model: "X7".to_owned(),
            fault: "overcurrent".to_owned(),
            failed_on: day("2025-01-01"),
            part: part.map(|(part, on)| (part.to_owned(), day(on))),
        }
    }

    #[test]
    fn shares_lags_and_rates_are_those_of_the_orders() {
        let mut lines: Vec<Line> = (0..10).map(|n| line(&format!("w{n}"), None)).collect();
        lines.push(line("w1", Some(("board", "2025-01-03"))));
        lines.push(line("w1", Some(("board", "2025-01-09"))));
        lines.push(line("w2", Some(("board", "2025-01-06"))));
        lines.push(line("w2", Some(("fan", "2025-01-06"))));
        lines.push(line("w3", Some(("board", "2025-01-11"))));
        let devices = BTreeMap::from([("X7".to_owned(), 40)]);
        let days = day("2021-01-02")..day("2025-01-02");
        // What failed before and after these days counts nowhere.
        for (order, failed_on) in [("w20", "2021-01-01"), ("w21", "2025-01-02")] {
            let part = Some(("board", "2025-02-01"));
            lines.push(Line { failed_on: day(failed_on), ..line(order, part) });
        }
        let learnt = learn(&lines, &devices, &days);
        let brief: Vec<_> =
            learnt.iter().map(|one| (&*one.part, one.orders, one.share, one.lag_days)).collect();
        assert_eq!(brief, [("board", 10, 0.3, 5), ("fan", 10, 0.1, 5)]);
        // Ten failures of forty devices in four years.
        assert!((learnt[0].per_year.unwrap() - 0.0625).abs() < 1e-12);
        // Wilson's interval of 3 of 10 at 90 %.
        let (low, high) = learnt[0].interval;
        assert!((low - 0.127).abs() < 1e-3 && (high - 0.558).abs() < 1e-3, "{low} {high}");
        assert_eq!(learn(&lines, &BTreeMap::new(), &days)[0].per_year, None);
    }
}
