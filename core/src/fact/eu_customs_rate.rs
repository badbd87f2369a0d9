//! The rates by which the European Union values imports.
//!
//! Source: Implementing Regulation (EU) 2015/2447, Article 146: the rate is the one the European
//! Central Bank published on the second-last Wednesday of a month, or else the newest one before
//! that; it holds for the whole month after.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, Months, NaiveDate, Weekday};

use super::rate::{Purpose, Rate};
use crate::money::Currency;

/// How many days before the Wednesday a rate may be of: longer closures there are not, and a currency
/// that has ended has no customs rate.
const AGE_MAX: u64 = 7;

/// Returns the customs rates that follow from the ECB's daily `rates`, for each month up to the one
/// after `on`, in the order of months and currencies.
///
/// Rates with another base than the euro, and those that are customs rates already, are left out.
pub fn derive<'r>(rates: impl IntoIterator<Item = &'r Rate>, on: NaiveDate) -> Vec<Rate> {
    let mut published: BTreeMap<Currency, BTreeMap<NaiveDate, &Rate>> = BTreeMap::new();
    for rate in rates {
        let is_reference = rate.base == Currency::EUR && rate.purpose == Purpose::Spot;
        if is_reference && rate.date <= on {
            published.entry(rate.quote).or_default().insert(rate.date, rate);
        }
    }
    let first = published.values().filter_map(|days| days.keys().next()).min();
    let mut derived = Vec::new();
    let mut month = first.and_then(|first| first.with_day(1));
    while let Some(begin) = month {
        let Some(wednesday) = second_last_wednesday(begin).filter(|day| *day <= on) else { break };
        let (Some(from), Some(next)) =
            (begin.checked_add_months(Months::new(1)), begin.checked_add_months(Months::new(2)))
        else {
            break;
        };
        let oldest = wednesday.checked_sub_days(Days::new(AGE_MAX)).unwrap_or(wednesday);
        for days in published.values() {
            if let Some((_, rate)) = days.range(oldest..=wednesday).next_back() {
                let (purpose, until) = (Purpose::Customs, next.pred_opt());
                derived.push(Rate { date: from, purpose, until, ..(*rate).clone() });
            }
        }
        month = Some(from);
    }
    derived
}

/// Returns the second-last Wednesday of the month that begins with `begin`.
fn second_last_wednesday(begin: NaiveDate) -> Option<NaiveDate> {
    let last = begin.checked_add_months(Months::new(1))?.pred_opt()?;
    let behind = last.weekday().days_since(Weekday::Wed);
    last.checked_sub_days(Days::new(u64::from(behind) + 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(quote: &str, value: &str, date: &str) -> Rate {
        Rate {
            base: Currency::EUR,
            quote: quote.parse().unwrap(),
            unit: 1.into(),
            value: value.parse().unwrap(),
            date: date.parse().unwrap(),
            purpose: Purpose::Spot,
            until: None,
        }
    }

    #[test]
    fn the_second_last_wednesday_counts_from_the_months_end() {
        let cases = [
            ("2025-04-01", "2025-04-23"),
            ("2025-12-01", "2025-12-24"),
            ("2026-02-01", "2026-02-18"),
            ("2024-02-01", "2024-02-21"),
            ("2025-09-01", "2025-09-17"),
        ];
        for (month, expected) in cases {
            let found = second_last_wednesday(month.parse().unwrap());
            assert_eq!(found.unwrap().to_string(), expected, "case: {month}");
        }
    }

    #[test]
    fn a_months_rate_is_that_of_the_wednesday_or_the_newest_before_it() {
        let rates = [
            spot("USD", "1.1415", "2025-04-23"),
            spot("USD", "1.1999", "2025-04-24"),
            spot("USD", "1.1786", "2025-12-23"),
            spot("USD", "1.5", "2025-12-29"),
            // Its last rate is too old for that Wednesday.
            spot("BGN", "1.9558", "2025-12-10"),
        ];
        let derived = derive(&rates, "2025-12-31".parse().unwrap());
        let derived: Vec<_> = derived
            .iter()
            .map(|rate| {
                let until = rate.until.unwrap();
                format!("{} {} {}..{until} {:?}", rate.quote, rate.value, rate.date, rate.purpose)
            })
            .collect();
        let expected = [
            "USD 1.1415 2025-05-01..2025-05-31 Customs",
            "USD 1.1786 2026-01-01..2026-01-31 Customs",
        ];
        assert_eq!(derived, expected);
    }

    #[test]
    fn the_month_to_come_has_a_rate_once_its_wednesday_has_passed() {
        let rates = [spot("USD", "1.1", "2025-04-23")];
        for (on, count) in [("2025-04-22", 0), ("2025-04-23", 1)] {
            assert_eq!(derive(&rates, on.parse().unwrap()).len(), count, "case: {on}");
        }
    }
}
