//! What people and other systems do with tasks, through the one writer.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use upturn_core::booking::Span;
use upturn_core::id::TaskId;
use upturn_core::input::{Action, Input, Verb};

use super::booking;
use super::coupon::{self, Wanted};
use super::deed::{self, ContactResult, Deed, Outcome};
use super::fold::Fold;
use super::letters::{Desk, Told};
use super::reading::LoggedAction;
use super::request::Acted;
use super::wish::Logged;
use super::{Runtime, clocks, deal, hand_over};
use crate::delivery::document::Occurrence;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::log::Kind;
use crate::store::task_life::Life;
use crate::store::{Tx, lead, task_back_fill, task_history, task_life};

/// What an actor begins with that is a destination: it closed its record of the task.
pub(crate) const DESTINATION_ACTOR: &str = "destination:";

/// Something that somebody does with a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    /// Which task.
    pub(crate) task: TaskId,
    /// What.
    pub(crate) deed: Deed,
    /// Who.
    pub(crate) actor: String,
}

impl Runtime<'_> {
    /// Does what `act` says, if the task allows it.
    pub(super) async fn act(&self, fold: &mut Fold, act: Act) -> Result<Acted, StoreError> {
        let now = self.now(fold);
        let mut tx = self.store.begin().await?;
        let Act { task, deed, actor } = act;
        let life = task_life::find(&mut tx, &task).await?.filter(deed::is_for_people);
        let Some(life) = life else { return Ok(Acted::Refused) };
        let Ok(mut after) = deed.applied_to(&life, &actor, now) else { return Ok(Acted::Refused) };
        let told = (&task, &deed, &*actor);
        let Some(done_at) = back_fill(&mut tx, told, &mut after, now).await? else {
            return Ok(Acted::Refused);
        };
        if !task_life::put(&mut tx, &task, &after, now).await? {
            return Ok(Acted::Refused);
        }
        if let Deed::Contact { result, .. } = &deed {
            lead::set_last(&mut tx, &task, result.word()).await?;
        }
        if let Deed::Done { outcome, .. } = &deed {
            lead::set_last(&mut tx, &task, outcome.word()).await?;
        }
        let cause = (fold.cursor + 1).to_string();
        let desk = self.desk(&fold.engine);
        if let Some(why) = bring_about(&mut tx, &desk, told, (now, &cause)).await? {
            return Ok(why);
        }
        clocks::go_on(&mut tx, (&task, &after), fold.engine.registry(), now).await?;
        let (verb, detail) = (deed.verb(), deed.detail());
        let action = did(verb);
        let entry =
            NewEntry { at: now, actor: &actor, action, subject: task.as_str(), detail: &detail };
        task_history::append_late(&mut tx, entry, done_at).await?;
        if let Some(occurrence) = Occurrence::find(action) {
            let detail = if let Deed::HandOver { package, .. } = &deed {
                hand_over::detail(&actor, package)
            } else {
                by(&actor, &detail)
            };
            let told = Told {
                task: &task,
                occurrence,
                detail: &detail,
                cause: &cause,
                from: actor.strip_prefix(DESTINATION_ACTOR),
                subject: None,
                to: None,
            };
            desk.write(&mut tx, now, &told).await?;
        }
        if matches!(deed, Deed::Done { outcome: Outcome::Interested, .. }) {
            deal::open(&mut tx, &desk, (&task, &actor), now).await?;
        }
        let logged =
            LoggedAction { task: task.as_str().to_owned(), verb, actor: actor.clone(), detail };
        let input = Input::Action(Action { task, verb, actor: actor.into() });
        let body = json!(logged).to_string();
        self.commit_inputs(fold, tx, vec![Logged { kind: Kind::Action, body, input }]).await?;
        self.announce();
        Ok(Acted::Done)
    }
}

/// Returns `detail` with who did it.
fn by(actor: &str, detail: &Value) -> Value {
    let mut detail = detail.clone();
    if let Some(members) = detail.as_object_mut() {
        members.insert("actor".into(), json!(actor));
    }
    detail
}

/// Does what a deed brings about besides, a coupon or a meeting; returns why not, where it cannot.
async fn bring_about(
    tx: &mut Tx,
    desk: &Desk<'_>,
    (task, deed, actor): (&TaskId, &Deed, &str),
    (now, cause): (DateTime<Utc>, &str),
) -> Result<Option<Acted>, StoreError> {
    if let Deed::IssueCoupon { campaign, contact, address, .. } = deed {
        let (contact, address) = (contact.as_deref(), address.as_deref());
        let wanted = Wanted { task, campaign, contact, address, actor };
        let issued = coupon::issue(tx, desk, wanted, now).await?;
        return Ok(issued.err().map(Acted::NoCoupon));
    }
    if let Deed::BookConsultant { consultant, starts_at, ends_at, .. } = deed {
        let span = Span { starts_at: *starts_at, ends_at: *ends_at };
        let wanted = booking::Wanted { task, consultant, span, actor };
        let booked = booking::book(tx, desk, wanted, (now, cause)).await?;
        return Ok(booked.err().map(Acted::NoBooking));
    }
    Ok(None)
}

/// Keeps what is told later, or what is decided about it; returns when what `deed` tells of was done, or
/// nothing where there is nothing to decide for `actor`.
async fn back_fill(
    tx: &mut Tx,
    (task, deed, actor): (&TaskId, &Deed, &str),
    life: &mut Life,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let (id, approves) = match deed {
        Deed::BackFill { at, .. } => {
            task_back_fill::tell(tx, task, (actor, &deed.detail()), (*at, now)).await?;
            return Ok(Some(*at));
        }
        Deed::Contact { at, .. } => return Ok(Some(*at)),
        Deed::ApproveBackFill { id } => (*id, true),
        Deed::RejectBackFill { id, .. } => (*id, false),
        Deed::Accept
        | Deed::Claim
        | Deed::Start
        | Deed::CheckStep { .. }
        | Deed::UncheckStep { .. }
        | Deed::IssueCoupon { .. }
        | Deed::BookConsultant { .. }
        | Deed::Snooze { .. }
        | Deed::Wake
        | Deed::Comment { .. }
        | Deed::HandOver { .. }
        | Deed::Return { .. }
        | Deed::Done { .. }
        | Deed::Dismiss { .. } => return Ok(Some(now)),
    };
    let decided = task_back_fill::decide(tx, (task, id), (actor, now), approves).await?;
    let Some(told) = decided else { return Ok(None) };
    let result = told.detail.get("result").cloned().unwrap_or_default();
    let result: Option<ContactResult> = serde_json::from_value(result).ok();
    if approves && result.is_some_and(ContactResult::is_contact) {
        life.speak(told.done_at, true);
    }
    Ok(Some(told.done_at))
}

/// Returns what histories and letters call it.
pub(crate) fn did(verb: Verb) -> &'static str {
    match verb {
        Verb::Accept => "task-accepted",
        Verb::Claim => "task-claimed",
        Verb::Start => "task-started",
        Verb::CheckStep => "task-step-checked",
        Verb::UncheckStep => "task-step-unchecked",
        Verb::IssueCoupon => "task-coupon-issued",
        Verb::BookConsultant => "task-consultant-booked",
        Verb::Contact => "task-contact",
        Verb::BackFill => "task-back-fill",
        Verb::ApproveBackFill => "task-back-fill-approved",
        Verb::RejectBackFill => "task-back-fill-rejected",
        Verb::Snooze => "task-snoozed",
        Verb::Wake => "task-woken",
        Verb::Comment => "task-comment",
        Verb::HandOver => "task-handed-over",
        Verb::Return => "task-returned",
        Verb::Done => "task-done",
        Verb::Dismiss => "task-dismissed",
    }
}
