//! Reads `[[then]]`: the task a rule makes.

use chrono::TimeDelta;

use super::super::finding::Fault;
use super::super::reader::{Notes, Table, not_supported};
use super::super::route::Target;
use super::super::{Due, Group, Route, TaskTemplate, When, keys};
use super::{read_duration, read_line, read_title, read_word, scope, when};
use crate::catalogue::Catalogue;
use crate::task::Title;

/// How many steps a task can have.
const STEPS_MAX: usize = 32;
/// How long a task takes further occurrences in, where the document does not say.
const GROUP_WITHIN_DEFAULT: TimeDelta = TimeDelta::hours(1);

/// What a task takes over from the rest of its rule.
pub(super) struct Context<'r> {
    /// The rule's title, if that is sound.
    pub(super) title: Option<&'r Title>,
    /// What the rule waits for, if that is sound.
    pub(super) when: Option<&'r When>,
    /// What the sources can send.
    pub(super) catalogue: &'r Catalogue,
}

/// Returns the task; what it does not say is the rule's title and the account's owner.
pub(super) fn read(
    root: &mut Table<'_, '_>,
    context: &Context<'_>,
    notes: &mut Notes<'_>,
) -> Option<TaskTemplate> {
    let mut tables = root.required_tables(keys::THEN, "[[then]]", notes)?.into_iter();
    let Some(table) = tables.next() else {
        let cure = "add [[then]] with task = \"care\"";
        let span = root.find(keys::THEN).map_or(0..0, toml::Spanned::span);
        notes.error(span, Fault::new("missing-key", "'then' is empty", cure));
        return None;
    };
    let template = read_task(table, context, notes);
    if let Some(second) = tables.next() {
        notes.error(second.span, not_supported("a second [[then]]"));
    }
    template
}

fn read_task(
    mut table: Table<'_, '_>,
    context: &Context<'_>,
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
    let group = read_group(&mut table, context, notes);
    table.finish(notes);
    Some(TaskTemplate {
        kind: kind?.into(),
        title: title.or_else(|| context.title.cloned())?,
        steps,
        due,
        route: route.unwrap_or_else(|| Route(vec![Target::AccountOwner])),
        group,
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

fn read_group(
    table: &mut Table<'_, '_>,
    context: &Context<'_>,
    notes: &mut Notes<'_>,
) -> Option<Group> {
    let by = table.text(keys::GROUP_BY, notes);
    let within = read_duration(table, keys::GROUP_WITHIN, notes);
    let Some(by) = by else {
        let is_lone = !table.has(keys::GROUP_BY) && !notes.is_lost(keys::GROUP_BY);
        if let Some(within) = table.find(keys::GROUP_WITHIN).filter(|_| is_lone) {
            let message = "'group_within' says nothing without 'group_by'";
            let cure = format!("add group_by = {}", keys::GROUP_BY.example);
            notes.error(within.span(), Fault::new("missing-key", message, cure));
        }
        return None;
    };
    let kinds = context.when.map(|when| when::kinds(&when.steps, &when.forbidden));
    let kinds = kinds.unwrap_or_default();
    let by = scope::read(&by, scope::GROUPS, (&kinds, context.catalogue), notes)?;
    Some(Group { by, within: within.unwrap_or(GROUP_WITHIN_DEFAULT) })
}
