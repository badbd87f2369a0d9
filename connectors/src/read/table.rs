//! Tables that nobody has written a reader for: settings say what the document is, where its rows
//! stand, and how numbers and days are written.

use chrono::NaiveDate;
use chrono_tz::Tz;
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::tree::{self, Node, Path, Spot};
use super::{ReadError, number, text};

/// The largest automaton a pattern may become, in bytes.
const PATTERN_MAX: usize = 1 << 16;

/// What a document is, and how things are written in it.
///
/// Paths are names divided by `/`: a name is every child that has it, `*` every child, `..` goes back
/// up, `@name` is an attribute of XML, `#` the name of the place itself; with a `/` before, a path
/// begins at the document's root, else at the row.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Layout {
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
    /// The rows: every place with one fact. Default for `csv`: `/rows/*`.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub rows: Option<Path>,
    /// Texts that stand where there is nothing: `["---", "N/A"]`; an empty text and null always do.
    #[serde(default, deserialize_with = "texts")]
    pub missing: Vec<String>,
    /// The mark before decimals. Default: `.`.
    pub decimal: Option<char>,
    /// The mark between thousands: `,`, or a blank for every kind of blank. Default: none.
    pub thousands: Option<char>,
    /// What of a day's text is the day: a regular expression. Default: all of it.
    pub date_pattern: Option<String>,
    /// How days are written: `%d.%m.%Y`, or `rfc3339`, `unix` or `unix-ms` for instants. Default:
    /// `%Y-%m-%d`.
    pub date_format: Option<String>,
    /// The zone whose days are meant where the document tells instants. Default: `UTC`.
    #[schemars(with = "Option<String>")]
    pub zone: Option<Tz>,
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

/// A [`Layout`] that is ready to read by.
#[derive(Debug)]
pub struct Table<'l> {
    layout: &'l Layout,
    divider: u8,
    rows: Path,
    day: Option<Regex>,
}

impl<'l> Table<'l> {
    /// Returns how to read by `layout`, or which of its settings is wrong.
    pub fn of(layout: &'l Layout) -> Result<Self, ReadError> {
        let wrong = |key: &str, what: &str| ReadError::at(format!("setting '{key}'"), what);
        let divider = u8::try_from(layout.divider.unwrap_or(','));
        let rows = layout.rows.clone().or_else(|| {
            (layout.format == Format::Csv && layout.unwrap.is_none()).then(|| Path::read("/rows/*"))
        });
        Ok(Self {
            layout,
            divider: divider.map_err(|_| wrong("divider", "it is no ASCII character"))?,
            rows: rows.ok_or_else(|| wrong("rows", "it is needed for JSON and XML"))?,
            day: pattern("date_pattern", layout.date_pattern.as_deref())?,
        })
    }

    /// Reads a document as a tree.
    pub fn open(&self, bytes: &[u8]) -> Result<Node, ReadError> {
        let text = text::decode(bytes, self.layout.encoding.as_deref())?;
        text::refuse_web_page(&text)?;
        let tree = match self.layout.format {
            Format::Json => tree::of_json(&text)?,
            Format::Xml => tree::of_xml(&text)?,
            Format::Csv => tree::of_table(&text, self.layout.head.unwrap_or(1), self.divider)?,
        };
        match &self.layout.unwrap {
            Some(path) => unwrapped(&tree, path),
            None => Ok(tree),
        }
    }

    /// Returns the rows of a tree, in the order of the document.
    pub fn rows<'n>(&self, tree: &'n Node) -> Vec<Spot<'n>> {
        Spot::root(tree).all(&self.rows)
    }

    /// Returns the text at `path`; none where nothing stands.
    pub fn text<'n>(&self, row: &Spot<'n>, path: &Path) -> Option<&'n str> {
        let text = row.text(path).filter(|text| !text.is_empty())?;
        (!self.layout.missing.iter().any(|missing| missing == text)).then_some(text)
    }

    /// Returns `text`, a number, in the plain form.
    pub fn number(&self, text: &str) -> Result<String, String> {
        number::plain(text, self.layout.decimal.unwrap_or('.'), self.layout.thousands)
    }

    /// Returns the day at `path`, which is the setting `key`.
    pub fn day(&self, key: &str, row: &Spot<'_>, path: &Path) -> Result<NaiveDate, ReadError> {
        self.find_day(key, row, path)?.ok_or_else(|| nowhere(key))
    }

    /// Returns the day at `path`, which is the setting `key`; none where nothing stands.
    pub fn find_day(
        &self,
        key: &str,
        row: &Spot<'_>,
        path: &Path,
    ) -> Result<Option<NaiveDate>, ReadError> {
        let Some(written) = self.text(row, path) else { return Ok(None) };
        let at = |what| ReadError::at(format!(", {key}"), what);
        let day = matched(self.day.as_ref(), written).ok_or_else(|| {
            at(format!("'{}' does not match 'date_pattern'", number::short(written)))
        })?;
        let format = self.layout.date_format.as_deref().unwrap_or("%Y-%m-%d");
        number::day(day, format, self.layout.zone.unwrap_or(Tz::UTC)).map(Some).map_err(at)
    }
}

/// A row whose cells stand where a setting points, else under the setting's own name.
#[derive(Debug)]
pub struct Cells<'r, 'n> {
    table: &'r Table<'r>,
    row: &'r Spot<'n>,
}

impl<'r, 'n> Cells<'r, 'n> {
    /// Returns the cells of `row`.
    pub fn of(table: &'r Table<'r>, row: &'r Spot<'n>) -> Self {
        Self { table, row }
    }

    /// Returns the text of the setting `name`; none where nothing stands.
    pub fn find(&self, path: Option<&Path>, name: &str) -> Option<&'n str> {
        match path {
            Some(path) => self.table.text(self.row, path),
            None => self.table.text(self.row, &Path::read(name)),
        }
    }

    /// Returns the text of the setting `name`, which must be there.
    pub fn need(&self, path: Option<&Path>, name: &str) -> Result<&'n str, ReadError> {
        self.find(path, name).ok_or_else(|| ReadError::at(format!(", {name}"), "there is nothing"))
    }

    /// Returns the day of the setting `name`; none where nothing stands.
    pub fn find_day(
        &self,
        path: Option<&Path>,
        name: &str,
    ) -> Result<Option<NaiveDate>, ReadError> {
        let named = Path::read(name);
        self.table.find_day(name, self.row, path.unwrap_or(&named))
    }

    /// Returns the day of the setting `name`, which must be there.
    pub fn day(&self, path: Option<&Path>, name: &str) -> Result<NaiveDate, ReadError> {
        let found = self.find_day(path, name)?;
        found.ok_or_else(|| ReadError::at(format!(", {name}"), "there is no day"))
    }
}

fn unwrapped(tree: &Node, path: &Path) -> Result<Node, ReadError> {
    let inner = Spot::root(tree).text(path);
    let inner = inner.ok_or_else(|| ReadError::whole("there is no text where 'unwrap' points"))?;
    tree::of_xml(inner).map_err(|error| error.within("within 'unwrap', "))
}

/// Compiles `text`, the setting `key`.
pub(crate) fn pattern(key: &str, text: Option<&str>) -> Result<Option<Regex>, ReadError> {
    let compiled = text.map(|text| RegexBuilder::new(text).size_limit(PATTERN_MAX).build());
    let wrong = |error: regex::Error| ReadError::at(format!("setting '{key}'"), error.to_string());
    compiled.transpose().map_err(wrong)
}

/// Returns what `pattern` finds in `text`: its group `code`, else all it matches.
pub(crate) fn matched<'t>(pattern: Option<&Regex>, text: &'t str) -> Option<&'t str> {
    let Some(pattern) = pattern else { return Some(text) };
    let found = pattern.captures(text)?;
    found.name("code").or_else(|| found.get(0)).map(|part| part.as_str())
}

/// Returns that the setting `key` points where no text is.
pub(crate) fn nowhere(key: &str) -> ReadError {
    ReadError::at(format!(", {key}"), "there is no text where the setting points")
}

/// Reads a setting that may name a place.
pub(crate) fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Path>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|text| Path::read(&text)))
}

/// Reads a setting that names a place.
pub(crate) fn needed_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Path, D::Error> {
    Ok(Path::read(&String::deserialize(deserializer)?))
}

/// A number or a text, from a file or from a command line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(u64),
    Text(String),
}

/// Reads a setting that is a number or a text.
pub(crate) fn number_or_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(Option::<Scalar>::deserialize(deserializer)?.map(|scalar| match scalar {
        Scalar::Number(number) => number.to_string(),
        Scalar::Text(text) => text,
    }))
}

fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let text = number_or_text(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// Reads a setting that is texts: a list, or one text with commas between them.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
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
