//! What people decide over what the machine says, through the one writer. The machine's value stays beside
//! the person's; a decision has an end, at which the machine's counts again.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use upturn_core::id::TaskId;
use upturn_core::registry::Registry;
use upturn_core::task::life::State;

use super::consequence::ACTOR;
use super::deed;
use super::fold::Fold;
use super::letters::Desk;
use super::{Runtime, clocks, hand_over, timers};
use crate::delivery::letter::text;
use crate::forecasts::wins::ChanceSaid;
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::forecast::{self, ForecastKind};
use crate::store::lead::{self, LeadNow};
use crate::store::overrule::{self, NewOverride, Override, Subject, What};
use crate::store::task_life::{self, Life};
use crate::store::{self, Store, Tx, task_history};

/// Decisions that one transaction ends; the rest follow with the next.
const ENDED_MAX: u32 = 200;
/// The places of a chance that people may write.
pub(crate) const PLACES: u32 = 4;

/// A decision that somebody takes, or takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overrule {
    /// About what.
    pub(crate) subject: Subject,
    /// About what of it.
    pub(crate) what: What,
    /// What the person says, and until when; `None` where a decision is taken back.
    pub(crate) value: Option<(String, DateTime<Utc>)>,
    /// Why.
    pub(crate) reason: String,
    /// The number of the decision that the person saw, which this one replaces.
    pub(crate) replaces: Option<i64>,
    /// Who.
    pub(crate) actor: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Overruled {
    /// It is done, and durable.
    Done,
    /// There is no such lead.
    Unknown,
    /// Somebody else decided first; this is the number of the decision that stands.
    Changed(Option<i64>),
    /// The task is over.
    Closed,
    /// The value is none that can be, in a sentence.
    Wrong(String),
}

impl Runtime<'_> {
    /// Does what `wish` says, if nobody else was first.
    pub(super) async fn overrule(
        &self,
        fold: &mut Fold,
        wish: &Overrule,
    ) -> Result<Overruled, StoreError> {
        let now = self.now(fold);
        let mut tx = self.store.begin().await?;
        // Fenced like everything that is written for people: whoever was shut out writes nothing.
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, fold.cursor).await?;
        let standing = overrule::standing(&mut tx, &wish.subject).await?;
        let current = standing.into_iter().find(|one| one.what == wish.what);
        let current_id = current.as_ref().map(|one| one.id);
        if current_id != wish.replaces || (wish.value.is_none() && current.is_none()) {
            return Ok(Overruled::Changed(current_id));
        }
        let machine = match machine_value(self.store, &mut tx, wish).await? {
            Ok(machine) => machine,
            Err(refused) => return Ok(refused),
        };
        if let Some(id) = current_id {
            overrule::end(&mut tx, id, (now, &wish.actor)).await?;
        }
        if let Some((value, until)) = &wish.value {
            let new = NewOverride {
                subject: &wish.subject,
                what: wish.what,
                value,
                machine: machine.as_deref(),
                reason: &wish.reason,
                actor: &wish.actor,
                at: now,
                until: *until,
            };
            overrule::insert(&mut tx, &new).await?;
        }
        note(&mut tx, now, wish, (machine.as_deref(), current.as_ref())).await?;
        if let Subject::Task(task) = &wish.subject {
            let desk = self.desk(&fold.engine);
            let decision = Decision {
                what: wish.what,
                // What was given to somebody goes back with the decision that gave it.
                is_back: wish.what == What::Route && wish.value.is_none(),
                by: &wish.actor,
                reason: Some(&wish.reason),
            };
            settle(&mut tx, &desk, (task, decision), now).await?;
        }
        let next_timer = timers::next(&mut tx).await?;
        tx.commit().await?;
        fold.next_timer = next_timer;
        self.announce();
        Ok(Overruled::Done)
    }
}

/// Ends the decisions whose time is over by `now`; returns how many there were.
pub(super) async fn end_due(
    tx: &mut Tx,
    desk: &Desk<'_>,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let due = overrule::due(tx, now, ENDED_MAX).await?;
    for one in &due {
        overrule::end(tx, one.id, (one.until, ACTOR)).await?;
        let (_, subject) = one.subject.parts();
        let detail = json!({
            "what": one.what, "value": one.value, "machine": one.machine, "until": text(one.until),
        });
        let action = "override-ended";
        let entry = NewEntry { at: now, actor: ACTOR, action, subject, detail: &detail };
        match &one.subject {
            Subject::Deal(_) => audit::append(tx, entry).await?,
            Subject::Task(task) => {
                task_history::append_late(tx, entry, one.until).await?;
                let what = one.what;
                let decision = Decision { what, is_back: true, by: ACTOR, reason: None };
                settle(tx, desk, (task, decision), now).await?;
            }
        }
    }
    Ok(due.len())
}

/// Returns the chance of a deal that was said last, with the places that people have, too.
async fn chance_said(store: &Store, deal: &str) -> Result<Option<String>, StoreError> {
    let newest = forecast::of_subject(store, (ForecastKind::Win, deal), 1).await?;
    let said = newest.first().and_then(|one| serde_json::from_str::<ChanceSaid>(&one.said).ok());
    let chance = said.and_then(|said| Decimal::from_f64_retain(said.said.probability));
    Ok(chance.map(|chance| chance.round_dp(PLACES).normalize().to_string()))
}

/// Returns what the machine says, or why nobody can decide over it.
async fn machine_value(
    store: &Store,
    tx: &mut Tx,
    wish: &Overrule,
) -> Result<Result<Option<String>, Overruled>, StoreError> {
    let value = wish.value.as_ref().map(|(value, _)| &**value);
    let task = match &wish.subject {
        // A deal of which nothing was said yet can be decided about, too; there is nothing to compare.
        Subject::Deal(deal) if wish.what == What::Probability => {
            return Ok(Ok(chance_said(store, deal).await?));
        }
        Subject::Deal(_) => return Ok(Err(Overruled::Unknown)),
        Subject::Task(task) => task,
    };
    let (Some(now), Some(life)) = (lead::find(tx, task).await?, task_life::find(tx, task).await?)
    else {
        return Ok(Err(Overruled::Unknown));
    };
    if !life.state.is_open() {
        return Ok(Err(Overruled::Closed));
    }
    let machine = match wish.what {
        What::Grade => now.lead.grade.to_string(),
        What::Score => now.lead.scored.score.to_string(),
        What::Route => now.lead.assignment.owner.to_string(),
        What::Probability => return Ok(Err(Overruled::Unknown)),
    };
    if wish.what == What::Grade
        && let Some(grade) = value.filter(|grade| !now.lead.bands.has(grade))
    {
        let grades: Vec<&str> = now.lead.bands.band.iter().map(|band| &*band.grade).collect();
        let said = format!("'{grade}' is no grade; use one of {}", grades.join(", "));
        return Ok(Err(Overruled::Wrong(said)));
    }
    Ok(Ok(Some(machine)))
}

async fn note(
    tx: &mut Tx,
    at: DateTime<Utc>,
    wish: &Overrule,
    (machine, before): (Option<&str>, Option<&Override>),
) -> Result<(), StoreError> {
    let (_, subject) = wish.subject.parts();
    let (action, detail) = match &wish.value {
        Some((value, until)) => (
            "override-set",
            json!({
                "what": wish.what, "value": value, "machine": machine, "until": text(*until),
                "reason": wish.reason, "replaced": before.map(|one| &one.value),
            }),
        ),
        None => (
            "override-taken-back",
            json!({
                "what": wish.what, "machine": machine, "reason": wish.reason,
                "replaced": before.map(|one| &one.value),
            }),
        ),
    };
    let entry = NewEntry { at, actor: &wish.actor, action, subject, detail: &detail };
    match &wish.subject {
        Subject::Task(_) => task_history::append(tx, entry).await,
        Subject::Deal(_) => audit::append(tx, entry).await,
    }
}

/// Something that was decided about a task, or whose time is over.
#[derive(Clone, Copy, Debug)]
struct Decision<'d> {
    what: What,
    /// Whether what was decided holds no more.
    is_back: bool,
    by: &'d str,
    reason: Option<&'d str>,
}

/// Makes a task stand as the machine says with what people decided over it. A task whose decided owner is
/// not the one any more goes back, as far as nobody has taken it on.
async fn settle(
    tx: &mut Tx,
    desk: &Desk<'_>,
    (task, decision): (&TaskId, Decision<'_>),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (registry, Decision { what, is_back, by, reason }) = (desk.registry, decision);
    let (Some(before), Some(life)) =
        (lead::find(tx, task).await?, task_life::find(tx, task).await?)
    else {
        return Ok(());
    };
    let standing = overrule::standing(tx, &Subject::Task(task.clone())).await?;
    let said = |what: What| {
        let found = standing.iter().find(|one| one.what == what);
        found.map(|one| one.value.as_str())
    };
    let machine = before.lead.scored.score.0;
    let score = said(What::Score).and_then(|text| text.parse::<Decimal>().ok()).unwrap_or(machine);
    let grade = match (said(What::Grade), said(What::Score)) {
        (Some(grade), _) => grade.to_owned(),
        (None, Some(_)) => before.lead.bands.of(score).to_owned(),
        (None, None) => before.lead.grade.to_string(),
    };
    lead::set_now(tx, task, (score, &grade)).await?;
    if !life.state.is_open() || !deed::is_for_people(&life) {
        return Ok(());
    }
    let mut owner = life.owner.clone();
    if what == What::Route {
        let is_free = !is_back || life.state == State::New;
        let wanted = said(What::Route).unwrap_or(&before.lead.assignment.owner);
        if is_free && wanted != life.owner {
            wanted.clone_into(&mut owner);
            let after = Life { owner: owner.clone(), state: State::New, ..life.clone() };
            task_life::put(tx, task, &after, now).await?;
            clocks::go_on(tx, (task, &after), registry, now).await?;
        }
    }
    if grade != before.grade_now || owner != life.owner {
        fall_due(tx, (task, &before, &grade), (registry, &owner, &life), now).await?;
    }
    if owner != life.owner && owner != by {
        hand_over::tell_decided(tx, desk, task, (&life.owner, &owner), (by, reason, now)).await?;
    }
    Ok(())
}

/// Reckons the due time of a task anew: its grade or its owner's calendar is another one.
async fn fall_due(
    tx: &mut Tx,
    (task, lead, grade): (&TaskId, &LeadNow, &str),
    (registry, owner, life): (&Registry, &str, &Life),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if lead.lead.clocks.is_empty() || life.contacted_at.is_some() {
        return Ok(());
    }
    let clock = lead.lead.clock_of(grade);
    let calendar = registry.calendar_of(owner);
    let within = clock.contact_within.as_ref();
    let due_at = within.and_then(|within| within.after(life.created_at, calendar));
    task_life::fall_due(tx, task, due_at, now).await?;
    clocks::fall_due(tx, task, &clock, (calendar, due_at)).await
}
