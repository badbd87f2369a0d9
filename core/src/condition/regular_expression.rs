//! Regular expressions that are written out in a condition: compiled once, bounded in every way.

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

use super::datum::Datum;
use crate::rule::finding::Fault;

/// The longest expression, in bytes.
const TEXT_MAX: usize = 512;
/// How deep its groups and classes may stand in each other.
const NESTING_MAX: u32 = 16;
/// What a compiled expression may take, in bytes: `\w{20}` fits, `\w{1000}` does not.
const COMPILED_MAX: usize = 256 * 1024;
/// The longest text that is searched, in bytes: time grows with this times [`COMPILED_MAX`].
const SEARCHED_MAX: usize = 4 * 1024;

/// An expression that texts are searched for, in time that grows with their length and no faster.
#[derive(Clone, Debug)]
pub(super) struct RegularExpression(Regex);

impl RegularExpression {
    /// Returns the expression `written`, or what is wrong with it.
    pub(super) fn compile(written: &str) -> Result<Self, Fault> {
        if TEXT_MAX < written.len() {
            let message = format!("the regular expression is longer than {TEXT_MAX} bytes");
            return Err(too_big(message));
        }
        // Asked first, since it says in what character the fault is.
        ParserBuilder::new()
            .nest_limit(NESTING_MAX)
            .build()
            .parse(written)
            .map_err(|error| explain(&error))?;
        RegexBuilder::new(written)
            .nest_limit(NESTING_MAX)
            .size_limit(COMPILED_MAX)
            .dfa_size_limit(COMPILED_MAX)
            .build()
            .map(Self)
            .map_err(|_| {
                let kib = COMPILED_MAX / 1024;
                too_big(format!("the regular expression takes more than {kib} KiB"))
            })
    }

    /// Returns whether the expression is found anywhere in `text`; `None` where that is no text,
    /// or longer than 4 KiB.
    pub(super) fn is_in(&self, text: &Datum<'_>) -> Option<bool> {
        match text {
            Datum::Text(text) if text.len() <= SEARCHED_MAX => Some(self.0.is_match(text)),
            Datum::Text(_)
            | Datum::Null
            | Datum::Truth(_)
            | Datum::Whole(_)
            | Datum::Float(_)
            | Datum::Nested(_) => None,
        }
    }

    /// Returns the expression as it was written.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

fn explain(error: &regex_syntax::Error) -> Fault {
    let (said, span) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), *error.span()),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), *error.span()),
        other => (other.to_string(), regex_syntax::ast::Span::splat(START)),
    };
    let place = span.start.column;
    let message = format!("the regular expression is wrong at its character {place}: {said}");
    Fault::new("regular-expression", message, "write one such as r\"^EV-[0-9]+$\"")
}

/// Where an expression begins.
const START: regex_syntax::ast::Position =
    regex_syntax::ast::Position { offset: 0, line: 1, column: 1 };

fn too_big(message: String) -> Fault {
    let cure = "repeat less, name fewer letters ([0-9a-z] for \\w), or use startsWith";
    Fault::new("regular-expression-too-big", message, cure)
}
