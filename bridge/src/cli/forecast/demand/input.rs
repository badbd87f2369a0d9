//! Histories as they stand in a table: one item after the other, period by period.

use std::collections::HashSet;
use std::io::Read;

use chrono::NaiveDate;
use csv::{ByteRecord, Reader, ReaderBuilder, Trim};
use upturn_core::forecast::demand::HISTORY_MAX;

use crate::forecasts::period::Frequency;
use crate::web::visible::Visible;

/// More units a period are taken for a mistake.
const UNITS_MAX: f64 = 1e15;

/// The longest name of an item, in bytes.
const NAME_MAX: usize = 256;

/// The most items of a table; their names are kept, to see one that comes twice.
const ITEMS_MAX: usize = 2_000_000;

/// The history of one item.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: Box<str>,
    /// The beginning of its last period.
    pub(super) last_on: NaiveDate,
    /// Units a period; never empty.
    pub(super) units: Vec<f64>,
    /// Periods between others that had no row, and are taken for periods without demand.
    pub(super) gaps: usize,
}

/// Why a table is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeaderError {
    #[error("its first line cannot be read")]
    Line(#[from] csv::Error),
    #[error("no column is called {0}; the columns are unique_id, ds and y")]
    Missing(&'static str),
}

/// Why an item is left out.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {name}: {reason}; the item is left out", name = Visible(name))]
pub(super) struct LeftOut {
    line: u64,
    name: String,
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("'{text}' is no date as 2025-01-31", text = Visible(.0))]
    Date(String),
    #[error("'{text}' is no number of units", text = Visible(.0))]
    Units(String),
    #[error("{0} units are fewer than none; book returns elsewhere")]
    Negative(f64),
    #[error("{0} units are more than {UNITS_MAX:e}")]
    TooMany(f64),
    #[error("no period begins on {on} after {before}; sort by item and date, or see --freq")]
    Order { before: NaiveDate, on: NaiveDate },
    #[error("no month begins on {0}; with --freq MS each date is the first of a month")]
    Beginning(NaiveDate),
    #[error("an item of this name came before; sort by item and date")]
    Twice,
    #[error("its name is longer than {NAME_MAX} bytes")]
    Name,
    #[error("the table has more than {ITEMS_MAX} items")]
    TooManyItems,
}

/// A table of histories.
#[derive(Debug)]
pub(super) struct Input<R> {
    reader: Reader<R>,
    frequency: Frequency,
    columns: [usize; 3],
    record: ByteRecord,
    /// Whether `record` holds the first row of the next item.
    is_ahead: bool,
    seen: HashSet<Box<[u8]>>,
}

impl<R: Read> Input<R> {
    /// Opens the table at its header.
    pub(super) fn open(source: R, frequency: Frequency) -> Result<Self, HeaderError> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(source);
        let header = reader.byte_headers()?;
        let column = |name: &'static str| {
            let is_it = |cell: &[u8]| {
                let cell = cell.strip_prefix("\u{feff}".as_bytes()).unwrap_or(cell);
                cell == name.as_bytes()
            };
            header.iter().position(is_it).ok_or(HeaderError::Missing(name))
        };
        let columns = [column("unique_id")?, column("ds")?, column("y")?];
        let record = ByteRecord::new();
        Ok(Self { reader, frequency, columns, record, is_ahead: false, seen: HashSet::new() })
    }

    /// Returns the next item, or why it is left out; `None` at the end of the table.
    pub(super) fn next_series(&mut self) -> Result<Option<Result<Series, LeftOut>>, csv::Error> {
        if !self.is_ahead && !self.reader.read_byte_record(&mut self.record)? {
            return Ok(None);
        }
        let [id, ..] = self.columns;
        let id: Box<[u8]> = cell(&self.record, id).into();
        let name: Box<str> = String::from_utf8_lossy(&id).into();
        let mut history = History::default();
        let mut outcome = self.is_new(&id).map_err(|reason| self.left_out(&name, reason));
        loop {
            if outcome.is_ok() {
                let taken = history.take(&self.record, self.columns, self.frequency);
                outcome = taken.map_err(|reason| self.left_out(&name, reason));
            }
            self.is_ahead = self.reader.read_byte_record(&mut self.record)?;
            let [column, ..] = self.columns;
            if !self.is_ahead || cell(&self.record, column) != &*id {
                break;
            }
        }
        Ok(Some(outcome.map(|()| history.finish(name))))
    }

    fn is_new(&mut self, id: &[u8]) -> Result<(), Reason> {
        if NAME_MAX < id.len() {
            return Err(Reason::Name);
        }
        if ITEMS_MAX <= self.seen.len() {
            return Err(Reason::TooManyItems);
        }
        if self.seen.insert(id.into()) { Ok(()) } else { Err(Reason::Twice) }
    }

    fn left_out(&self, name: &str, reason: Reason) -> LeftOut {
        let line = self.record.position().map_or(0, csv::Position::line);
        let name = name.chars().take(NAME_MAX).collect();
        LeftOut { line, name, reason }
    }
}

/// What was read of an item.
#[derive(Debug, Default)]
struct History {
    last_on: NaiveDate,
    units: Vec<f64>,
    gaps: usize,
}

impl History {
    fn take(
        &mut self,
        record: &ByteRecord,
        [_, on, units]: [usize; 3],
        frequency: Frequency,
    ) -> Result<(), Reason> {
        let on = date(cell(record, on))?;
        let units = number(cell(record, units))?;
        if !self.units.is_empty() {
            let before = self.last_on;
            let steps = frequency.steps(before, on).ok_or(Reason::Order { before, on })?;
            let missing = usize::try_from(steps - 1).unwrap_or(HISTORY_MAX);
            self.gaps = self.gaps.saturating_add(missing);
            // Older ones than this are not used.
            self.units.extend(std::iter::repeat_n(0.0, missing.min(HISTORY_MAX)));
        } else if !frequency.is_beginning(on) {
            return Err(Reason::Beginning(on));
        }
        self.last_on = on;
        self.units.push(units);
        if 2 * HISTORY_MAX < self.units.len() {
            self.units.drain(..self.units.len() - HISTORY_MAX);
        }
        Ok(())
    }

    fn finish(self, name: Box<str>) -> Series {
        Series { name, last_on: self.last_on, units: self.units, gaps: self.gaps }
    }
}

fn cell(record: &ByteRecord, column: usize) -> &[u8] {
    record.get(column).unwrap_or_default()
}

fn date(cell: &[u8]) -> Result<NaiveDate, Reason> {
    let wrong = || Reason::Date(shown(cell));
    std::str::from_utf8(cell).ok().and_then(|text| text.parse().ok()).ok_or_else(wrong)
}

fn number(cell: &[u8]) -> Result<f64, Reason> {
    let text = std::str::from_utf8(cell).ok();
    let units: Option<f64> = text.and_then(|text| text.parse().ok());
    let units =
        units.filter(|units| units.is_finite()).ok_or_else(|| Reason::Units(shown(cell)))?;
    match units {
        units if units < 0.0 => Err(Reason::Negative(units)),
        units if UNITS_MAX < units => Err(Reason::TooMany(units)),
        // Minus zero is zero.
        units => Ok(units.abs()),
    }
}

fn shown(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).chars().take(40).collect()
}
