//! What commands print: results on standard output, trouble on standard error.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};

use tabled::builder::Builder;
use tabled::settings::Style;

use super::causes;
use crate::exit::Exit;
use crate::web::visible::VisibleLines;

/// Prints a result for people: what a device could hide in it, or tell the terminal, is made
/// visible.
pub(super) fn say(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", VisibleLines(&text.to_string()))
}

/// Prints a document for programs, as it is.
pub(super) fn say_json(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Returns how a command ends whose output came to `outcome`. A reader that went away (`| head`)
/// is no trouble of ours; a full disk is.
pub(super) fn printed(outcome: io::Result<Exit>) -> Exit {
    match outcome {
        Ok(exit) => exit,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(error) => failed(&error, Exit::Output),
    }
}

/// Prints something beside the result.
pub(super) fn note(text: impl Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Prints an error with its causes on one line, and returns `exit`.
pub(super) fn failed(error: &dyn Error, exit: Exit) -> Exit {
    note(format_args!("upturn: {}", causes::describe(error)));
    exit
}

/// Returns rows under their headings, as a table for a terminal.
pub(super) fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut builder = Builder::default();
    builder.push_record(headings.iter().copied());
    for row in rows {
        builder.push_record(row);
    }
    builder.build().with(Style::rounded()).to_string()
}
