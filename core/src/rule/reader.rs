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

    /// Returns how much was noted so far.
    pub(super) fn count(&self) -> usize {
        self.findings.len()
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
    /// Keys that are there and were found wrong already.
    refused: BTreeSet<&'static str>,
    /// Keys of which one must be there, and none is.
    missing: Vec<Vec<Key>>,
}

impl<'d, 'i> Table<'d, 'i> {
    /// Returns a reader of `entries`.
    pub(super) fn new(entries: &'d DeTable<'i>, span: Range<usize>, name: &'static str) -> Self {
        let (asked, refused, missing) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        Self { entries, span, name, asked, refused, missing }
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

    /// Returns which of `keys` is there; exactly one must be.
    pub(super) fn choose_one(&mut self, keys: &[Key], notes: &mut Notes<'_>) -> Option<Key> {
        let given: Vec<_> = keys.iter().filter_map(|key| Some((*key, self.find(*key)?))).collect();
        let Some((first, _)) = given.first() else {
            self.missing.push(keys.to_vec());
            return None;
        };
        for (key, value) in given.iter().skip(1) {
            let message = format!("'{}' and '{}' exclude each other", first.name, key.name);
            notes.error(value.span(), Fault::new("conflicting-keys", message, "keep one of them"));
        }
        Some(*first)
    }

    /// Notes that `key` is there and should not be.
    pub(super) fn refuse(&mut self, key: Key, fault: Fault, notes: &mut Notes<'_>) {
        if let Some((written, _)) = self.entries.get_key_value(key.name) {
            self.refused.insert(key.name);
            notes.error(written.span(), fault);
        }
    }

    /// Returns whether `key` is there.
    pub(super) fn has(&self, key: Key) -> bool {
        self.entries.contains_key(key.name)
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

    /// Returns the number of `key`, whole or not, if it is there and finite.
    pub(super) fn number(&mut self, key: Key, notes: &mut Notes<'_>) -> Option<Item<f64>> {
        let value = self.find(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(_) => self.whole(key, notes).map(|whole| as_float(whole.value)),
            DeValue::Float(float) => float.as_str().parse().ok(),
            DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => return wrong_type(key, value, "a number", notes),
        };
        let finite = number.filter(|number| number.is_finite());
        if finite.is_none() {
            let message = format!("'{}' is no finite number", key.name);
            let cure = format!("write {} = {}", key.name, key.example);
            notes.error(value.span(), Fault::new("out-of-range", message, cure));
        }
        Some(Item { value: finite?, span: value.span() })
    }

    /// Returns whether `key` is true; it is false where it is absent.
    pub(super) fn truth(&mut self, key: Key, notes: &mut Notes<'_>) -> bool {
        let Some(value) = self.find(key) else { return false };
        let truth = value.get_ref().as_bool();
        truth.or_else(|| wrong_type(key, value, "true or false", notes)).unwrap_or_default()
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
        self.tables(key, name, notes)
    }

    /// Returns the tables listed at `key`, if it is there.
    pub(super) fn tables(
        &mut self,
        key: Key,
        name: &'static str,
        notes: &mut Notes<'_>,
    ) -> Option<Vec<Table<'d, 'i>>> {
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

    /// Notes keys that nobody asked for, and those that are missing.
    pub(super) fn finish(mut self, notes: &mut Notes<'_>) {
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if self.asked.contains(name) || self.refused.contains(name) {
                continue;
            }
            let meant = nearest::find(name, self.asked.iter().copied());
            // A misspelt key is not missing as well.
            self.missing.retain(|keys| keys.iter().all(|key| Some(key.name) != meant));
            let cure = nearest::cure(name, self.asked.iter().copied());
            let message = format!("{} has no key '{name}'", self.name);
            notes.error(key.span(), Fault::new("unknown-key", message, cure));
        }
        self.finish_unread(notes);
    }

    /// Notes what is missing, where the rest of the table cannot be read.
    pub(super) fn finish_unread(self, notes: &mut Notes<'_>) {
        let Self { missing, name, span, .. } = self;
        for keys in missing {
            let is_lost = keys.iter().any(|key| notes.is_lost(*key));
            let Some(key) = keys.first().filter(|_| !is_lost) else { continue };
            let names: Vec<_> = keys.iter().map(|key| format!("'{}'", key.name)).collect();
            let message = match names.as_slice() {
                [one] => format!("{name} has no {one}, which is required"),
                several => format!("{name} has none of {}; one is required", several.join(", ")),
            };
            let cure = format!("add {} = {}", key.name, key.example);
            notes.error(span.clone(), Fault::new("missing-key", message, cure));
        }
    }

    /// Returns whether `key` is there, which it must be.
    pub(super) fn require(&mut self, key: Key) -> Option<()> {
        let is_there = self.find(key).is_some();
        if !is_there {
            self.missing.push(vec![key]);
        }
        is_there.then_some(())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a number that is compared with a measurement is as exact as the measurement"
)]
fn as_float(whole: i64) -> f64 {
    whole as f64
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
