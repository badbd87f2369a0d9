//! Reads tables of a document key by key, and notes everything that is wrong instead of stopping.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{Fault, Finding, Severity};
use super::keys::Key;
use super::nearest;
use super::syntax::Source;

/// The most findings of one document; who has more reads no further.
const FINDINGS_MAX: usize = 200;

/// What was found so far.
#[derive(Debug)]
pub(super) struct Notes<'t> {
    original: &'t str,
    source: &'t Source,
    findings: Vec<Finding>,
}

impl<'t> Notes<'t> {
    /// Returns empty notes about `original`, which is read as `source`.
    pub(super) fn new(original: &'t str, source: &'t Source) -> Self {
        Self { original, source, findings: Vec::new() }
    }

    /// Notes what makes the document unusable.
    pub(super) fn error(&mut self, span: Range<usize>, fault: Fault) {
        self.add(span, Severity::Error, fault);
    }

    /// Notes something at a place of the source.
    pub(super) fn add(&mut self, span: Range<usize>, severity: Severity, fault: Fault) {
        if self.findings.len() < FINDINGS_MAX {
            let span = self.source.original(span);
            self.findings.push(Finding::at(self.original, span, severity, fault));
        }
    }

    /// Returns whether a line that gives `key` was not understood, so that it is not missing.
    pub(super) fn is_lost(&self, key: Key) -> bool {
        self.source.lost.contains(key.name)
    }

    /// Returns the text at a place of the source.
    pub(super) fn raw(&self, span: &Range<usize>) -> &'t str {
        self.source.text.get(span.clone()).unwrap_or_default()
    }

    /// Returns all findings in the order of their places.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
        self.findings
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Item<T> {
    /// The value.
    pub(super) value: T,
    /// Its place in the source.
    pub(super) span: Range<usize>,
}

/// A table of a document.
#[derive(Debug)]
pub(super) struct Table<'d, 'i> {
    entries: &'d DeTable<'i>,
    /// Its header, where what is missing in it is reported.
    pub(super) span: Range<usize>,
    /// What it is called in messages: `[when]`.
    name: &'static str,
    asked: BTreeSet<&'static str>,
    missing: Vec<Key>,
}

impl<'d, 'i> Table<'d, 'i> {
    /// Returns a reader of `entries`.
    pub(super) fn new(entries: &'d DeTable<'i>, span: Range<usize>, name: &'static str) -> Self {
        Self { entries, span, name, asked: BTreeSet::new(), missing: Vec::new() }
    }

    /// Returns whether it has no keys at all.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the value of `key`, of whatever type.
    pub(super) fn find(&mut self, key: Key) -> Option<&'d Spanned<DeValue<'i>>> {
        self.asked.insert(key.name);
        self.entries.get(key.name)
    }

    /// Returns the text of `key`, if it is there.
    pub(super) fn text(&mut self, key: Key, notes: &mut Notes<'_>) -> Option<Item<&'d str>> {
        let value = self.find(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Item { value: text, span: value.span() }),
            None => wrong_type(key, value, "a text", notes),
        }
    }

    /// Returns the text of `key`, which must be there.
    pub(super) fn required_text(
        &mut self,
        key: Key,
        notes: &mut Notes<'_>,
    ) -> Option<Item<&'d str>> {
        self.require(key)?;
        self.text(key, notes)
    }

    /// Returns the whole number of `key`, if it is there.
    pub(super) fn whole(&mut self, key: Key, notes: &mut Notes<'_>) -> Option<Item<i64>> {
        let value = self.find(key)?;
        let Some(number) = value.get_ref().as_integer() else {
            return wrong_type(key, value, "a whole number", notes);
        };
        let number = i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(i64::MAX);
        Some(Item { value: number, span: value.span() })
    }

    /// Returns the texts that `key` lists, if it is there.
    pub(super) fn texts(&mut self, key: Key, notes: &mut Notes<'_>) -> Option<Vec<Item<&'d str>>> {
        let value = self.find(key)?;
        let Some(array) = value.get_ref().as_array() else {
            return wrong_type(key, value, "a list of texts", notes);
        };
        let mut texts = Vec::new();
        for item in array {
            match item.get_ref().as_str() {
                Some(text) => texts.push(Item { value: text, span: item.span() }),
                None => wrong_type::<()>(key, item, "a text", notes).unwrap_or_default(),
            }
        }
        Some(texts)
    }

    /// Returns the table at `key`, if it is there.
    pub(super) fn table(
        &mut self,
        key: Key,
        name: &'static str,
        notes: &mut Notes<'_>,
    ) -> Option<Table<'d, 'i>> {
        let value = self.find(key)?;
        match value.get_ref().as_table() {
            Some(entries) => Some(Table::new(entries, value.span(), name)),
            None => wrong_type(key, value, "a table", notes),
        }
    }

    /// Returns the table at `key`, which must be there.
    pub(super) fn required_table(
        &mut self,
        key: Key,
        name: &'static str,
        notes: &mut Notes<'_>,
    ) -> Option<Table<'d, 'i>> {
        self.require(key)?;
        self.table(key, name, notes)
    }

    /// Returns the tables listed at `key`, which must be there.
    pub(super) fn required_tables(
        &mut self,
        key: Key,
        name: &'static str,
        notes: &mut Notes<'_>,
    ) -> Option<Vec<Table<'d, 'i>>> {
        self.require(key)?;
        let value = self.find(key)?;
        let Some(array) = value.get_ref().as_array() else {
            return wrong_type(key, value, "a list of tables", notes);
        };
        let mut tables = Vec::new();
        for item in array {
            match item.get_ref().as_table() {
                Some(entries) => tables.push(Table::new(entries, item.span(), name)),
                None => wrong_type::<()>(key, item, "a table", notes).unwrap_or_default(),
            }
        }
        Some(tables)
    }

    /// Notes keys that nobody asked for, and those that are missing. `planned` ones are refused
    /// for their own reason.
    pub(super) fn finish(mut self, planned: &[&'static str], notes: &mut Notes<'_>) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if self.asked.contains(name) {
                continue;
            }
            let fault = if planned.contains(&name) {
                not_supported(&format!("'{name}' in {}", self.name))
            } else {
                let meant = nearest::find(name, self.asked.iter().copied());
                // A misspelt key is not missing as well.
                self.missing.retain(|key| Some(key.name) != meant);
                let cure = nearest::cure(name, self.asked.iter().copied());
                Fault::new("unknown-key", format!("{} has no key '{name}'", self.name), cure)
            };
            notes.error(key.span(), fault);
        }
        self.finish_unread(notes);
    }

    /// Notes what is missing, where the rest of the table cannot be read.
    pub(super) fn finish_unread(self, notes: &mut Notes<'_>) {
        let Self { missing, name, span, .. } = self;
        for key in missing {
            if notes.is_lost(key) {
                continue;
            }
            let message = format!("{name} has no '{}', which is required", key.name);
            let cure = format!("add {} = {}", key.name, key.example);
            notes.error(span.clone(), Fault::new("missing-key", message, cure));
        }
    }

    fn require(&mut self, key: Key) -> Option<()> {
        let is_there = self.find(key).is_some();
        if !is_there {
            self.missing.push(key);
        }
        is_there.then_some(())
    }
}

/// Returns the fault of using what the design has and this version does not.
pub(super) fn not_supported(what: &str) -> Fault {
    let message = format!("{what} is not supported by this version");
    Fault::new("not-supported-yet", message, "leave it out; it would not be obeyed")
}

fn wrong_type<T>(
    key: Key,
    value: &Spanned<DeValue<'_>>,
    expected: &str,
    notes: &mut Notes<'_>,
) -> Option<T> {
    let found = match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let message = format!("'{}' is {found}, not {expected}", key.name);
    let cure = match key.name {
        "then" => "write [[then]] with two brackets at each side".to_owned(),
        name => format!("write {name} = {}", key.example),
    };
    notes.error(value.span(), Fault::new("wrong-type", message, cure));
    None
}
