//! `upturn migrate`: the schema of the database, and bringing it up to date.

use std::path::Path;

use serde_json::json;

use super::output;
use super::store_command::{self, StoreCommandError};
use crate::config::Config;
use crate::exit::Exit;
use crate::store::schema::{self, Step, StepState};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the steps of the schema's history; ends with 1 unless the database is up to date
    Status(StatusArgs),
    /// Bring the schema up to date, as `upturn serve` does at its start
    Up(UpArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct UpArgs {
    /// Print the statements that would run, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(command: &Command, config: Option<&Path>) -> Exit {
    store_command::run(config, async |config| match command {
        Command::Status(args) => status(args, &config).await,
        Command::Up(args) => up(args, &config).await,
    })
}

async fn status(args: &StatusArgs, config: &Config) -> Result<Exit, StoreCommandError> {
    let steps = steps(config).await?;
    let is_current = steps.iter().all(|step| matches!(step.state, StepState::Applied(_)));
    if args.json {
        let shown = steps.iter().map(|step| {
            json!({
                "version": step.version,
                "name": step.name,
                "state": word(&step.state),
                "applied_at": applied_at(&step.state),
            })
        });
        let steps: Vec<_> = shown.collect();
        output::say_json(format_args!("{:#}", json!({ "current": is_current, "steps": steps })))?;
    } else {
        let rows = steps.iter().map(|step| {
            let at = applied_at(&step.state).unwrap_or_default().to_owned();
            vec![step.version.to_string(), step.name.clone(), word(&step.state).to_owned(), at]
        });
        output::say(output::table(&["step", "name", "state", "applied at"], rows))?;
    }
    Ok(if is_current { Exit::Ok } else { Exit::Findings })
}

async fn up(args: &UpArgs, config: &Config) -> Result<Exit, StoreCommandError> {
    if args.dry_run {
        let steps = steps(config).await?;
        let pending: Vec<&Step> =
            steps.iter().filter(|step| step.state == StepState::Pending).collect();
        for step in &pending {
            output::say(format_args!("-- {:04} {}\n{}", step.version, step.name, step.sql))?;
        }
        output::note(format_args!("upturn: steps that would run: {}", pending.len()));
        return Ok(Exit::Ok);
    }
    let store = store_command::open_or_make(config).await?;
    let work = async {
        let before = schema::steps(&store).await?;
        store.migrate().await?;
        Ok(before.iter().filter(|step| step.state == StepState::Pending).count())
    };
    let outcome = store_command::alone(&store, work).await;
    store.close().await;
    let done = outcome?;
    output::say(format_args!("the schema is up to date; steps that ran: {done}"))?;
    Ok(Exit::Ok)
}

/// Returns the steps of the configured database, which is only read and not made.
async fn steps(config: &Config) -> Result<Vec<Step>, StoreCommandError> {
    if config.store.url.file().is_some_and(|file| !file.exists()) {
        return Ok(schema::steps_of_new_file());
    }
    let store = store_command::open(config).await?;
    let steps = schema::steps(&store).await;
    store.close().await;
    Ok(steps?)
}

fn word(state: &StepState) -> &'static str {
    match state {
        StepState::Applied(_) => "applied",
        StepState::Pending => "pending",
        StepState::Unknown => "unknown to this binary",
        StepState::Altered => "applied in another form",
    }
}

fn applied_at(state: &StepState) -> Option<&str> {
    match state {
        StepState::Applied(at) => Some(at),
        StepState::Pending | StepState::Unknown | StepState::Altered => None,
    }
}
