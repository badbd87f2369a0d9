//! CSV: a header, and one event a row.
//!
//! `id`, `ts`, `kind`, `channel`, `seq`, `device`, `account` and `contact` are the event's own parts;
//! every other column is an attribute. A cell that is empty says nothing.

use std::io::Read;

use chrono::{DateTime, Utc};
use csv::{ByteRecord, ReaderBuilder, Trim};
use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

use super::row::{Row, WrongRow, find_fault};
use crate::hex::hex;
use crate::lines::Lines;

/// Parts of an event that are texts, also where they look like numbers.
const TEXTS: [&str; 6] = ["id", "kind", "channel", "device", "account", "contact"];
/// Parts that say what an event is about.
const SUBJECTS: [&str; 3] = ["device", "account", "contact"];
/// Bytes of a hash that make an id: 128 bits.
const ID_BYTES: usize = 16;

/// A table whose header is understood.
#[derive(Debug)]
pub(super) struct Table<'f> {
    text: &'f [u8],
    delimiter: u8,
    columns: Vec<Column>,
    kind: Option<&'f str>,
}

#[derive(Debug, PartialEq, Eq)]
struct Column {
    /// As the file names it.
    header: String,
    /// As the event names it.
    attribute: String,
}

/// Why a file is no table of events.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("it has no header; let the first line be id,ts,kind,device and further columns")]
    Empty,
    #[error("column {0} of the header is not UTF-8; save the file as \"CSV UTF-8\"")]
    NotUtf8(usize),
    #[error("column {0} of the header has no name; name or remove it")]
    NoName(usize),
    #[error("column '{0}' stands twice; remove or rename one")]
    Twice(String),
    #[error("--map names column '{0}', which the file has not; there are {1}")]
    Unknown(String, String),
    #[error("no column is '{0}'; add it, or say which one it is: --map COLUMN={0}")]
    Missing(&'static str),
    #[error("no column says what kind the events are; add 'kind', or say --kind KIND")]
    NoKind,
    #[error(
        "no column says what the events are about; name one device, account or contact: \
         --map COLUMN=account"
    )]
    NoSubject,
}

impl<'f> Table<'f> {
    /// Reads the header of `text`; `map` says which columns the event names otherwise.
    pub(super) fn open(
        text: &'f [u8],
        map: &[(String, String)],
        kind: Option<&'f str>,
    ) -> Result<Self, HeaderError> {
        let delimiter = delimiter(text);
        let mut header = ByteRecord::new();
        // Only a source that breaks off can fail, and this one is in memory.
        let is_there = reader(text, delimiter).read_byte_record(&mut header).unwrap_or(false);
        if !is_there || header.iter().all(<[u8]>::is_empty) {
            return Err(HeaderError::Empty);
        }
        let mut columns: Vec<Column> = Vec::with_capacity(header.len());
        for (number, cell) in (1..).zip(&header) {
            let header = std::str::from_utf8(cell).map_err(|_| HeaderError::NotUtf8(number))?;
            if header.is_empty() {
                return Err(HeaderError::NoName(number));
            }
            let mapped = map.iter().find(|(from, _)| from == header).map(|(_, to)| to.as_str());
            let attribute = mapped.unwrap_or(header);
            if columns.iter().any(|known| known.header == header || known.attribute == attribute) {
                return Err(HeaderError::Twice(attribute.to_owned()));
            }
            columns.push(Column { header: header.into(), attribute: attribute.into() });
        }
        let table = Self { text, delimiter, columns, kind };
        table.check(map)?;
        Ok(table)
    }

    fn check(&self, map: &[(String, String)]) -> Result<(), HeaderError> {
        for (from, _) in map {
            if !self.columns.iter().any(|column| column.header == *from) {
                let all: Vec<_> = self.columns.iter().map(|column| &*column.header).collect();
                return Err(HeaderError::Unknown(from.clone(), all.join(", ")));
            }
        }
        let has = |part: &str| self.columns.iter().any(|column| column.attribute == part);
        if !has("ts") {
            return Err(HeaderError::Missing("ts"));
        }
        if !has("kind") && self.kind.is_none() {
            return Err(HeaderError::NoKind);
        }
        if SUBJECTS.iter().any(|part| has(part)) { Ok(()) } else { Err(HeaderError::NoSubject) }
    }

    /// Returns the events of the table.
    pub(super) fn rows(
        &self,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = Result<Row, WrongRow>> + '_ {
        let mut reader = reader(Lines::of(self.text), self.delimiter);
        let mut cells = ByteRecord::new();
        let mut is_header = true;
        std::iter::from_fn(move || {
            // Only a source that breaks off can fail, and this one is in memory.
            while reader.read_byte_record(&mut cells).unwrap_or(false) {
                let start = cells.position().map_or(0, csv::Position::byte);
                let line = reader.get_mut().of_record(start);
                // Spreadsheets leave rows of separators behind.
                let is_blank = cells.iter().all(<[u8]>::is_empty);
                if !std::mem::take(&mut is_header) && !is_blank {
                    return Some(self.row(line, &cells, now));
                }
            }
            None
        })
    }

    fn row(&self, line: u64, cells: &ByteRecord, now: DateTime<Utc>) -> Result<Row, WrongRow> {
        if cells.len() != self.columns.len() {
            let message = format!(
                "{} cells under {} columns; quote a cell that holds the separator",
                cells.len(),
                self.columns.len()
            );
            return Err(WrongRow { line, column: None, message });
        }
        let text = Value::Object(self.object(line, cells)?).to_string();
        let Some((field, message)) = find_fault(&text, now) else { return Ok(Row { line, text }) };
        let column = self.columns.iter().find(|column| Some(&*column.attribute) == field);
        Err(WrongRow { line, column: column.map(|column| column.header.clone()), message })
    }

    fn object(&self, line: u64, cells: &ByteRecord) -> Result<Map<String, Value>, WrongRow> {
        let mut object = Map::new();
        let mut hash = Sha256::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let cell = std::str::from_utf8(cell).map_err(|_| WrongRow {
                line,
                column: Some(column.header.clone()),
                message: "not UTF-8; save the file as \"CSV UTF-8\"".to_owned(),
            })?;
            if cell.is_empty() {
                continue;
            }
            for part in [&*column.header, cell] {
                hash.update(part.len().to_le_bytes());
                hash.update(part);
            }
            object.insert(column.attribute.clone(), value(&column.attribute, cell));
        }
        if let (Some(kind), false) = (self.kind, object.contains_key("kind")) {
            hash.update(kind);
            object.insert("kind".into(), kind.into());
        }
        // The same row of the same file has the same id, so that importing it again changes nothing.
        if !object.contains_key("id") {
            let hash = hash.finalize();
            object.insert("id".into(), hex(hash.get(..ID_BYTES).unwrap_or(&hash)).into());
        }
        Ok(object)
    }
}

/// Returns a cell as JSON: a number if JSON writes it in the same digits, else a text. `007`, `1.50`,
/// `=1+1` and numbers beyond a machine's precision stay what they are.
fn value(attribute: &str, cell: &str) -> Value {
    let number = || cell.parse::<Number>().ok().filter(|number| number.to_string() == cell);
    if TEXTS.contains(&attribute) {
        return cell.into();
    }
    number().map_or_else(|| cell.into(), Value::Number)
}

fn reader<R: Read>(text: R, delimiter: u8) -> csv::Reader<R> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(delimiter)
        .from_reader(text)
}

/// Returns what separates the cells of the header: whichever of `,`, `;` and tab it has most of.
fn delimiter(text: &[u8]) -> u8 {
    let header = text.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| {
        let (mut is_quoted, mut count) = (false, 0_usize);
        for byte in header {
            is_quoted ^= *byte == b'"';
            count += usize::from(!is_quoted && *byte == wanted);
        }
        count
    };
    // Of several with the same count the last wins: the comma.
    b"\t;,".iter().copied().max_by_key(|byte| count(*byte)).unwrap_or(b',')
}

#[cfg(test)]
mod tests;
