//! `upturn restore`: fills an empty database from a backup.

use std::path::{Path, PathBuf};

use super::output;
use super::store_command::{self, StoreCommandError};
use crate::backup;
use crate::config::Config;
use crate::exit::Exit;

/// Fills an empty database from a backup, and checks that its log folds to the same.
///
/// The database is the configured one, of either kind, whichever the backup was taken of. The whole
/// file is looked at first; a file that is torn changes nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(args: &Args, config: Option<&Path>) -> Exit {
    store_command::run(config, async |config| Box::pin(from_file(args, &config)).await)
}

async fn from_file(args: &Args, config: &Config) -> Result<Exit, StoreCommandError> {
    // Before a file for the database is made.
    backup::check(&args.file)?;
    let store = store_command::open_or_make(config).await?;
    let work = async { Ok(backup::restore(&store, &args.file).await?) };
    let outcome = store_command::alone(&store, Box::pin(work)).await;
    store.close().await;
    let backup::Contents { rows, fold } = outcome?;
    output::say(format_args!("rows restored: {rows}; the log folds to {fold}, as it did"))?;
    Ok(Exit::Ok)
}
