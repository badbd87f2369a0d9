//! `upturn rules`: which rules stand and stood, and the way back.

use std::io;
use std::path::{Path, PathBuf};

use super::{block_on, output};
use crate::config::{Config, ConfigError};
use crate::exit::Exit;
use crate::rules::RulesError;
use crate::store::Store;
use crate::store::error::StoreError;

mod history;
mod list;
mod rollback;
mod show;
mod test;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Play scenarios: given rules, when this happens, then these tasks stand
    Test(test::Args),
    /// List the rules that stand, as the log has them
    List(list::Args),
    /// List the versions of a rule, and when each was in force
    History(history::Args),
    /// Print the document of a rule
    Show(show::Args),
    /// Write an earlier version over the file of its rule; a reload puts it in force
    Rollback(rollback::Args),
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
enum RulesCommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Rules(#[from] RulesError),
    #[error("the rules cannot be read from the database")]
    Store(#[from] StoreError),
    #[error("there is no database {0} yet; `upturn serve` makes it")]
    NoDatabase(PathBuf),
    #[error("no rule '{0}' was ever in force; `upturn rules list` says which are")]
    UnknownRule(String),
    #[error(
        "no version of '{rule}' begins with '{version}'; `upturn rules history {rule}` lists them"
    )]
    UnknownVersion { rule: String, version: String },
    #[error("'{rule}' never had another version than the one in force")]
    NoEarlier { rule: String },
    #[error("version {0} is not understood any more; correct its text from `upturn rules show`")]
    NotUnderstood(String),
    #[error(
        "several files hold rules with the id '{0}', none of them in that stage; write it by hand"
    )]
    SeveralFiles(String),
    #[error("{0} is there already and holds another rule; write it by hand")]
    InTheWay(PathBuf),
    #[error("cannot write {path}", path = .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Print(#[from] io::Error),
}

impl RulesCommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Rules(_) => Exit::Config,
            Self::Store(_) | Self::NoDatabase(_) => Exit::Unavailable,
            Self::UnknownRule(_)
            | Self::UnknownVersion { .. }
            | Self::NoEarlier { .. }
            | Self::NotUnderstood(_)
            | Self::SeveralFiles(_)
            | Self::InTheWay(_) => Exit::Findings,
            Self::Write { .. } | Self::Print(_) => Exit::Output,
        }
    }
}

pub(super) fn run(command: &Command, config: Option<&Path>) -> Exit {
    if let Command::Test(args) = command {
        return test::run(args, config);
    }
    let config = match Config::load(config) {
        Ok(config) => config,
        Err(error) => return output::failed(&error, Exit::Config),
    };
    block_on(async {
        match on_store(command, &config).await {
            Ok(()) => Exit::Ok,
            Err(RulesCommandError::Print(error)) => output::printed(Err(error)),
            Err(error) => output::failed(&error, error.exit()),
        }
    })
}

async fn on_store(command: &Command, config: &Config) -> Result<(), RulesCommandError> {
    // Opening would make it.
    if let Some(file) = config.store.url.file().filter(|file| !file.exists()) {
        return Err(RulesCommandError::NoDatabase(file.to_owned()));
    }
    let store = Store::open(config.store.connection_url()?.expose()).await?;
    let outcome = match command {
        Command::Test(_) => Ok(()),
        Command::List(args) => list::run(args, &store).await,
        Command::History(args) => history::run(args, &store).await,
        Command::Show(args) => show::run(args, &store).await,
        Command::Rollback(args) => rollback::run(args, &store, config).await,
    };
    store.close().await;
    outcome
}
