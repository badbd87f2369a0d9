//! A bank's table of rates that nobody has written a reader for: settings say where things stand.
//!
//! **What it reads** JSON, XML, also XML as text within XML, and delimited text, in any encoding.
//! **Example** the Czech National Bank's daily sheet:
//! `format = "csv"`, `divider = "|"`, `head = 2`, `rows = "/rows/*"`, `home = "CZK"`, `code = "kód"`,
//! `value = "kurz"`, `unit = "množství"`, `decimal = ","`, `date = "/lines/0"`,
//! `date_pattern = '^[0-9.]+'`, `date_format = "%d.%m.%Y"`.
//! **Settings** [`Settings`].

use chrono_tz::Tz;
use regex::{Regex, RegexBuilder};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use upturn_core::fact::rate::{Purpose, Rate};
use upturn_core::money::Currency;

use super::Sheet;
use crate::read::tree::{Node, Path, Spot};
use crate::read::{ReadError, number, text, tree};

/// The largest automaton a pattern may become, in bytes.
const PATTERN_MAX: usize = 1 << 16;

/// Where a bank's table has what.
///
/// Paths are names divided by `/`: a name is every child that has it, `*` every child, `..` goes back
/// up, `@name` is an attribute of XML, `#` the name of the place itself; with a `/` before, a path
/// begins at the document's root, else at the row.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the document is.
    pub format: Format,
    /// Its encoding, as browsers name it: `windows-1251`. Default: what it says itself, else UTF-8.
    pub encoding: Option<String>,
    /// `csv`: the character between cells. Default: `,`.
    pub divider: Option<char>,
    /// `csv`: the line with the names of the columns, from 1. Default: 1.
    #[serde(default, deserialize_with = "whole_number")]
    pub head: Option<usize>,
    /// A place with text that is XML again, as in SOAP answers; all other paths are within that.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub unwrap: Option<Path>,
    /// The rows: every place with one rate. Default for `csv`: `/rows/*`.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub rows: Option<Path>,
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
    /// Texts that stand where there is no rate: `["---", "N/A"]`; an empty text and null always do.
    #[serde(default, deserialize_with = "texts")]
    pub missing: Vec<String>,
    /// The mark before decimals. Default: `.`.
    pub decimal: Option<char>,
    /// The mark between thousands: `,`, or a blank for every kind of blank. Default: none.
    pub thousands: Option<char>,
    /// The day of the rate.
    #[serde(deserialize_with = "needed_path")]
    #[schemars(with = "String")]
    pub date: Path,
    /// What of that text is the day: a regular expression. Default: all of it.
    pub date_pattern: Option<String>,
    /// How the day is written: `%d.%m.%Y`, or `rfc3339`, `unix` or `unix-ms` for instants. Default:
    /// `%Y-%m-%d`.
    pub date_format: Option<String>,
    /// The zone whose days are meant where the document tells instants. Default: `UTC`.
    #[schemars(with = "Option<String>")]
    pub zone: Option<Tz>,
    /// The last day a rate holds, in the same format, where the table says so.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Path>,
    /// What the rates may be used for. Default: `spot`.
    pub purpose: Option<Purpose>,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// JSON.
    Json,
    /// Delimited text.
    Csv,
    /// XML.
    Xml,
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
    let text = text::decode(bytes, settings.encoding.as_deref())?;
    text::refuse_web_page(&text)?;
    let mut tree = match settings.format {
        Format::Json => tree::of_json(&text)?,
        Format::Xml => tree::of_xml(&text)?,
        Format::Csv => tree::of_table(&text, settings.head.unwrap_or(1), reading.divider)?,
    };
    if let Some(path) = &settings.unwrap {
        tree = unwrapped(&tree, path)?;
    }
    let mut sheet = Sheet::default();
    for row in Spot::root(&tree).all(&reading.rows) {
        let read = reading.rate(&row).map_err(|error| error.within(&row.place()))?;
        if let Some(rate) = read {
            sheet.push(rate)?;
        }
    }
    sheet.close()
}

fn unwrapped(tree: &Node, path: &Path) -> Result<Node, ReadError> {
    let inner = Spot::root(tree).text(path);
    let inner = inner.ok_or_else(|| ReadError::whole("there is no text where 'unwrap' points"))?;
    tree::of_xml(inner).map_err(|error| error.within("within 'unwrap', "))
}

/// Settings with their patterns compiled.
struct Reading<'s> {
    settings: &'s Settings,
    divider: u8,
    rows: Path,
    code: Option<Regex>,
    day: Option<Regex>,
    unit: Unit,
}

/// For how many units a price is.
enum Unit {
    Fixed(Decimal),
    Told(Path),
}

impl<'s> Reading<'s> {
    fn of(settings: &'s Settings) -> Result<Self, ReadError> {
        let wrong = |key: &str, what: String| ReadError::at(format!("setting '{key}'"), what);
        let pattern = |key: &str, text: &Option<String>| {
            let compiled =
                text.as_ref().map(|text| RegexBuilder::new(text).size_limit(PATTERN_MAX).build());
            compiled.transpose().map_err(|error| wrong(key, error.to_string()))
        };
        let divider = u8::try_from(settings.divider.unwrap_or(','));
        let rows = settings.rows.clone().or_else(|| {
            (settings.format == Format::Csv && settings.unwrap.is_none())
                .then(|| Path::read("/rows/*"))
        });
        let unit = match settings.unit.as_deref() {
            None => Unit::Fixed(Decimal::ONE),
            Some(text) => number::price(text).map_or_else(
                |_| Unit::Told(Path::read(text)),
                |unit| Unit::Fixed(unit.normalize()),
            ),
        };
        Ok(Self {
            settings,
            divider: divider
                .map_err(|_| wrong("divider", "it is no ASCII character".to_owned()))?,
            rows: rows.ok_or_else(|| wrong("rows", "it is needed for JSON and XML".to_owned()))?,
            code: pattern("code_pattern", &settings.code_pattern)?,
            day: pattern("date_pattern", &settings.date_pattern)?,
            unit,
        })
    }

    /// Returns the rate in `row`; none where the bank says none.
    fn rate(&self, row: &Spot<'_>) -> Result<Option<Rate>, ReadError> {
        let settings = self.settings;
        let value = row.text(&settings.value).unwrap_or_default();
        if value.is_empty() || settings.missing.iter().any(|missing| missing == value) {
            return Ok(None);
        }
        let code = row.text(&settings.code).ok_or_else(|| nowhere("code"))?;
        let Some(code) = matched(self.code.as_ref(), code) else { return Ok(None) };
        let foreign: Currency = code.to_ascii_uppercase().parse().map_err(|error| {
            ReadError::at(", code", format!("'{}': {error}", number::short(code)))
        })?;
        if foreign == settings.home {
            return Ok(None);
        }
        let mark = settings.decimal.unwrap_or('.');
        let amount = |key: &str, text: &str| {
            let plain = number::plain(text, mark, settings.thousands);
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
        Ok(Some(Rate {
            base,
            quote,
            unit,
            value: amount("value", value)?,
            date: self.day("date", row, &settings.date)?,
            purpose: settings.purpose.unwrap_or(Purpose::Spot),
            until: settings.until.as_ref().map(|path| self.day("until", row, path)).transpose()?,
        }))
    }

    fn day(&self, key: &str, row: &Spot<'_>, path: &Path) -> Result<chrono::NaiveDate, ReadError> {
        let written = row.text(path).ok_or_else(|| nowhere(key))?;
        let at = |what| ReadError::at(format!(", {key}"), what);
        let day = matched(self.day.as_ref(), written).ok_or_else(|| {
            at(format!("'{}' does not match 'date_pattern'", number::short(written)))
        })?;
        let format = self.settings.date_format.as_deref().unwrap_or("%Y-%m-%d");
        number::day(day, format, self.settings.zone.unwrap_or(Tz::UTC)).map_err(at)
    }
}

/// Returns what `pattern` finds in `text`: its group `code`, else all it matches.
fn matched<'t>(pattern: Option<&Regex>, text: &'t str) -> Option<&'t str> {
    let Some(pattern) = pattern else { return Some(text) };
    let found = pattern.captures(text)?;
    found.name("code").or_else(|| found.get(0)).map(|part| part.as_str())
}

fn nowhere(key: &str) -> ReadError {
    ReadError::at(format!(", {key}"), "there is no text where the setting points")
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Path>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|text| Path::read(&text)))
}

fn needed_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Path, D::Error> {
    Ok(Path::read(&String::deserialize(deserializer)?))
}

/// A number or a text, from a file or from a command line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(u64),
    Text(String),
}

fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Scalar>::deserialize(deserializer)?.map(|scalar| match scalar {
        Scalar::Number(number) => number.to_string(),
        Scalar::Text(text) => text,
    }))
}

fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let text = number_or_text(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// Texts, as a list or as one text with commas between them.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        List(Vec<String>),
        Line(String),
    }
    Ok(match Texts::deserialize(deserializer)? {
        Texts::List(texts) => texts,
        Texts::Line(line) => line.split(',').map(|text| text.trim().to_owned()).collect(),
    })
}
