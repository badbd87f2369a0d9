//! A bank's table of rates that nobody has written a reader for: settings say where things stand.
//!
//! **What it reads** JSON, XML, also XML as text within XML, and delimited text, in any encoding.
//! **Example** the Czech National Bank's daily sheet:
//! `format = "csv"`, `divider = "|"`, `head = 2`, `rows = "/rows/*"`, `home = "CZK"`, `code = "kód"`,
//! `value = "kurz"`, `unit = "množství"`, `decimal = ","`, `date = "/lines/0"`,
//! `date_pattern = '^[0-9.]+'`, `date_format = "%d.%m.%Y"`.
//! **Settings** [`Settings`].

use regex::Regex;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::fact::rate::{Purpose, Rate};
use upturn_core::money::Currency;

use super::Sheet;
use crate::read::table::{
    Layout, Table, matched, needed_path, nowhere, number_or_text, path, pattern,
};
use crate::read::tree::{Path, Spot};
use crate::read::{ReadError, number};

/// Where a bank's table has what, by paths as [`Layout`] tells them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the document is.
    #[serde(flatten)]
    pub layout: Layout,
    /// The bank's own currency, or the one all rates are in: `CZK`.
    pub home: Currency,
    /// Which of the two is priced. Default: `home-per-foreign`.
    #[serde(default)]
    pub direction: Direction,
    /// The other currency's code.
    #[serde(deserialize_with = "needed_path")]
    #[schemars(with = "String")]
    pub code: Path,
    /// What of that text is the code: a regular expression, whose group `code` is it if it has one.
    /// Rows whose code does not match are left out. Default: all of it.
    pub code_pattern: Option<String>,
    /// The price.
    #[serde(deserialize_with = "needed_path")]
    #[schemars(with = "String")]
    pub value: Path,
    /// For how many units it is: a number (`100`) or a path. Default: 1.
    #[serde(default, deserialize_with = "number_or_text")]
    #[schemars(with = "Option<String>")]
    pub unit: Option<String>,
    /// The day of the rate.
    #[serde(deserialize_with = "needed_path")]
    #[schemars(with = "String")]
    pub date: Path,
    /// The last day a rate holds, in the same format, where the table says so.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Path>,
    /// What the rates may be used for. Default: `spot`.
    pub purpose: Option<Purpose>,
}

/// Which of two currencies a table prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// So many of the home currency for a unit of the foreign one, as national banks mostly have it.
    #[default]
    HomePerForeign,
    /// So many of the foreign currency for a unit of the home one, as the ECB has it.
    ForeignPerHome,
}

/// Reads a table by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Rate>, ReadError> {
    let reading = Reading::of(settings)?;
    let tree = reading.table.open(bytes)?;
    let mut sheet = Sheet::default();
    for row in reading.table.rows(&tree) {
        let read = reading.rate(&row).map_err(|error| error.within(&row.place()))?;
        if let Some(rate) = read {
            sheet.push(rate)?;
        }
    }
    sheet.close()
}

/// Settings with their patterns compiled.
struct Reading<'s> {
    settings: &'s Settings,
    table: Table<'s>,
    code: Option<Regex>,
    unit: Unit,
}

/// For how many units a price is.
enum Unit {
    Fixed(Decimal),
    Told(Path),
}

impl<'s> Reading<'s> {
    fn of(settings: &'s Settings) -> Result<Self, ReadError> {
        let unit = match settings.unit.as_deref() {
            None => Unit::Fixed(Decimal::ONE),
            Some(text) => number::price(text).map_or_else(
                |_| Unit::Told(Path::read(text)),
                |unit| Unit::Fixed(unit.normalize()),
            ),
        };
        Ok(Self {
            settings,
            table: Table::of(&settings.layout)?,
            code: pattern("code_pattern", settings.code_pattern.as_deref())?,
            unit,
        })
    }

    /// Returns the rate in `row`; none where the bank says none.
    fn rate(&self, row: &Spot<'_>) -> Result<Option<Rate>, ReadError> {
        let settings = self.settings;
        let Some(value) = self.table.text(row, &settings.value) else { return Ok(None) };
        let code = row.text(&settings.code).ok_or_else(|| nowhere("code"))?;
        let Some(code) = matched(self.code.as_ref(), code) else { return Ok(None) };
        let foreign: Currency = code.to_ascii_uppercase().parse().map_err(|error| {
            ReadError::at(", code", format!("'{}': {error}", number::short(code)))
        })?;
        if foreign == settings.home {
            return Ok(None);
        }
        let amount = |key: &str, text: &str| {
            let plain = self.table.number(text);
            plain
                .and_then(|plain| number::price(&plain))
                .map_err(|what| ReadError::at(format!(", {key}"), what))
        };
        let unit = match &self.unit {
            Unit::Fixed(unit) => *unit,
            // Where a row names none, it is one.
            Unit::Told(path) => match row.text(path).unwrap_or_default() {
                "" => Decimal::ONE,
                text => amount("unit", text)?.normalize(),
            },
        };
        let (base, quote) = match settings.direction {
            Direction::HomePerForeign => (foreign, settings.home),
            Direction::ForeignPerHome => (settings.home, foreign),
        };
        let until = settings.until.as_ref().map(|path| self.table.day("until", row, path));
        Ok(Some(Rate {
            base,
            quote,
            unit,
            value: amount("value", value)?,
            date: self.table.day("date", row, &settings.date)?,
            purpose: settings.purpose.unwrap_or(Purpose::Spot),
            until: until.transpose()?,
        }))
    }
}
