//! The page of one task: what to do, and why.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use fluent_bundle::FluentValue;
use serde::Deserialize;
use serde_json::Value;
use upturn_core::id::TaskId;
use upturn_core::input::Verb;
use upturn_core::rule::Stage;
use upturn_core::task::{EpisodeState, Evidence};

use super::shell::Shell;
use super::start;
use super::task_acts::{self, Acts, Decision, Said, step_words};
use super::task_lead::{self, LeadShown};
use super::task_results::{self, Results};
use super::tasks::{DueShown, OwnerShown, link, title};
use super::{attributes, deliveries, render, rule, twin_line};
use crate::auth::rights::Action;
use crate::explain::task::{Taken, taken};
use crate::runtime::deed::POOL;
use crate::store::person;
use crate::store::task_history::Entry;
use crate::store::task_view::{self, TaskDetail, TaskRow, TaskStatus};
use crate::web::App;
use crate::web::ask;
use crate::web::deed_form::DeedForm;
use crate::web::fault::{Fault, FaultKind};
use crate::web::i18n::{find_text, key, text, text_with};
use crate::web::language::Language;
use crate::web::profile_form::Pairs;
use crate::web::session::Reader;
use crate::web::visible::{Visible, VisibleLines};
use crate::web::when::{Teller, When};

/// The page of one task.
#[derive(Debug, Template)]
#[template(path = "task.html")]
struct TaskPage {
    shell: Shell,
    id: String,
    title: String,
    status: TaskStatus,
    is_contradicted: bool,
    is_trial: bool,
    /// What took away what it stood on, if anything did.
    taken: Option<String>,
    /// What became of what the reader just did.
    told: Option<Told>,
    acts: Acts,
    /// What was told later and waits for somebody else's decision.
    decisions: Vec<Decision>,
    /// What to do next, in words.
    next: Option<String>,
    /// What to agree on before anybody calls twice.
    twins: Vec<String>,
    /// Until when it is put off.
    snoozed: Option<String>,
    /// How it ended.
    outcome: Option<String>,
    contacted: Option<When>,
    is_open: bool,
    rule: String,
    rule_href: String,
    version: String,
    scope: String,
    kind: String,
    device: String,
    account: Option<String>,
    /// What feeds tell of the customer and of the device's place.
    attributes: attributes::Told,
    owner: OwnerShown,
    due: Option<DueShown>,
    created: When,
    /// What the rule held on: how many events, from when to when.
    held: String,
    /// How often it was joined, if it was.
    joined: Option<String>,
    steps: Vec<Step>,
    evidence: Vec<Exhibit>,
    history: Vec<Deed>,
    /// What other systems were told, and what was asked of them.
    told_elsewhere: deliveries::Told,
    /// What was decided about it when it was made.
    lead: Option<LeadShown>,
    /// What came of it.
    results: Results,
}

/// What became of what the reader just did.
#[derive(Debug)]
struct Told {
    words: String,
    is_refusal: bool,
}

/// Something to be done.
#[derive(Debug)]
struct Step {
    words: String,
    place: usize,
    is_done: bool,
}

/// What the reader just did, by the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    did: String,
}

/// A piece of evidence.
#[derive(Debug)]
struct Exhibit {
    when: When,
    kind: String,
    channel: Option<String>,
    code: Option<String>,
    cause: Option<String>,
    info: Option<String>,
    id: String,
    /// All attributes, laid out as JSON.
    attributes: String,
}

/// Something that was done to the task.
#[derive(Debug)]
struct Deed {
    when: When,
    actor: String,
    action: String,
    /// When it was done, if it was told later.
    done: Option<When>,
    said: Vec<Said>,
    detail: Option<String>,
}

/// Shows the task.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let sight = shell.sight(&app, Action::ReadTasks).await?;
    let detail = task_view::find(&app.store, &sight, &TaskId::from_text(&id)).await?;
    let detail = detail.ok_or(FaultKind::NotFound)?;
    let teller = shell.teller(&app);
    let told = told(shell.language, &params.did);
    let taken = taken(&app.store, &detail).await?.map(|taken| taken_words(&teller, &taken));
    let acts = shell.caller()?.sight_or_nothing(&app, Action::ActOnTasks).await?;
    let can_act = acts.covers(&detail.row.owner, detail.row.region.as_deref());
    let told_elsewhere = deliveries::of_task(&app, &teller, (&detail.row.id, can_act)).await?;
    let owners = if can_act { Some(owners(&app).await?) } else { None };
    let standing = (&detail.row.id, detail.row.status.is_open());
    let lead = task_lead::of_task(&app, &teller, standing, owners.as_deref()).await?;
    let results = task_results::of_task(&app, &shell, &detail, can_act).await?;
    let acts = if let Some(owners) = owners {
        task_acts::acts(shell.language, &detail.row, (&owners, &app.reloader.hand_overs()))
    } else {
        Acts::default()
    };
    let reader = shell.caller()?.id();
    let decisions =
        if can_act { task_acts::decisions(&teller, &detail, reader) } else { Vec::new() };
    let account = detail.row.account.as_deref();
    let twins = twin_line::of_account(&app, shell.language, account).await?;
    let attributes = attributes::of_task(&app, &detail.row.device, account).await?;
    render(&TaskPage {
        taken,
        told,
        acts,
        decisions,
        twins,
        attributes,
        told_elsewhere,
        lead,
        results,
        ..page(shell, &teller, &detail)
    })
}

/// Returns everybody whom a task can be given to: people who are there, and the pools of their teams.
async fn owners(app: &App) -> Result<Vec<String>, Fault> {
    let people = person::all(&app.store).await?;
    let registered = app.reloader.people();
    let mut owners: BTreeSet<String> = registered.keys().map(ToString::to_string).collect();
    let teams = registered.values().filter_map(|person| person.team.as_deref());
    let pool = |team: &str| format!("{POOL}{team}");
    owners.extend(teams.map(pool));
    for person in &people {
        if person.is_enabled() {
            owners.insert(person.id.clone());
            owners.extend(person.profile.teams.iter().map(|team| pool(team)));
        } else {
            owners.remove(&person.id);
        }
    }
    Ok(owners.into_iter().take(OWNERS_MAX).collect())
}

/// Does what a button or a form says and leads back to the task, or to the list where it has gone to
/// somebody whose tasks the reader does not see.
pub(crate) async fn act(
    State(app): State<App>,
    Reader(caller): Reader,
    Path((id, word)): Path<(String, String)>,
    Form(pairs): Form<Pairs>,
) -> Result<Redirect, Fault> {
    let verb = Verb::find(&word).ok_or(FaultKind::NotFound)?;
    let id = TaskId::from_text(&id);
    let did = match ask::act(&app, (&id, verb), &DeedForm::typed(&pairs), &caller).await {
        Ok(after) => {
            let sight = caller.sight_or_nothing(&app, Action::ReadTasks).await?;
            if !sight.covers(&after.row.owner, after.row.region.as_deref()) {
                return Ok(Redirect::to("/tasks"));
            }
            &word
        }
        // Why there is no coupon or no meeting takes a sentence.
        Err(fault)
            if fault.kind.status() == StatusCode::CONFLICT
                && !matches!(verb, Verb::IssueCoupon | Verb::BookConsultant) =>
        {
            REFUSED
        }
        Err(fault) => return Err(fault),
    };
    Ok(Redirect::to(&format!("{}?did={did}", link(&id))))
}

/// The most people and pools that a form offers.
const OWNERS_MAX: usize = 1_000;

/// The word in the address for what could not be done.
pub(super) const REFUSED: &str = "refused";

fn told(language: Language, did: &str) -> Option<Told> {
    let (key, is_refusal) = match did {
        "accept" => (key!("told-accept"), false),
        "claim" => (key!("told-claim"), false),
        "start" => (key!("told-start"), false),
        "check-step" | "uncheck-step" => (key!("told-step"), false),
        "issue-coupon" => (key!("told-coupon"), false),
        "book-consultant" => (key!("told-booking"), false),
        "contact" => (key!("told-contact"), false),
        "back-fill" => (key!("told-back-fill"), false),
        "approve-back-fill" | "reject-back-fill" => (key!("told-decided"), false),
        "snooze" => (key!("told-snooze"), false),
        "wake" => (key!("told-wake"), false),
        "comment" => (key!("told-comment"), false),
        "hand-over" => (key!("told-hand-over"), false),
        "return" => (key!("told-return"), false),
        "done" => (key!("told-done"), false),
        "dismiss" => (key!("told-dismiss"), false),
        "override" => (key!("told-override"), false),
        "asked" => (key!("told-asked"), false),
        "not-asked" => (key!("told-not-asked"), true),
        "letter-again" => (key!("told-letter-again"), false),
        REFUSED => (key!("told-refused"), true),
        _ => return None,
    };
    Some(Told { words: text(language, key), is_refusal })
}

fn page(shell: Shell, teller: &Teller, detail: &TaskDetail) -> TaskPage {
    let row = &detail.row;
    let language = shell.language;
    TaskPage {
        id: Visible(row.id.as_str()).to_string(),
        title: title(row, language),
        status: row.status,
        is_contradicted: row.contradicted,
        is_trial: row.stage == Stage::Shadow,
        told: None,
        told_elsewhere: deliveries::Told::default(),
        results: Results::default(),
        taken: None,
        lead: None,
        acts: Acts::default(),
        decisions: Vec::new(),
        next: (row.status.is_open() && row.stage != Stage::Shadow)
            .then(|| start::next(language, detail)),
        twins: Vec::new(),
        snoozed: row.snoozed_until.map(|until| {
            let at = FluentValue::from(teller.in_sentence(until));
            text_with(language, key!("task-snoozed-note"), [("at", at)])
        }),
        outcome: detail.outcome.as_deref().map(|word| outcome(language, word)),
        contacted: row.contacted_at.map(|at| teller.when(at)),
        is_open: match row.episode {
            EpisodeState::Open => true,
            EpisodeState::Closed => false,
        },
        rule: row.rule.as_str().to_owned(),
        rule_href: rule::link(row.rule.as_str(), Some(&row.version).filter(|v| !v.is_empty())),
        version: Visible(&row.version).to_string(),
        scope: Visible(&row.scope).to_string(),
        kind: Visible(&row.kind).to_string(),
        device: Visible(row.device.as_str()).to_string(),
        account: row.account.as_deref().map(|account| Visible(account).to_string()),
        attributes: attributes::Told::default(),
        owner: OwnerShown::of(&row.owner),
        due: row.due_at.map(|due_at| DueShown::of(teller, due_at, row)),
        created: teller.when(row.created_at),
        held: held(teller, detail),
        joined: joined(teller, row),
        steps: steps(language, detail),
        evidence: detail.evidence.iter().map(|evidence| exhibit(teller, evidence)).collect(),
        history: detail.history.iter().map(|entry| deed(teller, detail, entry)).collect(),
        shell,
    }
}

fn steps(language: Language, detail: &TaskDetail) -> Vec<Step> {
    let step = |(place, step): (usize, &String)| Step {
        words: step_words(language, step),
        place,
        is_done: detail.checked.contains(&place),
    };
    detail.steps.iter().enumerate().map(step).collect()
}

/// Returns an outcome in words; one that only a later Upturn knows stays as it is.
fn outcome(language: Language, word: &str) -> String {
    let known = find_text(language, &format!("outcome-{word}"));
    known.unwrap_or_else(|| Visible(word).to_string())
}

fn taken_words(teller: &Teller, taken: &Taken) -> String {
    let at = ("at", FluentValue::from(teller.in_sentence(taken.at)));
    let Some(event) = &taken.event else {
        return text_with(teller.language, key!("task-taken"), [at]);
    };
    let visible = |text: &str| FluentValue::from(Visible(text).to_string());
    let values = [
        at,
        ("id", visible(&event.id)),
        ("kind", visible(&event.kind)),
        ("device", visible(&event.device)),
        ("occurred", FluentValue::from(teller.in_sentence(event.occurred_at))),
    ];
    text_with(teller.language, key!("task-taken-by"), values)
}

fn held(teller: &Teller, detail: &TaskDetail) -> String {
    let told = |at| FluentValue::from(teller.in_sentence(at));
    let values = [
        ("n", FluentValue::from(detail.evidence.len())),
        ("from", told(detail.row.first_at)),
        ("to", told(detail.row.last_at)),
    ];
    text_with(teller.language, key!("task-held"), values)
}

fn joined(teller: &Teller, row: &TaskRow) -> Option<String> {
    let newest = teller.in_sentence(row.joined_at?);
    let values = [("n", FluentValue::from(row.joined)), ("at", FluentValue::from(newest))];
    (0 < row.joined).then(|| text_with(teller.language, key!("task-joined"), values))
}

fn exhibit(teller: &Teller, evidence: &Evidence) -> Exhibit {
    let attributes = serde_json::from_str::<Value>(&evidence.attributes).unwrap_or_default();
    let attribute = |name: &str| attributes.get(name).and_then(word);
    let laid_out = serde_json::to_string_pretty(&attributes).unwrap_or_default();
    Exhibit {
        when: teller.when(evidence.occurred_at),
        kind: Visible(&evidence.kind).to_string(),
        channel: evidence.channel.as_deref().map(|channel| Visible(channel).to_string()),
        code: attribute("code"),
        cause: attribute("cause"),
        info: attribute("info"),
        id: Visible(evidence.id.as_str()).to_string(),
        attributes: VisibleLines(&laid_out).to_string(),
    }
}

/// Returns a value for a cell of the table; nothing for what would only clutter it.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(Visible(text).to_string()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(Visible(&value.to_string()).to_string())
        }
    }
}

fn deed(teller: &Teller, detail: &TaskDetail, entry: &Entry) -> Deed {
    let known = find_text(teller.language, &format!("audit-{}", entry.action));
    let is_empty = match &entry.detail {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => false,
    };
    let said = task_acts::said(teller, detail, &entry.detail);
    Deed {
        when: teller.when(entry.at),
        actor: Visible(&entry.actor).to_string(),
        action: known.unwrap_or_else(|| Visible(&entry.action).to_string()),
        done: (entry.done_at != entry.at).then(|| teller.when(entry.done_at)),
        detail: (!is_empty && said.is_empty())
            .then(|| Visible(&entry.detail.to_string()).to_string()),
        said,
    }
}
