//! VAT by the European Commission's own database (TEDB), with the codes of goods and services that
//! each reduced rate is for.
//!
//! **What it reads** the SOAP answer to `retrieveVatRates`. A rate holds from the day of its situation
//! until the next situation of the same rate in the same document.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use upturn_core::fact::tax::{Category, Levy, Scope, TaxRate};

use super::{close, country, days_before, percent};
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::tree::{self, Path, Spot};
use crate::read::{ReadError, number, text};

const SOURCE: &str = "tedb";

/// The members of the Union, by the codes that its database has for them.
const MEMBERS: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// What holds for it unless settings say otherwise: a question for each member.
pub(crate) const SUPPLY: Supply = Supply {
    source: || Source {
        address: vec!["https://ec.europa.eu/taxation_customs/tedb/ws/".to_owned()],
        each: MEMBERS.map(str::to_owned).to_vec(),
        back: Some(365),
        ahead: Some(365),
        headers: [
            ("Content-Type", "text/xml; charset=utf-8"),
            (
                "SOAPAction",
                "urn:ec.europa.eu:taxud:tedb:services:v1:VatRetrievalService/RetrieveVatRates",
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        body: Some(QUESTION.to_owned()),
    },
    schedule: "40 5 * * Mon",
    zone: Tz::Europe__Brussels,
    credit: "European Commission, Taxes in Europe Database; free to use with the source named.",
    ..Supply::TAXES
};

const QUESTION: &str = concat!(
    r#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" "#,
    r#"xmlns:m="urn:ec.europa.eu:taxud:tedb:services:v1:IVatRetrievalService" "#,
    r#"xmlns:t="urn:ec.europa.eu:taxud:tedb:services:v1:IVatRetrievalService:types">"#,
    "<e:Body><m:retrieveVatRatesReqMsg>",
    "<t:memberStates><t:isoCode>{each}</t:isoCode></t:memberStates>",
    "<t:from>{from}</t:from><t:to>{until}</t:to>",
    "</m:retrieveVatRatesReqMsg></e:Body></e:Envelope>",
);

/// Reads an answer.
pub fn read(bytes: &[u8]) -> Result<Vec<TaxRate>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let answer = tree::of_xml(&text)?;
    let root = Spot::root(&answer);
    if let Some(said) = root.text(&Path::read("/Envelope/Body/Fault/faultstring")) {
        return Err(ReadError::broken(format!("it says: {}", number::short(said))));
    }
    let results = root.all(&Path::read("/Envelope/Body/retrieveVatRatesRespMsg/vatRateResults"));
    let mut rates = Vec::new();
    for (index, result) in results.iter().enumerate() {
        let place = format!("/vatRateResults/{index}");
        rates.push(rate(result).map_err(|error| error.within(&place))?);
    }
    end(&mut rates)?;
    close(rates)
}

fn rate(result: &Spot<'_>) -> Result<TaxRate, ReadError> {
    let find = |path: &str| result.text(&Path::read(path)).filter(|text| !text.is_empty());
    let need =
        |path: &str| find(path).ok_or_else(|| ReadError::at(format!("/{path}"), "it is missing"));
    let at = |path: &str| {
        let place = format!("/{path}");
        move |what: String| ReadError::at(place, what)
    };
    let country = country(need("memberState")?).map_err(at("memberState"))?;
    let label = need("rate/type")?;
    let category = match (need("type")?, label) {
        ("STANDARD", "DEFAULT" | "STANDARD_RATE") => Category::Standard,
        (_, "REDUCED_RATE") => Category::Reduced,
        (_, "SUPER_REDUCED_RATE") => Category::SuperReduced,
        (_, "PARKING_RATE") => Category::Parking,
        (_, "EXEMPTED") => Category::Exempt,
        (_, "OUT_OF_SCOPE" | "NOT_APPLICABLE" | "-") => Category::OutOfScope,
        _ => return Err(ReadError::at("/rate/type", "it is no kind of rate that is known")),
    };
    let value = match (find("rate/value"), category) {
        (None | Some("-"), Category::OutOfScope | Category::Exempt) => Decimal::ZERO,
        (None, _) => return Err(ReadError::at("/rate/value", "it is missing")),
        (Some(value), _) => percent(value).map_err(at("rate/value"))?,
    };
    let from = day(need("situationOn")?).map_err(at("situationOn"))?;
    let codes = |path: &str| -> Vec<String> {
        let codes = result.all(&Path::read(path));
        let codes = codes.iter().filter_map(|code| code.text(&Path::read("value")));
        codes.map(|code| code.split_whitespace().collect()).collect()
    };
    let subject = find("category/identifier");
    let (goods, services) = (codes("cnCodes/code"), codes("cpaCodes/code"));
    let of = match (goods.is_empty(), services.is_empty()) {
        (true, false) => "services",
        (false, true) => "goods",
        (true, true) | (false, false) => "all",
    };
    let about = subject.unwrap_or("everything");
    Ok(TaxRate {
        source: SOURCE.to_owned(),
        rule: format!("{country}/{label}/{about}/{of}/{value}/{from}"),
        country,
        region: None,
        territory: None,
        levy: Levy::Vat,
        category,
        label: label.to_owned(),
        percent: value,
        is_supplement: false,
        scope: Scope {
            goods,
            services,
            subject: subject.map(str::to_owned),
            remark: find("comment").map(|text| {
                let words: Vec<_> = text.split_whitespace().collect();
                words.join(" ").chars().take(1_000).collect()
            }),
        },
        valid: days_before(Some(from), None).map_err(at("situationOn"))?,
    })
}

/// Returns the day `text`, such as `2024-01-01+01:00`: as it is written, since it is a day there.
fn day(text: &str) -> Result<NaiveDate, String> {
    let wrong = || format!("'{}' is no day such as 2024-01-01+01:00", number::short(text));
    let (day, offset) = text.split_at_checked(10).ok_or_else(wrong)?;
    let is_offset = match offset.as_bytes() {
        [] | b"Z" => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|c| c.is_ascii_digit()),
        _ => false,
    };
    if !is_offset {
        return Err(wrong());
    }
    number::iso_day(day)
}

/// Ends each rate the day before the next situation of the same.
fn end(rates: &mut [TaxRate]) -> Result<(), ReadError> {
    let key = |rate: &TaxRate| {
        (rate.country, rate.category, rate.label.clone(), rate.scope.clone(), rate.valid.from())
    };
    let mut situations: BTreeMap<_, Vec<NaiveDate>> = BTreeMap::new();
    for rate in rates.iter() {
        let (country, category, label, scope, from) = key(rate);
        situations.entry((country, category, label, scope)).or_default().extend(from);
    }
    for rate in rates {
        let (country, category, label, scope, from) = key(rate);
        let days = situations.get(&(country, category, label, scope));
        let next = days.into_iter().flatten().filter(|day| from < Some(**day)).min().copied();
        rate.valid = days_before(from, next).map_err(ReadError::whole)?;
    }
    Ok(())
}
