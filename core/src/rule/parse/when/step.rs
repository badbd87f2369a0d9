//! Reads steps and tests: which events meet a pattern.

use super::super::super::finding::Fault;
use super::super::super::keys::{self, Key};
use super::super::super::reader::{Item, Notes, Table};
use super::super::super::{Step, Test};
use super::super::{note_remarks, read_kind};
use crate::catalogue::Catalogue;
use crate::condition::Condition;

/// How many tests a step can have.
const TESTS_MAX: usize = 16;

/// Returns the step that the keys `event` and `where`, or `any`, of a table say.
pub(super) fn read(
    table: &mut Table<'_, '_>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Step {
    let any = match table.choose_one(&[keys::EVENT, keys::ANY], notes) {
        Some(keys::ANY) => {
            refuse_where(table, keys::ANY, notes);
            read_tests(table, keys::ANY, catalogue, notes)
        }
        Some(_) | None => read_test(table, catalogue, notes).into_iter().collect(),
    };
    Step { any }
}

/// Returns the steps of a table of which each of `all` is one, or `event` or `any` the only one.
pub(super) fn read_each(
    table: &mut Table<'_, '_>,
    max: usize,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Vec<Step> {
    if !table.has(keys::ALL) && (table.has(keys::EVENT) || table.has(keys::ANY)) {
        table.find(keys::ALL);
        return vec![read(table, catalogue, notes)];
    }
    if table.choose_one(&[keys::EVENT, keys::ANY, keys::ALL], notes).is_some() {
        refuse_where(table, keys::ALL, notes);
    } else {
        table.find(keys::WHERE);
    }
    read_list(table, keys::ALL, (1, max), (catalogue, notes))
}

/// Returns the steps that `key` lists, so many at least and at most.
pub(super) fn read_list(
    table: &mut Table<'_, '_>,
    key: Key,
    (min, max): (usize, usize),
    (catalogue, notes): (&Catalogue, &mut Notes<'_>),
) -> Vec<Step> {
    let mut steps = Vec::new();
    for mut item in read_tables(table, key, "a step", (min, max), notes) {
        steps.push(read(&mut item, catalogue, notes));
        item.finish(notes);
    }
    steps
}

/// Returns the tests that `key` lists, if it is there.
pub(super) fn read_tests(
    table: &mut Table<'_, '_>,
    key: Key,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Vec<Test> {
    let mut tests = Vec::new();
    for mut item in read_tables(table, key, "a test", (1, TESTS_MAX), notes) {
        item.require(keys::EVENT);
        tests.extend(read_test(&mut item, catalogue, notes));
        item.finish(notes);
    }
    tests
}

/// Returns the tables that `key` lists, so many at least and at most.
fn read_tables<'d, 'i>(
    table: &mut Table<'d, 'i>,
    key: Key,
    name: &'static str,
    (min, max): (usize, usize),
    notes: &mut Notes<'_>,
) -> Vec<Table<'d, 'i>> {
    let Some(mut tables) = table.tables(key, name, notes) else { return Vec::new() };
    let Some(list) = table.find(key) else { return Vec::new() };
    let length = list.get_ref().as_array().map_or(0, |array| array.len());
    if !(min..=max).contains(&length) {
        let message = format!("'{}' lists {length}, not {min} to {max}", key.name);
        let cure = format!("write {} = {}", key.name, key.example);
        notes.error(list.span(), Fault::new("out-of-range", message, cure));
    }
    tables.truncate(max);
    tables
}

/// Returns the test that the keys `event` and `where` say.
fn read_test(
    table: &mut Table<'_, '_>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Option<Test> {
    let event = table.text(keys::EVENT, notes);
    let kind = event.and_then(|event| read_kind(&event, catalogue, notes));
    let condition = table.text(keys::WHERE, notes);
    let condition = condition.and_then(|text| read_condition(&text, kind, catalogue, notes));
    Some(Test { event: kind?.into(), condition })
}

fn refuse_where(table: &mut Table<'_, '_>, beside: Key, notes: &mut Notes<'_>) {
    if let Some(condition) = table.find(keys::WHERE) {
        let message = format!("'where' and '{}' exclude each other", beside.name);
        let cure = "write it in each test: { event = \"charge_failed\", where = '…' }";
        notes.error(condition.span(), Fault::new("conflicting-keys", message, cure));
    }
}

/// Returns the condition, with what is wrong in it at its place in the document.
fn read_condition(
    text: &Item<&str>,
    kind: Option<&str>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Option<Condition> {
    let (condition, remarks) = Condition::compile(text.value, catalogue, kind);
    note_remarks(text, remarks, notes);
    condition
}
