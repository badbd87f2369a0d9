//! `upturn connectors`: what feeds there are, and what a document of one says.

use clap::Subcommand;

use super::output::{self, printed};
use crate::exit::Exit;

mod kinds;
mod parse;

/// Feeds and what they say.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the kinds of feeds
    Kinds(kinds::Args),
    /// Print the JSON Schema of a kind's settings
    Schema {
        /// The kind: `ecb`
        kind: String,
    },
    /// Read a saved document and print its facts, without any network
    Parse(parse::Args),
}

/// Runs `command`.
pub(crate) fn run(command: &Command) -> Exit {
    match command {
        Command::Kinds(args) => printed(kinds::run(*args)),
        Command::Schema { kind } => match kinds::find(kind) {
            Ok(kind) => {
                let schema = serde_json::to_string_pretty(&(kind.schema)());
                printed(schema.map_err(Into::into).and_then(output::say_json).map(|()| Exit::Ok))
            }
            Err(unknown) => output::failed(&unknown, Exit::Usage),
        },
        Command::Parse(args) => parse::run(args),
    }
}
