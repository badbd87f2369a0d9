//! Taxes of the world: VAT and GST by country, with what states and provinces add.
//!
//! **What it reads** `sales_tax_rates.json` of the npm package `sales-tax`: fractions, and under
//! `before` what held until an instant. The instants mean midnights and are two or three hours early in
//! places; the day is the one that begins at the nearest midnight in UTC. What states have is added to
//! the country's rate, and may be negative (Ceuta).

use chrono::{DateTime, NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use upturn_core::fact::place::Country;
use upturn_core::fact::tax::{Category, Levy, Scope, TaxRate};

use super::{close, country, days_before, in_percent, percent_of_fraction};
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::json::{self, Members};
use crate::read::{ReadError, number, text};

const SOURCE: &str = "sales-tax";

/// How far an instant may be from the midnight it means.
const MIDNIGHT_OFF_MAX: TimeDelta = TimeDelta::hours(6);

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || {
        Source {
        address: vec![
            "https://raw.githubusercontent.com/valeriansaliou/node-sales-tax/HEAD/res/sales_tax_rates.json".to_owned(),
        ],
        ..Source::default()
    }
    },
    credit: "valeriansaliou/node-sales-tax; MIT licence.",
    ..Supply::TAXES
};

/// Reads the table.
pub fn read(bytes: &[u8]) -> Result<Vec<TaxRate>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let countries: Members<'_> = json::read(&text)?;
    let mut rates = Vec::new();
    for (code, entry) in &countries.0 {
        let place = format!("/{}", number::short(code));
        let country = country(code).map_err(|what| ReadError::at(&*place, what))?;
        let members: Members<'_> = json::part(entry, &place)?;
        let of = Of { country, region: None, levies: true };
        let own = of.periods(&members).map_err(|error| error.within(&place))?;
        let levies = own.iter().any(|rate| rate.levy != Levy::None);
        let states = members.get("states").map(|states| json::part(states, &place));
        let states: Members<'_> = states.transpose()?.unwrap_or_default();
        for (region, state) in &states.0 {
            let place = format!("{place}/states/{}", number::short(region));
            let state: Members<'_> = json::part(state, &place)?;
            let of = Of { country, region: Some(region), levies };
            let added = of.periods(&state).map_err(|error| error.within(&place))?;
            check_sum(&own, &added).map_err(|what| ReadError::at(&*place, what))?;
            rates.extend(added);
        }
        rates.extend(own);
    }
    close(rates)
}

/// Whose rates are read.
struct Of<'a> {
    country: Country,
    region: Option<&'a str>,
    /// Whether the country itself levies something.
    levies: bool,
}

impl Of<'_> {
    /// Returns the rates in `members` and in its `before`, each for its days.
    fn periods(&self, members: &Members<'_>) -> Result<Vec<TaxRate>, ReadError> {
        let before = members.get("before").map(|before| json::part(before, "/before"));
        let before: Members<'_> = before.transpose()?.unwrap_or_default();
        let mut ends: Vec<(NaiveDate, &RawValue)> = Vec::new();
        for (instant, entry) in &before.0 {
            let place = format!("/before/{}", number::short(instant));
            ends.push((day(instant).map_err(|what| ReadError::at(place, what))?, *entry));
        }
        ends.sort_by_key(|(end, _)| *end);
        let mut rates = Vec::new();
        let mut from = None;
        for (end, entry) in ends {
            let place = format!("/before/{end}");
            let entry: Members<'_> = json::part(entry, &place)?;
            let rate = self.rate(&entry, from, Some(end));
            rates.push(rate.map_err(|error| error.within(&place))?);
            from = Some(end);
        }
        rates.push(self.rate(members, from, None)?);
        Ok(rates)
    }

    fn rate(
        &self,
        members: &Members<'_>,
        from: Option<NaiveDate>,
        end: Option<NaiveDate>,
    ) -> Result<TaxRate, ReadError> {
        let label = members.text("type")?;
        let levy = match &*label {
            "vat" if !self.levies => Levy::Sales,
            "vat" => Levy::Vat,
            "gst" => Levy::Gst,
            "hst" => Levy::Hst,
            "pst" => Levy::Pst,
            "qst" => Levy::Qst,
            "igic" => Levy::Igic,
            "none" => Levy::None,
            _ => return Err(ReadError::at("/type", "it is no kind of tax that is known")),
        };
        let text = members.text("rate")?;
        let percent = match self.region {
            None => percent_of_fraction(&text),
            Some(_) => number::decimal(&text).and_then(in_percent),
        };
        let percent = percent.map_err(|what| ReadError::at("/rate", what))?;
        let place = self.region.map(|region| format!("-{region}")).unwrap_or_default();
        let since = from.map_or_else(|| "always".to_owned(), |from| from.to_string());
        Ok(TaxRate {
            source: SOURCE.to_owned(),
            rule: format!("{}{place}/{label}/{since}", self.country),
            country: self.country,
            region: self.region.map(str::to_owned),
            territory: None,
            levy,
            category: Category::Standard,
            label: label.into_owned(),
            percent,
            is_supplement: self.region.is_some(),
            scope: Scope::default(),
            valid: days_before(from, end).map_err(|what| ReadError::at("/before", what))?,
        })
    }
}

/// Fails where what a state adds makes less than nothing, or more than everything.
fn check_sum(own: &[TaxRate], added: &[TaxRate]) -> Result<(), String> {
    for rate in own {
        for supplement in added.iter().filter(|added| added.valid.overlaps(&rate.valid)) {
            let sum = rate.percent.checked_add(supplement.percent);
            if !sum.is_some_and(|sum| Decimal::ZERO <= sum && sum <= Decimal::ONE_HUNDRED) {
                let (percent, own) = (supplement.percent, rate.percent);
                return Err(format!("{percent} % cannot be added to the country's {own} %"));
            }
        }
    }
    Ok(())
}

/// Returns the day that begins at the midnight in UTC nearest to `instant`.
fn day(instant: &str) -> Result<NaiveDate, String> {
    let no_day = || format!("'{}' is no instant at which a day begins", number::short(instant));
    let at = DateTime::parse_from_rfc3339(instant).map_err(|_| no_day())?.naive_utc();
    let day = at.checked_add_signed(TimeDelta::hours(12)).ok_or_else(no_day)?.date();
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    if MIDNIGHT_OFF_MAX < (at - midnight).abs() {
        return Err(no_day());
    }
    Ok(day)
}
