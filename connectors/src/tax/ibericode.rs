//! VAT of the Union and the United Kingdom, by day, with the parts of countries that differ.
//!
//! **What it reads** `vat-rates.json` of ibericode/vat-rates. `0000-01-01` stands for no beginning;
//! each period ends where the next begins.

use chrono::{Datelike as _, NaiveDate};
use serde_json::value::RawValue;
use upturn_core::fact::place::Country;
use upturn_core::fact::tax::{Bounds, Category, Levy, Postcodes, Scope, TaxRate, Territory};
use upturn_core::fact::validity::Validity;

use super::{close, country, days_before, percent};
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::json::{self, Members};
use crate::read::{ReadError, number, text};

const SOURCE: &str = "ibericode";

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || Source {
        address: vec![
            "https://raw.githubusercontent.com/ibericode/vat-rates/HEAD/vat-rates.json".to_owned(),
        ],
        ..Source::default()
    },
    credit: "ibericode/vat-rates; MIT licence.",
    ..Supply::TAXES
};

/// Reads the table.
pub fn read(bytes: &[u8]) -> Result<Vec<TaxRate>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let members: Members<'_> = json::read(&text)?;
    let items: Members<'_> = json::part(members.need("items")?, "/items")?;
    let mut rates = Vec::new();
    for (code, periods) in items.0 {
        let place = format!("/items/{}", number::short(&code));
        let country = country(&code).map_err(|what| ReadError::at(&*place, what))?;
        rates.extend(of_country(country, periods, &place)?);
    }
    close(rates)
}

fn of_country(
    country: Country,
    periods: &RawValue,
    place: &str,
) -> Result<Vec<TaxRate>, ReadError> {
    let periods: Vec<&RawValue> = json::part(periods, place)?;
    let mut read = Vec::new();
    for (index, period) in periods.into_iter().enumerate() {
        let place = format!("{place}/{index}");
        let period: Members<'_> = json::part(period, &place)?;
        let from = period.text("effective_from").map_err(|error| error.within(&place))?;
        let from = number::iso_day(&from);
        let from = from.map_err(|what| ReadError::at(format!("{place}/effective_from"), what))?;
        read.push((from, place, period));
    }
    read.sort_by_key(|(from, ..)| *from);
    let beginnings: Vec<NaiveDate> = read.iter().map(|(from, ..)| *from).collect();
    let mut rates = Vec::new();
    for (index, (from, place, period)) in read.iter().enumerate() {
        let end = beginnings.get(index + 1).copied();
        let valid = days_before(Some(*from).filter(|from| from.year() != 0), end);
        let valid = valid.map_err(|what| ReadError::at(format!("{place}/effective_from"), what))?;
        of_period(country, valid, period, &mut rates).map_err(|error| error.within(place))?;
    }
    Ok(rates)
}

fn of_period(
    country: Country,
    valid: Validity,
    period: &Members<'_>,
    rates: &mut Vec<TaxRate>,
) -> Result<(), ReadError> {
    let own: Members<'_> = json::part(period.need("rates")?, "/rates")?;
    if own.get("standard").is_none() {
        return Err(ReadError::at("/rates/standard", "it is missing"));
    }
    for (label, value) in &own.0 {
        let rate = rate(country, None, label, value, valid);
        rates.push(rate.map_err(|what| ReadError::at(format!("/rates/{label}"), what))?);
    }
    let Some(exceptions) = period.get("exceptions") else { return Ok(()) };
    let exceptions: Vec<&RawValue> = json::part(exceptions, "/exceptions")?;
    for (index, exception) in exceptions.into_iter().enumerate() {
        let place = format!("/exceptions/{index}");
        let exception: Members<'_> = json::part(exception, &place)?;
        let name = exception.text("name").map_err(|error| error.within(&place))?;
        let pattern = exception.text("postcode").map_err(|error| error.within(&place))?;
        let pattern = Postcodes::new(&pattern)
            .map_err(|error| ReadError::at(format!("{place}/postcode"), error.to_string()))?;
        let territory = Territory { name: name.into_owned(), bounds: Bounds::Postcodes(pattern) };
        let others = exception.0.iter().filter(|(key, _)| key != "name" && key != "postcode");
        for (label, value) in others {
            let rate = rate(country, Some(&territory), label, value, valid);
            rates.push(rate.map_err(|what| ReadError::at(format!("{place}/{label}"), what))?);
        }
    }
    Ok(())
}

fn rate(
    country: Country,
    territory: Option<&Territory>,
    label: &str,
    value: &RawValue,
    valid: Validity,
) -> Result<TaxRate, String> {
    let category = match label.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "standard" => Category::Standard,
        "reduced" | "press_publications" => Category::Reduced,
        "super_reduced" => Category::SuperReduced,
        "parking" => Category::Parking,
        _ => return Err("it is no kind of rate that is known".to_owned()),
    };
    let place = territory.map(|territory| format!("/{}", territory.name)).unwrap_or_default();
    let from = valid.from().map_or_else(|| "always".to_owned(), |from| from.to_string());
    Ok(TaxRate {
        source: SOURCE.to_owned(),
        rule: format!("{country}{place}/{label}/{from}"),
        country,
        region: None,
        territory: territory.cloned(),
        levy: Levy::Vat,
        category,
        label: label.to_owned(),
        percent: percent(&json::scalar(value)?)?,
        is_supplement: false,
        scope: Scope {
            subject: (label == "press_publications").then(|| label.to_owned()),
            ..Scope::default()
        },
        valid,
    })
}
