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

/// A customs territory: how it values imports, what its tax on them is levied on, and where the law says
/// how it values them. Where no law is named here, nobody has confirmed the row, and it is not used.
type Territory = (&'static str, Valuation, ImportTax, Option<&'static str>);

/// Customs territories whose ways are known.
const TERRITORIES: &[Territory] = &[
    ("AU", Valuation::Fob, ImportTax::WithCarriage, Some("Customs Act 1901, Part VIII Division 2")),
    ("CA", Valuation::Fob, ImportTax::WithoutCarriage, Some("Customs Act, section 48")),
    (
        "CN",
        Valuation::Cif,
        ImportTax::WithoutCarriage,
        Some("Customs Law of the People's Republic of China, Article 55"),
    ),
    (
        "EU",
        Valuation::Cif,
        ImportTax::WithCarriage,
        Some("Regulation (EU) No 952/2013, Articles 70 and 71"),
    ),
    (
        "GB",
        Valuation::Cif,
        ImportTax::WithCarriage,
        Some("Taxation (Cross-border Trade) Act 2018, section 16"),
    ),
    ("JP", Valuation::Cif, ImportTax::WithoutCarriage, Some("Customs Tariff Act, Article 4")),
    ("KR", Valuation::Cif, ImportTax::WithoutCarriage, None),
    ("NO", Valuation::Cif, ImportTax::WithCarriage, None),
    ("NZ", Valuation::Fob, ImportTax::WithCarriage, None),
    ("US", Valuation::Fob, ImportTax::None, Some("19 U.S.C. 1401a")),
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

/// Returns how the customs territory `territory` values and taxes imports, where that is known and a law is
/// named for it. Where none is, the request says it.
pub fn ways(territory: Country) -> Option<(Valuation, ImportTax)> {
    let (_, valuation, tax, law) = row(territory)?;
    law.map(|_| (*valuation, *tax))
}

/// Returns the law that says how the customs territory `territory` values imports.
pub fn law(territory: Country) -> Option<&'static str> {
    row(territory).and_then(|(.., law)| *law)
}

/// Returns whether `territory` is known, and nobody has confirmed how it values imports.
pub fn is_unconfirmed(territory: Country) -> bool {
    row(territory).is_some_and(|(.., law)| law.is_none())
}

fn row(territory: Country) -> Option<&'static Territory> {
    TERRITORIES.iter().find(|(code, ..)| *code == territory.as_str())
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
    fn what_no_law_is_named_for_is_not_used() {
        let cases =
            [("EU", true, false), ("US", true, false), ("NO", false, true), ("BR", false, false)];
        for (code, is_used, is_unconfirmed_one) in cases {
            let territory: Country = code.parse().unwrap();
            assert_eq!(ways(territory).is_some(), is_used, "case: {code}");
            assert_eq!(law(territory).is_some(), is_used, "case: {code}");
            assert_eq!(is_unconfirmed(territory), is_unconfirmed_one, "case: {code}");
        }
    }

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
