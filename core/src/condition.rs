//! Conditions: CEL expressions over `event`, `device`, `account` and `site`.
//!
//! What a condition names is checked when it is compiled, against the catalogue; so are the types
//! of what it compares. Comparisons, `in`, `&&`, `||`, `!`, `has()`, `startsWith`, `endsWith`,
//! `contains` and `matches` become a small program of our own ([`program`]); the `cel` library
//! evaluates the rest ([`library`]) and is the oracle in the tests of the first.
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
//! calculated in floats, since a sensor may send `3` as well as `3.0`. Dividing by zero is an error.
//!
//! # Regular expressions
//! `event.code.matches(r"^EV-[0-9]+$")` asks whether the expression is found anywhere in a text that
//! the condition names. The expression is written out, and bounded in its length, its nesting and
//! what it takes when compiled ([`regular_expression`]). A text above 4 KiB is an error.
//!
//! # Readings
//! A [`Reading`] is the name of one number that a rule watches, checked like a name in a condition.

use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::SourceInfo;

use self::check::Checker;
use self::datum::Datum;
pub use self::facts::Facts;
use self::path::{Name, Path, Segment};
use self::program::Test;
use crate::catalogue::Catalogue;
use crate::rule::finding::{Fault, Severity};

mod check;
mod datum;
mod explain;
mod facts;
mod library;
mod lower;
mod path;
mod program;
mod regular_expression;
mod syntax;

/// A checked condition.
#[derive(Clone, Debug)]
pub struct Condition {
    text: Arc<str>,
    test: Arc<Test>,
}

/// A number that a rule watches: the name of an attribute or a field.
#[derive(Clone, Debug)]
pub struct Reading {
    text: Arc<str>,
    path: Path,
}

impl Reading {
    /// Returns the reading that `written` names, if there is no error in it, and what is wrong with
    /// it. It must be one name of a number, for events of each of `kinds`; without any, attributes
    /// are not checked.
    pub(crate) fn compile(
        written: &str,
        catalogue: &Catalogue,
        kinds: &[&str],
    ) -> (Option<Self>, Vec<Remark>) {
        let program = match syntax::parse(written) {
            Ok(program) => program,
            Err(remark) => return (None, vec![remark]),
        };
        let places = program.source_info();
        let Some(name) = Name::of(program.expression(), places) else {
            let message = format!("'{}' is not one name", written.trim());
            let cure = "name one number: event.temperature";
            let fault = Fault::new("not-a-name", message, cure);
            let remark = Remark { span: 0..written.len(), severity: Severity::Error, fault };
            return (None, vec![remark]);
        };
        let remarks = for_each_kind(kinds, |kind| {
            let mut checker = Checker::new(catalogue, kind, places);
            checker.check_number(&name);
            checker.into_remarks()
        });
        let path = Path::of(&name).filter(|_| !has_error(&remarks));
        (path.map(|path| Self { text: written.trim().into(), path }), remarks)
    }

    /// Returns the number `event` has there, judged with `registry`; `None` where it has none, or
    /// none that is finite.
    pub fn of(&self, facts: &Facts<'_>) -> Option<f64> {
        match self.path.read(facts) {
            Datum::Whole(whole) => Some(datum::float(whole)),
            Datum::Float(float) => Some(float).filter(|float| float.is_finite()),
            Datum::Null | Datum::Truth(_) | Datum::Text(_) | Datum::Nested(_) => None,
        }
    }

    /// Returns the name as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// What one test of a condition says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The test: `event.code != "X"`. One that the condition denies has its `!`.
    pub text: String,
    /// What the name in it read as, as JSON text; of several names, an object with each of them.
    pub value: Option<String>,
    /// Whether the test holds; `None` where that is an error.
    pub holds: Option<bool>,
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
        if has_error(&remarks) {
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
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        self.judge(facts) == Some(true)
    }

    /// Returns whether `event` meets the condition, judged with `registry`; `None` where that is an
    /// error: a value of another type than the condition takes it for, or a division by zero.
    pub fn judge(&self, facts: &Facts<'_>) -> Option<bool> {
        self.test.evaluate(facts)
    }

    /// Returns what each single test of the condition says of `event`, in the order they are
    /// written.
    ///
    /// All of them are judged, also those that the outcome does not hang on.
    pub fn explain(&self, facts: &Facts<'_>) -> Vec<Term> {
        explain::terms(&self.test, facts)
    }
}

/// Returns what is wrong with `attribute` as the name of an attribute that events of each of
/// `kinds` have. Places are bytes of the name.
pub(crate) fn check_attribute(
    attribute: &str,
    catalogue: &Catalogue,
    kinds: &[&str],
) -> Vec<Remark> {
    let segment = |text: &str| Segment { text: text.to_owned(), span: 0..attribute.len() };
    let name = Name { root: segment("event"), fields: vec![segment(attribute)] };
    let places = SourceInfo::default();
    for_each_kind(kinds, |kind| {
        let mut checker = Checker::new(catalogue, kind, &places);
        checker.check_value_of(&name);
        checker.into_remarks()
    })
}

/// Returns what `check` finds for each kind, each thing once; for no kind in particular where
/// there is none.
fn for_each_kind(kinds: &[&str], check: impl Fn(Option<&str>) -> Vec<Remark>) -> Vec<Remark> {
    if kinds.is_empty() {
        return check(None);
    }
    let mut remarks = Vec::new();
    for remark in kinds.iter().flat_map(|kind| check(Some(kind))) {
        if !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }
    remarks
}

fn has_error(remarks: &[Remark]) -> bool {
    remarks.iter().any(|remark| remark.severity == Severity::Error)
}

#[cfg(test)]
mod tests;
