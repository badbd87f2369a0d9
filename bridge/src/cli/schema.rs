//! `upturn schema`: prints the JSON Schema of a document.

use std::io::{self, Write};

use upturn_core::rule::document;

use crate::{delivery, feeds};

/// Prints the JSON Schema of a document, for editors.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Which document.
    #[arg(value_enum)]
    document: Document,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Document {
    /// A rule.
    Rule,
    /// A destination of letters.
    Destination,
    /// A route of letters.
    Route,
    /// A feed of facts.
    Feed,
}

/// Writes the schema to `out`.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> io::Result<()> {
    match args.document {
        Document::Rule => out.write_all(document::schema().as_bytes()),
        Document::Destination => out.write_all(delivery::document::destination_schema().as_bytes()),
        Document::Feed => out.write_all(feeds::document::schema().as_bytes()),
        Document::Route => out.write_all(delivery::document::route_schema().as_bytes()),
    }
}
