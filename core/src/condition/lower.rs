//! Lowers a checked condition to a program; what has no test of our own goes to the library.

use std::borrow::Cow;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SourceInfo, operators};

use super::datum::Datum;
use super::library::Foreign;
use super::path::{Name, Path};
use super::program::{Comparison, Operand, Test, TextMatch};
use super::regular_expression::RegularExpression;

/// Returns the test that `expression` says.
pub(super) fn test(expression: &IdedExpr, places: &SourceInfo) -> Test {
    let own = match &expression.expr {
        Expr::Literal(LiteralValue::Boolean(truth)) => Some(Test::Constant(*truth.inner())),
        Expr::Call(call) => own_call(call, places).or_else(|| named(expression, places)),
        Expr::Ident(_) | Expr::Select(_) => named(expression, places),
        Expr::Literal(_)
        | Expr::List(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Comprehension(_)
        | Expr::Unspecified => None,
    };
    own.unwrap_or_else(|| Test::Library(Box::new(Foreign::of(expression, places))))
}

fn named(expression: &IdedExpr, places: &SourceInfo) -> Option<Test> {
    let path = Path::of(&Name::of(expression, places)?)?;
    Some(Test::Truth(Operand::Path(path)))
}

fn own_call(call: &CallExpr, places: &SourceInfo) -> Option<Test> {
    let value = |expression| operand(expression, places);
    let comparison = |comparison| {
        let [left, right] = call.args.as_slice() else { return None };
        Some(Test::Compare { left: value(left)?, comparison, right: value(right)? })
    };
    match call.func_name.as_str() {
        operators::LOGICAL_AND => Some(Test::All(terms(call, places))),
        operators::LOGICAL_OR => Some(Test::Any(terms(call, places))),
        operators::LOGICAL_NOT => {
            let [inner] = call.args.as_slice() else { return None };
            Some(Test::Not(Box::new(test(inner, places))))
        }
        operators::EQUALS => comparison(Comparison::Equal),
        operators::NOT_EQUALS => comparison(Comparison::NotEqual),
        operators::LESS => comparison(Comparison::Less),
        operators::LESS_EQUALS => comparison(Comparison::LessOrEqual),
        operators::GREATER => comparison(Comparison::Greater),
        operators::GREATER_EQUALS => comparison(Comparison::GreaterOrEqual),
        operators::IN => {
            let [element, list] = call.args.as_slice() else { return None };
            let Expr::List(list) = &list.expr else { return None };
            let list = list.elements.iter().map(value).collect::<Option<_>>()?;
            Some(Test::OneOf { operand: value(element)?, list })
        }
        "has" => {
            let [named] = call.args.as_slice() else { return None };
            let right = Operand::Literal(Datum::Null);
            Some(Test::Compare { left: value(named)?, comparison: Comparison::NotEqual, right })
        }
        "startsWith" => text_match(call, TextMatch::Start, places),
        "endsWith" => text_match(call, TextMatch::End, places),
        "contains" => text_match(call, TextMatch::Anywhere, places),
        "matches" => {
            search(call, places).map(|(text, expression)| Test::Search { text, expression })
        }
        _ => None,
    }
}

/// Returns what `matches` searches, and for what.
pub(super) fn search(call: &CallExpr, places: &SourceInfo) -> Option<(Path, RegularExpression)> {
    let [expression] = call.args.as_slice() else { return None };
    let Expr::Literal(LiteralValue::String(expression)) = &expression.expr else { return None };
    let text = Path::of(&Name::of(call.target.as_deref()?, places)?)?;
    Some((text, RegularExpression::compile(expression.inner()).ok()?))
}

fn terms(call: &CallExpr, places: &SourceInfo) -> Vec<Test> {
    call.args.iter().map(|term| test(term, places)).collect()
}

fn text_match(call: &CallExpr, how: TextMatch, places: &SourceInfo) -> Option<Test> {
    let [part] = call.args.as_slice() else { return None };
    let text = operand(call.target.as_deref()?, places)?;
    Some(Test::Match { text, how, part: operand(part, places)? })
}

/// Returns the value that `expression` is, where it is written out or named.
fn operand(expression: &IdedExpr, places: &SourceInfo) -> Option<Operand> {
    if let Some(name) = Name::of(expression, places) {
        return Path::of(&name).map(Operand::Path);
    }
    let Expr::Literal(literal) = &expression.expr else { return None };
    let datum = match literal {
        LiteralValue::Boolean(truth) => Datum::Truth(*truth.inner()),
        LiteralValue::Double(float) => Datum::Float(*float.inner()),
        LiteralValue::Int(whole) => Datum::Whole((*whole.inner()).into()),
        LiteralValue::UInt(whole) => Datum::Whole((*whole.inner()).into()),
        LiteralValue::String(text) => Datum::Text(Cow::Owned(text.inner().to_owned())),
        LiteralValue::Null => Datum::Null,
        LiteralValue::Bytes(_) => return None,
    };
    Some(Operand::Literal(datum))
}
