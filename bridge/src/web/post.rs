//! What pages and the API ask of letters and destinations.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use upturn_connectors::deliver::Failure;
use upturn_connectors::deliver::failure::quote;
use upturn_connectors::deliver::template::{LANGUAGES, TemplateError};
use upturn_core::id::TaskId;

use super::App;
use super::ask::{self, ask};
use super::caller::Caller;
use super::fault::{Fault, FaultKind};
use crate::auth::rights::Action;
use crate::delivery::Destination;
use crate::delivery::document::Occurrence;
use crate::delivery::preview::{self, Draft, Preview};
use crate::outbox::Office;
use crate::runtime::request::{Request, RequirementWish};
use crate::store::outbox_view::{self, LetterRow};
use crate::store::requirement::Requirement;
use crate::store::{self, audit, task_history, task_view};

/// How long a destination may take to be tried: what is told is ours.
const TEST_MAX: Duration = ask::ANSWER_TIME_MAX;
/// The longest text of a requirement, in characters.
const TEXT_MAX: usize = 4_000;

/// What came of trying a destination: a sentence either way.
pub(crate) type Tested = Result<String, String>;

/// Tries the settings of the destination `id`, and leaves nothing behind there.
pub(crate) async fn test(app: &App, id: &str) -> Result<Tested, Fault> {
    let destination = {
        let routing = app.delivery.borrow();
        routing.destinations.get(id).cloned().ok_or(FaultKind::NotFound)?
    };
    let tried = destination.channel.test(app.clock.now());
    Ok(match tokio::time::timeout(TEST_MAX, tried).await {
        Ok(Ok(said)) => Ok(quote(&said)),
        Ok(Err(
            Failure::Later { reason, .. } | Failure::Refused { reason } | Failure::Off { reason },
        )) => Err(quote(&reason)),
        Err(_) => Err(format!("it did not answer within {} s", TEST_MAX.as_secs())),
    })
}

/// Which letter is looked at.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    /// What is told.
    pub(crate) kind: String,
    /// `en` or `zh`.
    pub(crate) language: String,
    /// A stored task; an invented one, where empty.
    pub(crate) task: String,
}

impl Default for Look {
    fn default() -> Self {
        let (kind, language) = (Occurrence::TaskCreated.word().to_owned(), "en".to_owned());
        Self { kind, language, task: String::new() }
    }
}

/// Returns the destination `id`, and what a letter to it would look like, or what is wrong with the
/// template. A task that the caller does not see is not there.
pub(crate) async fn preview(
    app: &App,
    id: &str,
    Look { kind, language, task }: &Look,
    caller: &Caller,
) -> Result<(Arc<Destination>, Result<Preview, TemplateError>), Fault> {
    let (destination, templates) = {
        let routing = app.delivery.borrow();
        let found = routing.destinations.get(id).cloned().ok_or(FaultKind::NotFound)?;
        (found, Arc::clone(&routing.templates))
    };
    if !preview::kinds().any(|known| known == kind) {
        return Err(Fault::bad_request("kind is none that letters have"));
    }
    if !LANGUAGES.contains(&&**language) {
        return Err(Fault::bad_request("language is not en or zh"));
    }
    let what = (&**kind, &**language);
    let draft = if task.is_empty() {
        Draft::invented(what.0, what.1)
    } else {
        let sight = caller.sight(app, Action::ReadTasks).await?;
        let id = TaskId::from_text(task);
        task_view::find(&app.store, &sight, &id).await?.ok_or(FaultKind::NotFound)?;
        Draft::of_task(&app.store, id.as_str(), what).await?.ok_or(FaultKind::NotFound)?
    };
    let preview = draft.at(&destination, &templates, app.clock.now());
    Ok((destination, preview))
}

/// Lets the destination `id` be tried again at once, and says who wanted it.
pub(crate) async fn turn_on(app: &App, id: &str, actor: &str) -> Result<(), Fault> {
    let is_known = app.delivery.borrow().destinations.contains_key(id);
    if !is_known {
        return Err(FaultKind::NotFound.into());
    }
    store::destination::turn_on(&app.store, id).await?;
    note(app, (actor, "destination-turned-on"), id).await
}

/// Sends the letter `id` again; the destination is asked first whether it is there.
pub(crate) async fn again(app: &App, id: i64, caller: &Caller) -> Result<LetterRow, Fault> {
    let letter = find_for(app, id, caller).await?;
    if !store::outbox::retry(&app.store, id, app.clock.now()).await? {
        let detail = format!("the letter is {}, and is not sent again", letter.state.word());
        return Err(Fault::of(FaultKind::LetterState, detail));
    }
    note_of_task(app, (caller.id(), "letter-again"), &letter.subject).await?;
    find(app, id).await
}

/// Gives the letter `id` up.
pub(crate) async fn give_up(app: &App, id: i64, caller: &Caller) -> Result<LetterRow, Fault> {
    let letter = find_for(app, id, caller).await?;
    let why = format!("given up by {}", caller.id());
    if !store::outbox::give_up(&app.store, id, &why, app.clock.now()).await? {
        let detail = format!("the letter is {}, and is not given up", letter.state.word());
        return Err(Fault::of(FaultKind::LetterState, detail));
    }
    note_of_task(app, (caller.id(), "letter-given-up"), &letter.subject).await?;
    find(app, id).await
}

/// Finds the letter `id` for somebody who may decide on it: whoever looks after destinations, or may act
/// on the task it is about.
async fn find_for(app: &App, id: i64, caller: &Caller) -> Result<LetterRow, Fault> {
    if caller.can_everywhere(Action::ManageDestinations) {
        return find(app, id).await;
    }
    let sight = caller.sight(app, Action::ActOnTasks).await?;
    let letter = find(app, id).await?;
    let task = TaskId::from_text(&letter.subject);
    let is_theirs = task_view::find(&app.store, &sight, &task).await?.is_some();
    if is_theirs { Ok(letter) } else { Err(FaultKind::NotFound.into()) }
}

async fn find(app: &App, id: i64) -> Result<LetterRow, Fault> {
    outbox_view::find(&app.store, id).await?.ok_or_else(|| FaultKind::NotFound.into())
}

async fn note(app: &App, (actor, action): (&str, &str), subject: &str) -> Result<(), Fault> {
    let mut tx = app.store.begin().await?;
    let detail = serde_json::json!({});
    let entry = audit::NewEntry { at: app.clock.now(), actor, action, subject, detail: &detail };
    audit::append(&mut tx, entry).await?;
    Ok(tx.commit().await?)
}

/// Notes what was done with a letter about a task, in the task's history too.
async fn note_of_task(
    app: &App,
    (actor, action): (&str, &str),
    subject: &str,
) -> Result<(), Fault> {
    let mut tx = app.store.begin().await?;
    let detail = serde_json::json!({});
    let entry = audit::NewEntry { at: app.clock.now(), actor, action, subject, detail: &detail };
    task_history::append(&mut tx, entry).await?;
    Ok(tx.commit().await?)
}

/// Asks for something because of a task: it becomes a ticket elsewhere.
pub(crate) async fn require(
    app: &App,
    task: &TaskId,
    (kind, priority, text): (&str, &str, &str),
    caller: &Caller,
) -> Result<Requirement, Fault> {
    ask::check_act(app, task, caller).await?;
    let known = |words: &[&'static str], word: &str| words.iter().copied().find(|w| *w == word);
    let kind = known(&["requirement", "feedback"], kind)
        .ok_or_else(|| Fault::bad_request("kind is not requirement or feedback"))?;
    let priority = known(&["low", "normal", "high"], priority)
        .ok_or_else(|| Fault::bad_request("priority is not low, normal or high"))?;
    // Forms end lines their own way.
    let text = text.replace("\r\n", "\n").trim().to_owned();
    if text.is_empty() || TEXT_MAX < text.chars().count() {
        return Err(Fault::bad_request(format!("text needs 1 to {TEXT_MAX} characters")));
    }
    let wish =
        RequirementWish { task: task.clone(), kind, priority, text, actor: caller.id().to_owned() };
    let asked = ask(app, |reply| Request::Require { wish: Box::new(wish), reply }).await?;
    asked.ok_or_else(|| {
        let detail = "nobody is told of requirements: let a route name requirement-created";
        Fault::of(FaultKind::NotRouted, detail.to_owned())
    })
}

/// Returns whether anybody is told of what people ask for because of a task.
pub(crate) fn takes_requirements(app: &App) -> bool {
    app.delivery.borrow().tells(Occurrence::RequirementCreated)
}

/// Returns what letters' workers share, for what comes in by itself.
pub(crate) fn office(app: &App) -> Office {
    Office {
        store: app.store.clone(),
        clock: Arc::clone(&app.clock),
        metrics: app.metrics.clone(),
        asks: app.asks.clone(),
    }
}

/// Returns whether `fault` is one that a person can be told on the page it comes from.
pub(crate) fn is_refusal(fault: &Fault) -> bool {
    matches!(fault.kind.status(), StatusCode::CONFLICT | StatusCode::BAD_REQUEST)
}
