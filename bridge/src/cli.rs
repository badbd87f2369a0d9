//! The command line.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::exit::Exit;

mod config;

/// Turns service events into sales.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// The configuration file [default: UPTURN_CONFIG, else upturn.toml if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the settings
    #[command(subcommand)]
    Config(config::Command),
}

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let file = cli.config.as_deref();
    let exit = match cli.command {
        Command::Config(command) => config::run(command, file, &mut io::stdout().lock())
            .unwrap_or_else(|error| fail(&error, error.exit())),
    };
    exit.into()
}

/// Tells a person what went wrong, with its causes.
fn fail(error: &dyn Error, exit: Exit) -> Exit {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    // Where standard error is closed there is nobody to tell.
    writeln!(io::stderr(), "{text}").ok();
    exit
}
