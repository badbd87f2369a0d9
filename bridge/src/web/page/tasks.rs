//! The inbox.

use std::net::SocketAddr;

use askama::Template;
use axum::Json;
use axum::extract::{Extension, Query, State};
use axum::response::Html;
use chrono::{DateTime, Utc};
use fluent_bundle::FluentValue;
use serde::{Deserialize, Serialize};
use upturn_core::id::TaskId;

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::runtime::deed::POOL;
use crate::store::task_view::{self, TaskCounts, TaskCursor, TaskRow, TaskStatus};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::filter::{Filter, Owner, View};
use crate::web::i18n::{key, text_with};
use crate::web::language::Language;
use crate::web::visible::Visible;
use crate::web::when::{DueState, Teller, When};

/// Tasks on a page.
const PAGE_LEN: u32 = 50;

/// How many new tasks are counted; more are told as "99+".
const NEW_MAX: u32 = 100;

/// The inbox.
#[derive(Debug, Template)]
#[template(path = "tasks.html")]
struct TasksPage {
    shell: Shell,
    presets: Vec<Choice>,
    owners: Vec<Choice>,
    rows: Vec<Line>,
    /// Whether nothing is shown because there is nothing at all.
    is_untouched: bool,
    /// How to send a test message to the embedded broker.
    try_out: Option<String>,
    /// The way back from a later page.
    newest: Option<String>,
    /// The next page.
    next: Option<String>,
    /// Where the script asks for the number of new tasks; only the first page has news.
    news: Option<String>,
    /// The same view, read again.
    here: String,
}

/// A link that chooses what to show.
#[derive(Debug)]
struct Choice {
    href: String,
    label: String,
    count: Option<u64>,
    is_current: bool,
    /// Whether the count asks for attention.
    is_urgent: bool,
}

/// A task in the table.
#[derive(Debug)]
struct Line {
    href: String,
    title: String,
    kind: String,
    device: String,
    account: Option<String>,
    owner: OwnerShown,
    due: Option<DueShown>,
    status: TaskStatus,
    is_contradicted: bool,
    /// Where it is claimed, if it waits in a pool of the reader's.
    claim: Option<String>,
    created: When,
}

/// Who has a task.
#[derive(Debug)]
pub(super) struct OwnerShown {
    /// The person's id, or the pool's name.
    pub(super) name: String,
    /// Whether it is a pool.
    pub(super) is_pool: bool,
}

impl OwnerShown {
    /// Returns `owner` as pages show it.
    pub(super) fn of(owner: &str) -> Self {
        match owner.strip_prefix("pool:") {
            Some(pool) => Self { name: Visible(pool).to_string(), is_pool: true },
            None => Self { name: Visible(owner).to_string(), is_pool: false },
        }
    }
}

/// When a task is due.
#[derive(Debug)]
pub(super) struct DueShown {
    /// The words: `overdue by 3 hours`.
    pub(super) words: String,
    /// The word that the style sheet knows.
    pub(super) class: &'static str,
    /// Exactly.
    pub(super) when: When,
}

impl DueShown {
    /// Returns `due_at` of `row` as pages show it; only what is open can be urgent, and only while nobody
    /// has spoken with the customer.
    pub(super) fn of(teller: &Teller, due_at: DateTime<Utc>, row: &TaskRow) -> Self {
        let when = teller.when(due_at);
        if row.status.is_open() && row.contacted_at.is_none() {
            let class = DueState::of(due_at, teller.today()).class();
            Self { words: teller.due(due_at), class, when }
        } else {
            Self { words: when.relative.clone(), class: "later", when }
        }
    }
}

/// The filters in the address. What is unknown is left alone: links get decorated.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    view: String,
    #[serde(default)]
    owner: String,
    after: Option<String>,
    top: Option<String>,
}

impl Params {
    /// An unknown view shows everything rather than an error.
    fn filter(&self) -> Filter {
        let view = View::find(&self.view).unwrap_or(View::All);
        Filter { view, owner: Owner::read(&self.owner) }
    }
}

/// Shows the inbox.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let sight = shell.sight(&app, Action::ReadTasks).await?;
    let after = params.after.as_deref().map(str::parse::<TaskCursor>).transpose();
    let after = after.map_err(|e| Fault::bad_request(e.to_string()))?;
    let teller = shell.teller(&app);
    let today = teller.today();
    let filter = params.filter();
    let wanted = filter.tasks(shell.caller()?.id(), today);
    let page = task_view::page(&app.store, &sight, &wanted, after.as_ref(), PAGE_LEN).await?;
    let counts = task_view::counts(&app.store, &sight, &wanted.owner, today).await?;
    let is_untouched = page.rows.is_empty() && !task_view::any_exists(&app.store, &sight).await?;
    let next = page.next.map(|next| filter.link(&[("after", &next.to_string())]));
    let top = page.rows.first().map(place).unwrap_or_default();
    let acts = shell.caller()?.sight_or_nothing(&app, Action::ActOnTasks).await?;
    let shown = |row: &TaskRow| {
        let is_pooled = row.status == TaskStatus::New && row.owner.starts_with(POOL);
        let can_claim = is_pooled && acts.covers(&row.owner, row.region.as_deref());
        let claim = can_claim.then(|| format!("{}/claim", link(&row.id)));
        Line { claim, ..line(&shell, &teller, row) }
    };
    render(&TasksPage {
        presets: presets(&shell, &filter, counts),
        owners: owners(&shell, &filter),
        rows: page.rows.iter().map(shown).collect(),
        is_untouched,
        try_out: app.settings.broker.map(try_out),
        newest: after.is_some().then(|| filter.link(&[])),
        news: after.is_none().then(|| format!("/tasks/new?{}", filter.query(&[("top", &top)]))),
        here: filter.link(&[]),
        next,
        shell,
    })
}

/// The answer to the script that asks for news.
#[derive(Debug, Serialize)]
pub(crate) struct News {
    /// How many.
    count: usize,
    /// The notice.
    text: String,
}

/// Counts the tasks that a reload would add above the topmost one shown.
pub(crate) async fn count_new(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Json<News>, Fault> {
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let teller = Teller { language, zone: app.reloader.zone(), now: app.clock.now() };
    let wanted = params.filter().tasks(caller.id(), teller.today());
    let page = task_view::page(&app.store, &sight, &wanted, None, NEW_MAX).await?;
    let top = params.top.unwrap_or_default();
    let count = match top.parse::<TaskCursor>() {
        Ok(top) => page.rows.iter().take_while(|row| is_above(row, &top)).count(),
        Err(_) => page.rows.len(),
    };
    let shown = if count < 100 { count.to_string() } else { "99+".to_owned() };
    let text = text_with(language, key!("inbox-news"), [("n", FluentValue::from(shown))]);
    Ok(Json(News { count, text }))
}

fn place(row: &TaskRow) -> String {
    format!("{}~{}", row.created_at.timestamp_millis(), row.id)
}

fn is_above(row: &TaskRow, top: &TaskCursor) -> bool {
    (top.created_at, top.id.as_str()) < (row.created_at.timestamp_millis(), row.id.as_str())
}

fn presets(shell: &Shell, filter: &Filter, counts: TaskCounts) -> Vec<Choice> {
    let preset = |view: View| {
        let (label, count) = match view {
            View::All => (key!("view-all"), Some(counts.all)),
            View::Overdue => (key!("view-overdue"), Some(counts.overdue)),
            View::Today => (key!("view-today"), Some(counts.due_today)),
            View::Later => {
                let sooner = counts.overdue.saturating_add(counts.due_today);
                (key!("view-later"), Some(counts.all.saturating_sub(sooner)))
            }
            // What is closed only grows; nobody needs to know how much of it there is.
            View::Snoozed => (key!("view-snoozed"), Some(counts.snoozed)),
            View::Closed => (key!("view-closed"), None),
            View::Withdrawn => (key!("view-withdrawn"), Some(counts.withdrawn)),
            View::Trial => (key!("view-trial"), None),
        };
        Choice {
            href: Filter { view, owner: filter.owner.clone() }.link(&[]),
            label: shell.text(label),
            count,
            is_current: view == filter.view,
            is_urgent: view == View::Overdue && count.is_some_and(|count| 0 < count),
        }
    };
    View::ALL.map(preset).into()
}

fn owners(shell: &Shell, filter: &Filter) -> Vec<Choice> {
    let choice = |owner: Owner, label: String| Choice {
        href: Filter { view: filter.view, owner: owner.clone() }.link(&[]),
        label,
        count: None,
        is_current: owner == filter.owner,
        is_urgent: false,
    };
    let mut choices = vec![
        choice(Owner::All, shell.text(key!("owner-all"))),
        choice(Owner::Mine, shell.text(key!("owner-mine"))),
        choice(Owner::Pool, shell.text(key!("owner-pool"))),
    ];
    if let Owner::Id(id) = &filter.owner {
        choices.push(choice(filter.owner.clone(), Visible(id).to_string()));
    }
    choices
}

fn line(shell: &Shell, teller: &Teller, row: &TaskRow) -> Line {
    Line {
        href: link(&row.id),
        title: title(row, shell.language),
        kind: Visible(&row.kind).to_string(),
        device: Visible(row.device.as_str()).to_string(),
        account: row.account.as_deref().map(|account| Visible(account).to_string()),
        owner: OwnerShown::of(&row.owner),
        due: row.due_at.map(|due_at| DueShown::of(teller, due_at, row)),
        status: row.status,
        is_contradicted: row.contradicted,
        claim: None,
        created: teller.when(row.created_at),
    }
}

/// Returns the address of a task's page.
pub(super) fn link(id: &TaskId) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_str().as_bytes()).collect();
    format!("/tasks/{id}")
}

/// Returns a task's title in the reader's language, or its kind if the rule gave none.
pub(super) fn title(row: &TaskRow, language: Language) -> String {
    let title = row.title.in_language(language.tag());
    Visible(if title.is_empty() { &row.kind } else { title }).to_string()
}

/// Returns a command that makes a test device fail three times, with ids that were not used before.
fn try_out(broker: SocketAddr) -> String {
    let (host, port) = (broker.ip(), broker.port());
    format!(
        "for n in 1 2 3; do mosquitto_pub -h {host} -p {port} -q 1 -t devices/EVSE-0042/events \
         -m \"{{\\\"id\\\": \\\"try-$(date +%s)-$n\\\", \\\"kind\\\": \\\"charge_failed\\\", \\\"cause\\\": \\\"charger\\\"}}\"; done"
    )
}
