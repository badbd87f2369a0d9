//! A table of duties that nobody has written a reader for: settings say where things stand.
//!
//! **What it reads** JSON, XML and delimited text. The Union's duties are kept so, by operations.
//! **Example** a table of the Union's duties:
//! `format = "csv"`, `source = "eu-duties"`, `destination = "EU"`, `commodity = "commodity"`,
//! `origin = "origin"`, `duty = "duty"`, `from = "from"`, `until = "until"`.
//! **Example** the tariff of the United States as JSON: `format = "json"`, `rows = "/*"`,
//! `source = "us-hts"`, `destination = "US"`, `commodity = "htsno"`, `duty = "general"`,
//! `notation = "us"`, `valid_from = "2025-01-01"`, `excluded = ["CU", "KP", "RU", "BY"]`.
//! **Settings** [`Settings`].

use std::collections::BTreeSet;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::duty::expression::Expression;
use upturn_core::fact::duty::{AdditionalCode, Area, Charge, Kind, Measure};
use upturn_core::fact::place::Country;
use upturn_core::fact::validity::Validity;

use super::bounded;
use crate::read::table::{Layout, Table, needed_path, nowhere, path, texts};
use crate::read::tree::{Path, Spot};
use crate::read::{ReadError, number};

/// Where a table of duties has what, by paths as [`Layout`] tells them.
///
/// A row without a duty is left out: nomenclatures have lines that only divide.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the document is.
    #[serde(flatten)]
    pub layout: Layout,
    /// The source's name, as quotes will show it: `eu-duties`.
    pub source: String,
    /// The customs territory whose duties they are: `EU`, `US`, or a country.
    pub destination: Country,
    /// The goods: the beginning of their code, 2 to 10 digits; dots and blanks in it are not minded.
    #[serde(deserialize_with = "needed_path")]
    #[schemars(with = "String")]
    pub commodity: Path,
    /// The countries of origin, divided by blanks or commas; `*`, or nothing, is everywhere. Default:
    /// everywhere.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub origin: Option<Path>,
    /// Countries whose goods have other duties: `["CU", "KP"]`.
    #[serde(default, deserialize_with = "texts")]
    pub excluded: Vec<String>,
    /// The duty.
    #[serde(deserialize_with = "needed_path")]
    #[schemars(with = "String")]
    pub duty: Path,
    /// How duties are written. Default: `tariff`.
    #[serde(default)]
    pub notation: Notation,
    /// What the rows are: `third-country`, `preference`, `additional`, … Default: `third-country`.
    pub kind: Option<Kind>,
    /// What a row is, in those words, where rows differ; nothing stands for the above.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub kind_of_row: Option<Path>,
    /// The additional code that must be declared.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub additional_code: Option<Path>,
    /// The quota's order number.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub order_number: Option<Path>,
    /// The first day.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Path>,
    /// The first day of all rows, where the table is of one day: `2025-01-01`.
    pub valid_from: Option<NaiveDate>,
    /// The last day; nothing where the duty goes on.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Path>,
}

/// How duties are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Notation {
    /// As the United Kingdom and the Union write them: `10.20 % + 93.10 EUR / 100 kg`.
    #[default]
    Tariff,
    /// As the United States do: `Free`, `2.4%`, `1.4¢/kg`.
    Us,
}

/// Reads a table by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Measure>, ReadError> {
    let excluded: Result<Vec<_>, _> = settings
        .excluded
        .iter()
        .filter(|text| !text.is_empty())
        .map(|t| super::country(t))
        .collect();
    let excluded = excluded.map_err(|what| ReadError::at("setting 'excluded'", what))?;
    if settings.from.is_none() && settings.valid_from.is_none() {
        let what = "it or 'valid_from' is needed: duties without a day price nothing";
        return Err(ReadError::at("setting 'from'", what));
    }
    let reading = Reading { settings, table: Table::of(&settings.layout)?, excluded };
    let tree = reading.table.open(bytes)?;
    let mut measures: Vec<Measure> = Vec::new();
    for row in reading.table.rows(&tree) {
        let read = reading.measure(&row).map_err(|error| error.within(&row.place()))?;
        measures.extend(read);
    }
    bounded(measures.len(), "duties")?;
    close(measures)
}

/// Returns `measures`, each once. Fails where two of the same differ on some day.
fn close(mut measures: Vec<Measure>) -> Result<Vec<Measure>, ReadError> {
    let same = |one: &Measure, other: &Measure| one.rule == other.rule;
    measures.sort_by(|one, other| {
        one.rule.cmp(&other.rule).then(one.valid.from().cmp(&other.valid.from()))
    });
    for group in measures.chunk_by(same) {
        for pair in group.windows(2) {
            let [one, other] = pair else { continue };
            if one.valid.overlaps(&other.valid) && one.charge != other.charge {
                let place = one.rule.clone();
                return Err(ReadError::at(place, "two duties of the same hold on one day"));
            }
        }
    }
    let mut seen = BTreeSet::new();
    measures.retain(|measure| seen.insert((measure.rule.clone(), measure.valid)));
    Ok(measures)
}

struct Reading<'s> {
    settings: &'s Settings,
    table: Table<'s>,
    excluded: Vec<Country>,
}

impl Reading<'_> {
    /// Returns the measure in `row`; none where it has no duty.
    fn measure(&self, row: &Spot<'_>) -> Result<Option<Measure>, ReadError> {
        let settings = self.settings;
        let at = |key: &str, what: String| ReadError::at(format!(", {key}"), what);
        let find = |path: &Option<Path>| {
            path.as_ref().and_then(|path| self.table.text(row, path)).map(str::to_owned)
        };
        let Some(written) = self.table.text(row, &settings.duty) else { return Ok(None) };
        let commodity = self.table.text(row, &settings.commodity);
        let commodity = commodity.ok_or_else(|| nowhere("commodity"))?;
        let commodity = code(commodity).map_err(|what| at("commodity", what))?;
        // Tariffs write a dot before decimals; tables that people keep may have another mark.
        let mark = settings.layout.decimal.unwrap_or('.');
        let plain = written.replace(mark, ".");
        let charge = match settings.notation {
            Notation::Tariff => Charge::of(written, plain.parse()),
            Notation::Us => Charge::of(written, Expression::read_us(&plain)),
        };
        let kind = match find(&settings.kind_of_row) {
            Some(text) => Kind::deserialize(serde::de::value::StrDeserializer::<
                serde::de::value::Error,
            >::new(&text))
            .map_err(|error| at("kind_of_row", number::short(&error.to_string())))?,
            None => settings.kind.unwrap_or(Kind::ThirdCountry),
        };
        let origin = find(&settings.origin).unwrap_or_default();
        let origin = self.area(&origin).map_err(|what| at("origin", what))?;
        let additional_code = find(&settings.additional_code);
        let order_number = find(&settings.order_number);
        let from = match &settings.from {
            Some(path) => Some(self.table.day("from", row, path)?),
            None => settings.valid_from,
        };
        let until = settings.until.as_ref().map(|path| self.table.find_day("until", row, path));
        let valid = Validity::new(from, until.transpose()?.flatten());
        let words = [
            Some(commodity.clone()),
            Some(origin.code.clone()),
            Some(kind.as_str().to_owned()),
            additional_code.clone(),
            order_number.clone(),
        ];
        Ok(Some(Measure {
            source: settings.source.clone(),
            rule: words.into_iter().flatten().collect::<Vec<_>>().join("/"),
            destination: settings.destination,
            commodity,
            origin,
            kind,
            name: kind.as_str().to_owned(),
            charge,
            additional_code: additional_code
                .map(|code| AdditionalCode { code, description: String::new() }),
            conditions: Vec::new(),
            order_number,
            preference: None,
            reduction: None,
            legal_acts: Vec::new(),
            valid: valid.map_err(|error| at("until", error.to_string()))?,
        }))
    }

    fn area(&self, text: &str) -> Result<Area, String> {
        let codes = text.split([' ', ',', ';']).filter(|code| !code.is_empty());
        let codes: Vec<&str> = codes.collect();
        let mut area = match &*codes {
            [] | ["*" | "1011"] => Area::everywhere(),
            codes => {
                let countries: Result<Vec<Country>, _> =
                    codes.iter().map(|code| super::country(code)).collect();
                let countries = countries?;
                let code = codes.join(" ");
                Area {
                    name: code.clone(),
                    code,
                    members: upturn_core::fact::duty::Members::Countries(countries.into()),
                    excluded: Vec::new(),
                }
            }
        };
        area.excluded.clone_from(&self.excluded);
        Ok(area)
    }
}

/// Returns the code `text` as digits alone.
fn code(text: &str) -> Result<String, String> {
    let code: String = text.chars().filter(|c| !matches!(c, '.' | ' ')).collect();
    if code.bytes().all(|byte| byte.is_ascii_digit()) && (2..=10).contains(&code.len()) {
        Ok(code)
    } else {
        Err(format!("'{}' is no code of 2 to 10 digits", number::short(text)))
    }
}
