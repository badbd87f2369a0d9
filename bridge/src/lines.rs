//! Lines of a CSV file, as an editor counts them.

use std::collections::VecDeque;
use std::io::{self, Read};

/// Hands bytes on and knows the line of each record that a CSV reader makes of them.
///
/// The reader's own count is that of the record before where empty lines or a CR LF lie between. What
/// is remembered are the breaks that were read ahead, however many of them follow each other once.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    inner: R,
    given: u64,
    ahead: VecDeque<Breaks>,
    line: u64,
}

/// CR and LF that follow each other.
#[derive(Debug)]
struct Breaks {
    /// Where the first stands and the last ends, in bytes.
    from: u64,
    until: u64,
    /// How many of them are LF.
    lines: u64,
}

impl<R: Read> Lines<R> {
    /// Returns a reader of `inner` that stands at its beginning.
    pub(crate) fn of(inner: R) -> Self {
        Self { inner, given: 0, ahead: VecDeque::new(), line: 1 }
    }

    /// Returns the line of the record that begins at or just behind byte `start`; `start` only grows.
    pub(crate) fn of_record(&mut self, start: u64) -> u64 {
        while let Some(breaks) = self.ahead.pop_front_if(|breaks| breaks.from <= start) {
            self.line += breaks.lines;
        }
        self.line
    }

    fn note(&mut self, byte: u8) {
        if matches!(byte, b'\r' | b'\n') {
            let lines = u64::from(byte == b'\n');
            if let Some(last) = self.ahead.back_mut().filter(|last| last.until == self.given) {
                last.until += 1;
                last.lines += lines;
            } else {
                let (from, until) = (self.given, self.given + 1);
                self.ahead.push_back(Breaks { from, until, lines });
            }
        }
        self.given += 1;
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        buffer.iter().take(count).for_each(|byte| self.note(*byte));
        Ok(count)
    }
}
