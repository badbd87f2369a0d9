//! Conditions: CEL expressions over `event`, `device`, `account` and `site`.
//!
//! What a condition names is checked when it is compiled, against the catalogue; so are the types
//! of what it compares. Comparisons, `in`, `&&`, `||`, `!`, `has()`, `startsWith`, `endsWith` and
//! `contains` become a small program of our own ([`program`]); the `cel` library evaluates the
//! rest ([`library`]) and is the oracle in the tests of the first.
//!
//! # Values that are absent
//! An attribute that an event does not have, and a field of a device nobody registered, are null:
//! `event.code != "X"` holds where there is no code; `==`, `in` and `has()` do not. Ordering a
//! null (`<`), asking whether it starts with a text, or calculating with it is an error, as is
//! ordering a text and a number. As in CEL, `true || error` is true and `false && error` false;
//! a condition whose outcome is an error does not hold.
//!
//! # Numbers
//! Whole numbers are compared exactly, others as 64-bit floats; `+`, `-`, `*` and `/` are
//! calculated in floats, since a sensor may send `3` as well as `3.0`.

use std::ops::Range;
use std::sync::Arc;

use self::check::Checker;
use self::program::Test;
use crate::catalogue::Catalogue;
use crate::event::Event;
use crate::registry::Registry;
use crate::rule::finding::{Fault, Severity};

mod check;
mod datum;
mod library;
mod lower;
mod path;
mod program;
mod syntax;

/// A checked condition.
#[derive(Clone, Debug)]
pub struct Condition {
    text: Arc<str>,
    test: Arc<Test>,
}

/// What is wrong with a condition, at a place in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The place, in bytes.
    pub(crate) span: Range<usize>,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What it is.
    pub(crate) fault: Fault,
}

impl Condition {
    /// Returns the condition `written` says about events of `kind`, if there is no error in it, and
    /// what is wrong with it. Without a `kind`, attributes are not checked.
    pub(crate) fn compile(
        written: &str,
        catalogue: &Catalogue,
        kind: Option<&str>,
    ) -> (Option<Self>, Vec<Remark>) {
        let program = match syntax::parse(written) {
            Ok(program) => program,
            Err(remark) => return (None, vec![remark]),
        };
        let expression = program.expression();
        let mut checker = Checker::new(catalogue, kind, program.source_info());
        checker.check_condition(expression);
        let remarks = checker.into_remarks();
        if remarks.iter().any(|remark| remark.severity == Severity::Error) {
            return (None, remarks);
        }
        let test = Arc::new(lower::test(expression, program.source_info()));
        (Some(Self { text: written.into(), test }), remarks)
    }

    /// Returns the condition as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether `event` meets the condition, judged with `registry`.
    pub fn holds(&self, event: &Event, registry: &Registry) -> bool {
        self.test.evaluate(event, registry) == Some(true)
    }
}

#[cfg(test)]
mod tests;
