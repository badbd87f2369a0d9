//! HMRC's monthly rates, by which the United Kingdom values imports: foreign currency for a pound,
//! for a calendar month. They value duty and nothing else; the daily rate never does.
//!
//! **What it reads** an `exchange_rate_collection` of the UK tariff's API (JSON:API). A currency comes
//! once for each country that uses it, with one value.

use std::time::Duration;

use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use upturn_core::fact::rate::{Purpose, Rate};
use upturn_core::fact::review::Limits;
use upturn_core::money::Currency;

use super::Sheet;
use crate::feed::source::Source;
use crate::feed::supply::{Age, Block, Supply};
use crate::read::json::{self, Members};
use crate::read::{ReadError, number, text};

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || {
        Source {
        address: vec![
            "https://www.trade-tariff.service.gov.uk/api/v2/exchange_rates/{year}-{m}?filter[type]=monthly".to_owned(),
        ],
        ahead: Some(1),
        ..Source::default()
    }
    },
    schedule: "30 6 * * *",
    zone: Tz::Europe__London,
    limits: Limits { jump_max: Decimal::from_parts(1, 0, 0, false, 1), ..Supply::RATES.limits },
    // They hold for their month, whatever comes after it.
    age: Age { block: Block::Unseen(Duration::from_hours(31 * 24)), ..Supply::RATES.age },
    credit: "HM Revenue & Customs; Open Government Licence v3.0.",
    ..Supply::RATES
};

/// Reads a month of HMRC's rates.
pub fn read(bytes: &[u8]) -> Result<Vec<Rate>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let members: Members<'_> = json::read(&text)?;
    if let Some(error) = members.get("error").or_else(|| members.get("errors")) {
        let said = number::short(error.get());
        return Err(ReadError::broken(format!("it says: {said}")));
    }
    let included: Vec<&RawValue> = json::part(members.need("included")?, "/included")?;
    let mut sheet = Sheet::default();
    for (index, each) in included.into_iter().enumerate() {
        let place = format!("/included/{index}");
        let resource: Members<'_> = json::part(each, &place)?;
        if resource.text("type").map_err(|error| error.within(&place))? != "exchange_rate" {
            continue;
        }
        let place = format!("{place}/attributes");
        let attributes = resource.need("attributes").map_err(|error| error.within(&place))?;
        let attributes: Members<'_> = json::part(attributes, &place)?;
        sheet.push(rate(&attributes).map_err(|error| error.within(&place))?)?;
    }
    sheet.close()
}

fn rate(attributes: &Members<'_>) -> Result<Rate, ReadError> {
    let day = |name: &str| {
        let text = attributes.text(name)?;
        number::iso_day(&text).map_err(|what| ReadError::at(format!("/{name}"), what))
    };
    let code = attributes.text("currency_code")?;
    let quote =
        code.parse().map_err(|error| ReadError::at("/currency_code", format!("{error}")))?;
    let value = attributes.text("rate")?;
    let value = number::price(&value).map_err(|what| ReadError::at("/rate", what))?;
    Ok(Rate {
        base: Currency::GBP,
        quote,
        unit: Decimal::ONE,
        value,
        date: day("validity_start_date")?,
        purpose: Purpose::Customs,
        until: Some(day("validity_end_date")?),
    })
}
