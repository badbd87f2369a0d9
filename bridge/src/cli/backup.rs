//! `upturn backup`: the whole database in one file.

use std::path::{Path, PathBuf};

use super::output;
use super::store_command::{self, StoreCommandError};
use crate::backup;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::exit::Exit;
use crate::new_file::NewFile;

/// Writes the whole database to a file, while the program runs or not.
///
/// `upturn restore` fills a database of either kind from it. The file holds what people and devices
/// said and the hashes of passwords: keep it as you keep the database.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to make
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(args: &Args, config: Option<&Path>) -> Exit {
    store_command::run(config, async |config| to_file(args, &config).await)
}

async fn to_file(args: &Args, config: &Config) -> Result<Exit, StoreCommandError> {
    let named = |source| StoreCommandError::of_file(&args.file, source);
    // Before the work is done, not after.
    drop(NewFile::begin(&args.file).map_err(named)?);
    let store = store_command::open(config).await?;
    let written = backup::write(&store, SystemClock.now(), || NewFile::begin(&args.file)).await;
    store.close().await;
    let (file, contents) = written?;
    file.finish().map_err(named)?;
    let (rows, fold) = (contents.rows, contents.fold);
    output::say(format_args!("rows backed up: {rows}; the log folds to {fold}"))?;
    Ok(Exit::Ok)
}
