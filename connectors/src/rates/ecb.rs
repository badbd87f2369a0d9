//! The European Central Bank's reference rates: foreign currency for one euro, once a working day.
//!
//! **What it reads** the XML of a day, of 90 days and of all days, the same as CSV, alone or in a zip,
//! and the `csvdata` of the ECB's Data Portal; which of them it is shows in the document.
//! **When it is published** around 16:00 CET on the days the TARGET system works.

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use upturn_core::fact::rate::{Purpose, Rate};
use upturn_core::fact::rate_book::Publication;
use upturn_core::fact::review::Limits;
use upturn_core::money::Currency;

use super::Sheet;
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::xml::{Piece, Pieces};
use crate::read::{Fault, ReadError, archive, number, text};

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || Source {
        address: vec![
            "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml".to_owned(),
        ],
        ..Source::default()
    },
    schedule: "20 4,16 * * *",
    zone: Tz::Europe__Berlin,
    limits: Limits { publication: Publication::Target, ..Supply::RATES.limits },
    credit: "European Central Bank; free to use with the source named.",
    ..Supply::RATES
};

/// Reads a document of the ECB.
pub fn read(bytes: &[u8]) -> Result<Vec<Rate>, ReadError> {
    if archive::is_zip(bytes) {
        return read_csv(&text::decode(&archive::only_file(bytes)?, None)?);
    }
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    if text.trim_start().starts_with('<') { read_xml(&text) } else { read_csv(&text) }
}

fn rate(date: NaiveDate, quote: Currency, value: Decimal) -> Rate {
    let (base, unit) = (Currency::EUR, Decimal::ONE);
    Rate { base, quote, unit, value, date, purpose: Purpose::Spot, until: None }
}

fn read_xml(text: &str) -> Result<Vec<Rate>, ReadError> {
    let mut sheet = Sheet::for_about(text.matches("currency=").count());
    let mut pieces = Pieces::of(text);
    let mut date = None;
    let mut is_first = true;
    while let Some(piece) = pieces.advance()? {
        let Piece::Start(element) = piece else { continue };
        if std::mem::take(&mut is_first) && element.name != "Envelope" {
            let what = format!("its root is '{}', not 'Envelope'", number::short(&element.name));
            return Err(ReadError::broken(what));
        }
        if let Some(time) = element.attribute("time") {
            date = Some(number::iso_day(time).map_err(|what| ReadError::at("Cube/@time", what))?);
        }
        let (Some(code), Some(value)) = (element.attribute("currency"), element.attribute("rate"))
        else {
            continue;
        };
        let date = date.ok_or_else(|| ReadError::whole("a rate stands before any day"))?;
        let place = || format!("{code} of {date}");
        let value = number::price(value).map_err(|what| ReadError::at(place(), what))?;
        let quote = code.parse().map_err(|_| ReadError::at(place(), "it is no currency"))?;
        sheet.push(rate(date, quote, value))?;
    }
    sheet.close()
}

fn read_csv(text: &str) -> Result<Vec<Rate>, ReadError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let broken = |error: &csv::Error| ReadError::broken(format!("it is no table: {error}"));
    let names = reader.headers().map_err(|error| broken(&error))?.clone();
    if names.iter().any(|name| name == "TIME_PERIOD") {
        return read_portal(reader, &names);
    }
    if names.get(0) != Some("Date") {
        let what = "it is no table of the ECB, which begins with 'Date'";
        return Err(ReadError::at("line 1", what).being(Fault::Broken));
    }
    let columns: Vec<Option<Currency>> = names
        .iter()
        .skip(1)
        .map(|name| match name {
            "" => Ok(None),
            name => name.parse().map(Some).map_err(|_| {
                ReadError::at("line 1", format!("'{}' is no currency", number::short(name)))
            }),
        })
        .collect::<Result<_, _>>()?;
    // A cell has two bytes at least.
    let count = text.lines().count().saturating_mul(columns.len()).min(text.len() / 2);
    let mut sheet = Sheet::for_about(count);
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let date = record.get(0).unwrap_or_default();
        let date = number::iso_day(date)
            .or_else(|_| number::day(date, "%d %B %Y", Tz::UTC))
            .map_err(|what| ReadError::at(format!("line {line}"), what))?;
        for (quote, value) in columns.iter().zip(record.iter().skip(1)) {
            let Some(quote) = quote else { continue };
            // Not quoted that day.
            if matches!(value, "N/A" | "") {
                continue;
            }
            let value = number::price(value)
                .map_err(|what| ReadError::at(format!("line {line}, {quote}"), what))?;
            sheet.push(rate(date, *quote, value))?;
        }
    }
    sheet.close()
}

/// The Data Portal writes a line for each currency and day.
fn read_portal(
    mut reader: csv::Reader<&[u8]>,
    names: &csv::StringRecord,
) -> Result<Vec<Rate>, ReadError> {
    let column = |name: &str| {
        names
            .iter()
            .position(|each| each == name)
            .ok_or_else(|| ReadError::at("line 1", format!("there is no column '{name}'")))
    };
    let (code, day, value) = (column("CURRENCY")?, column("TIME_PERIOD")?, column("OBS_VALUE")?);
    let denominator = column("CURRENCY_DENOM").ok();
    let mut sheet = Sheet::default();
    for record in reader.records() {
        let record =
            record.map_err(|error| ReadError::broken(format!("it is no table: {error}")))?;
        let line = record.position().map_or(0, csv::Position::line);
        let at = |what: String| ReadError::at(format!("line {line}"), what);
        let cell = |index: usize| record.get(index).unwrap_or_default();
        if denominator.is_some_and(|index| cell(index) != "EUR") {
            return Err(at("the rate is not for one euro (CURRENCY_DENOM)".to_owned()));
        }
        // A day without an observation.
        if matches!(cell(value), "" | "NaN") {
            continue;
        }
        let date = number::iso_day(cell(day)).map_err(at)?;
        let quote = cell(code).parse().map_err(|error| at(format!("{error}")))?;
        sheet.push(rate(date, quote, number::price(cell(value)).map_err(at)?))?;
    }
    sheet.close()
}
