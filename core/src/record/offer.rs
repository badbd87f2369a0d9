//! What can be offered to somebody whose device failed: its replacement, at the price of the list.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The columns of a record, as it is kept.
type Columns = BTreeMap<String, String>;

/// How often a product may have been replaced in turn; a longer chain is a circle.
pub const REPLACED_MAX: usize = 16;

/// What could be offered when it was looked for, frozen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub struct Offer {
    /// The product that the device is one of, if the installed base says.
    pub product: Option<String>,
    /// The product that took its place, if there is one.
    pub replacement: Option<String>,
    /// The lines of price lists that hold for the replacement.
    pub prices: Vec<PriceLine>,
    /// What is missing for one price, if anything is.
    pub gap: Option<Gap>,
    /// The ids of the events that the task stood on.
    pub evidence: Vec<String>,
}

/// A line of a price list that holds on a day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub struct PriceLine {
    /// The price list.
    pub list: String,
    /// The price of one, without tax, exactly as the list has it.
    pub unit_price: String,
    /// Its currency.
    pub currency: String,
    /// The first day it holds.
    pub valid_from: String,
    /// The last day it holds, if there is one.
    pub valid_until: Option<String>,
}

/// Why there is no one price to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// The installed base does not know the device.
    NotInstalled,
    /// Nothing took the product's place.
    NoReplacement,
    /// No price list has the replacement on that day.
    NoPrice,
    /// Several do, so somebody has to choose.
    SeveralPrices,
}

impl Gap {
    /// Returns its stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotInstalled => "not-installed",
            Self::NoReplacement => "no-replacement",
            Self::NoPrice => "no-price",
            Self::SeveralPrices => "several-prices",
        }
    }
}

impl Offer {
    /// Returns the price, if there is exactly one.
    pub fn price(&self) -> Option<&PriceLine> {
        match &*self.prices {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Notes what is missing.
    #[must_use]
    pub fn judged(mut self) -> Self {
        self.gap = match (&self.product, &self.replacement, self.prices.len()) {
            (None, _, _) => Some(Gap::NotInstalled),
            (_, None, _) => Some(Gap::NoReplacement),
            (_, _, 0) => Some(Gap::NoPrice),
            (_, _, 1) => None,
            (_, _, _) => Some(Gap::SeveralPrices),
        };
        self
    }
}

/// Returns the line of each list and currency that holds for `product` on `day`: of several the one that
/// began last. A list whose newest line is over has none.
///
/// `records` are documents of the kind `price`, others among them are left out.
pub fn prices_on<'r>(
    records: impl IntoIterator<Item = &'r Columns>,
    product: &str,
    day: NaiveDate,
) -> Vec<PriceLine> {
    let mut newest: BTreeMap<(&str, &str), (NaiveDate, &Columns)> = BTreeMap::new();
    for record in records {
        let text = |name: &str| record.get(name).map(String::as_str);
        let begins = text("valid_from").and_then(|day| day.parse::<NaiveDate>().ok());
        let (Some(list), Some(currency), Some(begins)) = (text("list"), text("currency"), begins)
        else {
            continue;
        };
        if text("product") != Some(product) || day < begins {
            continue;
        }
        let held = newest.entry((list, currency)).or_insert((begins, record));
        if held.0 <= begins {
            *held = (begins, record);
        }
    }
    let lines = newest.into_iter().filter_map(|((list, currency), (_, record))| {
        let text = |name: &str| record.get(name).cloned();
        let valid_until = text("valid_until");
        let is_over = valid_until
            .as_deref()
            .is_some_and(|last| last.parse::<NaiveDate>().is_ok_and(|last| last < day));
        (!is_over).then_some(())?;
        Some(PriceLine {
            list: list.to_owned(),
            unit_price: text("unit_price")?,
            currency: currency.to_owned(),
            valid_from: text("valid_from")?,
            valid_until,
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(row: &str) -> Columns {
        let names = ["list", "product", "currency", "unit_price", "valid_from", "valid_until"];
        let cells = row.split(' ').filter(|cell| *cell != "-").map(str::to_owned);
        names.into_iter().map(str::to_owned).zip(cells).collect()
    }

    #[test]
    fn of_each_list_and_currency_the_newest_line_that_has_begun_holds_unless_it_is_over() {
        let cases: [(&str, &[&str], &str); 6] = [
            ("one", &["eu X EUR 10.00 2026-01-01 2026-12-31"], "eu 10.00 EUR"),
            ("its last day", &["eu X EUR 10.00 2026-01-01 2026-06-30"], "eu 10.00 EUR"),
            ("over", &["eu X EUR 10.00 2026-01-01 2026-06-29"], ""),
            ("not begun", &["eu X EUR 10.00 2026-07-01 -"], ""),
            (
                "a newer one",
                &["eu X EUR 10.00 2026-01-01", "eu X EUR 9.50 2026-06-01", "eu X EUR 9 2026-07-01"],
                "eu 9.50 EUR",
            ),
            (
                "two currencies, another product",
                &[
                    "eu X EUR 10.00 2026-01-01",
                    "eu X CNY 80.10 2026-01-01",
                    "eu Y USD 1 2026-01-01",
                ],
                "eu 80.10 CNY, eu 10.00 EUR",
            ),
        ];
        let day = NaiveDate::from_ymd_opt(2026, 6, 30).unwrap();
        for (case, rows, expected) in cases {
            let rows: Vec<_> = rows.iter().map(|row| price(row)).collect();
            let found = prices_on(&rows, "X", day);
            let words =
                |line: &PriceLine| format!("{} {} {}", line.list, line.unit_price, line.currency);
            let found: Vec<_> = found.iter().map(words).collect();
            assert_eq!(found.join(", "), expected, "case: {case}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let line = PriceLine {
            list: "eu".into(),
            unit_price: "1".into(),
            currency: "EUR".into(),
            valid_from: "2026-01-01".into(),
            valid_until: None,
        };
        let some = Some("X".to_owned());
        let cases = [
            (None, None, 0, Some(Gap::NotInstalled)),
            (some.clone(), None, 0, Some(Gap::NoReplacement)),
            (some.clone(), some.clone(), 0, Some(Gap::NoPrice)),
            (some.clone(), some.clone(), 1, None),
            (some.clone(), some, 2, Some(Gap::SeveralPrices)),
        ];
        for (product, replacement, count, expected) in cases {
            let prices = vec![line.clone(); count];
            let offer = Offer { product, replacement, prices, ..Offer::default() }.judged();
            assert_eq!(offer.gap, expected);
            assert_eq!(offer.price().is_some(), expected.is_none());
        }
    }
}
