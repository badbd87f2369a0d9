//! The guard that a shifted column cannot slip through.
//!
//! A template whose columns moved by one fills each with what belongs beside it, and where both are
//! text no form is hurt. What gives it away is that a column which seldom changes does so nearly
//! everywhere at once: then a person has to name it.

use std::collections::BTreeMap;

use upturn_core::record::{Kind, Record};

/// How many records must have had a value before a column is judged.
const COMPARED_MIN: u64 = 10;
/// A column is suspicious if more than one of this many changes.
const PART: u64 = 5;
/// How many examples are kept.
const EXAMPLES_MAX: usize = 2;

/// What an import does to the columns of records that are there.
#[derive(Debug)]
pub(super) struct Changes(Vec<OfColumn>);

/// What it does to one of them.
#[derive(Debug)]
struct OfColumn {
    name: &'static str,
    /// Records that had a value.
    compared: u64,
    /// Those whose value would be another, or none.
    changed: u64,
    /// How often the new value is what another column had, by that column.
    neighbours: BTreeMap<String, u64>,
    examples: Vec<String>,
}

impl Changes {
    /// Returns the columns of `kind` that seldom change.
    pub(super) fn of(kind: &Kind) -> Self {
        let is_judged = |name: &str| {
            let column = kind.column(name);
            !kind.key.contains(&name) && column.is_some_and(|column| !column.moves)
        };
        let names = kind.columns.iter().map(|column| column.name).filter(|name| is_judged(name));
        Self(names.map(OfColumn::new).collect())
    }

    /// Counts a record that stays as it is.
    pub(super) fn keep(&mut self, record: &Record) {
        for column in &mut self.0 {
            column.compared += u64::from(record.contains_key(column.name));
        }
    }

    /// Counts the record `id`, kept as `document`, that would be `after`.
    pub(super) fn compare(&mut self, id: &str, document: &str, after: &Record) {
        // What was written by a kind of other columns has no value in those that are new.
        let before: BTreeMap<String, String> = serde_json::from_str(document).unwrap_or_default();
        for column in &mut self.0 {
            let Some(old) = before.get(column.name) else { continue };
            column.compared += 1;
            let new = after.get(column.name);
            if new == Some(old) {
                continue;
            }
            column.changed += 1;
            let new = new.map_or("", String::as_str);
            let of_others = before.iter().filter(|(name, _)| *name != column.name);
            for (neighbour, _) in of_others.filter(|(_, value)| *value == new) {
                *column.neighbours.entry(neighbour.clone()).or_default() += 1;
            }
            if column.examples.len() < EXAMPLES_MAX {
                let [id, old, new] = [id, old, new].map(|text| text.escape_debug().to_string());
                column.examples.push(format!("{id}: \"{old}\" to \"{new}\""));
            }
        }
    }

    /// Returns what is suspicious about columns that are not in `allowed`.
    pub(super) fn suspicious(&self, allowed: &[String]) -> Vec<String> {
        let judged = self.0.iter().filter(|column| !allowed.iter().any(|name| name == column.name));
        judged.filter_map(OfColumn::suspicion).collect()
    }
}

impl OfColumn {
    fn new(name: &'static str) -> Self {
        let (neighbours, examples) = (BTreeMap::new(), Vec::new());
        Self { name, compared: 0, changed: 0, neighbours, examples }
    }

    fn suspicion(&self) -> Option<String> {
        let Self { name, compared, changed, .. } = self;
        if *compared < COMPARED_MIN || changed * PART <= *compared {
            return None;
        }
        let nearest = self.neighbours.iter().max_by_key(|(_, count)| **count);
        let shifted = nearest.filter(|(_, count)| *changed <= **count * 2).map(|(other, count)| {
            format!("; it looks shifted: {count} of them would hold what was in '{other}'")
        });
        Some(format!(
            "column '{name}' would change in {changed} of {compared} records ({}){}; if that is \
             meant, say so: --allow-change {name}",
            self.examples.join(", "),
            shifted.unwrap_or_default(),
        ))
    }
}
