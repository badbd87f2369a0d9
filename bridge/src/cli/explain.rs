//! `upturn explain`: why there is a task, or why there is none.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use upturn_core::condition::Term;
use upturn_core::replay::Keep;

use super::output;
use crate::exit::Exit;
use crate::replay::{self, Folded, Plan, ReplayError, RuleSet};

mod task;
mod why_not;

/// Says why there is a task, or why there is none, by folding the log again.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Why a task stands: its evidence, what its rule asked, whom it concerns
    Task(task::Args),
    /// Why a rule made no task, or no other one: how near it came, and what held it back
    WhyNot(why_not::Args),
}

/// What is folded to explain something.
#[derive(Debug, clap::Args)]
pub(super) struct Inputs {
    /// Rules instead of those that were in force
    #[arg(long, value_name = "PATH")]
    rules: Option<PathBuf>,
    /// Files of events instead of the stored log
    #[arg(long, value_name = "FILE", requires = "rules")]
    events: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Why nothing was explained.
#[derive(Debug, thiserror::Error)]
enum ExplainError {
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error("no task '{0}' stands; late evidence may have withdrawn it, or the rules are others")]
    NoTask(String),
    #[error("no rule '{rule}' is in force; there are: {known}")]
    NoRule { rule: String, known: String },
    #[error("version {version} of rule '{rule}' is not understood any more")]
    NoVersion { rule: String, version: String },
    #[error("the explanation cannot be written")]
    Output(#[from] io::Error),
}

impl From<crate::store::error::StoreError> for ExplainError {
    fn from(error: crate::store::error::StoreError) -> Self {
        Self::Replay(error.into())
    }
}

impl ExplainError {
    fn exit(&self) -> Exit {
        match self {
            Self::Replay(error) => error.exit(),
            Self::NoTask(_) | Self::NoRule { .. } => Exit::Findings,
            Self::NoVersion { .. } => Exit::DataErr,
            Self::Output(_) => Exit::Output,
        }
    }
}

pub(super) fn run(command: &Command, config: Option<&Path>) -> Exit {
    super::block_on(async {
        let explained = match command {
            Command::Task(args) => task::run(args, config).await,
            Command::WhyNot(args) => why_not::run(args, config).await,
        };
        match explained {
            Ok(()) => Exit::Ok,
            Err(ExplainError::Output(error)) => output::printed(Err(error)),
            Err(error) => output::failed(&error, error.exit()),
        }
    })
}

async fn fold(
    inputs: &Inputs,
    config: Option<&Path>,
    until: Option<DateTime<Utc>>,
) -> Result<Folded, ExplainError> {
    let rules = inputs.rules.clone().map_or(RuleSet::Live, RuleSet::At);
    let plan = Plan { config, events: &inputs.events, sides: vec![rules], until, keep: Keep::All };
    let outcome = replay::run(&plan).await?;
    for note in &outcome.notes {
        output::note(format_args!("upturn: {note}"));
    }
    let fold = outcome.folds.into_iter().next();
    fold.ok_or_else(|| ExplainError::Output(io::Error::other("nothing was folded")))
}

/// A part of a condition, as JSON has it.
#[derive(Debug, serde::Serialize)]
struct TermRow {
    text: String,
    value: Option<String>,
    holds: Option<bool>,
}

impl TermRow {
    fn of(term: Term) -> Self {
        let Term { text, value, holds } = term;
        Self { text, value, holds }
    }

    /// Returns the part as a sentence for people.
    fn said(&self) -> String {
        let outcome = match self.holds {
            Some(true) => "holds",
            Some(false) => "does not hold",
            None => "cannot be said",
        };
        match &self.value {
            Some(value) => format!("{} {outcome} ({value})", self.text),
            None => format!("{} {outcome}", self.text),
        }
    }
}

fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Returns a span in its two largest units: `3h 20m`; a day is `24h`, as rules write it.
fn span_text(span: TimeDelta) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = span.num_seconds();
    let mut words = Vec::new();
    let is_short = left < 2 * 86_400;
    for (seconds, unit) in UNITS.into_iter().skip(usize::from(is_short)) {
        if seconds <= left && words.len() < 2 {
            words.push(format!("{}{unit}", left / seconds));
            left %= seconds;
        } else if !words.is_empty() {
            break;
        }
    }
    if words.is_empty() { "0s".to_owned() } else { words.join(" ") }
}

/// Prints names and what they are in two columns.
fn lines(rows: &[(&str, String)]) -> io::Result<()> {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 2;
    for (name, value) in rows {
        output::say(format_args!("{name:width$}{value}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_largest_units() {
        let cases = [
            (TimeDelta::hours(24), "24h"),
            (TimeDelta::days(7), "7d"),
            (TimeDelta::minutes(200), "3h 20m"),
            (TimeDelta::seconds(180_061), "2d 2h"),
            (TimeDelta::seconds(86_401), "24h"),
            (TimeDelta::seconds(59), "59s"),
            (TimeDelta::zero(), "0s"),
        ];
        for (span, expected) in cases {
            assert_eq!(span_text(span), expected);
        }
    }
}
