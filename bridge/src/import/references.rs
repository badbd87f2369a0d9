//! What rows name besides themselves: whether it is there.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use upturn_core::id::DeviceId;
use upturn_core::record::form::Form;
use upturn_core::record::{self as kinds, Kind};
use upturn_core::registry::Registry;

use super::rows::Numbered;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::log;
use crate::store::record::{self, ROWS_MAX};

/// A row that names what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The row's line.
    pub(crate) line: u64,
    /// The column that names it.
    pub(crate) column: &'static str,
    /// What it names.
    pub(crate) id: String,
    table: &'static str,
    /// Whether it is a record of the row's own kind, which may come with it.
    pub(crate) is_of_own_kind: bool,
}

impl Missing {
    /// Returns what is wrong and what to do.
    pub(crate) fn message(&self) -> String {
        let Self { column, id, table, .. } = self;
        let advice = match kinds::kind(table).or_else(|| kinds::registered(table)) {
            _ if self.is_of_own_kind => "add a row for it".to_owned(),
            Some(kind) => format!("import its record first: upturn records import {}", kind.name),
            None => format!("add it to {table}.csv in the registry's folder first"),
        };
        format!("'{column}' names \"{}\", which {table} does not have; {advice}", id.escape_debug())
    }
}

/// Returns what `rows` of `kind` name that neither the store nor the `folder` of the registry has.
///
/// What a record names already is no news: it does not keep its other columns from changing when somebody
/// has left.
pub(crate) async fn missing(
    (store, folder): (&Store, &Registry),
    kind: &Kind,
    rows: &[Numbered],
) -> Result<Vec<Missing>, StoreError> {
    let mut all = Vec::new();
    for column in kind.columns {
        let Form::Of(table) = column.form else { continue };
        let named = |row: &Numbered| row.record.get(column.name).cloned();
        let ids: BTreeSet<String> =
            rows.iter().filter_map(named).filter(|id| !is_registered(folder, table, id)).collect();
        let of = kinds::kind(table).or_else(|| kinds::registered(table));
        let found = match of {
            Some(of) => find_keys(store, of.name, &ids).await?,
            None => HashSet::new(),
        };
        for row in rows {
            let Some(id) = named(row) else { continue };
            if ids.contains(&id) && !found.contains(&id) {
                let is_of_own_kind = of.is_some_and(|of| of.name == kind.name);
                all.push(Missing {
                    line: row.line,
                    column: column.name,
                    id,
                    table,
                    is_of_own_kind,
                });
            }
        }
    }
    if all.is_empty() {
        return Ok(all);
    }
    let wrong: HashSet<u64> = all.iter().map(|missing| missing.line).collect();
    let wrong = rows.iter().filter(|row| wrong.contains(&row.line));
    let keys: BTreeMap<u64, String> =
        wrong.map(|row| (row.line, kind.key_of(&row.record))).collect();
    let ids: Vec<&str> = keys.values().map(String::as_str).collect();
    let mut before = BTreeMap::new();
    for ids in ids.chunks(ROWS_MAX) {
        before.extend(record::find_all(store, kind.name, ids).await?);
    }
    let is_news = |missing: &Missing| -> Result<bool, StoreError> {
        let document = keys.get(&missing.line).and_then(|key| before.get(key));
        let stored = document.map(|document| log::parsed::<BTreeMap<String, String>>(document));
        Ok(stored.transpose()?.is_none_or(|stored| stored.get(missing.column) != Some(&missing.id)))
    };
    let mut news = Vec::new();
    for missing in all {
        if is_news(&missing)? {
            news.push(missing);
        }
    }
    Ok(news)
}

/// Returns those of `ids` that records of `kind` have.
async fn find_keys(
    store: &Store,
    kind: &str,
    ids: &BTreeSet<String>,
) -> Result<HashSet<String>, StoreError> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut found = HashSet::new();
    for ids in ids.chunks(ROWS_MAX) {
        found.extend(record::find_all(store, kind, ids).await?.into_keys());
    }
    Ok(found)
}

fn is_registered(folder: &Registry, table: &str, id: &str) -> bool {
    match table {
        "devices" => DeviceId::new(id).is_ok_and(|id| folder.devices.contains_key(&id)),
        "accounts" => folder.accounts.contains_key(id),
        "contacts" => folder.contacts.contains_key(id),
        "people" => folder.people.contains_key(id),
        "sites" => folder.sites.contains_key(id),
        _ => false,
    }
}
