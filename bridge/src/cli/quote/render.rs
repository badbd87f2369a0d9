//! `upturn quote render`: a frozen quote as a page that is printed.

use std::io::{self, Write as _};
use std::path::PathBuf;

use upturn_core::quote::snapshot::Snapshot;

use crate::cli::output;
use crate::exit::Exit;
use crate::quote::page::{self, Language};

/// What is shown, and how.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The snapshot, as `quote price --json` prints it, or `-` for standard input
    snapshot: PathBuf,
    /// The language
    #[arg(long, value_enum, default_value_t = Language::En)]
    lang: Language,
}

/// Prints the page. The same snapshot gives the same bytes.
pub(super) fn run(args: &Args) -> Exit {
    match super::read_snapshot(&args.snapshot) {
        Ok(snapshot) => output::printed(print(&snapshot, args.lang)),
        Err(error) => error.tell(false),
    }
}

fn print(snapshot: &Snapshot, language: Language) -> io::Result<Exit> {
    let page = page::render(snapshot, language).map_err(io::Error::other)?;
    io::stdout().lock().write_all(page.as_bytes())?;
    Ok(Exit::Ok)
}
