//! Asks the one writer and waits for its answer.

use std::time::Duration;

use tokio::sync::oneshot;
use upturn_core::id::TaskId;
use upturn_core::input::{Action, Verb};
use upturn_core::rule::Stage;

use super::App;
use super::caller::Caller;
use super::fault::{Fault, FaultKind};
use crate::auth::rights;
use crate::auth::sight::Sight;
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

/// Returns the verb that an address names.
pub(crate) fn verb(word: &str) -> Option<Verb> {
    match word {
        "accept" => Some(Verb::Accept),
        "done" => Some(Verb::Done),
        "dismiss" => Some(Verb::Dismiss),
        _ => None,
    }
}

/// Lets `caller` do something with a task, if they may; returns the task after the commit. Of
/// several people at once exactly one succeeds: the store decides.
pub(crate) async fn act(
    app: &App,
    task: &TaskId,
    verb: Verb,
    caller: &Caller,
) -> Result<TaskDetail, Fault> {
    let sight = check_act(app, task, caller).await?;
    let action = Action { task: task.clone(), verb, actor: caller.id().into() };
    let acted = ask(app, |reply| Request::Act { action, reply }).await?;
    let detail = task_view::find(&app.store, &sight, task).await?.ok_or(FaultKind::NotFound)?;
    match acted {
        Acted::Done => Ok(detail),
        Acted::Refused => Err(refusal(&detail)),
    }
}

/// Refuses unless `caller` may act on the task; returns what else they may act on.
pub(crate) async fn check_act(app: &App, task: &TaskId, caller: &Caller) -> Result<Sight, Fault> {
    let sight = caller.sight(app, rights::Action::ActOnTasks).await?;
    if task_view::find(&app.store, &sight, task).await?.is_none() {
        return Err(out_of_sight(app, task, caller).await?);
    }
    Ok(sight)
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

fn refusal(detail: &TaskDetail) -> Fault {
    let status = detail.row.status;
    let kind = match status {
        _ if detail.row.stage == Stage::Shadow => FaultKind::TaskOnTrial,
        TaskStatus::Done | TaskStatus::Dismissed | TaskStatus::Withdrawn => FaultKind::TaskClosed,
        TaskStatus::New | TaskStatus::Accepted => FaultKind::TaskChanged,
    };
    Fault::of(kind, format!("the task is {} since revision {}", status.word(), detail.revision))
}
