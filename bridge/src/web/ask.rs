//! Asks the one writer and waits for its answer.

use std::time::Duration;

use tokio::sync::oneshot;
use upturn_core::id::TaskId;
use upturn_core::input::Verb;
use upturn_core::rule::Stage;

use super::App;
use super::caller::Caller;
use super::deed_form::DeedForm;
use super::fault::{Fault, FaultKind};
use super::language::Language;
use super::when::Teller;
use crate::auth::rights;
use crate::auth::sight::Sight;
use crate::runtime::act::Act;
use crate::runtime::coupon::NoCoupon;
use crate::runtime::request::{Acted, Reply, Request};
use crate::store::task_view::{self, TaskDetail, TaskStatus};

/// How long an answer is waited for; less than a request may take, so that what is told is ours.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(8);
/// When to come again after an answer that did not come in time.
pub(crate) const RETRY_AFTER_S: i64 = 2;

/// Hands a request to the writer and returns what it answers after the commit.
pub(crate) async fn ask<T>(
    app: &App,
    request: impl FnOnce(Reply<T>) -> Request,
) -> Result<T, Fault> {
    let (reply, answer) = oneshot::channel();
    let answered = async {
        app.asks.send(request(reply)).await.ok()?;
        answer.await.ok()
    };
    let outcome = tokio::time::timeout(ANSWER_TIME_MAX, answered).await;
    outcome.ok().flatten().ok_or_else(|| {
        let detail =
            "the program did not get to it in time; look whether it is done, then try again";
        Fault::try_again(detail, RETRY_AFTER_S)
    })
}

/// Lets `caller` do something with a task, if they may; returns the task after the commit. Of
/// several people at once exactly one succeeds: the store decides.
pub(crate) async fn act(
    app: &App,
    (task, verb): (&TaskId, Verb),
    form: &DeedForm,
    caller: &Caller,
) -> Result<TaskDetail, Fault> {
    let before = check_act(app, task, caller).await?;
    let zone = app.reloader.zone();
    let teller = Teller { language: Language::En, zone, now: app.clock.now() };
    let deed = form.deed(app, (&before, verb), (&teller, caller.id())).await?;
    let act = Box::new(Act { task: task.clone(), deed, actor: caller.id().to_owned() });
    let acted = ask(app, |reply| Request::Act { act, reply }).await?;
    // Whoever gave it away may see what they did, and no more.
    let after = task_view::find(&app.store, &Sight::All, task).await?.ok_or(FaultKind::NotFound)?;
    match acted {
        Acted::Done => Ok(after),
        Acted::Refused => Err(refusal(&after)),
        Acted::NoCoupon(why) => Err(no_coupon(&why)),
        Acted::NoBooking(why) => Err(Fault::of(FaultKind::SlotTaken, why.to_string())),
    }
}

/// Refuses unless `caller` may act on the task; returns it.
pub(crate) async fn check_act(
    app: &App,
    task: &TaskId,
    caller: &Caller,
) -> Result<TaskDetail, Fault> {
    let sight = caller.sight(app, rights::Action::ActOnTasks).await?;
    match task_view::find(&app.store, &sight, task).await? {
        Some(detail) => Ok(detail),
        None => Err(out_of_sight(app, task, caller).await?),
    }
}

/// Says why `caller` cannot do anything with a task: those who see it learn that they may not.
async fn out_of_sight(app: &App, task: &TaskId, caller: &Caller) -> Result<Fault, Fault> {
    if !caller.can(rights::Action::ReadTasks) {
        return Ok(FaultKind::NotFound.into());
    }
    let sight = caller.sight(app, rights::Action::ReadTasks).await?;
    let is_seen = task_view::find(&app.store, &sight, task).await?.is_some();
    Ok(if is_seen { FaultKind::Forbidden } else { FaultKind::NotFound }.into())
}

fn no_coupon(why: &NoCoupon) -> Fault {
    let kind = match why {
        NoCoupon::OfTask | NoCoupon::OfContact(_) => FaultKind::CouponIssued,
        NoCoupon::NoContact(_) | NoCoupon::WhichContact(_) => FaultKind::WrongAct,
        NoCoupon::NoConsent => FaultKind::NoConsent,
        NoCoupon::NoBudget(_) | NoCoupon::Spent { .. } => FaultKind::CouponBudget,
        NoCoupon::Exhausted(_) => FaultKind::CouponPool,
    };
    Fault::of(kind, why.to_string())
}

fn refusal(detail: &TaskDetail) -> Fault {
    let status = detail.row.status;
    let kind = match status {
        _ if detail.row.stage == Stage::Shadow => FaultKind::TaskOnTrial,
        TaskStatus::Done | TaskStatus::Dismissed | TaskStatus::Withdrawn => FaultKind::TaskClosed,
        TaskStatus::New | TaskStatus::Accepted | TaskStatus::InProgress => FaultKind::TaskChanged,
    };
    let (word, revision) = (status.word(), detail.revision);
    let told = if status == TaskStatus::New {
        let owner = &detail.row.owner;
        format!("the task is {word} and with '{owner}' since revision {revision}")
    } else {
        format!("the task is {word} since revision {revision}")
    };
    Fault::of(kind, told)
}
