//! From a condition's text to its tree: bounds first, since the parser recurses without one.

use std::ops::Range;

use cel::{Env, ParseErrors, Program};

use super::Remark;
use crate::rule::finding::{Fault, Severity};

/// The longest condition, in bytes.
const TEXT_MAX: usize = 4 * 1024;
/// How deep brackets may stand in brackets. The library's parser overflows a thread's stack of
/// 2 MiB at twelve in a debug build.
const NESTING_MAX: usize = 6;
/// How many operators may follow one another between `&&`, `||`, commas and brackets.
const CHAIN_MAX: usize = 32;
/// How many conditional operators (`?`) there may be.
const TERNARIES_MAX: usize = 8;

/// Returns the tree of `text`, or what is wrong with its form.
pub(super) fn parse(text: &str) -> Result<Program, Remark> {
    check_bounds(text)?;
    // Without macros, so that `exists` and the like stay the calls they were written as.
    let environment = Env::default().with_optional_support(false);
    environment.compile(text).map_err(|errors| explain(text, &errors))
}

/// Returns the part of `text` at `span` with the brackets around it that it needs.
///
/// The place of an expression is that of its parts, and brackets are no part.
pub(super) fn balanced<'t>(text: &'t str, span: &Range<usize>) -> &'t str {
    let mut span = span.start.min(text.len())..span.end.min(text.len());
    let (mut open, mut unopened) = (0_usize, 0_usize);
    for (_, letter) in outside_strings(text.get(span.clone()).unwrap_or_default()) {
        match letter {
            '(' | '[' => open += 1,
            ')' | ']' if open == 0 => unopened += 1,
            ')' | ']' => open -= 1,
            _ => {}
        }
    }
    let is_between = |letter: &char| letter.is_whitespace() || "([])".contains(*letter);
    for letter in text.get(..span.start).unwrap_or_default().chars().rev().take_while(is_between) {
        if unopened == 0 {
            break;
        }
        unopened -= usize::from(letter == '(' || letter == '[');
        span.start -= letter.len_utf8();
    }
    for letter in text.get(span.end..).unwrap_or_default().chars().take_while(is_between) {
        if open == 0 {
            break;
        }
        open -= usize::from(letter == ')' || letter == ']');
        span.end += letter.len_utf8();
    }
    text.get(span).unwrap_or_default().trim()
}

fn check_bounds(text: &str) -> Result<(), Remark> {
    let too_big = |at: usize, message: String| Remark {
        span: at..at + 1,
        severity: Severity::Error,
        fault: Fault::new("condition-too-big", message, "write several rules, or a shorter one"),
    };
    if TEXT_MAX < text.len() {
        return Err(too_big(0, format!("the condition is longer than {TEXT_MAX} bytes")));
    }
    let mut chains = vec![0_usize];
    let mut ternaries = 0;
    for (at, letter) in outside_strings(text) {
        match letter {
            '(' | '[' | '{' => chains.push(0),
            ')' | ']' | '}' if 1 < chains.len() => {
                chains.pop();
            }
            ',' | '&' | '|' => {
                if let Some(chain) = chains.last_mut() {
                    *chain = 0;
                }
            }
            '?' => ternaries += 1,
            _ => {}
        }
        if ".+-*/%<>=!?[(".contains(letter)
            && let Some(chain) = chains.last_mut()
        {
            *chain += 1;
            if CHAIN_MAX < *chain {
                return Err(too_big(at, format!("more than {CHAIN_MAX} operators in a row")));
            }
        }
        if NESTING_MAX + 1 < chains.len() {
            return Err(too_big(at, format!("brackets are nested more than {NESTING_MAX} deep")));
        }
        if TERNARIES_MAX < ternaries {
            return Err(too_big(at, format!("more than {TERNARIES_MAX} operators '?'")));
        }
    }
    Ok(())
}

/// Returns the characters of `text` that do not stand in a quoted text.
///
/// It needs not be exact for raw and triple-quoted texts: it only bounds what the parser is given,
/// and a quote it takes for a closing one makes more of the text count, or the parser stop.
fn outside_strings(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut is_escaped = false;
    text.char_indices().filter(move |(_, letter)| {
        if let Some(open) = quote {
            if is_escaped {
                is_escaped = false;
            } else if *letter == '\\' {
                is_escaped = true;
            } else if *letter == open {
                quote = None;
            }
            return false;
        }
        if *letter == '"' || *letter == '\'' {
            quote = Some(*letter);
            return false;
        }
        true
    })
}

/// Returns the first of the parser's errors, in words for people; the others mostly follow from
/// it.
fn explain(text: &str, errors: &ParseErrors) -> Remark {
    let (line, column, message) = match errors.errors.first() {
        Some(error) => (error.pos.0, error.pos.1, error.msg.as_str()),
        None => (1, 1, ""),
    };
    let at = offset(text, line, column);
    let token = message
        .split_once("at: '")
        .or_else(|| message.split_once("input '"))
        .and_then(|(_, rest)| rest.split("' expecting").next())
        .map(|token| token.trim_end_matches('\'').trim())
        .filter(|token| !token.is_empty());
    let (said, length) = match token {
        Some("<EOF>") => ("the condition ends too early".to_owned(), 1),
        Some(token) if token.starts_with(['"', '\'']) && message.contains("recognition") => {
            (format!("the text {token} is not closed"), token.len())
        }
        Some(token) => (format!("'{token}' is not understood here"), token.len()),
        None => (message.trim_start_matches("Syntax error: ").to_owned(), 1),
    };
    Remark {
        span: at..at + length,
        severity: Severity::Error,
        fault: Fault::new("condition-syntax", said, cure(token)),
    }
}

fn cure(token: Option<&str>) -> &'static str {
    match token {
        Some("and" | "AND" | "&") => "write && for 'and'",
        Some("or" | "OR" | "|") => "write || for 'or'",
        Some("not" | "NOT") => "write ! for 'not'",
        Some("<>") => "write != for 'is not'",
        Some(token) if token.starts_with('=') => "write == to compare, != for 'is not'",
        Some(token) if token.starts_with(['"', '\'']) => {
            "put the same quote at both ends of a text"
        }
        Some(_) | None => {
            "write a CEL expression, such as: event.code == \"GroundFailure\" && device.model in [\"X7\"]"
        }
    }
}

/// Returns the byte at `line` and `column` of `text`, both counted from 1.
fn offset(text: &str, line: isize, column: isize) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let of_line = text.get(start..).unwrap_or_default();
    let within = of_line.char_indices().nth(column - 1).map_or(of_line.len(), |(at, _)| at);
    start + within
}
