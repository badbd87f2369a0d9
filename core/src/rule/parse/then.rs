//! Reads `[[then]]`: the task a rule makes.

use super::super::finding::Fault;
use super::super::reader::{Notes, Table, not_supported};
use super::super::route::Target;
use super::super::{Due, Route, TaskTemplate, keys};
use super::{read_line, read_title, read_word};
use crate::task::Title;

/// How many steps a task can have.
const STEPS_MAX: usize = 32;

/// Returns the task; what it does not say is the rule's title and the account's owner.
pub(super) fn read(
    root: &mut Table<'_, '_>,
    title_of_rule: Option<&Title>,
    notes: &mut Notes<'_>,
) -> Option<TaskTemplate> {
    let mut tables = root.required_tables(keys::THEN, "[[then]]", notes)?.into_iter();
    let Some(table) = tables.next() else {
        let cure = "add [[then]] with task = \"care\"";
        let span = root.find(keys::THEN).map_or(0..0, toml::Spanned::span);
        notes.error(span, Fault::new("missing-key", "'then' is empty", cure));
        return None;
    };
    let template = read_task(table, title_of_rule, notes);
    if let Some(second) = tables.next() {
        notes.error(second.span, not_supported("a second [[then]]"));
    }
    template
}

fn read_task(
    mut table: Table<'_, '_>,
    title_of_rule: Option<&Title>,
    notes: &mut Notes<'_>,
) -> Option<TaskTemplate> {
    let kind = table.required_text(keys::TASK, notes).and_then(|kind| read_word(&kind, notes));
    let title = table.table(keys::TITLE, "the title", notes);
    let title = title.and_then(|title| read_title(title, notes));
    let steps = read_steps(&mut table, notes);
    let due = table.text(keys::DUE, notes);
    let due = due
        .and_then(|due| Due::parse(due.value).map_err(|fault| notes.error(due.span, fault)).ok());
    let route = table.text(keys::ROUTE, notes);
    let route = route.and_then(|route| {
        Route::parse(route.value).map_err(|fault| notes.error(route.span, fault)).ok()
    });
    table.finish(&[], notes);
    Some(TaskTemplate {
        kind: kind?.into(),
        title: title.or_else(|| title_of_rule.cloned())?,
        steps,
        due,
        route: route.unwrap_or_else(|| Route(vec![Target::AccountOwner])),
    })
}

fn read_steps(table: &mut Table<'_, '_>, notes: &mut Notes<'_>) -> Vec<Box<str>> {
    let steps = table.texts(keys::STEPS, notes).unwrap_or_default();
    if let Some(first_beyond) = steps.get(STEPS_MAX) {
        let message = format!("a task has more than {STEPS_MAX} steps");
        let fault = Fault::new("out-of-range", message, "join some of them");
        notes.error(first_beyond.span.clone(), fault);
    }
    let sound = steps.iter().take(STEPS_MAX).filter_map(|step| read_line(step, notes));
    sound.map(Into::into).collect()
}
