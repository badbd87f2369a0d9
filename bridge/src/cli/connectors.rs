//! `upturn connectors`: what feeds there are, how they do, and what a document of one says.

use std::path::Path;

use clap::Subcommand;

use super::output::{self, printed};
use crate::exit::Exit;

mod feeds;
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
    /// Show feeds: how each does, its age, its next run, its last error
    List(feeds::Json),
    /// Fetch and judge what a feed says now; changes nothing
    Test(feeds::Test),
    /// Have the running program fetch a feed now
    Run(feeds::Which),
    /// Show when feeds run next
    Next(feeds::Json),
    /// Keep a feed from running by itself
    Pause(feeds::Which),
    /// Let a paused feed run again
    Resume(feeds::Which),
    /// Read a saved document and print its facts, without any network
    Parse(parse::Args),
}

/// Runs `command`.
pub(crate) fn run(command: &Command, config: Option<&Path>) -> Exit {
    match command {
        Command::Kinds(args) => printed(kinds::run(*args)),
        Command::Schema { kind } => match kinds::find(kind) {
            Ok(kind) => {
                let schema = serde_json::to_string_pretty(&(kind.schema)());
                printed(schema.map_err(Into::into).and_then(output::say_json).map(|()| Exit::Ok))
            }
            Err(unknown) => output::failed(&unknown, Exit::Usage),
        },
        Command::List(json) => feeds::list(*json, config),
        Command::Test(args) => feeds::test(args, config),
        Command::Run(which) => feeds::want(which, config),
        Command::Next(json) => feeds::next(*json, config),
        Command::Pause(which) => feeds::pause(which, true, config),
        Command::Resume(which) => feeds::pause(which, false, config),
        Command::Parse(args) => parse::run(args),
    }
}
