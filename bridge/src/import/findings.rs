//! What is wrong with a table, as far as a person can read it at once.

/// More than this are only counted.
const LISTED_MAX: usize = 50;

/// Everything that is wrong.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    rows: Vec<(u64, String)>,
    unlisted: u64,
    whole: Vec<String>,
}

impl Findings {
    /// Takes what is wrong in a line, counted from 1.
    pub(super) fn report(&mut self, line: u64, message: String) {
        if self.rows.len() < LISTED_MAX {
            self.rows.push((line, message));
        } else {
            self.unlisted += 1;
        }
    }

    /// Takes what is wrong with the table as a whole.
    pub(super) fn refuse(&mut self, message: String) {
        self.whole.push(message);
    }

    /// Returns whether all is well.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.whole.is_empty()
    }

    /// Returns what is wrong line by line, in their order.
    pub(crate) fn rows(&self) -> &[(u64, String)] {
        &self.rows
    }

    /// Returns how many more there are of those.
    pub(crate) fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// Returns what is wrong with the table as a whole.
    pub(crate) fn whole(&self) -> &[String] {
        &self.whole
    }
}
