//! Frankfurter, which hands on the rates of central banks: version 1 and 2 of its API.
//!
//! **What it reads** version 1: an object with the base and the rates of a day or of several;
//! version 2: an array, or a line each (NDJSON), of pairs.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use upturn_core::fact::rate::{Purpose, Rate};
use upturn_core::fact::rate_book::Publication;
use upturn_core::fact::review::Limits;
use upturn_core::money::Currency;

use super::Sheet;
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::json::{self, Members};
use crate::read::{ReadError, number, text};

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || Source {
        address: vec!["https://api.frankfurter.dev/v1/latest".to_owned()],
        ..Source::default()
    },
    limits: Limits { publication: Publication::Target, ..Supply::RATES.limits },
    credit: "Frankfurter, rates of central banks; the software is under the MIT licence.",
    ..Supply::RATES
};

/// Reads an answer of Frankfurter.
pub fn read(bytes: &[u8]) -> Result<Vec<Rate>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let mut sheet = Sheet::default();
    if text.trim_start().starts_with('[') {
        let rows: Vec<&RawValue> = json::read(&text)?;
        for (index, row) in rows.into_iter().enumerate() {
            take(row, &format!("/{index}"), &mut sheet)?;
        }
        return sheet.close();
    }
    json::refuse_depth(&text)?;
    let documents = serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>();
    for (index, document) in documents.enumerate() {
        let document = document.map_err(|error| json::fault(&error))?;
        take(document, &format!("document {}", index + 1), &mut sheet)?;
    }
    sheet.close()
}

/// Takes one object: a pair of version 2, or an answer of version 1.
fn take(document: &RawValue, place: &str, sheet: &mut Sheet) -> Result<(), ReadError> {
    let members: Members<'_> = json::part(document, place)?;
    let within = |error: ReadError| error.within(place);
    if members.get("quote").is_some() {
        return take_pair(&members, sheet).map_err(within);
    }
    let said = members.get("message").map(|message| json::scalar(message).unwrap_or_default());
    let said = said.or_else(|| members.get("error").map(|error| error.get().into()));
    if let Some(said) = said {
        return Err(within(ReadError::broken(format!("it says: {}", number::short(&said)))));
    }
    let base = currency(&members, "base").map_err(within)?;
    let unit = match members.get("amount") {
        Some(_) => members
            .text("amount")
            .and_then(|text| price(&text, "/amount"))
            .map_err(within)?
            .normalize(),
        None => Decimal::ONE,
    };
    let rates: Members<'_> =
        json::part(members.need("rates").map_err(within)?, "/rates").map_err(within)?;
    let days: Vec<(NaiveDate, Members<'_>)> = match members.get("date") {
        Some(_) => vec![(day(&members).map_err(within)?, rates)],
        // Several days: each has rates of its own.
        None => rates
            .0
            .iter()
            .map(|(date, rates)| {
                let place = format!("{place}/rates/{}", number::short(date));
                let date = number::iso_day(date).map_err(|what| ReadError::at(&place, what))?;
                Ok((date, json::part(rates, &place)?))
            })
            .collect::<Result<_, ReadError>>()?,
    };
    for (date, rates) in days {
        for (code, value) in rates.0 {
            let place = format!("{place}/rates/{}", number::short(&code));
            // What has no code of three letters is no currency anybody asks for.
            let Ok(quote) = code.parse() else { continue };
            let text = json::scalar(value).map_err(|what| ReadError::at(&place, what))?;
            let value = price(&text, &place)?;
            sheet.push(Rate {
                base,
                quote,
                unit,
                value,
                date,
                purpose: Purpose::Spot,
                until: None,
            })?;
        }
    }
    Ok(())
}

fn take_pair(members: &Members<'_>, sheet: &mut Sheet) -> Result<(), ReadError> {
    let (base, quote) = (currency(members, "base")?, currency(members, "quote")?);
    // The row that says that one euro is a euro.
    if base == quote {
        return Ok(());
    }
    let value = price(&members.text("rate")?, "/rate")?;
    let (date, unit) = (day(members)?, Decimal::ONE);
    sheet.push(Rate { base, quote, unit, value, date, purpose: Purpose::Spot, until: None })
}

fn currency(members: &Members<'_>, name: &str) -> Result<Currency, ReadError> {
    let text = members.text(name)?;
    text.parse().map_err(|error| ReadError::at(format!("/{name}"), format!("{error}")))
}

fn day(members: &Members<'_>) -> Result<NaiveDate, ReadError> {
    number::iso_day(&members.text("date")?).map_err(|what| ReadError::at("/date", what))
}

fn price(text: &str, place: &str) -> Result<Decimal, ReadError> {
    number::price(text).map_err(|what| ReadError::at(place, what))
}
