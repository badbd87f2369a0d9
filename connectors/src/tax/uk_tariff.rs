//! The tariff of the United Kingdom: duties, preferences, quotas, taxes and controls of one commodity.
//!
//! **What it reads** a commodity of the UK Trade Tariff's API, version 2 (JSON:API): the commodity, and
//! its measures with what they refer to, joined by type and id. Only imports are read. A heading is
//! refused, since nobody can declare it. Amounts come from `duty_expression.base`; fields that hold
//! HTML or numbers of JSON are not read.

use chrono_tz::Tz;
use serde_json::value::RawValue;
use upturn_core::fact::duty::Measure;

use super::bounded;
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::json::{self, Members};
use crate::read::{ReadError, number, text};

mod document;
mod measure;

use self::document::Document;

/// How many digits the code of goods has that can be declared.
const CODE_LEN: usize = 10;

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || Source {
        address: vec![
            "https://www.trade-tariff.service.gov.uk/api/v2/commodities/{each}".to_owned(),
        ],
        ..Source::default()
    },
    zone: Tz::Europe__London,
    credit: "HM Revenue & Customs; Open Government Licence v3.0.",
    ..Supply::TAXES
};

/// Reads a commodity's measures on imports.
pub fn read(bytes: &[u8]) -> Result<Vec<Measure>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let members: Members<'_> = json::read(&text)?;
    if let Some(error) = members.get("error").or_else(|| members.get("errors")) {
        // The rest of the answer echoes the address that was asked.
        return Err(ReadError::broken(format!("it says: {}", number::short(error.get()))));
    }
    let data: Members<'_> = json::part(members.need("data")?, "/data")?;
    if let Some(meta) = data.get("meta") {
        refuse_other_tariff(&json::part(meta, "/data/meta")?)?;
    }
    let document = Document::of(members.need("included")?)?;
    let code = code(&data, &document)?;
    let imports = data.need("relationships").map_err(|error| error.within("/data"))?;
    let imports: Members<'_> = json::part(imports, "/data/relationships")?;
    let ids = document::all(&imports, "import_measures")
        .map_err(|error| error.within("/data/relationships"))?;
    let mut measures = Vec::new();
    for id in ids {
        let place = format!("measure {}", number::short(&id.id));
        let read = measure::read(&document, &id, &code);
        measures.push(read.map_err(|error| error.within(&place))?);
    }
    bounded(measures.len(), "measures on imports")?;
    Ok(measures)
}

/// Refuses what `meta` says is of another tariff: Northern Ireland's measures (`xi`) look the same.
fn refuse_other_tariff(meta: &Members<'_>) -> Result<(), ReadError> {
    let Some(of) = meta.get("duty_calculator") else { return Ok(()) };
    let of: Members<'_> = json::part(of, "/meta/duty_calculator")?;
    match document::find(&of, "source").as_deref() {
        None | Some("uk") => Ok(()),
        Some(other) => {
            let what = format!("it is of the tariff '{}', not the kingdom's", number::short(other));
            Err(ReadError::at("/meta/duty_calculator/source", what))
        }
    }
}

/// Returns the code of the goods, which must be one that can be declared.
fn code(data: &Members<'_>, document: &Document<'_>) -> Result<String, ReadError> {
    let place = "/data/attributes";
    let attributes: Members<'_> =
        json::part(data.need("attributes").map_err(|error| error.within("/data"))?, place)?;
    let code = attributes.text("goods_nomenclature_item_id").map_err(|e| e.within(place))?;
    if code.len() != CODE_LEN || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        let place = format!("{place}/goods_nomenclature_item_id");
        return Err(ReadError::at(place, "it is no code of 10 digits"));
    }
    if attributes.get("declarable").map(RawValue::get) != Some("true") {
        let heading = code.trim_end_matches('0');
        let below = document.declarable_codes();
        let such = below
            .first()
            .map(|first| format!("; {} codes below it can, such as {first}", below.len()));
        return Err(ReadError::whole(format!(
            "{heading} is a heading and cannot be declared: ask for a commodity's 10 digits{}",
            such.unwrap_or_default()
        )));
    }
    Ok(code.into_owned())
}
