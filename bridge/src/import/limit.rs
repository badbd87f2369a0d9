//! A reader that lets no row be longer than one may be: a quote that is never closed, or a million
//! cells, would be held as a whole.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest row, in bytes.
pub(super) const ROW_MAX: u64 = 1024 * 1024;

/// Reads on as long as the row that is read began at most [`ROW_MAX`] bytes before.
#[derive(Debug)]
pub(super) struct Limited<R> {
    inner: R,
    given: u64,
    begun: Arc<AtomicU64>,
}

impl<R: Read> Limited<R> {
    /// Returns a reader of `inner`, and where it is to be told at which byte the newest row began.
    pub(super) fn new(inner: R) -> (Self, Arc<AtomicU64>) {
        let begun = Arc::new(AtomicU64::new(0));
        (Self { inner, given: 0, begun: Arc::clone(&begun) }, begun)
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if ROW_MAX < self.given.saturating_sub(self.begun.load(Ordering::Relaxed)) {
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
