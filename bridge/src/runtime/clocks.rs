//! The clocks of tasks: what happens to them because time has passed.
//!
//! Each clock is a row in the store, set in the transaction of its cause. When log time is beyond it, the
//! transaction of the next input takes it away and stores what it brings about: so it goes off once, and
//! never before its time, however often the program is started in between.
//!
//! - *Wake*: a task that was put off comes back.
//! - *Overdue*: the due time has passed, and nobody has spoken with the customer; accepting the task does
//!   not stop this clock, a logged contact and closing do. Whom it is told, and when again, says the clock
//!   of the lead's grade; without one, both superiors of the owner, and once more a working day later.
//! - *Silent*: nobody did anything with the task, for as long as that clock says; without one, for a working
//!   day. The owner and the manager are told, once, until somebody does.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use upturn_core::calendar::Calendar;
use upturn_core::id::TaskId;
use upturn_core::input::Verb;
use upturn_core::lead::Lead;
use upturn_core::lead::sla::{Clock, Tell};
use upturn_core::registry::Registry;
use upturn_core::rule::Stage;
use upturn_core::task::Task;

use super::Runtime;
use super::act::did;
use super::consequence::ACTOR;
use super::deed::{self, POOL};
use super::fold::Fold;
use super::letters::{Desk, Told};
use super::overrule;
use crate::delivery::document::Occurrence;
use crate::delivery::letter::text;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::task_life::{self, Life};
use crate::store::task_timer::{self, Timer, TimerKind};
use crate::store::{Tx, lead, task_facts, task_history};

/// Clocks that one transaction lets go off; the rest follow with the next.
const FIRED_MAX: u32 = 500;
/// How many superiors are told.
const SUPERIORS: usize = 2;

/// Sets the clocks of a task that was just made.
pub(super) async fn begin(
    tx: &mut Tx,
    task: &Task,
    registry: &Registry,
    lead: Option<&Lead>,
) -> Result<(), StoreError> {
    if task.stage == Stage::Shadow {
        return Ok(());
    }
    let clock = lead.map_or_else(Clock::of_the_house, |lead| lead.clock_of(&lead.grade));
    let calendar = registry.calendar_of(&task.owner);
    let silent_at = silent_at(&clock, calendar, task.created_at);
    let overdue_at = task.due_at.and_then(|due_at| rung_at(&clock, 0, calendar, due_at));
    task_timer::set(tx, (&task.id, TimerKind::Overdue), overdue_at).await?;
    task_timer::set(tx, (&task.id, TimerKind::Silent), silent_at).await
}

/// Sets the clocks of a task that stands as `life` says since somebody did something with it at `at`.
pub(super) async fn go_on(
    tx: &mut Tx,
    (task, life): (&TaskId, &Life),
    registry: &Registry,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    if !life.state.is_open() {
        return task_timer::clear(tx, task).await;
    }
    if life.contacted_at.is_some() {
        task_timer::set(tx, (task, TimerKind::Overdue), None).await?;
    }
    let moves_at = life.snoozed_until.map_or(at, |until| until.max(at));
    let clock = clock_of(tx, task).await?;
    let silent_at = silent_at(&clock, registry.calendar_of(&life.owner), moves_at);
    task_timer::set(tx, (task, TimerKind::Silent), silent_at).await?;
    task_timer::set(tx, (task, TimerKind::Wake), life.snoozed_until).await
}

/// Sets the clock of a lead whose due time is another one.
pub(super) async fn fall_due(
    tx: &mut Tx,
    task: &TaskId,
    clock: &Clock,
    (calendar, due_at): (&Calendar, Option<DateTime<Utc>>),
) -> Result<(), StoreError> {
    let overdue_at = due_at.and_then(|due_at| rung_at(clock, 0, calendar, due_at));
    task_timer::set(tx, (task, TimerKind::Overdue), overdue_at).await
}

/// Returns the clock of the grade that a task has, or that of the house.
async fn clock_of(tx: &mut Tx, task: &TaskId) -> Result<Clock, StoreError> {
    let found = lead::find(tx, task).await?;
    Ok(found.map_or_else(Clock::of_the_house, |now| now.lead.clock_of(&now.grade_now)))
}

/// Returns when nobody has done anything for too long, where something was done at `from`.
pub(super) fn silent_at(
    clock: &Clock,
    calendar: &Calendar,
    from: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    clock.silent_after.as_ref()?.after(from, calendar)
}

/// Returns when the so many-th rung is reached, where the one before it was at `from`.
pub(super) fn rung_at(
    clock: &Clock,
    level: usize,
    calendar: &Calendar,
    from: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    clock.rung.get(level)?.after.after(from, calendar)
}

impl Runtime<'_> {
    /// Lets the clocks that are due by `now` go off; returns how many did.
    pub(super) async fn fire(
        &self,
        tx: &mut Tx,
        fold: &Fold,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        if fold.next_timer.is_none_or(|at| now < at) {
            return Ok(0);
        }
        let desk = self.desk(&fold.engine);
        let ended = overrule::end_due(tx, &desk, now).await?;
        let timers = task_timer::take_due(tx, now, FIRED_MAX).await?;
        for timer in &timers {
            let Some(life) = task_life::find(tx, &timer.task).await? else { continue };
            if !life.state.is_open() || !deed::is_for_people(&life) {
                continue;
            }
            let gone_off = GoneOff { timer, life: &life, now };
            match timer.kind {
                TimerKind::Wake => gone_off.wake(tx).await?,
                TimerKind::Overdue => gone_off.escalate(tx, &desk).await?,
                TimerKind::Silent => gone_off.warn(tx, &desk).await?,
            }
        }
        let of_deals = self.fire_deals(tx, fold, now).await?;
        let of_tasks = u64::try_from(timers.len() + ended).unwrap_or(u64::MAX);
        Ok(of_tasks.saturating_add(of_deals))
    }
}

/// A clock that went off, and how its task stands.
struct GoneOff<'g> {
    timer: &'g Timer,
    life: &'g Life,
    now: DateTime<Utc>,
}

impl GoneOff<'_> {
    /// Brings a task back that was put off.
    async fn wake(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let (task, now) = (&self.timer.task, (self.life.revision, self.now));
        task_life::wake(tx, task, now, self.timer.at).await?;
        self.note(tx, did(Verb::Wake), &json!({})).await
    }

    /// Tells both superiors that the time of a task is over, and has them told again where there is another
    /// rung.
    async fn escalate(&self, tx: &mut Tx, desk: &Desk<'_>) -> Result<(), StoreError> {
        let task = &self.timer.task;
        let clock = clock_of(tx, task).await?;
        let before = task_life::escalate(tx, task).await?;
        let level = usize::try_from(before).unwrap_or(usize::MAX);
        let calendar = desk.registry.calendar_of(&self.life.owner);
        let again_at = rung_at(&clock, level.saturating_add(1), calendar, self.timer.at);
        task_timer::set(tx, (task, TimerKind::Overdue), again_at).await?;
        let rung = clock.rung.get(level).or(clock.rung.last());
        let tell = rung.map_or(&[][..], |rung| &rung.tell);
        let superiors = told(desk.registry, &self.life.owner, tell);
        let detail = json!({
            "level": before + 1,
            "since": text(self.timer.at),
            "told": superiors,
            "brief": self.brief(tx).await?,
        });
        self.tell(tx, desk, (Occurrence::TaskEscalated, &superiors, &detail)).await
    }

    /// Tells the owner and the manager that nobody does anything with a task.
    async fn warn(&self, tx: &mut Tx, desk: &Desk<'_>) -> Result<(), StoreError> {
        let owner = &*self.life.owner;
        let mut told: Vec<&str> = superiors(desk.registry, owner).into_iter().take(1).collect();
        if !owner.starts_with(POOL) {
            told.insert(0, owner);
        }
        let detail = json!({
            "since": text(self.timer.at),
            "told": told,
            "brief": self.brief(tx).await?,
        });
        self.tell(tx, desk, (Occurrence::TaskSilent, &told, &detail)).await
    }

    /// Writes down what happened, and a letter to each of `people`.
    async fn tell(
        &self,
        tx: &mut Tx,
        desk: &Desk<'_>,
        (occurrence, people, detail): (Occurrence, &[&str], &Value),
    ) -> Result<(), StoreError> {
        self.note(tx, occurrence.word(), detail).await?;
        // The same clock of the same task goes off once at a time.
        let cause = format!("{}", self.timer.at.timestamp_millis());
        let told = Told {
            task: &self.timer.task,
            occurrence,
            detail,
            cause: &cause,
            from: None,
            subject: None,
            to: None,
        };
        if people.is_empty() {
            // Nobody is above: those who look after the destination still hear of it.
            desk.write(tx, self.now, &told).await?;
        }
        for person in people {
            desk.write(tx, self.now, &Told { to: Some(person), ..told }).await?;
        }
        Ok(())
    }

    async fn note(&self, tx: &mut Tx, action: &str, detail: &Value) -> Result<(), StoreError> {
        let subject = self.timer.task.as_str();
        let entry = NewEntry { at: self.now, actor: ACTOR, action, subject, detail };
        task_history::append_late(tx, entry, self.timer.at).await
    }

    /// Returns what somebody has to know who has not seen the task: what it stands on, and what was done.
    async fn brief(&self, tx: &mut Tx) -> Result<Value, StoreError> {
        let kinds = task_facts::evidence_kinds(tx, self.timer.task.as_str()).await?;
        let evidence: Vec<_> = kinds.iter().map(|(kind, n)| format!("{kind} × {n}")).collect();
        let evidence = evidence.join(", ");
        let (done, steps) = (self.life.checked.len(), self.life.steps);
        let owner = &self.life.owner;
        let (en, zh) = if self.life.taken_at.is_some() {
            ("has taken it on", "已接手")
        } else {
            ("has not taken it on", "尚未接手")
        };
        Ok(json!({
            "en": format!(
                "Evidence: {evidence}. '{owner}' {en}; {done} of {steps} steps are done; nobody has \
                 logged a contact with the customer."
            ),
            "zh": format!(
                "依据：{evidence}。“{owner}”{zh}；已完成 {done}/{steps} 个步骤；尚无与客户联系的记录。"
            ),
        }))
    }
}

/// Returns whom a rung tells of a task, each once.
fn told<'r>(registry: &'r Registry, owner: &'r str, tell: &[Tell]) -> Vec<&'r str> {
    let above = superiors(registry, owner);
    let is_pool = owner.starts_with(POOL);
    let mut found: Vec<&str> = Vec::new();
    for one in tell {
        match one {
            Tell::Owner if is_pool => {}
            Tell::Owner => found.push(owner),
            // The managers of a pool's team stand beside each other.
            Tell::Manager | Tell::SecondManager if is_pool => found.extend(&above),
            Tell::Manager => found.extend(above.first()),
            Tell::SecondManager => found.extend(above.get(1)),
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|person| seen.insert(*person));
    found
}

/// Returns both superiors of a task's owner, the nearest first: the manager and the manager's manager; of a
/// pool the managers of those in its team.
fn superiors<'r>(registry: &'r Registry, owner: &str) -> Vec<&'r str> {
    let manager_of = |id: &str| registry.people.get(id)?.manager.as_deref();
    let mut found: Vec<&str> = Vec::new();
    if let Some(team) = owner.strip_prefix(POOL) {
        let members = registry.people.values();
        let members = members.filter(|person| person.team.as_deref() == Some(team));
        found.extend(members.filter_map(|person| person.manager.as_deref()));
        found.sort_unstable();
        found.dedup();
    } else {
        let manager = manager_of(owner);
        found.extend(manager);
        found.extend(manager.and_then(manager_of));
    }
    found.truncate(SUPERIORS);
    found
}

#[cfg(test)]
mod tests {
    use upturn_core::registry::Person;

    use super::*;

    #[test]
    fn superiors_are_the_two_above_and_those_of_a_pool_the_managers_of_its_team() {
        let person = |manager: Option<&str>, team: Option<&str>| Person {
            name: "x".into(),
            manager: manager.map(Into::into),
            substitute: None,
            team: team.map(Into::into),
            email: None,
            language: None,
            calendar: None,
        };
        let registry = Registry {
            people: [
                ("ann", person(Some("bob"), Some("ev"))),
                ("abe", person(Some("bob"), Some("ev"))),
                ("amy", person(Some("ben"), Some("ev"))),
                ("bob", person(Some("cat"), None)),
                ("ben", person(None, None)),
                ("cat", person(Some("dan"), None)),
                ("dan", person(None, None)),
            ]
            .map(|(id, person)| (id.into(), person))
            .into(),
            ..Registry::default()
        };
        let cases: [(&str, &[&str]); 6] = [
            ("ann", &["bob", "cat"]),
            ("amy", &["ben"]),
            ("dan", &[]),
            ("nobody", &[]),
            ("pool:ev", &["ben", "bob"]),
            ("pool:sky", &[]),
        ];
        for (owner, expected) in cases {
            assert_eq!(superiors(&registry, owner), expected, "case: {owner}");
        }
    }
}
