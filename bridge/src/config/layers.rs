//! Layers of settings: defaults, then the file, then the environment; the last one wins.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "figment's enums have many cases that are one to us"
)]

use std::path::{Path, PathBuf};

use figment::error::{Actual, Kind};
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::problem::{Finding, Origin, Problem};

/// How the layer of the environment is called in figment's metadata.
pub(super) const ENVIRONMENT: &str = "environment";
/// How the layer of the file is called.
const FILE: &str = "file";
/// More mistakes than this are not listed.
const PROBLEMS_MAX: usize = 50;

/// A configuration file as it was read.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// Where it is.
    pub(super) path: PathBuf,
    text: String,
    settings: toml::Table,
}

impl Document {
    /// Reads TOML, or says what is wrong with it as TOML.
    pub(super) fn parse(path: &Path, text: String) -> Result<Self, Vec<Problem>> {
        let (_, errors) = DeTable::parse_recoverable(&text);
        let syntax = errors.iter().map(|error| {
            let line = error.span().map(|span| line_of(&text, span.start));
            syntax_problem(path, line, error.message())
        });
        let syntax: Vec<_> = syntax.take(PROBLEMS_MAX).collect();
        if !syntax.is_empty() {
            return Err(syntax);
        }
        match toml::from_str(&text) {
            Ok(mut settings) => {
                spell_out_connect(&mut settings);
                Ok(Self { path: path.into(), text, settings })
            }
            Err(error) => Err(vec![syntax_problem(path, None, error.message())]),
        }
    }

    /// Returns the line on which the key at `path` stands.
    fn find_line(&self, path: &[String]) -> Option<usize> {
        let root = DeTable::parse(&self.text).ok()?;
        let (first, rest) = path.split_first()?;
        let (key, mut value) = root.get_ref().get_key_value(first.as_str())?;
        let mut start = key.span().start;
        for step in rest {
            (start, value) = match value.get_ref() {
                DeValue::Table(table) => {
                    // Where a key is missing, its table is the place.
                    let Some((key, inner)) = table.get_key_value(step.as_str()) else { break };
                    (key.span().start, inner)
                }
                DeValue::Array(array) => {
                    let item = array.get(step.parse::<usize>().ok()?)?;
                    (item.span().start, item)
                }
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => break,
            };
        }
        Some(line_of(&self.text, start))
    }
}

/// `connect = "mqtt://host"` in `[mqtt]` is short for a table with that `url`.
fn spell_out_connect(settings: &mut toml::Table) {
    let mqtt = settings.get_mut("mqtt").and_then(toml::Value::as_table_mut);
    if let Some(connect) = mqtt.and_then(|mqtt| mqtt.get_mut("connect"))
        && connect.is_str()
    {
        let url = std::mem::replace(connect, toml::Value::Boolean(false));
        *connect = toml::Value::Table(toml::Table::from_iter([("url".to_owned(), url)]));
    }
}

fn syntax_problem(path: &Path, line: Option<usize>, message: &str) -> Problem {
    let message = format!("not TOML: {message}");
    Problem { origin: Origin::File(path.into(), line), key: String::new(), message }
}

fn line_of(text: &str, start: usize) -> usize {
    1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count()
}

impl Provider for Document {
    fn metadata(&self) -> Metadata {
        Metadata::named(FILE)
    }

    fn data(&self) -> Result<figment::value::Map<Profile, Dict>, figment::Error> {
        Serialized::defaults(&self.settings).data()
    }
}

/// All layers, one over the other.
#[derive(Debug)]
pub(super) struct Layers {
    figment: Figment,
    document: Option<Document>,
    environment: Environment,
}

impl Layers {
    /// Puts the environment over the file over the defaults.
    pub(super) fn new<D: Serialize>(
        defaults: D,
        document: Option<Document>,
        environment: Environment,
    ) -> Self {
        let mut figment = Figment::from(Serialized::defaults(defaults));
        if let Some(document) = &document {
            figment = figment.merge(document.clone());
        }
        figment = figment.merge(environment.clone());
        Self { figment, document, environment }
    }

    /// Reads a `T`, leaving out what is wrong, with everything that is.
    ///
    /// serde stops at the first mistake; each is taken out in turn so that the next one shows.
    pub(super) fn read<T: DeserializeOwned>(&self) -> (Option<T>, Vec<Problem>) {
        let mut data = match self.figment.data() {
            Ok(data) => data,
            Err(error) => return (None, vec![self.problem(&finding_of(&error), None)]),
        };
        let mut settings = Value::from(data.remove(&Profile::Default).unwrap_or_default());
        // Places as the file has them, whatever was taken out of the lists before.
        let mut removed: Vec<Vec<String>> = Vec::new();
        let mut problems = Vec::new();
        while removed.len() < PROBLEMS_MAX {
            let error = match settings.deserialize::<T>() {
                Ok(read) => return (Some(read), problems),
                Err(error) => error,
            };
            let mut path = error.path.clone();
            let mut finding = finding_of(&error);
            finding.path = original(&path, &removed);
            let missing = match &error.kind {
                Kind::MissingField(name) => Some(join(&finding.path, name)),
                _ => None,
            };
            // What is missing because it was taken out has been told already.
            if missing.is_none_or(|missing| !removed.contains(&missing)) {
                problems.push(self.problem(&finding, find(&settings, &path)));
            }
            while !remove(&mut settings, &path) {
                if path.pop().is_none() {
                    return (None, problems);
                }
            }
            removed.push(original(&path, &removed));
        }
        (None, problems)
    }

    /// Returns `findings` with who set what they are about.
    pub(super) fn problems(&self, findings: &[Finding]) -> Vec<Problem> {
        let data = self.figment.data().unwrap_or_default();
        let settings = data.get(&Profile::Default).cloned().unwrap_or_default();
        let settings = Value::from(settings);
        let problem = |finding: &Finding| self.problem(finding, find(&settings, &finding.path));
        findings.iter().map(problem).collect()
    }

    fn problem(&self, finding: &Finding, value: Option<&Value>) -> Problem {
        let metadata = value.and_then(|value| self.figment.get_metadata(value.tag()));
        let layer = metadata.map_or("", |metadata| metadata.name.as_ref());
        let origin = match (layer, &self.document) {
            (ENVIRONMENT, _) => Origin::Environment(self.environment.name_of(&finding.path)),
            (FILE, Some(file)) => Origin::File(file.path.clone(), file.find_line(&finding.path)),
            _ => Origin::Default,
        };
        Problem { origin, key: key_text(&finding.path), message: finding.message.clone() }
    }
}

/// Writes a path as people do: `source[0].topic`.
fn key_text(path: &[String]) -> String {
    let mut text = String::new();
    for step in path {
        if step.parse::<usize>().is_ok() {
            text.extend(["[", step, "]"]);
        } else {
            text.extend([if text.is_empty() { "" } else { "." }, step]);
        }
    }
    text
}

fn finding_of(error: &figment::Error) -> Finding {
    let message = match &error.kind {
        Kind::Message(message) => message.clone(),
        Kind::UnknownField(name, known) => unknown("key", name, known),
        Kind::UnknownVariant(name, known) => unknown("value", name, known),
        Kind::MissingField(name) => format!("'{name}' is missing; add it"),
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            format!("this is {}; write {}", type_of(actual), form_of(expected))
        }
        // Made by other providers or types than ours.
        other => other.to_string(),
    };
    Finding { path: error.path.clone(), message }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|known| (strsim::damerau_levenshtein(known, name), known));
    let nearest = nearest.min_by_key(|(distance, _)| *distance);
    match nearest.filter(|(distance, known)| *distance <= 2 && *distance < known.len()) {
        Some((_, near)) => format!("unknown {what} '{name}'; did you mean '{near}'?"),
        None => format!("unknown {what} '{name}'; there are {}", known.join(", ")),
    }
}

/// Names the type only: the value may be a secret in the wrong place.
fn type_of(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) => "a number",
        Actual::Float(_) => "a number with a fraction",
        Actual::Str(_) | Actual::Char(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "of another type",
    }
}

/// Says in the words of TOML what serde would have liked.
fn form_of(expected: &str) -> &str {
    match expected.split_once(' ') {
        Some(("enum", _) | ("a" | "path", "string")) => "a text in quotes",
        Some(("struct", _)) => "a table",
        Some(("a", "sequence")) => "a list",
        _ => expected,
    }
}

fn find<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match value {
        Value::Dict(_, table) => table.get(step),
        Value::Array(_, items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn join(path: &[String], key: &str) -> Vec<String> {
    path.iter().cloned().chain([key.to_owned()]).collect()
}

/// Returns where `path` was before the items of lists in `removed` were taken out.
fn original(path: &[String], removed: &[Vec<String>]) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    for step in path {
        let Ok(mut index) = step.parse::<usize>() else {
            whole.push(step.clone());
            continue;
        };
        let items = removed.iter().filter_map(|place| match place.split_last() {
            Some((item, list)) if *list == *whole => item.parse::<usize>().ok(),
            _ => None,
        });
        let mut taken_out: Vec<_> = items.collect();
        taken_out.sort_unstable();
        for before in taken_out {
            if before <= index {
                index += 1;
            }
        }
        whole.push(index.to_string());
    }
    whole
}

/// Takes out what stands at `path`; returns whether there was anything.
fn remove(value: &mut Value, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    match value {
        Value::Dict(_, table) if rest.is_empty() => table.remove(first).is_some(),
        Value::Dict(_, table) => table.get_mut(first).is_some_and(|inner| remove(inner, rest)),
        Value::Array(_, items) => {
            let Some(index) = first.parse::<usize>().ok().filter(|at| *at < items.len()) else {
                return false;
            };
            if rest.is_empty() {
                items.remove(index);
                return true;
            }
            items.get_mut(index).is_some_and(|inner| remove(inner, rest))
        }
        _ => false,
    }
}
