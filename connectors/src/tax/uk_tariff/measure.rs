//! One measure of the tariff, with all it refers to.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use upturn_core::fact::duty::{AdditionalCode, Area, Charge, Condition, Kind, Measure, Members};
use upturn_core::fact::place::Country;
use upturn_core::fact::validity::Validity;

use super::document::{self, Document, Key, Resource, find, is_true};
use crate::read::{ReadError, number};

const SOURCE: &str = "uk-tariff";

/// The area that is everywhere, and the one that is all other countries.
const EVERYWHERE: [&str; 2] = ["1011", "1008"];

/// Reads the measure `id` on the goods `commodity`.
pub(super) fn read<'j>(
    document: &Document<'j>,
    id: &Key<'j>,
    commodity: &str,
) -> Result<Measure, ReadError> {
    let resource = document.get(id)?;
    let part = |name: &str| {
        let key = document::one(&resource.relationships, name)?;
        key.map(|key| document.get(&key)).transpose()
    };
    let need =
        |name: &str| part(name)?.ok_or_else(|| ReadError::at(format!("/{name}"), "it is missing"));
    super::refuse_other_tariff(&resource.meta)?;
    let measure_type = &need("measure_type")?.attributes;
    let kind = kind(
        &measure_type.text("id").map_err(|error| error.within("/measure_type"))?,
        find(measure_type, "measure_type_series_id").as_deref(),
        is_true(&resource.attributes, "vat"),
        is_true(&resource.attributes, "excise"),
    );
    let written = find(&need("duty_expression")?.attributes, "base").unwrap_or_default();
    let keys = |name: &str| document::all(&resource.relationships, name);
    let parts = |name: &str| {
        let keys = keys(name)?;
        keys.iter().map(|key| document.get(key)).collect::<Result<Vec<_>, _>>()
    };
    let reference = |name: &str| {
        let key = document::one(&resource.relationships, name)?;
        Ok::<_, ReadError>(key.map(|key| key.id.into_owned()))
    };
    let code = part("additional_code")?.map(|code| {
        let text = |name: &str| find(&code.attributes, name).map(Cow::into_owned);
        let number =
            text("code").ok_or_else(|| ReadError::at("/additional_code", "it has no code"));
        Ok::<_, ReadError>(AdditionalCode {
            code: number?,
            description: text("description").unwrap_or_default(),
        })
    });
    let acts = parts("legal_acts")?;
    let acts = acts.iter().filter_map(|act| find(&act.attributes, "regulation_code"));
    Ok(Measure {
        source: SOURCE.to_owned(),
        rule: id.id.to_string(),
        destination: Country::GB,
        commodity: commodity.to_owned(),
        origin: origin(document, resource)?,
        kind,
        name: measure_type.text("description")?.into_owned(),
        charge: Charge::read(&written),
        additional_code: code.transpose()?,
        conditions: parts("measure_conditions")?.into_iter().map(condition).collect(),
        order_number: reference("order_number")?,
        preference: reference("preference_code")?,
        reduction: find(&resource.attributes, "reduction_indicator").map(Cow::into_owned),
        legal_acts: acts.map(Cow::into_owned).collect(),
        valid: validity(resource)?,
    })
}

fn kind(id: &str, series: Option<&str>, is_vat: bool, is_excise: bool) -> Kind {
    match (id, series) {
        ("103", _) => Kind::ThirdCountry,
        ("106" | "142" | "145", _) => Kind::Preference,
        ("105" | "112" | "115" | "117" | "119" | "141", _) => Kind::Suspension,
        ("122" | "123" | "143" | "144" | "146" | "147", _) => Kind::Quota,
        ("109" | "110" | "111", _) => Kind::SupplementaryUnit,
        _ if is_vat => Kind::Vat,
        _ if is_excise => Kind::Excise,
        (_, Some("A" | "B" | "N")) => Kind::Control,
        (_, Some("D" | "F" | "J")) => Kind::Additional,
        (_, Some("O")) => Kind::SupplementaryUnit,
        (_, Some("P")) => Kind::Vat,
        (_, Some("Q")) => Kind::Excise,
        _ => Kind::Other,
    }
}

fn origin(document: &Document<'_>, measure: &Resource<'_>) -> Result<Area, ReadError> {
    let key = document::one(&measure.relationships, "geographical_area")?;
    let key = key.ok_or_else(|| ReadError::at("/geographical_area", "it is missing"))?;
    let area = document.get(&key)?;
    let members = if EVERYWHERE.contains(&&*key.id) {
        Members::Everyone
    } else {
        Members::Countries(Arc::from(countries(document, &key)?))
    };
    let mut excluded = Vec::new();
    for key in document::all(&measure.relationships, "excluded_countries")? {
        excluded.extend(countries(document, &key)?);
    }
    let name = find(&area.attributes, "description").unwrap_or_default();
    Ok(Area { code: key.id.to_string(), name: name.into_owned(), members, excluded })
}

/// Returns the countries of the area `key`, as the document tells them.
fn countries(document: &Document<'_>, key: &Key<'_>) -> Result<Vec<Country>, ReadError> {
    let country = |id: &str| match id {
        // The tariff's own code for Serbia.
        "XS" => "RS".parse(),
        id => id.parse::<Country>(),
    };
    if let Ok(country) = country(&key.id) {
        return Ok(vec![country]);
    }
    let place = format!(", area {}", number::short(&key.id));
    let key =
        Key { of_type: Cow::Owned(key.of_type.to_string()), id: Cow::Owned(key.id.to_string()) };
    let children =
        document::all(&document.get(&key)?.relationships, "children_geographical_areas")?;
    if children.is_empty() {
        return Err(ReadError::at(place, "the document does not say which countries are in it"));
    }
    children
        .iter()
        .map(|child| country(&child.id).map_err(|error| ReadError::at(&*place, error.to_string())))
        .collect()
}

fn condition(resource: &Resource<'_>) -> Condition {
    let text = |name: &str| find(&resource.attributes, name).map(Cow::into_owned);
    Condition {
        code: text("condition_code").unwrap_or_default(),
        requirement: text("requirement").or_else(|| text("certificate_description")),
        document: text("document_code"),
        action: text("action").unwrap_or_default(),
        duty: text("duty_expression"),
    }
}

fn validity(measure: &Resource<'_>) -> Result<Validity, ReadError> {
    let day = |name: &str| -> Result<Option<NaiveDate>, ReadError> {
        let text = find(&measure.attributes, name);
        let day = text.map(|text| number::day(&text, "rfc3339", Tz::UTC)).transpose();
        day.map_err(|what| ReadError::at(format!("/{name}"), what))
    };
    let from = day("effective_start_date")?;
    if from.is_none() {
        return Err(ReadError::at("/effective_start_date", "it is missing"));
    }
    Validity::new(from, day("effective_end_date")?)
        .map_err(|error| ReadError::at("/effective_end_date", error.to_string()))
}
