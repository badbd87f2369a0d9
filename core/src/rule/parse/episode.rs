//! Reads `[episode]`: how long a rule stays quiet after a task.

use std::ops::Range;

use chrono::TimeDelta;

use super::super::finding::{Fault, Severity};
use super::super::reader::{Notes, Table};
use super::super::{duration, keys};

/// Returns the cooldown; none at all where the document gives none, which is doubtful unless it
/// says so.
pub(super) fn read(root: &mut Table<'_, '_>, notes: &mut Notes<'_>) -> Option<TimeDelta> {
    let is_given = root.find(keys::EPISODE).is_some();
    let Some(mut table) = root.table(keys::EPISODE, "[episode]", notes) else {
        if is_given {
            return None;
        }
        warn(root.span.clone(), notes);
        return Some(TimeDelta::zero());
    };
    let span = table.span.clone();
    // What is there instead of a cooldown is a mistake of its own.
    let is_empty = table.is_empty() && !notes.is_lost(keys::COOLDOWN);
    let cooldown = table.text(keys::COOLDOWN, notes);
    table.finish(&["close"], notes);
    let Some(cooldown) = cooldown else {
        if is_empty {
            warn(span, notes);
        }
        return Some(TimeDelta::zero());
    };
    duration::parse(cooldown.value).map_err(|fault| notes.error(cooldown.span, fault)).ok()
}

fn warn(span: Range<usize>, notes: &mut Notes<'_>) {
    let fault = Fault::new(
        "no-cooldown",
        "without a cooldown every further event of a run makes another task",
        "add [episode] with cooldown = \"7d\", or \"0s\" if that is meant",
    );
    notes.add(span, Severity::Warning, fault);
}
