//! The central parity of the yuan, which CFETS (China Money) publishes at 09:15 in Beijing on the
//! days its market is open.
//!
//! **What it reads** answers of `CcprHisNew`: pairs in a head, and a line of values for each day. A
//! pair names what is priced before the stroke and in what after it: `USD/CNY` are yuan for a
//! dollar, `100JPY/CNY` yuan for 100 yen, `CNY/MYR` ringgit for a yuan.

use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use upturn_core::fact::rate::{Purpose, Rate};
use upturn_core::fact::review::Limits;
use upturn_core::money::Currency;

use super::Sheet;
use crate::feed::source::Source;
use crate::feed::supply::{Age, Block, Supply};
use crate::read::json::{self, Members};
use crate::read::{Fault, ReadError, number, text};

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || {
        Source {
        address: vec![
            "https://www.chinamoney.com.cn/ags/ms/cm-u-bk-ccpr/CcprHisNew?startDate={from}&endDate={until}&currency=&pageNum=1&pageSize=50".to_owned(),
        ],
        back: Some(30),
        // The server takes the question as a POST without a body.
        body: Some(String::new()),
        ..Source::default()
    }
    },
    schedule: "20 9,11 * * *",
    zone: Tz::Asia__Shanghai,
    // The market is closed for up to eight weekdays at Spring Festival: only what is older is too old.
    limits: Limits { missed_max: 8, ..Supply::RATES.limits },
    age: Age { block: Block::Missed(9), ..Supply::RATES.age },
    credit: "China Foreign Exchange Trade System; terms not stated.",
    ..Supply::RATES
};

/// A day's values.
#[derive(Deserialize)]
struct Record {
    date: String,
    values: Vec<String>,
}

/// Reads an answer of CFETS.
pub fn read(bytes: &[u8]) -> Result<Vec<Rate>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let members: Members<'_> = json::read(&text)?;
    let head: Members<'_> = json::part(members.need("head")?, "/head")?;
    let code = head.text("rep_code").map_err(|error| error.within("/head"))?;
    if code != "200" {
        let said = head.text("rep_message").unwrap_or_default();
        let what = format!("it says {}: {}", number::short(&code), number::short(&said));
        return Err(ReadError::at("/head", what).being(Fault::Broken));
    }
    let answer: Members<'_> = json::part(members.need("data")?, "/data")?;
    refuse_refusal(&answer)?;
    let names: Vec<String> =
        json::part(answer.need("head").map_err(|e| e.within("/data"))?, "/data/head")?;
    let pairs: Vec<_> = names.iter().map(|name| pair(name)).collect::<Result<_, _>>()?;
    let records: Vec<Record> = json::part(members.need("records")?, "/records")?;
    let mut sheet = Sheet::default();
    for (index, record) in records.iter().enumerate() {
        let place = format!("/records/{index}");
        let date = number::iso_day(&record.date).map_err(|what| ReadError::at(&place, what))?;
        if record.values.len() != pairs.len() {
            let what = format!("it has {} values for {} pairs", record.values.len(), pairs.len());
            return Err(ReadError::at(place, what));
        }
        for ((base, quote, unit), value) in pairs.iter().zip(&record.values) {
            // Not published that day.
            if matches!(value.trim(), "---" | "") {
                continue;
            }
            let value = number::price(value.trim())
                .map_err(|what| ReadError::at(format!("{place}, {base}/{quote}"), what))?;
            let (base, quote, unit) = (*base, *quote, *unit);
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
    sheet.close()
}

/// A range of a year or more is answered with success, no records, and a message.
fn refuse_refusal(answer: &Members<'_>) -> Result<(), ReadError> {
    match answer.get("flagMessage").map(RawValue::get) {
        None | Some("\"\"" | "null") => Ok(()),
        Some(said) => {
            let what = format!("it says: {}", number::short(said));
            Err(ReadError::at("/data", what).being(Fault::Broken))
        }
    }
}

fn pair(name: &str) -> Result<(Currency, Currency, Decimal), ReadError> {
    let wrong = || {
        ReadError::at(
            "/data/head",
            format!("'{}' is no pair such as 100JPY/CNY", number::short(name)),
        )
    };
    let (base, quote) = name.split_once('/').ok_or_else(wrong)?;
    let code = base.trim_start_matches(|c: char| c.is_ascii_digit());
    let unit = base.strip_suffix(code).unwrap_or_default();
    let unit =
        if unit.is_empty() { Decimal::ONE } else { number::price(unit).map_err(|_| wrong())? };
    Ok((code.parse().map_err(|_| wrong())?, quote.parse().map_err(|_| wrong())?, unit))
}
