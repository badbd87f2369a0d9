//! The systems that are told of tasks: how each does, and what waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use fluent_bundle::FluentValue;
use serde::Deserialize;

use super::render;
use super::shell::Shell;
use super::told::{Params, Told};
use crate::auth::rights::Action;
use crate::delivery::Destination;
use crate::outbox::circuit::Circuit;
use crate::store::destination::{self, DestinationState};
use crate::store::outbox_view::{self, LetterFilter, LetterRow, LetterState, Queue};
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::post;
use crate::web::session::Reader;
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// Parked letters on the page; `upturn outbox list` shows all.
const PARKED_MAX: u32 = 50;

/// A destination, in force or with letters left, and how it does.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) id: String,
    /// None where no document names it any more.
    pub(crate) destination: Option<Arc<Destination>>,
    pub(crate) state: DestinationState,
    pub(crate) queue: Queue,
}

/// Returns all destinations in the order of their ids.
pub(crate) async fn standing(app: &App) -> Result<Vec<Standing>, Fault> {
    let routing = Arc::clone(&app.delivery.borrow());
    let mut states = destination::all(&app.store).await?;
    let mut queues: BTreeMap<String, Queue> =
        outbox_view::queues(&app.store).await?.into_iter().collect();
    let mut ids: Vec<&String> = routing.destinations.keys().chain(queues.keys()).collect();
    ids.sort();
    ids.dedup();
    let ids: Vec<String> = ids.into_iter().cloned().collect();
    let all = ids.into_iter().map(|id| Standing {
        destination: routing.destinations.get(&id).cloned(),
        state: states.remove(&id).unwrap_or_default(),
        queue: queues.remove(&id).unwrap_or_default(),
        id,
    });
    Ok(all.collect())
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "destinations.html")]
struct DestinationsPage {
    shell: Shell,
    rows: Vec<Line>,
    parked: Vec<Parked>,
    told: Option<Told>,
}

/// A destination in the table.
#[derive(Debug)]
struct Line {
    id: String,
    title: String,
    /// Where its letters are looked at.
    page: Option<String>,
    kind: String,
    circuit: &'static str,
    state: String,
    /// Why, where it is turned off.
    off: Option<String>,
    waiting: u64,
    parked: u64,
    oldest: Option<When>,
    error: Option<String>,
    failed: Option<When>,
    worked: Option<When>,
    test: Option<String>,
    on: Option<String>,
}

/// A letter that waits for a person.
#[derive(Debug)]
struct Parked {
    task: Option<String>,
    subject: String,
    destination: String,
    event: String,
    created: When,
    why: String,
    again: String,
    drop: String,
}

/// Shows them all.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadDestinations)?;
    let words = match &*params.did {
        "on" => Some((key!("told-destination-on"), false)),
        "again" => Some((key!("told-letter-again"), false)),
        "drop" => Some((key!("told-letter-drop"), false)),
        "refused" => Some((key!("told-letter-refused"), true)),
        _ => None,
    };
    let language = shell.language;
    let told = words.map(|(key, is_refusal)| Told { words: text(language, key), is_refusal });
    page(&app, shell, told).await
}

/// Tries one and shows what came of it.
pub(crate) async fn test(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ManageDestinations)?;
    let tested = post::test(&app, &id).await?;
    let is_refusal = tested.is_err();
    let said = Visible(&tested.unwrap_or_else(|reason| reason)).to_string();
    let values = [("id", FluentValue::from(id)), ("said", FluentValue::from(said))];
    let key = if is_refusal { key!("told-test-failed") } else { key!("told-test-worked") };
    let words = text_with(shell.language, key, values);
    page(&app, shell, Some(Told { words, is_refusal })).await
}

/// Turns one on and leads back.
pub(crate) async fn turn_on(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Redirect, Fault> {
    caller.check(Action::ManageDestinations)?;
    post::turn_on(&app, &id, caller.id()).await?;
    Ok(Redirect::to("/destinations?did=on"))
}

/// Where the reader came from.
#[derive(Debug, Deserialize)]
pub(crate) struct Back {
    #[serde(default)]
    back: String,
}

/// Sends a letter again, or gives it up, and leads back.
pub(crate) async fn decide(
    State(app): State<App>,
    Reader(caller): Reader,
    Path((id, verb)): Path<(i64, String)>,
    Query(Back { back }): Query<Back>,
) -> Result<Redirect, Fault> {
    let done = match &*verb {
        "again" => post::again(&app, id, &caller).await,
        "drop" => post::give_up(&app, id, &caller).await,
        _ => return Err(crate::web::fault::FaultKind::NotFound.into()),
    };
    let (did, letter) = match done {
        Ok(letter) => (verb, Some(letter)),
        Err(fault) if post::is_refusal(&fault) => ("refused".to_owned(), None),
        Err(fault) => return Err(fault),
    };
    let target = match letter.filter(|_| back == "task").as_ref().and_then(task_link) {
        Some(task) => format!("{task}?did=letter-{did}"),
        None => format!("/destinations?did={did}"),
    };
    Ok(Redirect::to(&target))
}

async fn page(app: &App, shell: Shell, told: Option<Told>) -> Result<Html<String>, Fault> {
    let teller = shell.teller(app);
    let all = standing(app).await?;
    let state = Some(LetterState::Parked);
    let filter = LetterFilter { state, ..LetterFilter::default() };
    let parked = outbox_view::page(&app.store, &filter, None, PARKED_MAX).await?;
    render(&DestinationsPage {
        rows: all.iter().map(|one| line(&teller, one)).collect(),
        parked: parked.iter().map(|letter| self::parked(&teller, letter)).collect(),
        told,
        shell,
    })
}

fn line(teller: &Teller, standing: &Standing) -> Line {
    let Standing { id, destination, state, queue } = standing;
    let language = teller.language;
    let circuit = Circuit::of(state, teller.now);
    let known = destination.as_deref();
    let is_stopped = state.off_reason.is_some() || state.open_until.is_some();
    let visible = |text: &String| Visible(text).to_string();
    Line {
        title: known.map_or_else(
            || text(language, key!("destination-gone")),
            |known| Visible(known.title.in_language(language.tag())).to_string(),
        ),
        page: known.map(|known| format!("/destinations/{}", known.id)),
        kind: known.map(|known| known.kind.to_owned()).unwrap_or_default(),
        circuit: circuit.word(),
        state: circuit_words(language, circuit),
        off: state.off_reason.as_ref().map(visible),
        waiting: queue.waiting,
        parked: queue.parked,
        oldest: queue.oldest_at.map(|at| teller.when(at)),
        error: state.last_error.as_ref().map(visible),
        failed: state.failed_at.map(|at| teller.when(at)),
        worked: state.worked_at.map(|at| teller.when(at)),
        test: known.map(|known| format!("/destinations/{}/test", known.id)),
        on: known.filter(|_| is_stopped).map(|known| format!("/destinations/{}/on", known.id)),
        id: Visible(id).to_string(),
    }
}

fn circuit_words(language: Language, circuit: Circuit) -> String {
    let key = match circuit {
        Circuit::Closed => key!("circuit-closed"),
        Circuit::Open => key!("circuit-open"),
        Circuit::HalfOpen => key!("circuit-half-open"),
        Circuit::Off => key!("circuit-off"),
    };
    text(language, key)
}

fn parked(teller: &Teller, letter: &LetterRow) -> Parked {
    Parked {
        task: task_link(letter),
        subject: Visible(&letter.subject).to_string(),
        destination: Visible(&letter.destination).to_string(),
        event: event_words(teller.language, &letter.kind),
        created: teller.when(letter.created_at),
        why: letter.last_error.as_deref().map(|why| Visible(why).to_string()).unwrap_or_default(),
        again: format!("/letters/{}/again", letter.id),
        drop: format!("/letters/{}/drop", letter.id),
    }
}

/// Returns the page of the task that a letter is about, if it is about one.
fn task_link(letter: &LetterRow) -> Option<String> {
    let is_task = letter.kind.starts_with("task-");
    is_task.then(|| super::tasks::link(&upturn_core::id::TaskId::from_text(&letter.subject)))
}

/// Returns what a letter tells of, in words.
pub(super) fn event_words(language: Language, kind: &str) -> String {
    let known = crate::web::i18n::find_text(language, &format!("audit-{kind}"));
    known.unwrap_or_else(|| Visible(kind).to_string())
}
