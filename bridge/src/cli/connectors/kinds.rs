//! `upturn connectors kinds`: what feeds there are.

use std::io;

use serde_json::json;
use upturn_connectors::feed::{self, Kind};

use super::output;
use crate::exit::Exit;

/// How near a name must come to a kind's to be meant.
const LIKENESS_MIN: f64 = 0.7;

/// How the list is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// There is no such kind.
#[derive(Debug, thiserror::Error)]
#[error("there is no feed '{name}'{}; upturn connectors kinds lists them", meant(.name))]
pub(super) struct UnknownKind {
    name: String,
}

/// Returns the kind `name`.
pub(super) fn find(name: &str) -> Result<&'static Kind, UnknownKind> {
    feed::kind(name).ok_or_else(|| UnknownKind { name: name.to_owned() })
}

fn meant(name: &str) -> String {
    let likeness = |kind: &&Kind| strsim::jaro_winkler(kind.name, name);
    let near = feed::KINDS.iter().filter(|kind| LIKENESS_MIN <= likeness(kind));
    let nearest = near.max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    nearest.map(|kind| format!("; did you mean '{}'", kind.name)).unwrap_or_default()
}

/// Prints the kinds.
pub(super) fn run(args: Args) -> io::Result<Exit> {
    if args.json {
        let kinds = feed::KINDS.iter().map(|kind| json!({"kind": kind.name, "about": kind.about}));
        output::say_json(kinds.collect::<serde_json::Value>())?;
    } else {
        let row = |kind: &Kind| vec![kind.name.to_owned(), kind.about.to_owned()];
        output::say(output::table(&["Kind", "What it brings"], feed::KINDS.iter().map(row)))?;
    }
    Ok(Exit::Ok)
}
