//! Reads `[when]`: what a rule waits for.

use super::super::finding::Fault;
use super::super::reader::{Item, Notes, Table};
use super::super::{Scope, Step, Test, When, keys, nearest};
use super::{choose, read_kinds, scope};
use crate::catalogue::Catalogue;

mod pattern;
mod step;

pub(super) fn read(
    mut table: Table<'_, '_>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Option<When> {
    let pattern = table.required_text(keys::PATTERN, notes);
    let pattern = pattern.and_then(|pattern| read_pattern(&pattern, notes));
    let shape = if let Some((name, own)) = pattern {
        refuse_others(&mut table, name, own, notes);
        pattern::read(name, &mut table, catalogue, notes)
    } else {
        // Whichever was meant, its keys are not wrong.
        for key in keys::PATTERNS.iter().flat_map(|(_, own)| *own) {
            table.find(*key);
        }
        None
    };
    let counted = shape.as_ref().map(|shape| kinds(&shape.steps, &[])).unwrap_or_default();
    let reset_by = read_resets(&mut table, &counted, catalogue, notes);
    let kinds = shape.as_ref().map(|shape| kinds(&shape.steps, &shape.forbidden));
    let kinds = kinds.into_iter().flatten().chain(reset_by.iter().map(|kind| &**kind));
    let kinds: Vec<&str> = kinds.collect();
    let per = table.text(keys::PER, notes);
    let per = per.and_then(|per| scope::read(&per, scope::SCOPES, (&kinds, catalogue), notes));
    let not_while = table.text(keys::NOT_WHILE, notes);
    let not_while = not_while.and_then(|what| choose(&what, &["maintenance"], &[], notes));
    table.finish(notes);
    let pattern::Shape { pattern, steps, forbidden, value } = shape?;
    Some(When {
        pattern,
        steps,
        forbidden,
        reset_by,
        value,
        per: per.unwrap_or(Scope::Device),
        not_while_maintenance: not_while.is_some(),
    })
}

/// Returns the kinds of events that `steps` and `forbidden` name, each once.
pub(super) fn kinds<'s>(steps: &'s [Step], forbidden: &'s [Test]) -> Vec<&'s str> {
    let mut kinds: Vec<&str> = Vec::new();
    for test in steps.iter().flat_map(|step| &step.any).chain(forbidden) {
        if !kinds.contains(&&*test.event) {
            kinds.push(&test.event);
        }
    }
    kinds
}

/// Returns the pattern and its own keys, or those of the one that was probably meant.
fn read_pattern(
    pattern: &Item<&str>,
    notes: &mut Notes<'_>,
) -> Option<(&'static str, &'static [keys::Key])> {
    let names: Vec<_> = keys::PATTERNS.iter().map(|(name, _)| *name).collect();
    let place = choose(pattern, &names, &[], notes).or_else(|| {
        let near = nearest::find(pattern.value, names.iter().copied())?;
        names.iter().position(|name| *name == near)
    });
    keys::PATTERNS.get(place?).copied()
}

/// Notes keys that belong to other patterns.
fn refuse_others(table: &mut Table<'_, '_>, name: &str, own: &[keys::Key], notes: &mut Notes<'_>) {
    let is_own = |key: &keys::Key| own.iter().any(|own| own.name == key.name);
    let mut foreign: Vec<keys::Key> = Vec::new();
    for key in keys::PATTERNS.iter().flat_map(|(_, keys)| *keys) {
        if !is_own(key) && !foreign.contains(key) && table.has(*key) {
            foreign.push(*key);
        }
    }
    for key in foreign {
        let has_it = keys::PATTERNS.iter().filter(|(_, keys)| keys.contains(&key));
        let others: Vec<_> = has_it.map(|(name, _)| *name).collect();
        let others = match others.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => continue,
        };
        let message = format!("'{}' belongs to {others}, not to {name}", key.name);
        let own: Vec<_> = own.iter().map(|key| key.name).collect();
        let cure = format!("leave it out; {name} has {}", own.join(", "));
        table.refuse(key, Fault::new("key-of-other-pattern", message, cure), notes);
    }
}

fn read_resets(
    table: &mut Table<'_, '_>,
    counted: &[&str],
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Vec<Box<str>> {
    let mut kinds: Vec<Box<str>> = Vec::new();
    for reset in read_kinds(table, keys::RESET_BY, catalogue, notes) {
        if counted.contains(&reset.value) {
            let message = format!("'{}' is counted and resets the count", reset.value);
            let fault = Fault::new("reset-is-counted", message, "name another kind of event");
            notes.error(reset.span, fault);
        } else {
            kinds.push(reset.value.into());
        }
    }
    kinds
}
