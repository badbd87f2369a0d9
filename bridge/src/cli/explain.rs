//! `upturn explain`: why there is a task, or why there is none.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use upturn_core::replay::Keep;

use super::output;
use crate::exit::Exit;
use crate::explain::task::TaskError;
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
    #[error("there is no task '{0}', and never was")]
    NoTask(String),
    #[error("no task '{0}' stands under these rules; ask without --rules for one that was live")]
    NotStanding(String),
    #[error("no rule '{rule}' is in force; there are: {known}")]
    NoRule { rule: String, known: String },
    #[error("{0}")]
    BadRule(String),
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

impl From<TaskError> for ExplainError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::NoVersion { rule, version } => Self::NoVersion { rule, version },
            TaskError::Store(error) => error.into(),
        }
    }
}

impl ExplainError {
    fn exit(&self) -> Exit {
        match self {
            Self::Replay(error) => error.exit(),
            Self::NoTask(_) | Self::NotStanding(_) | Self::NoRule { .. } => Exit::Findings,
            Self::NoVersion { .. } | Self::BadRule(_) => Exit::DataErr,
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

fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Prints names and what they are in two columns.
fn lines(rows: &[(&str, String)]) -> io::Result<()> {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 2;
    for (name, value) in rows {
        output::say(format_args!("{name:width$}{value}"))?;
    }
    Ok(())
}
