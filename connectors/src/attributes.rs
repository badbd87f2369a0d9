//! Attributes of sites and accounts from any system that answers in JSON, XML or delimited text.
//!
//! **What it reads** rows with a key and values, or a document about one site or account (`id`). Settings
//! name the attributes and where they stand: `/tier` is a JSON pointer from the root, `tier` is below the
//! row. A value that is null is not told; a path that leads nowhere in any row is refused.
//! **Example** `format = "json"`, `of = "account"`, `rows = "/customers/*"`, `key = "id"`,
//! `attributes = { tier = "segment/tier" }`.
//! **Settings** [`Settings`].

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::fact::attributes::{Attributes, Subject};

use crate::read::table::{Layout, Table, nowhere, path};
use crate::read::tree::{Path, Spot};
use crate::read::{ReadError, number};

/// How many rows one document may have.
const ROWS_MAX: usize = 500_000;
/// The longest value, in bytes.
const VALUE_MAX: usize = 1_000;

/// Where a document has what, by paths as [`Layout`] tells them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the document is.
    #[serde(flatten)]
    pub layout: Layout,
    /// What has the attributes: `site` or `account`.
    pub of: Subject,
    /// The id of the only one the document is about.
    pub id: Option<String>,
    /// The id of a row.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub key: Option<Path>,
    /// The attributes: their names, and where they stand.
    pub attributes: BTreeMap<String, String>,
}

/// Reads a document by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Attributes>, ReadError> {
    let wrong = |key: &str, what: &str| ReadError::at(format!("setting '{key}'"), what);
    if settings.id.is_some() == settings.key.is_some() {
        return Err(wrong("key", "either it or 'id' is needed"));
    }
    if settings.attributes.is_empty() {
        return Err(wrong("attributes", "it names no attribute"));
    }
    let mut layout = settings.layout.clone();
    if settings.id.is_some() {
        layout.rows = layout.rows.or_else(|| Some(Path::read("/")));
    }
    let table = Table::of(&layout)?;
    let tree = table.open(bytes)?;
    let rows = table.rows(&tree);
    let paths: Vec<_> =
        settings.attributes.iter().map(|(name, path)| (name, Path::read(path))).collect();
    let leads_nowhere =
        |(_, path): &&(&String, Path)| rows.iter().all(|row| row.all(path).is_empty());
    if let Some((name, _)) = paths.iter().find(leads_nowhere) {
        let place = format!("setting 'attributes', {}", number::short(name));
        return Err(ReadError::at(place, "it leads nowhere in the document"));
    }
    if ROWS_MAX < rows.len() || (settings.id.is_some() && rows.len() != 1) {
        let what = format!("the document has {} rows", rows.len());
        return Err(ReadError::whole(what));
    }
    let mut keys = BTreeSet::new();
    let mut facts = Vec::new();
    for row in &rows {
        let within = |error: ReadError| error.within(&row.place());
        let key = match (&settings.id, &settings.key) {
            (Some(id), _) => id.as_str(),
            (None, Some(path)) => table.text(row, path).ok_or_else(|| within(nowhere("key")))?,
            (None, None) => return Err(wrong("key", "it is needed")),
        };
        if !keys.insert(key) {
            let what = format!("'{}' stands there twice", number::short(key));
            return Err(within(ReadError::at(", key", what)));
        }
        let values = values(&table, row, &paths).map_err(within)?;
        facts.push(Attributes { of: settings.of, key: key.to_owned(), values });
    }
    Ok(facts)
}

fn values(
    table: &Table<'_>,
    row: &Spot<'_>,
    paths: &[(&String, Path)],
) -> Result<BTreeMap<String, String>, ReadError> {
    let mut values = BTreeMap::new();
    for (name, path) in paths {
        let Some(text) = table.text(row, path) else { continue };
        if VALUE_MAX < text.len() {
            let what = format!("it is longer than {VALUE_MAX} bytes");
            return Err(ReadError::at(format!(", {}", number::short(name)), what));
        }
        values.insert((*name).clone(), text.to_owned());
    }
    Ok(values)
}
