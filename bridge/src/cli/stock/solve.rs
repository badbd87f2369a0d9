//! `upturn stock solve`: single inventory instances, with their numbers.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use upturn_core::stock::solve::problem::Case;

use crate::cli::output::{self, printed};
use crate::exit::Exit;

/// The largest document that is read, in bytes.
const DOCUMENT_MAX: u64 = 16 << 20;

/// Solves inventory instances, each a JSON object with `kind` and `input`.
///
/// Where an instance says what is `expected`, the numbers are compared; one that is not met, or
/// cannot be solved, ends the command with code 1 after all others are solved.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A JSON list of instances, or one; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

/// What came of an instance.
#[derive(Debug, Serialize)]
struct Outcome {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_as_expected: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deviations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn run(args: &Args) -> Exit {
    let text = match read(&args.input) {
        Ok(text) => text,
        Err(error) => {
            output::note(format_args!(
                "upturn: '{}' cannot be read: {error}",
                args.input.display()
            ));
            return Exit::NoInput;
        }
    };
    let cases = match serde_json::from_slice(&text) {
        Ok(Value::Array(cases)) => cases,
        Ok(one) => vec![one],
        Err(error) => {
            output::note(format_args!("upturn: {} is no JSON: {error}", args.input.display()));
            return Exit::DataErr;
        }
    };
    let outcomes: Vec<Outcome> = cases.iter().map(solve).collect();
    printed(print(args, &outcomes))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(DOCUMENT_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(DOCUMENT_MAX + 1).read_to_end(&mut bytes)?;
    }
    if DOCUMENT_MAX < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        return Err(io::Error::other(format!("it has more than {DOCUMENT_MAX} bytes")));
    }
    Ok(bytes)
}

fn solve(value: &Value) -> Outcome {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut outcome = Outcome {
        id: text("id").unwrap_or_default(),
        kind: text("kind"),
        result: None,
        is_as_expected: None,
        deviations: Vec::new(),
        error: None,
    };
    let case: Case = match serde_json::from_value(value.clone()) {
        Ok(case) => case,
        Err(error) => {
            outcome.error = Some(error.to_string());
            return outcome;
        }
    };
    match case.problem.solve() {
        Ok(found) => {
            let deviations = case.deviations(&found);
            outcome.is_as_expected = deviations.as_ref().map(Vec::is_empty);
            outcome.deviations = deviations.unwrap_or_default();
            outcome.result = Some(found);
        }
        Err(error) => outcome.error = Some(error.to_string()),
    }
    outcome
}

fn print(args: &Args, outcomes: &[Outcome]) -> io::Result<Exit> {
    let is_good = |outcome: &Outcome| outcome.error.is_none() && outcome.deviations.is_empty();
    let good = outcomes.iter().filter(|outcome| is_good(outcome)).count();
    if args.json {
        for outcome in outcomes {
            output::say_json(serde_json::to_string(outcome)?)?;
        }
    } else {
        let rows = outcomes.iter().map(Outcome::row);
        output::say(output::table(&["instance", "kind", "result", "expected"], rows))?;
        output::say(format_args!("{good} of {} are as they should be", outcomes.len()))?;
    }
    Ok(if good == outcomes.len() { Exit::Ok } else { Exit::Findings })
}

impl Outcome {
    fn row(&self) -> Vec<String> {
        let result = match (&self.result, &self.error) {
            (Some(Value::Object(numbers)), _) => {
                let parts = numbers.iter().map(|(name, number)| format!("{name} {number}"));
                parts.collect::<Vec<_>>().join("\n")
            }
            (Some(other), _) => other.to_string(),
            (None, error) => error.clone().unwrap_or_default(),
        };
        let expected = match self.is_as_expected {
            Some(true) => "met".to_owned(),
            Some(false) => self.deviations.join("\n"),
            None => String::new(),
        };
        vec![self.id.clone(), self.kind.clone().unwrap_or_default(), result, expected]
    }
}
