//! Where an expression stands in the text of its condition.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{Expr, SourceInfo};

use crate::condition::path::{Name, range};

/// Returns the bytes that `expression` takes, from its first part to its last.
pub(in crate::condition) fn of(expression: &IdedExpr, places: &SourceInfo) -> Range<usize> {
    if let Some(name) = Name::of(expression, places) {
        return name.span();
    }
    let own = places.offset_for(expression.id).map(|(start, stop)| range(start, stop));
    let parts: Vec<&IdedExpr> = match &expression.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&*select.operand],
        Expr::Literal(_)
        | Expr::Ident(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Comprehension(_)
        | Expr::Unspecified => Vec::new(),
    };
    let spans = own.into_iter().chain(parts.into_iter().map(|part| of(part, places)));
    let joined = spans.reduce(|one, other| one.start.min(other.start)..one.end.max(other.end));
    let joined = joined.unwrap_or(0..0);
    // A function's own place is its bracket; its name stands before.
    let name = match &expression.expr {
        Expr::Call(call) if call.target.is_none() && is_word(&call.func_name) => {
            call.func_name.len()
        }
        Expr::Call(_)
        | Expr::List(_)
        | Expr::Select(_)
        | Expr::Literal(_)
        | Expr::Ident(_)
        | Expr::Map(_)
        | Expr::Struct(_)
        | Expr::Comprehension(_)
        | Expr::Unspecified => 0,
    };
    joined.start.saturating_sub(name)..joined.end
}

/// Returns the place of the name of a function, which stands before its bracket.
pub(super) fn of_function(
    expression: &IdedExpr,
    function: &str,
    places: &SourceInfo,
) -> Range<usize> {
    let bracket = places.offset_for(expression.id).map_or(0..0, |(start, stop)| range(start, stop));
    bracket.start.saturating_sub(function.len())..bracket.start
}

/// Returns whether the name of a call is a word and not an operator.
fn is_word(function: &str) -> bool {
    function.starts_with(|c: char| c.is_ascii_alphabetic())
}
