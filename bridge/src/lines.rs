//! Lines of a CSV file, as an editor counts them.

/// Counts lines along the records.
///
/// The reader's own count is that of the record before where empty lines or a CR LF lie between.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    rest: &'t [u8],
    passed: u64,
    line: u64,
}

impl<'t> Lines<'t> {
    /// Returns a count that stands at the beginning of `text`.
    pub(crate) fn of(text: &'t [u8]) -> Self {
        Self { rest: text, passed: 0, line: 1 }
    }

    /// Returns the line of the record that begins at or just behind `start`; `start` only grows.
    pub(crate) fn of_record(&mut self, start: u64) -> u64 {
        while let Some((byte, rest)) = self.rest.split_first() {
            let is_between = matches!(byte, b'\r' | b'\n');
            if start <= self.passed && !is_between {
                break;
            }
            self.line += u64::from(*byte == b'\n');
            self.passed += 1;
            self.rest = rest;
        }
        self.line
    }
}
