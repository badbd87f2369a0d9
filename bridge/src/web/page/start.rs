//! The start page: what is red, yellow and green for the reader, each with what to do next.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use fluent_bundle::FluentValue;

use super::forecasts;
use super::login::begin_at;
use super::render;
use super::shell::Shell;
use super::task_acts::step_words;
use super::tasks::{DueShown, link, title};
use super::waiting::{self, Waiting};
use crate::auth::person::Directory;
use crate::auth::rights::Action;
use crate::auth::sight::Sight;
use crate::runtime::deed::POOL;
use crate::store::task_view::{self, TaskDetail, TaskStatus};
use crate::store::{person, task_owners};
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::filter::{Filter, Owner, View};
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::session::Entrant;
use crate::web::visible::Visible;
use crate::web::when::Teller;

/// Owners that are named whom nobody can reach.
const LOST_MAX: usize = 5;
/// Tasks that are named below each light.
const NAMED: u32 = 5;

/// The start page.
#[derive(Debug, Template)]
#[template(path = "start.html")]
struct StartPage {
    shell: Shell,
    greeting: String,
    lights: Vec<Light>,
    /// What waits for the reader beside tasks of their own.
    waiting: Vec<Waiting>,
    /// Tasks that wait in pools for somebody who claims them, in words.
    pooled: Option<String>,
    pool_href: String,
    /// Those whom nobody can reach, and who have tasks all the same.
    lost: Vec<Lost>,
    /// What forecasts of late raised an alarm.
    alarms: Vec<String>,
}

/// Somebody, or a pool, that has tasks and cannot be reached.
#[derive(Debug)]
struct Lost {
    href: String,
    words: String,
}

/// Some of the reader's tasks.
#[derive(Debug)]
struct Light {
    /// The word that the style sheet knows.
    class: &'static str,
    label: String,
    count: u64,
    href: String,
    /// What is said where there are none.
    nothing: String,
    tasks: Vec<Line>,
}

/// A task, and what to do next.
#[derive(Debug)]
struct Line {
    href: String,
    title: String,
    account: Option<String>,
    due: Option<DueShown>,
    next: String,
}

/// Shows the reader's tasks; leads those who have none to the page that they begin with.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    uri: Uri,
    Entrant(caller): Entrant,
) -> Result<Response, Fault> {
    let is_settled = caller.person.password_given_at.is_none();
    if !is_settled || !caller.can(Action::ReadTasks) {
        return Ok(Redirect::to(begin_at(&caller)).into_response());
    }
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let name = FluentValue::from(caller.person.shown().to_owned());
    let greeting = text_with(language, key!("start-greeting"), [("name", name)]);
    let shell = Shell::for_caller(&app, language, &uri, caller);
    let teller = shell.teller(&app);
    let own = Owner::Mine.filter(shell.caller()?.id());
    let counts = task_view::counts(&app.store, &sight, &own, teller.today()).await?;
    let sooner = counts.overdue.saturating_add(counts.due_today);
    let kinds = [
        (View::Overdue, "red", (key!("start-red"), key!("start-red-none")), counts.overdue),
        (
            View::Today,
            "yellow",
            (key!("start-yellow"), key!("start-yellow-none")),
            counts.due_today,
        ),
        (
            View::Later,
            "green",
            (key!("start-green"), key!("start-green-none")),
            counts.all.saturating_sub(sooner),
        ),
    ];
    let mut lights = Vec::new();
    for (view, class, (label, nothing), count) in kinds {
        let filter = Filter { view, owner: Owner::Mine };
        lights.push(Light {
            class,
            label: shell.text(label),
            count,
            href: filter.link(&[]),
            nothing: shell.text(nothing),
            tasks: named(&app, &shell, (&sight, &filter), &teller).await?,
        });
    }
    let pools = Owner::Pool;
    let wanted = pools.filter(shell.caller()?.id());
    let pooled = task_view::counts(&app.store, &sight, &wanted, teller.today()).await?.all;
    let all = Owner::All.filter(shell.caller()?.id());
    let all = task_view::counts(&app.store, &sight, &all, teller.today()).await?;
    let told = |n: u64| text_with(language, key!("start-pool"), [("n", FluentValue::from(n))]);
    let page = StartPage {
        greeting,
        lights,
        waiting: waiting::of(&app, &shell, (&counts, &all)).await?,
        pooled: (0 < pooled).then(|| told(pooled)),
        pool_href: Filter { view: View::All, owner: pools }.link(&[]),
        lost: lost(&app, language, &sight).await?,
        alarms: forecasts::alarms_of_late(&app, &shell).await?,
        shell,
    };
    Ok(render(&page)?.into_response())
}

/// Returns those in sight who have open tasks and whom nobody can reach.
async fn lost(app: &App, language: Language, sight: &Sight) -> Result<Vec<Lost>, Fault> {
    let owners = task_owners::of_open(&app.store, sight).await?;
    let people = person::all(&app.store).await?;
    let registered = app.reloader.people();
    let directory = Directory { people: &people, registered: &registered };
    let lost = owners.into_iter().filter(|(owner, _)| !directory.is_reachable(owner));
    let told = |(owner, n): (String, u64)| {
        let who = FluentValue::from(Visible(&owner).to_string());
        let words = text_with(language, key!("start-lost"), [("n", n.into()), ("who", who)]);
        Lost { href: Filter { view: View::All, owner: Owner::Id(owner) }.link(&[]), words }
    };
    Ok(lost.map(told).take(LOST_MAX).collect())
}

/// Returns the first tasks that `filter` lets through.
async fn named(
    app: &App,
    shell: &Shell,
    (sight, filter): (&Sight, &Filter),
    teller: &Teller,
) -> Result<Vec<Line>, Fault> {
    let wanted = filter.tasks(shell.caller()?.id(), teller.today());
    let page = task_view::page(&app.store, sight, &wanted, None, NAMED).await?;
    let mut lines = Vec::new();
    for row in page.rows {
        let Some(detail) = task_view::find(&app.store, sight, &row.id).await? else { continue };
        lines.push(Line {
            href: link(&row.id),
            title: title(&row, shell.language),
            account: row.account.as_deref().map(|account| Visible(account).to_string()),
            due: row.due_at.map(|due_at| DueShown::of(teller, due_at, &row)),
            next: next(shell.language, &detail),
        });
    }
    Ok(lines)
}

/// Returns what to do next with a task, in words.
pub(super) fn next(language: Language, detail: &TaskDetail) -> String {
    let row = &detail.row;
    let open = detail.steps.iter().enumerate().find(|(at, _)| !detail.checked.contains(at));
    match (row.status, open) {
        (TaskStatus::New, _) if row.owner.starts_with(POOL) => text(language, key!("next-claim")),
        (TaskStatus::New, _) => text(language, key!("next-accept")),
        (TaskStatus::Accepted | TaskStatus::InProgress, _) if row.contacted_at.is_none() => {
            text(language, key!("next-contact"))
        }
        (TaskStatus::Accepted | TaskStatus::InProgress, Some((_, step))) => {
            let step = FluentValue::from(step_words(language, step));
            text_with(language, key!("next-step"), [("step", step)])
        }
        (TaskStatus::Accepted | TaskStatus::InProgress, None) => text(language, key!("next-close")),
        (TaskStatus::Done | TaskStatus::Dismissed | TaskStatus::Withdrawn, _) => {
            text(language, key!("next-nothing"))
        }
    }
}
