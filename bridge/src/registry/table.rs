//! Tables of the registry: CSV files with a header, read row by row.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::problem::Problems;
use crate::lines::Lines;

/// The largest file that is read, in bytes: a million devices have less.
const SIZE_MAX: u64 = 256 * 1024 * 1024;

/// What a table looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// The file's name.
    pub(crate) file: &'static str,
    /// The columns that must be there.
    pub(crate) required: &'static [&'static str],
    /// The columns that may be there.
    pub(crate) optional: &'static [&'static str],
}

/// One row, by the names of its columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'r> {
    /// The line it begins on.
    pub(crate) line: u64,
    columns: &'r [&'static str],
    cells: &'r StringRecord,
}

impl<'r> Row<'r> {
    /// Returns the cell in `column`, or `None` if it is empty or the table has no such column.
    pub(crate) fn find(&self, column: &str) -> Option<&'r str> {
        let place = self.columns.iter().position(|known| *known == column)?;
        self.cells.get(place).filter(|cell| !cell.is_empty())
    }
}

impl Table {
    /// Hands each row of the table's file in `folder` to `take`; a file that is missing has none.
    ///
    /// Returns whether the rows could be read; what is wrong goes to `problems`.
    pub(crate) fn read(
        &self,
        folder: &Path,
        problems: &mut Problems,
        mut take: impl FnMut(Row<'_>, &mut Problems),
    ) -> bool {
        let path = folder.join(self.file);
        let text = match read_text(&path) {
            Ok(Some(text)) => text,
            Ok(None) => return true,
            Err((line, message)) => {
                problems.report(&path, line, message);
                return false;
            }
        };
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(Lines::of(text.as_bytes()));
        let mut columns: Option<Vec<&'static str>> = None;
        let mut cells = StringRecord::new();
        loop {
            match reader.read_record(&mut cells) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    problems.report(&path, None, format!("not CSV: {error}"));
                    return false;
                }
            }
            let start = cells.position().map_or(0, csv::Position::byte);
            let line = reader.get_mut().of_record(start);
            let Some(columns) = &columns else {
                columns = self.header(&path, line, &cells, problems);
                if columns.is_none() {
                    return false;
                }
                continue;
            };
            // Spreadsheets leave rows of commas behind.
            if cells.iter().all(str::is_empty) {
                continue;
            }
            if cells.len() == columns.len() {
                take(Row { line, columns, cells: &cells }, problems);
            } else {
                let message = format!(
                    "{} cells under {} columns; quote a cell that holds a comma",
                    cells.len(),
                    columns.len()
                );
                problems.report(&path, Some(line), message);
            }
        }
        if columns.is_none() {
            let needed = self.required.join(",");
            problems.report(&path, None, format!("no header; let the first line be {needed}"));
        }
        columns.is_some()
    }

    /// Returns the columns of a header in its order, or `None` if rows cannot be read by it.
    fn header(
        &self,
        path: &Path,
        line: u64,
        cells: &StringRecord,
        problems: &mut Problems,
    ) -> Option<Vec<&'static str>> {
        let known = || self.required.iter().chain(self.optional);
        let mut columns: Vec<&'static str> = Vec::new();
        let mut is_sound = true;
        let mut refuse = |message: String| {
            problems.report(path, Some(line), message);
            is_sound = false;
        };
        if cells.len() == 1 && cells.iter().any(|cell| cell.contains([';', '\t'])) {
            refuse("the columns are not separated by commas; save the table with commas".into());
            return None;
        }
        for cell in cells {
            match known().find(|known| **known == cell) {
                Some(column) if columns.contains(column) => {
                    refuse(format!("column '{column}' stands twice; remove one"));
                }
                Some(column) => columns.push(column),
                None => {
                    let all: Vec<_> = known().copied().collect();
                    let all = all.join(", ");
                    refuse(format!("unknown column '{cell}'; there are {all}"));
                }
            }
        }
        for column in self.required {
            if !columns.contains(column) {
                refuse(format!("column '{column}' is missing; add it"));
            }
        }
        is_sound.then_some(columns)
    }
}

/// Returns the text of a file without its byte order mark, `None` if there is no such file, or the line
/// and what is wrong.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, (Option<u64>, String)> {
    let unreadable = |error: io::Error| (None, format!("cannot be read: {error}"));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    file.take(SIZE_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if SIZE_MAX < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        return Err((None, format!("larger than {SIZE_MAX} bytes; is it the right file?")));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let lines = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
        let line = u64::try_from(lines).map_or(u64::MAX, |lines| lines + 1);
        (Some(line), "not UTF-8; save it as UTF-8, a table as \"CSV UTF-8\"".to_owned())
    })
}
