//! Reads `[guard]`: what keeps a rule from asking too much of one customer.

use super::super::reader::{Notes, Table};
use super::super::{Cap, Guard, keys};
use super::{choose, read_count, read_duration};

/// How many tasks an account can get at most.
const TASKS_MAX: i64 = 1_000;

/// Returns the guard; none at all where the document gives none.
pub(super) fn read(root: &mut Table<'_, '_>, notes: &mut Notes<'_>) -> Guard {
    let Some(mut table) = root.table(keys::GUARD, "[guard]", notes) else {
        return Guard::default();
    };
    let joins = table.text(keys::JOIN_OPEN_TASK_OF, notes);
    let joins = joins.and_then(|whose| choose(&whose, &["account"], &[], notes));
    let mut not_while_severe_ticket = false;
    for what in table.texts(keys::NOT_WHILE_OPEN, notes).unwrap_or_default() {
        not_while_severe_ticket |= choose(&what, &["severe-ticket"], &[], notes).is_some();
    }
    let cap = table.table(keys::MAX_PER_ACCOUNT, "'max_per_account'", notes);
    let max_per_account = cap.and_then(|cap| read_cap(cap, notes));
    let needs_consent = table.truth(keys::NEEDS_CONSENT, notes);
    table.finish(notes);
    Guard {
        join_open_task_of_account: joins.is_some(),
        not_while_severe_ticket,
        max_per_account,
        needs_consent,
    }
}

fn read_cap(mut table: Table<'_, '_>, notes: &mut Notes<'_>) -> Option<Cap> {
    table.require(keys::TASKS);
    table.require(keys::EVERY);
    let tasks = read_count(&mut table, keys::TASKS, TASKS_MAX, notes);
    let every = read_duration(&mut table, keys::EVERY, notes);
    table.finish(notes);
    Some(Cap { tasks: tasks?.value, every: every? })
}
