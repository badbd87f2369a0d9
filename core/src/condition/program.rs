//! Programs: conditions compiled to tests that read only what they name.
//!
//! Each test is true, false or an error (`None`), with CEL's rules for errors beside `&&` and
//! `||`.

use std::cmp::Ordering;

use super::datum::Datum;
use super::facts::Facts;
use super::library::Foreign;
use super::path::Path;
use super::regular_expression::RegularExpression;

/// One test of a condition.
#[derive(Debug)]
pub(super) enum Test {
    /// `true` or `false`, as written.
    Constant(bool),
    /// A value that is itself yes or no.
    Truth(Operand),
    /// `!`
    Not(Box<Test>),
    /// `&&`
    All(Vec<Test>),
    /// `||`
    Any(Vec<Test>),
    /// `==`, `!=`, `<` and the like.
    Compare { left: Operand, comparison: Comparison, right: Operand },
    /// `in` a list that is written out.
    OneOf { operand: Operand, list: Vec<Operand> },
    /// `startsWith` and the like.
    Match { text: Operand, how: TextMatch, part: Operand },
    /// `matches`
    Search { text: Path, expression: RegularExpression },
    /// What the library evaluates.
    Library(Box<Foreign>),
}

/// A value that a test looks at.
#[derive(Debug)]
pub(super) enum Operand {
    /// As written in the condition.
    Literal(Datum<'static>),
    /// Read from the event or the registry.
    Path(Path),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Where a text is looked for in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextMatch {
    Start,
    End,
    Anywhere,
}

impl Test {
    /// Returns whether the test holds; `None` where that cannot be said.
    pub(super) fn evaluate(&self, facts: &Facts<'_>) -> Option<bool> {
        match self {
            Self::Constant(truth) => Some(*truth),
            Self::Truth(operand) => match operand.read(facts) {
                Datum::Truth(truth) => Some(truth),
                Datum::Null
                | Datum::Whole(_)
                | Datum::Float(_)
                | Datum::Text(_)
                | Datum::Nested(_) => None,
            },
            Self::Not(test) => test.evaluate(facts).map(|truth| !truth),
            Self::All(tests) => join(tests, false, facts),
            Self::Any(tests) => join(tests, true, facts),
            Self::Compare { left, comparison, right } => {
                comparison.holds(&left.read(facts), &right.read(facts))
            }
            Self::OneOf { operand, list } => {
                let value = operand.read(facts);
                Some(list.iter().any(|item| value.equals(&item.read(facts))))
            }
            Self::Match { text, how, part } => how.holds(&text.read(facts), &part.read(facts)),
            Self::Search { text, expression } => expression.is_in(&text.read(facts)),
            Self::Library(foreign) => foreign.evaluate(facts),
        }
    }
}

/// Returns the outcome of tests of which one with the outcome `decisive` decides, whatever
/// becomes of the others.
fn join(tests: &[Test], decisive: bool, facts: &Facts<'_>) -> Option<bool> {
    let mut outcome = Some(!decisive);
    for test in tests {
        match test.evaluate(facts) {
            Some(truth) if truth == decisive => return Some(decisive),
            Some(_) => {}
            None => outcome = None,
        }
    }
    outcome
}

impl Operand {
    fn read<'a>(&'a self, facts: &'a Facts<'_>) -> Datum<'a> {
        match self {
            Self::Literal(datum) => datum.borrowed(),
            Self::Path(path) => path.read(facts),
        }
    }
}

impl Comparison {
    fn holds(self, left: &Datum<'_>, right: &Datum<'_>) -> Option<bool> {
        let order = || left.order(right);
        match self {
            Self::Equal => Some(left.equals(right)),
            Self::NotEqual => Some(!left.equals(right)),
            Self::Less => order().map(Ordering::is_lt),
            Self::LessOrEqual => order().map(Ordering::is_le),
            Self::Greater => order().map(Ordering::is_gt),
            Self::GreaterOrEqual => order().map(Ordering::is_ge),
        }
    }
}

impl TextMatch {
    fn holds(self, text: &Datum<'_>, part: &Datum<'_>) -> Option<bool> {
        let (Datum::Text(text), Datum::Text(part)) = (text, part) else { return None };
        Some(match self {
            Self::Start => text.starts_with(&**part),
            Self::End => text.ends_with(&**part),
            Self::Anywhere => text.contains(&**part),
        })
    }
}
