//! How a destination values imports, what it taxes, and in which currency it reckons.
//!
//! What is not in these tables is not assumed: the request says it, or the price is not made.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::place::Country;
use crate::money::Currency;

/// Up to where the cost of transport is part of the customs value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Valuation {
    /// To the border of the destination: cost, insurance, freight.
    Cif,
    /// To the place of departure: free on board.
    Fob,
}

/// What is in the base of the tax on imports besides the customs value and the duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImportTax {
    /// Transport and formalities up to the place of destination.
    WithCarriage,
    /// Nothing.
    WithoutCarriage,
    /// There is no such tax.
    None,
}

/// Customs territories whose ways are known.
const TERRITORIES: &[(&str, Valuation, ImportTax)] = &[
    ("AU", Valuation::Fob, ImportTax::WithCarriage),
    ("CA", Valuation::Fob, ImportTax::WithoutCarriage),
    ("CN", Valuation::Cif, ImportTax::WithoutCarriage),
    ("EU", Valuation::Cif, ImportTax::WithCarriage),
    ("GB", Valuation::Cif, ImportTax::WithCarriage),
    ("JP", Valuation::Cif, ImportTax::WithoutCarriage),
    ("KR", Valuation::Cif, ImportTax::WithoutCarriage),
    ("NO", Valuation::Cif, ImportTax::WithCarriage),
    ("NZ", Valuation::Fob, ImportTax::WithCarriage),
    ("US", Valuation::Fob, ImportTax::None),
];

/// A year, a month and a day of it.
type Day = (i32, u32, u32);

/// Countries, their currencies, and the day from which where that changed.
const CURRENCIES: &[(&str, &str, Option<Day>)] = &[
    ("AT", "EUR", None),
    ("AU", "AUD", None),
    ("BE", "EUR", None),
    ("BG", "BGN", None),
    ("BG", "EUR", Some((2026, 1, 1))),
    ("CA", "CAD", None),
    ("CN", "CNY", None),
    ("CY", "EUR", None),
    ("CZ", "CZK", None),
    ("DE", "EUR", None),
    ("DK", "DKK", None),
    ("EE", "EUR", None),
    ("ES", "EUR", None),
    ("FI", "EUR", None),
    ("FR", "EUR", None),
    ("GB", "GBP", None),
    ("GR", "EUR", None),
    ("HR", "HRK", None),
    ("HR", "EUR", Some((2023, 1, 1))),
    ("HU", "HUF", None),
    ("IE", "EUR", None),
    ("IT", "EUR", None),
    ("JP", "JPY", None),
    ("KR", "KRW", None),
    ("LT", "EUR", None),
    ("LU", "EUR", None),
    ("LV", "EUR", None),
    ("MC", "EUR", None),
    ("MT", "EUR", None),
    ("NL", "EUR", None),
    ("NO", "NOK", None),
    ("NZ", "NZD", None),
    ("PL", "PLN", None),
    ("PT", "EUR", None),
    ("RO", "RON", None),
    ("SE", "SEK", None),
    ("SI", "EUR", None),
    ("SK", "EUR", None),
    ("US", "USD", None),
];

/// Returns how the customs territory `territory` values and taxes imports, where that is known.
pub fn ways(territory: Country) -> Option<(Valuation, ImportTax)> {
    let row = TERRITORIES.iter().find(|(code, ..)| *code == territory.as_str());
    row.map(|(_, valuation, tax)| (*valuation, *tax))
}

/// Returns the currency in which `country` reckons duties on `day`, where that is known.
pub fn currency(country: Country, day: NaiveDate) -> Option<Currency> {
    let since = |day: Day| NaiveDate::from_ymd_opt(day.0, day.1, day.2);
    let mut rows = CURRENCIES.iter().filter(|(code, ..)| *code == country.as_str());
    rows.rfind(|(.., from)| from.and_then(since).is_none_or(|from| from <= day))
        .and_then(|(_, currency, _)| currency.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_that_of_the_day() {
        let cases = [
            ("DE", "2025-01-27", Some("EUR")),
            ("HR", "2022-12-31", Some("HRK")),
            ("HR", "2023-01-01", Some("EUR")),
            ("BG", "2025-12-31", Some("BGN")),
            ("BG", "2026-01-01", Some("EUR")),
            ("BR", "2025-01-27", None),
        ];
        for (country, day, expected) in cases {
            let found = currency(country.parse().unwrap(), day.parse().unwrap());
            let found = found.as_ref().map(Currency::as_str);
            assert_eq!(found, expected, "case: {country} on {day}");
        }
    }
}
