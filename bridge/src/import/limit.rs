//! A reader that lets no row be longer than one may be: a quote that is never closed, or a million
//! cells, would be held as a whole.

use std::io::{self, Read};

use crate::lines::Lines;

/// The longest row, in bytes.
pub(super) const ROW_MAX: u64 = 1024 * 1024;

/// Reads on as long as the row that is read began at most [`ROW_MAX`] bytes before.
#[derive(Debug)]
pub(super) struct Limited<R> {
    inner: Lines<R>,
    given: u64,
    begun: u64,
}

impl<R: Read> Limited<R> {
    /// Returns a reader of `inner`.
    pub(super) fn new(inner: R) -> Self {
        Self { inner: Lines::of(inner), given: 0, begun: 0 }
    }

    /// Takes note that the newest row begins at byte `start`; returns its line, counted from 1.
    pub(super) fn begin(&mut self, start: u64) -> u64 {
        self.begun = start;
        self.inner.of_record(start)
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if ROW_MAX < self.given.saturating_sub(self.begun) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a row is longer than {ROW_MAX} bytes; is a quote left open?"),
            ));
        }
        let count = self.inner.read(buffer)?;
        self.given += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}
