//! The rows of a table, read by the names of its columns.

use std::io::{BufRead as _, BufReader, Read};

use csv::{ReaderBuilder, StringRecord, Trim};
use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;
use sha2::{Digest as _, Sha256};
use upturn_core::record::{Kind, Record};

use super::findings::Findings;
use super::limit::{Limited, ROW_MAX};
use super::{ImportError, Source, open};

/// A record and the line it stands in, counted from 1.
#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    /// The line its row begins in.
    pub(crate) line: u64,
    /// What the row holds.
    pub(crate) record: Record,
}

/// Some rows.
#[derive(Debug)]
pub(super) struct Batch {
    /// How many there were.
    pub(super) rows: u64,
    /// What the sound ones hold.
    pub(super) records: Vec<Numbered>,
}

/// The rows of a table.
pub(super) struct Rows {
    kind: &'static Kind,
    source: Source,
    reader: csv::Reader<Limited<Box<dyn Read + Send>>>,
    /// Where each column of the kind stands in a row.
    places: Vec<(&'static str, usize)>,
    width: usize,
    cells: StringRecord,
    digest: Sha256,
}

impl Rows {
    /// Opens the table in `source` and reads its headings.
    pub(super) fn open(kind: &'static Kind, source: &Source) -> Result<Self, ImportError> {
        let refuse = |why| ImportError::Table { path: source.file.clone(), why };
        let delimiter = match source.delimiter {
            Some(delimiter) => delimiter,
            None => find_delimiter(source)?,
        };
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .delimiter(delimiter)
            .from_reader(Limited::new(decoded(source)?));
        let mut headings = StringRecord::new();
        let is_there = reader.read_record(&mut headings).map_err(|error| refuse(wrong(&error)))?;
        if !is_there {
            return Err(refuse("it is empty; let the first line name the columns".to_owned()));
        }
        let places = places(kind, &headings, &source.map).map_err(refuse)?;
        let width = headings.len();
        let cells = StringRecord::new();
        let source = source.clone();
        Ok(Self { kind, source, reader, places, width, cells, digest: Sha256::new() })
    }

    /// Reads up to `max` rows; `None` behind the last one. Wrong ones go to `findings`.
    pub(super) fn batch(
        &mut self,
        max: usize,
        findings: &mut Findings,
    ) -> Result<Option<Batch>, ImportError> {
        let mut batch = Batch { rows: 0, records: Vec::new() };
        while batch.records.len() < max {
            let is_there = self.reader.read_record(&mut self.cells).map_err(|error| {
                ImportError::Table { path: self.source.file.clone(), why: wrong(&error) }
            })?;
            if !is_there {
                return Ok((0 < batch.rows).then_some(batch));
            }
            let start = self.cells.position().map_or(0, csv::Position::byte);
            let line = self.reader.get_mut().begin(start);
            // Spreadsheets leave rows of commas behind.
            if self.cells.iter().all(str::is_empty) {
                continue;
            }
            batch.rows += 1;
            if let Some(record) = self.read(line, findings) {
                batch.records.push(Numbered { line, record });
            }
        }
        Ok(Some(batch))
    }

    /// Returns what the current row holds, or reports what is wrong with it.
    fn read(&mut self, line: u64, findings: &mut Findings) -> Option<Record> {
        for cell in &self.cells {
            self.digest.update(cell);
            self.digest.update([0]);
        }
        if self.cells.len() != self.width {
            let (found, width) = (self.cells.len(), self.width);
            findings.report(
                line,
                format!("{found} cells under {width} headings; quote a cell that holds a comma"),
            );
            return None;
        }
        // What the decoder puts where bytes are no text.
        if self.cells.iter().any(|cell| cell.contains(char::REPLACEMENT_CHARACTER)) {
            findings.report(line, "not all of it is text in this encoding; name it".to_owned());
            return None;
        }
        let place = |name| self.places.iter().find(|(column, _)| *column == name);
        match self.kind.read(|name| self.cells.get(place(name)?.1)) {
            Ok(record) => Some(record),
            Err(errors) => {
                for error in errors {
                    findings.report(line, error.to_string());
                }
                None
            }
        }
    }

    /// Returns a digest of all that was read.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }
}

/// Returns where each column stands, or what is wrong with the headings.
fn places(
    kind: &'static Kind,
    headings: &StringRecord,
    map: &[(String, String)],
) -> Result<Vec<(&'static str, usize)>, String> {
    let all = || kind.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    if let Some((heading, _)) = map.iter().find(|(from, _)| !headings.iter().any(|h| h == from)) {
        return Err(format!("there is no heading \"{}\" to map", heading.escape_debug()));
    }
    let mut places: Vec<(&'static str, usize)> = Vec::new();
    for (place, heading) in headings.iter().enumerate() {
        let mapped = map.iter().find(|(from, _)| from == heading).map(|(_, to)| to.as_str());
        if mapped == Some("") {
            continue;
        }
        let name = mapped.unwrap_or(heading);
        let Some(column) = kind.column(name) else {
            let name = name.escape_debug();
            return Err(format!(
                "'{name}' is no column of {}; there are {}. Say which one it is with --map \
                 '{name}=COLUMN', or leave it out with --map '{name}='",
                kind.name,
                all()
            ));
        };
        if places.iter().any(|(known, _)| *known == column.name) {
            return Err(format!("column '{}' stands there twice; leave one out", column.name));
        }
        places.push((column.name, place));
    }
    let is_there = |name: &str| places.iter().any(|(known, _)| *known == name);
    let missing = kind.columns.iter().find(|column| {
        column.presence == upturn_core::record::Presence::Always && !is_there(column.name)
    });
    match missing {
        Some(column) => Err(format!("column '{}' is missing; {}", column.name, column.about)),
        None => Ok(places),
    }
}

/// Returns what stands between the headings: of comma, semicolon and tab the one that is there most.
fn find_delimiter(source: &Source) -> Result<u8, ImportError> {
    let mut line = Vec::new();
    let read = BufReader::new(decoded(source)?).take(ROW_MAX).read_until(b'\n', &mut line);
    let refuse = |why| ImportError::Table { path: source.file.clone(), why };
    read.map_err(|source_error| refuse(source_error.to_string()))?;
    if u64::try_from(line.len()).unwrap_or(u64::MAX) == ROW_MAX {
        return Err(refuse(format!(
            "its first line is longer than {ROW_MAX} bytes; is it a table?"
        )));
    }
    let count = |mark: &u8| line.split(|byte| byte == mark).count();
    Ok([b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b','))
}

/// Returns the file as UTF-8.
fn decoded(source: &Source) -> Result<Box<dyn Read + Send>, ImportError> {
    let encoding = source.encoding.as_deref().map(|label| {
        Encoding::for_label(label.trim().as_bytes()).ok_or_else(|| ImportError::Table {
            path: source.file.clone(),
            why: format!("there is no encoding '{}'", label.escape_debug()),
        })
    });
    let encoding = encoding.transpose()?.unwrap_or(encoding_rs::UTF_8);
    let file = open(&source.file)?;
    let mut builder = DecodeReaderBytesBuilder::new();
    // A byte order mark wins over what we were told.
    Ok(Box::new(builder.encoding(Some(encoding)).bom_override(true).build(file)))
}

fn wrong(error: &csv::Error) -> String {
    if let csv::ErrorKind::Io(error) = error.kind() {
        error.to_string()
    } else {
        format!("not a table: {error}")
    }
}
