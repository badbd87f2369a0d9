//! Explains a condition: what each of its single tests says of an event.

use super::Term;
use super::facts::Facts;
use super::path::Path;
use super::program::{Comparison, Operand, Test, TextMatch};

/// Returns the single tests of `test` in the order they are written, each judged by itself.
pub(super) fn terms(test: &Test, facts: &Facts<'_>) -> Vec<Term> {
    let mut leaves = Vec::new();
    collect(test, false, &mut leaves);
    let judged = leaves.into_iter().map(|(leaf, is_denied)| {
        let said = text_of(leaf);
        let outcome = leaf.evaluate(facts);
        Term {
            text: if is_denied { deny(leaf, &said) } else { said },
            value: value(&paths(leaf), facts),
            holds: outcome.map(|truth| truth != is_denied),
        }
    });
    judged.collect()
}

/// Appends the single tests, and whether the condition denies them: `!(a && b)` needs `!a` or `!b`.
fn collect<'t>(test: &'t Test, is_denied: bool, leaves: &mut Vec<(&'t Test, bool)>) {
    match test {
        Test::Not(inner) => collect(inner, !is_denied, leaves),
        Test::All(tests) | Test::Any(tests) => {
            for inner in tests {
                collect(inner, is_denied, leaves);
            }
        }
        Test::Constant(_)
        | Test::Truth(_)
        | Test::Compare { .. }
        | Test::OneOf { .. }
        | Test::Match { .. }
        | Test::Search { .. }
        | Test::Library(_) => leaves.push((test, is_denied)),
    }
}

fn deny(leaf: &Test, text: &str) -> String {
    match leaf {
        Test::Constant(_) | Test::Truth(_) | Test::Match { .. } | Test::Search { .. } => {
            format!("!{text}")
        }
        Test::Not(_)
        | Test::All(_)
        | Test::Any(_)
        | Test::Compare { .. }
        | Test::OneOf { .. }
        | Test::Library(_) => format!("!({text})"),
    }
}

fn text_of(leaf: &Test) -> String {
    match leaf {
        Test::Constant(truth) => truth.to_string(),
        Test::Truth(operand) => written(operand),
        Test::Compare { left, comparison, right } => {
            format!("{} {} {}", written(left), sign(*comparison), written(right))
        }
        Test::OneOf { operand, list } => {
            let items: Vec<_> = list.iter().map(written).collect();
            format!("{} in [{}]", written(operand), items.join(", "))
        }
        Test::Match { text, how, part } => {
            format!("{}.{}({})", written(text), function(*how), written(part))
        }
        Test::Search { text, expression } => {
            format!("{text}.matches({})", serde_json::Value::from(expression.as_str()))
        }
        Test::Library(foreign) => foreign.as_str().to_owned(),
        // These have no text of their own; see `collect`.
        Test::Not(_) | Test::All(_) | Test::Any(_) => String::new(),
    }
}

fn written(operand: &Operand) -> String {
    match operand {
        Operand::Literal(datum) => datum.to_json(),
        Operand::Path(path) => path.to_string(),
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

fn function(how: TextMatch) -> &'static str {
    match how {
        TextMatch::Start => "startsWith",
        TextMatch::End => "endsWith",
        TextMatch::Anywhere => "contains",
    }
}

/// Returns what a single test names, each once.
fn paths(leaf: &Test) -> Vec<&Path> {
    let operands: Vec<&Operand> = match leaf {
        Test::Library(foreign) => return foreign.paths().iter().collect(),
        Test::Search { text, .. } => return vec![text],
        Test::Constant(_) | Test::Not(_) | Test::All(_) | Test::Any(_) => Vec::new(),
        Test::Truth(operand) => vec![operand],
        Test::Compare { left, comparison: _, right } => vec![left, right],
        Test::OneOf { operand, list } => std::iter::once(operand).chain(list).collect(),
        Test::Match { text, how: _, part } => vec![text, part],
    };
    let mut paths = Vec::new();
    for operand in operands {
        match operand {
            Operand::Path(path) if !paths.contains(&path) => paths.push(path),
            Operand::Path(_) | Operand::Literal(_) => {}
        }
    }
    paths
}

/// Returns what `paths` read as: the value of one, an object of several.
fn value(paths: &[&Path], facts: &Facts<'_>) -> Option<String> {
    let read = |path: &Path| path.read(facts).to_json();
    match paths {
        [] => None,
        [path] => Some(read(path)),
        several => {
            let name = |path: &Path| serde_json::Value::from(path.to_string());
            let members = several.iter().map(|path| format!("{}:{}", name(path), read(path)));
            Some(format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
        }
    }
}
