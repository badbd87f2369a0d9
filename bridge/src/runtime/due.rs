//! What stands follows its calendar: due times and clocks that have not run out are set anew when the
//! calendar by which they were reckoned is another one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use upturn_core::calendar::Calendar;
use upturn_core::engine::ActiveRule;
use upturn_core::input::Input;
use upturn_core::lead::sla::Clock;
use upturn_core::registry::Registry;
use upturn_core::registry::entry::Entry;
use upturn_core::rule::Due;

use super::clocks::{rung_at, silent_at};
use super::consequence::ACTOR;
use super::reading::parse_logged;
use crate::delivery::letter::text;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::task_due::{self, Standing};
use crate::store::task_timer::{self, TimerKind};
use crate::store::{self, Store, Tx, lead, task_history, task_life};

/// Tasks that are looked at at once.
const PAGE_LEN: u32 = 500;

/// Returns who works by which calendar, if `input` can change that.
pub(super) fn calendars_before(input: &Input, registry: &Registry) -> Option<Registry> {
    let can_change = match input {
        Input::Registry(_) => true,
        Input::Entries(entries) => entries
            .iter()
            .any(|entry| matches!(entry, Entry::HouseCalendar(_) | Entry::Calendar(..))),
        Input::Event(_) | Input::Rules(_) | Input::Action(_) | Input::Tick => false,
    };
    can_change.then(|| Registry {
        people: registry.people.clone(),
        calendar: registry.calendar.clone(),
        calendars: registry.calendars.clone(),
        ..Registry::default()
    })
}

/// Moves what is reckoned by calendars, from those of `before` to those of `now`.
#[derive(Debug)]
pub(super) struct Move<'m> {
    /// Where documents of rules are.
    pub(super) store: &'m Store,
    /// The rules in force.
    pub(super) rules: &'m [ActiveRule],
    /// Who worked by which calendar.
    pub(super) before: &'m Registry,
    /// Who works by which.
    pub(super) now: &'m Registry,
    /// The time of the change.
    pub(super) at: DateTime<Utc>,
}

impl Move<'_> {
    /// Moves the open tasks of all whose calendar is another one; returns how many moved.
    pub(super) async fn all(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        let (old, new) = (self.before, self.now);
        if old.calendar == new.calendar
            && old.calendars == new.calendars
            && old.people == new.people
        {
            return Ok(0);
        }
        let mut dues = BTreeMap::new();
        let (mut after, mut moved) = (String::new(), 0);
        loop {
            let page = task_due::open(tx, &after, PAGE_LEN).await?;
            let Some(last) = page.last() else { return Ok(moved) };
            last.task.as_str().clone_into(&mut after);
            for standing in &page {
                let (old, new) =
                    (old.calendar_of(&standing.owner), new.calendar_of(&standing.owner));
                if old != new && self.one(tx, (standing, old, new), &mut dues).await? {
                    moved += 1;
                }
            }
        }
    }

    async fn one(
        &self,
        tx: &mut Tx,
        (standing, old, new): (&Standing, &Calendar, &Calendar),
        dues: &mut BTreeMap<(String, String), Option<Due>>,
    ) -> Result<bool, StoreError> {
        let found = lead::find(tx, &standing.task).await?;
        let clock = found
            .as_ref()
            .map_or_else(Clock::of_the_house, |one| one.lead.clock_of(&one.grade_now));
        let by_clock = found.as_ref().is_some_and(|one| !one.lead.clocks.is_empty());
        let due = if by_clock { None } else { self.due_of(standing, dues).await? };
        let reckon = |calendar: &Calendar| {
            let from = standing.created_at;
            if by_clock {
                clock.contact_within.as_ref()?.after(from, calendar)
            } else {
                due?.after(from, calendar)
            }
        };
        let due_at = self.moved_due(standing, (reckon(old), reckon(new)));
        let mut has_moved = due_at != standing.due_at;
        if has_moved {
            task_life::fall_due(tx, &standing.task, due_at, self.at).await?;
            let detail = json!({
                "due_before": standing.due_at.map(text), "due_now": due_at.map(text),
                "calendar_before": old.revision(), "calendar_now": new.revision(),
            });
            let (action, subject) = ("due-moved", standing.task.as_str());
            let entry = NewEntry { at: self.at, actor: ACTOR, action, subject, detail: &detail };
            task_history::append(tx, entry).await?;
        }
        let clocks = [
            (
                TimerKind::Overdue,
                standing.overdue_at,
                self.moved_rung(standing, &clock, (old, new), due_at),
            ),
            (
                TimerKind::Silent,
                standing.silent_at,
                self.moved_silence(standing, &clock, (old, new)),
            ),
        ];
        for (kind, before, after) in clocks {
            if after != before {
                task_timer::set(tx, (&standing.task, kind), after).await?;
                has_moved = true;
            }
        }
        Ok(has_moved)
    }

    /// Returns when a task is due that was due as `old` has it, and has not run out. A due time never moves
    /// to before the change: nobody is late by what was not known.
    fn moved_due(
        &self,
        standing: &Standing,
        (old, new): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    ) -> Option<DateTime<Utc>> {
        let runs = standing.due_at.is_some_and(|due_at| self.at < due_at);
        if !runs || standing.contacted_at.is_some() || old != standing.due_at {
            return standing.due_at;
        }
        new.map_or(standing.due_at, |new| Some(new.max(self.at)))
    }

    /// Returns when the next rung is reached. Those before it were, and stay.
    fn moved_rung(
        &self,
        standing: &Standing,
        clock: &Clock,
        (old, new): (&Calendar, &Calendar),
        due_at: Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        let unmoved = standing.overdue_at?;
        let moved = || {
            let mut from = standing.due_at?;
            for level in 0..standing.escalated {
                from = rung_at(clock, level, old, from)?;
            }
            if rung_at(clock, standing.escalated, old, from)? != unmoved {
                return None;
            }
            let from = if standing.escalated == 0 { due_at? } else { from };
            rung_at(clock, standing.escalated, new, from)
        };
        Some(moved().map_or(unmoved, |at| at.max(self.at)))
    }

    /// Returns when nobody has done anything for too long.
    fn moved_silence(
        &self,
        standing: &Standing,
        clock: &Clock,
        (old, new): (&Calendar, &Calendar),
    ) -> Option<DateTime<Utc>> {
        let unmoved = standing.silent_at?;
        let begun = [standing.snoozed_until, standing.touched_at, Some(standing.created_at)];
        let from =
            begun.into_iter().flatten().find(|from| silent_at(clock, old, *from) == Some(unmoved));
        let moved = from.and_then(|from| silent_at(clock, new, from));
        Some(moved.map_or(unmoved, |at| at.max(self.at)))
    }

    /// Returns within which time the rule's version wants the task done.
    async fn due_of(
        &self,
        standing: &Standing,
        known: &mut BTreeMap<(String, String), Option<Due>>,
    ) -> Result<Option<Due>, StoreError> {
        let Standing { rule, version, .. } = standing;
        let active = self
            .rules
            .iter()
            .find(|active| active.rule.id.as_str() == rule && *active.version == **version);
        if let Some(active) = active {
            return Ok(active.rule.then.due);
        }
        let key = (rule.clone(), version.clone());
        if let Some(due) = known.get(&key) {
            return Ok(*due);
        }
        let document = store::rule::document(self.store, rule, version).await?;
        let due = parse_logged(&document).and_then(|rule| rule.then.due);
        known.insert(key, due);
        Ok(due)
    }
}
