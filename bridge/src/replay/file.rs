//! Folds files of events: lines of bounded length, or the rows of a Parquet file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use chrono::{DateTime, Utc};
use upturn_core::decode::{PAYLOAD_MAX, Sources, line};
use upturn_core::event::Event;
use upturn_core::input::Input;
use upturn_core::replay::Replay;

use super::{Plan, ReplayError};
use crate::parquet::{self, TableError};

/// How many unread lines are named; the rest are counted.
const NAMED_MAX: u64 = 10;
/// A line holds a payload and what stands around it.
const LINE_MAX: usize = 2 * PAYLOAD_MAX;

/// Lets every one of `replays` take the plan's files, one after the other.
pub(super) fn run(
    plan: &Plan<'_>,
    sources: &Sources,
    replays: &mut [Replay],
    notes: &mut Vec<String>,
) -> Result<(), ReplayError> {
    let mut pass = Pass { plan, sources, replays, notes, lines: 0, unread: 0, is_cut: false };
    for path in plan.events {
        let named = |source| ReplayError::Read { path: path.clone(), source };
        if path.as_os_str() == "-" {
            pass.read(&mut io::stdin().lock()).map_err(named)?;
        } else if is_parquet(path).map_err(named)? {
            pass.read_rows(path)?;
        } else {
            let file = File::open(path).map_err(named)?;
            pass.read(&mut BufReader::with_capacity(1 << 20, file)).map_err(named)?;
        }
    }
    let Pass { lines, unread, is_cut, .. } = pass;
    if 0 < unread {
        notes.push(format!("{unread} of {lines} lines became no event"));
        if unread == lines {
            return Err(ReplayError::NothingRead(lines));
        }
    }
    // Something came later, so time did pass until then.
    if let Some(until) = plan.until.filter(|_| is_cut) {
        for replay in replays {
            replay.take(until, Input::Tick);
        }
    }
    Ok(())
}

/// One pass over all files.
struct Pass<'p> {
    plan: &'p Plan<'p>,
    sources: &'p Sources,
    replays: &'p mut [Replay],
    notes: &'p mut Vec<String>,
    lines: u64,
    unread: u64,
    /// Whether something came too late for the plan.
    is_cut: bool,
}

impl Pass<'_> {
    fn read(&mut self, input: &mut impl BufRead) -> io::Result<()> {
        let (mut number, mut line) = (0_u64, Vec::new());
        while read_line(input, &mut line)? {
            number += 1;
            self.lines += 1;
            if !line.iter().all(u8::is_ascii_whitespace) {
                self.take(number, &line);
            }
        }
        Ok(())
    }

    /// Takes the rows of a Parquet file; one that cannot be is counted, as a line would be.
    fn read_rows(&mut self, path: &Path) -> Result<(), ReplayError> {
        let table = |source| ReplayError::Table { path: path.to_owned(), source };
        for row in parquet::read(path).map_err(table)? {
            self.lines += 1;
            match row {
                Ok(event) => self.take_event(event),
                Err(TableError::Row { row, source }) => {
                    self.leave_out(format!("row {row}: {source}"));
                }
                // Behind a page that cannot be read there is nothing to go on with.
                Err(error) => return Err(table(error)),
            }
        }
        Ok(())
    }

    fn take(&mut self, number: u64, line: &[u8]) {
        match line::decode(&String::from_utf8_lossy(line), self.sources, self.log_time()) {
            Ok(event) => self.take_event(event),
            Err(error) => self.leave_out(format!("line {number}: {error}")),
        }
    }

    fn leave_out(&mut self, note: String) {
        self.unread += 1;
        if self.unread <= NAMED_MAX {
            self.notes.push(note);
        }
    }

    fn log_time(&self) -> DateTime<Utc> {
        let first = self.replays.first().map(|first| first.engine().log_time());
        first.unwrap_or_default().max(DateTime::UNIX_EPOCH)
    }

    fn take_event(&mut self, event: Event) {
        let log_time = self.log_time();
        if self.plan.until.is_some_and(|until| until <= event.received_at.max(log_time)) {
            self.is_cut = true;
            return;
        }
        if let Some((last, others)) = self.replays.split_last_mut() {
            for replay in others {
                replay.take_event(event.clone());
            }
            last.take_event(event);
        }
    }
}

fn is_parquet(path: &Path) -> io::Result<bool> {
    let mut begin = Vec::new();
    let magic = parquet::MAGIC;
    File::open(path)?.take(magic.len() as u64).read_to_end(&mut begin)?;
    Ok(begin == magic)
}

/// Reads one line of bounded length; what is longer is cut and will not parse.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut read = 0;
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            return Ok(0 < read);
        }
        let (part, ends) = match available.iter().position(|byte| *byte == b'\n') {
            Some(end) => (available.get(..end).unwrap_or(available), true),
            None => (available, false),
        };
        let room = LINE_MAX.saturating_sub(line.len());
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        let used = part.len() + usize::from(ends);
        read += used;
        input.consume(used);
        if ends {
            return Ok(true);
        }
    }
}
