//! Closed windows from a table that operations keep: roads shut, a port on strike, a plant that stands.
//!
//! **What it reads** JSON, XML and delimited text.
//! **Example** `format = "csv"`, with the columns `what`, `from`, `until`, `reason`.
//! **Settings** [`Settings`].

use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::fact::closure::Closure;
use upturn_core::fact::validity::Validity;

use super::bounded;
use crate::read::table::{Cells, Layout, Table, path};
use crate::read::tree::Path;
use crate::read::{ReadError, number};

/// Where a table of closures has what, by paths as [`Layout`] tells them. Each default is the setting's name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the document is.
    #[serde(flatten)]
    pub layout: Layout,
    /// What is closed: `region:CN-62`, `port:CNSHA`, a site's id.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub what: Option<Path>,
    /// The first day.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Path>,
    /// The last day.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Path>,
    /// Why; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub reason: Option<Path>,
}

/// Reads a table by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Closure>, ReadError> {
    let table = Table::of(&settings.layout)?;
    let tree = table.open(bytes)?;
    let mut closures: Vec<Closure> = Vec::new();
    for row in table.rows(&tree) {
        let read = closure(settings, &Cells::of(&table, &row));
        closures.push(read.map_err(|error| error.within(&row.place()))?);
    }
    refuse_overlap(&closures)?;
    bounded(closures, "closures")
}

fn closure(settings: &Settings, cells: &Cells<'_, '_>) -> Result<Closure, ReadError> {
    let what = cells.need(settings.what.as_ref(), "what")?;
    let first_on = cells.day(settings.from.as_ref(), "from")?;
    let last_on = cells.day(settings.until.as_ref(), "until")?;
    let valid = Validity::new(Some(first_on), Some(last_on));
    valid.map_err(|error| ReadError::at(", until", error.to_string()))?;
    let reason = cells.find(settings.reason.as_ref(), "reason").unwrap_or_default();
    Ok(Closure { what: what.to_owned(), first_on, last_on, reason: reason.to_owned() })
}

/// Fails if two windows of one thing have a day in common.
fn refuse_overlap(closures: &[Closure]) -> Result<(), ReadError> {
    let mut sorted: Vec<&Closure> = closures.iter().collect();
    sorted.sort_by_key(|closure| (&closure.what, closure.first_on));
    for (one, next) in sorted.iter().zip(sorted.iter().skip(1)) {
        if one.what == next.what && next.first_on <= one.last_on {
            let what = format!("two of its windows have {} in common", next.first_on);
            return Err(ReadError::at(number::short(&one.what), what));
        }
    }
    Ok(())
}
