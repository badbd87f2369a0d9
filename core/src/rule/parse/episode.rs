//! Reads `[episode]`: how long an occurrence stands, and how long a rule stays quiet after it.

use std::ops::Range;

use chrono::TimeDelta;

use super::super::finding::{Fault, Severity};
use super::super::reader::{Item, Notes, Table};
use super::super::{Close, EpisodePolicy, duration, keys};
use super::{read_duration, read_kinds};
use crate::catalogue::Catalogue;

/// Returns what holds for an episode; nothing at all where the document gives nothing, which is
/// doubtful unless it says so.
pub(super) fn read(
    root: &mut Table<'_, '_>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> EpisodePolicy {
    let is_given = root.has(keys::EPISODE);
    let Some(mut table) = root.table(keys::EPISODE, "[episode]", notes) else {
        if !is_given {
            warn(root.span.clone(), notes);
        }
        return EpisodePolicy::default();
    };
    let span = table.span.clone();
    let count_before = notes.count();
    let cooldown = read_time(&mut table, keys::COOLDOWN, notes);
    let close = table.table(keys::CLOSE, "'close'", notes);
    let close = close.map(|close| read_close(close, catalogue, notes)).unwrap_or_default();
    let reopen_within = read_time(&mut table, keys::REOPEN_WITHIN, notes);
    table.finish(notes);
    // What is there instead of these is a mistake of its own.
    let is_read = count_before == notes.count() && !notes.is_lost(keys::CLOSE);
    if is_read && !close.is_awaited() {
        if let Some(reopen) = reopen_within.as_ref().filter(|reopen| !reopen.value.is_zero()) {
            let message = "nothing closes the episode, so it cannot be opened again";
            let cure = format!("add close = {}", keys::CLOSE.example);
            let fault = Fault::new("reopen-without-close", message, cure);
            notes.error(reopen.span.clone(), fault);
        } else if cooldown.is_none() && !notes.is_lost(keys::COOLDOWN) {
            warn(span, notes);
        }
    }
    let time = |item: Option<Item<TimeDelta>>| item.map(|item| item.value).unwrap_or_default();
    EpisodePolicy { cooldown: time(cooldown), close, reopen_within: time(reopen_within) }
}

fn read_close(mut table: Table<'_, '_>, catalogue: &Catalogue, notes: &mut Notes<'_>) -> Close {
    if table.is_empty() {
        let cure = format!("write close = {}", keys::CLOSE.example);
        let fault = Fault::new("missing-key", "'close' says nothing", cure);
        notes.error(table.span.clone(), fault);
    }
    let on = read_kinds(&mut table, keys::ON, catalogue, notes);
    let after_quiet = read_duration(&mut table, keys::AFTER_QUIET, notes);
    let on_task_done = table.truth(keys::ON_TASK_DONE, notes);
    table.finish(notes);
    Close { on: on.into_iter().map(|kind| kind.value.into()).collect(), after_quiet, on_task_done }
}

/// Returns a stretch of time, which may be nothing.
fn read_time(
    table: &mut Table<'_, '_>,
    key: keys::Key,
    notes: &mut Notes<'_>,
) -> Option<Item<TimeDelta>> {
    let text = table.text(key, notes)?;
    match duration::parse(text.value) {
        Ok(value) => Some(Item { value, span: text.span }),
        Err(fault) => {
            notes.error(text.span, fault);
            None
        }
    }
}

fn warn(span: Range<usize>, notes: &mut Notes<'_>) {
    let fault = Fault::new(
        "no-cooldown",
        "without a cooldown every further event of a run makes another task",
        "add [episode] with cooldown = \"7d\", or \"0s\" if that is meant",
    );
    notes.add(span, Severity::Warning, fault);
}
