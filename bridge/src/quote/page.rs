//! The page of a frozen quote: the same snapshot gives the same bytes, whenever it is shown.

use askama::Template;
use rust_decimal::Decimal;
use upturn_core::money::Money;
use upturn_core::money::exact::Exact;
use upturn_core::quote::priced::{Cost, PricedLine, Quote, Status, UsedRate};
use upturn_core::quote::problem::Problem;
use upturn_core::quote::request::Line;
use upturn_core::quote::snapshot::Snapshot;

use super::words::{CHINESE, ENGLISH, Words};

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// Simplified Chinese
    Zh,
}

#[derive(Debug, Template)]
#[template(path = "quote.html")]
struct Page<'a> {
    words: &'static Words,
    snapshot: &'a Snapshot,
    quote: &'a Quote,
    /// Whether it is the page, or its tables alone.
    is_whole: bool,
}

/// What a cost adds to an offer.
struct Share {
    text: String,
    is_in: bool,
}

/// Returns the page of `snapshot`.
pub(crate) fn render(snapshot: &Snapshot, language: Language) -> Result<String, askama::Error> {
    Page { words: words(language), snapshot, quote: &snapshot.quote, is_whole: true }.render()
}

/// Returns the figures of `snapshot`, to be put into another page.
pub(crate) fn tables(snapshot: &Snapshot, language: Language) -> Result<String, askama::Error> {
    Page { words: words(language), snapshot, quote: &snapshot.quote, is_whole: false }.render()
}

fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &ENGLISH,
        Language::Zh => &CHINESE,
    }
}

impl Page<'_> {
    /// Returns the lines as they were asked for and as they were priced.
    fn lines(&self) -> impl Iterator<Item = (&Line, &PricedLine)> {
        self.snapshot.request.lines.iter().zip(&self.quote.lines)
    }

    fn is_clear(&self) -> bool {
        self.quote.is_clear()
    }

    /// Returns everything that is open, each with the term it is open for.
    fn open(&self) -> Vec<(&'static str, &Problem)> {
        let offers = self.quote.offers.iter();
        let of_offers = offers
            .flat_map(|offer| offer.problems.iter().map(|problem| (offer.term.as_str(), problem)));
        self.quote.problems.iter().map(|problem| ("", problem)).chain(of_offers).collect()
    }

    /// Returns each cost with what it adds to each offer.
    fn rows(&self) -> impl Iterator<Item = (&Cost, Vec<Share>)> {
        self.quote.costs.iter().enumerate().map(|(index, cost)| {
            let shares = self.quote.offers.iter().map(|offer| {
                let is_in = offer.costs.contains(&index);
                let text = match offer.status {
                    Status::Refused => String::new(),
                    Status::Priced | Status::Blocked | Status::NeedsPerson if is_in => {
                        maybe(cost.price)
                    }
                    Status::Priced | Status::Blocked | Status::NeedsPerson => {
                        self.words.not_included.to_owned()
                    }
                };
                Share { text, is_in }
            });
            (cost, shares.collect())
        })
    }

    fn yes(&self, is_so: bool) -> &'static str {
        if is_so { self.words.yes } else { self.words.no }
    }
}

fn maybe(amount: Option<Exact>) -> String {
    amount.map_or_else(|| "?".to_owned(), |exact| grouped(&exact.0))
}

fn money(money: &Money) -> String {
    format!("{} {}", grouped(&money.amount.0), money.currency)
}

/// Returns the published rates, each with its source and date.
fn rates(used: Option<&UsedRate>) -> Vec<String> {
    let legs = used.into_iter().flat_map(|used| &used.legs);
    legs.map(|leg| {
        let rate = &leg.rate;
        let until = rate.until.map(|until| format!(" – {until}")).unwrap_or_default();
        format!(
            "{} {} = {} {}, {}, {}{until}",
            rate.unit, rate.base, rate.value, rate.quote, rate.source, rate.date
        )
    })
    .collect()
}

/// Returns an amount with commas between thousands.
fn grouped(amount: &Decimal) -> String {
    let text = amount.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut grouped = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index != 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (amount, expected) in [
            ("0.5", "0.5"),
            ("999", "999"),
            ("-1234567.00", "-1,234,567.00"),
            ("100000", "100,000"),
        ] {
            assert_eq!(grouped(&amount.parse().unwrap()), expected);
        }
    }
}
