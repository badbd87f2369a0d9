//! Findings: what is wrong in a rule document, where, and what would be right.

use std::ops::Range;

use serde::Serialize;

/// One thing that is wrong, or doubtful, in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The place in the text, in bytes.
    pub span: Range<usize>,
    /// Whether the document can be used all the same.
    pub severity: Severity,
    /// A stable word for the kind of mistake: `unknown-key`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub cure: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The document cannot be used.
    Error,
    /// It can be used, but may not do what was meant.
    Warning,
}

impl Severity {
    /// Returns the word for it: `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Finding {
    /// Returns an error at `span` of `text`.
    pub fn error(text: &str, span: Range<usize>, fault: Fault) -> Self {
        Self::at(text, span, Severity::Error, fault)
    }

    pub(crate) fn at(text: &str, span: Range<usize>, severity: Severity, fault: Fault) -> Self {
        let Fault { code, message, cure } = fault;
        let (line, column) = place(text, span.start);
        Self { line, column, span, severity, code, message, cure }
    }

    /// Returns whether the document cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What is wrong, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// See [`Finding::code`].
    pub code: &'static str,
    /// See [`Finding::message`].
    pub message: String,
    /// See [`Finding::cure`].
    pub cure: String,
}

impl Fault {
    /// Returns a fault of kind `code`.
    pub fn new(code: &'static str, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { code, message: message.into(), cure: cure.into() }
    }
}

/// Returns line and column of byte `at`, both counted from 1; a byte order mark takes no column.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start_of_line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let of_line = before.get(start_of_line..).unwrap_or_default();
    (line, of_line.trim_start_matches('\u{feff}').chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_characters_from_one() {
        let cases = [
            ("abc", 0, (1, 1)),
            ("abc", 2, (1, 3)),
            ("a\nbc", 3, (2, 2)),
            ("a\r\nbc", 3, (2, 1)),
            ("连续x", 6, (1, 3)),
            ("\u{feff}ab", 3, (1, 1)),
            ("abc", 99, (1, 4)),
        ];
        for (text, at, expected) in cases {
            assert_eq!(place(text, at), expected, "case: byte {at} of {text:?}");
        }
    }
}
