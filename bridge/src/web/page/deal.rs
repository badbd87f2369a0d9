//! One deal: where it stands, what the next gate wants, the forms for it, and its way so far.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use chrono::{NaiveDateTime, TimeZone as _, Utc};
use serde::Deserialize;
use upturn_core::compliance::process::deal::{Action as DealAction, Deal, Proof};
use upturn_core::compliance::process::promise::Light;
use upturn_core::compliance::process::{Requirement, Wanted};
use upturn_core::record;

use super::deals::News;
use super::overrides::{self, Overrides};
use super::shell::Shell;
use super::{chance, render};
use crate::auth::rights::Action;
use crate::runtime::selling::deals::{self, DealStep, KIND};
use crate::store::overrule::{self, Subject, What};
use crate::store::quote::StoredQuote;
use crate::web::App;
use crate::web::api::deals::light;
use crate::web::fault::{Fault, FaultKind, Told as ToldInWords};
use crate::web::i18n::{find_text, key, text};
use crate::web::language::Language;
use crate::web::profile_form::{Pairs, value};
use crate::web::selling::{self, DealView};
use crate::web::visible::{Visible, VisibleLines};
use crate::web::when::{Teller, When};

/// The page.
#[derive(Debug, Template)]
#[template(path = "deal.html")]
struct DealPage {
    shell: Shell,
    id: String,
    fields: Vec<(String, String)>,
    /// What is known of its chance, as HTML.
    chance: String,
    /// What people say of it.
    overrides: Overrides,
    revision: u64,
    /// The processes it can begin, where it has begun none.
    processes: Vec<(String, String)>,
    has_begun: bool,
    stages: Vec<StageLine>,
    next: Option<(String, String)>,
    missing: usize,
    wants: Vec<Want>,
    guarded: Vec<Guard>,
    promise: Option<PromiseLine>,
    acts: Vec<ActLine>,
    quotes: Vec<QuoteLine>,
    cases: Vec<CaseLine>,
    news: Option<News>,
    can_act: bool,
    can_fulfil: bool,
    told: Option<Told>,
}

/// A stage on its way.
#[derive(Debug)]
struct StageLine {
    title: String,
    /// `done`, `now` or `later`.
    state: &'static str,
    entered: Option<When>,
}

/// Something the next gate wants.
#[derive(Debug)]
struct Want {
    id: String,
    title: String,
    is_done: bool,
    /// `form`, `file`, `checklist`, `e-confirmation`, `contract` or `hook`.
    by: &'static str,
    /// Fields of a form, items of a list.
    items: Vec<String>,
    /// What is confirmed.
    text: String,
    /// The hash of it.
    document: String,
}

/// A guarded field.
#[derive(Debug)]
struct Guard {
    field: String,
    value: Option<String>,
    /// Values it may take, with the hash by which each is confirmed.
    preset: Vec<(String, String)>,
}

/// What was promised.
#[derive(Debug)]
struct PromiseLine {
    signed: When,
    order_due: Option<When>,
    ordered: Option<When>,
    due: When,
    delivered: Option<When>,
    order_light: &'static str,
    delivery_light: &'static str,
}

/// Something that was done.
#[derive(Debug)]
struct ActLine {
    when: When,
    actor: String,
    action: String,
    detail: String,
}

/// A quote of it.
#[derive(Debug)]
struct QuoteLine {
    href: String,
    number: String,
    when: When,
    is_clear: bool,
}

/// A case about it.
#[derive(Debug)]
struct CaseLine {
    id: String,
    state: &'static str,
    when: When,
}

/// What became of what the reader just did.
#[derive(Debug)]
struct Told {
    words: String,
    is_refusal: bool,
}

/// What the reader just did, by the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    did: String,
}

/// Shows it.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let told = (params.did == "done")
        .then(|| Told { words: text(shell.language, key!("told-deal-done")), is_refusal: false });
    page(&app, shell, &id, told).await
}

/// Does something with it. What is refused is told on the page, with what is missing beside.
pub(crate) async fn act(
    State(app): State<App>,
    shell: Shell,
    Path((id, verb)): Path<(String, String)>,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Fault> {
    let caller = shell.caller()?;
    let done = match action(&app, &verb, &pairs) {
        Ok(action) => {
            let process = Some(value(&pairs, "process")).filter(|process| !process.is_empty());
            let step = DealStep {
                deal: id.clone(),
                process: process.map(str::to_owned),
                revision: value(&pairs, "revision").parse().ok(),
                action,
            };
            selling::act(&app, caller, step).await
        }
        Err(fault) => Err(fault),
    };
    answer(&app, shell, &id, done).await
}

/// Answers to what the reader did with the deal `id`: a refusal is told on its page.
pub(super) async fn answer(
    app: &App,
    shell: Shell,
    id: &str,
    done: Result<(), Fault>,
) -> Result<Response, Fault> {
    match done {
        Ok(()) => {
            Ok(Redirect::to(&format!("{}?did=done", crate::href::page("deals", id)))
                .into_response())
        }
        Err(fault) if fault.kind.status() == StatusCode::CONFLICT => {
            let status = fault.kind.status();
            let words = fault.words(shell.language);
            let html = page(app, shell, id, Some(Told { words, is_refusal: true })).await?;
            Ok((status, Extension(ToldInWords), html).into_response())
        }
        Err(fault) => Err(fault),
    }
}

/// Notes that the reader has read of a change of the rules.
pub(crate) async fn confirm(
    State(app): State<App>,
    shell: Shell,
    Path(digest): Path<String>,
) -> Result<Redirect, Fault> {
    selling::confirm(&app, shell.caller()?, &digest).await?;
    Ok(Redirect::to("/deals"))
}

fn action(app: &App, verb: &str, pairs: &Pairs) -> Result<DealAction, Fault> {
    let typed = |name: &str| value(pairs, name).to_owned();
    match verb {
        "begin" => Ok(DealAction::Begin),
        "enter" => Ok(DealAction::Enter { stage: typed("stage") }),
        "complete" => {
            Ok(DealAction::Complete { requirement: typed("requirement"), proof: proof(pairs)? })
        }
        "set" => Ok(DealAction::Set {
            field: typed("field"),
            value: typed("value"),
            confirmed: typed("confirmed"),
        }),
        "sign" => {
            let due = value(pairs, "due_at");
            let at = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
                .into_iter()
                .find_map(|form| NaiveDateTime::parse_from_str(due, form).ok());
            let at = at.and_then(|at| app.reloader.zone().from_local_datetime(&at).earliest());
            let due_at = at.ok_or_else(|| Fault::bad_request("due_at is no day with a time"))?;
            Ok(DealAction::Sign { due_at: due_at.with_timezone(&Utc) })
        }
        "order-work" => Ok(DealAction::OrderWork),
        "deliver" => Ok(DealAction::Deliver),
        _ => Err(FaultKind::NotFound.into()),
    }
}

fn proof(pairs: &Pairs) -> Result<Proof, Fault> {
    let typed = |name: &str| value(pairs, name).to_owned();
    let named = |prefix: &'static str| {
        pairs.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)))
    };
    match value(pairs, "by") {
        "form" => {
            let fields: BTreeMap<String, String> =
                named("field.").map(|(name, value)| (name.to_owned(), value.clone())).collect();
            Ok(Proof::Form { fields })
        }
        "file" => Ok(Proof::File { name: typed("name"), sha256: typed("sha256") }),
        "checklist" => {
            let all = pairs.iter().filter(|(name, _)| name == "tick");
            let ticked: BTreeSet<String> = all.map(|(_, item)| item.clone()).collect();
            Ok(Proof::Checklist { ticked })
        }
        "e-confirmation" => {
            Ok(Proof::EConfirmation { document: typed("document"), person: typed("person") })
        }
        "contract" => Ok(Proof::Contract { name: typed("name"), text: typed("text") }),
        "hook" => Ok(Proof::Hook { document: String::new(), said: String::new() }),
        _ => Err(Fault::bad_request("by is no kind of proof")),
    }
}

async fn page(
    app: &App,
    shell: Shell,
    id: &str,
    told: Option<Told>,
) -> Result<Html<String>, Fault> {
    let caller = shell.caller()?;
    let teller = shell.teller(app);
    let view = selling::deal(app, caller, (id, Action::ReadDeals)).await?;
    let owner = view.row.field("owner").unwrap_or_default();
    let can = async |action| {
        Ok::<_, Fault>(caller.sight_or_nothing(app, action).await?.covers(owner, None))
    };
    let (can_act, can_fulfil) = (can(Action::ActOnDeals).await?, can(Action::FulfilDeals).await?);
    let quotes = selling::quotes::list(app, caller, Some(id)).await?;
    let cases = selling::cases(app, caller).await?;
    let cases = cases.iter().filter(|view| view.case.deal.as_deref() == Some(id));
    let both = view.process().zip(view.history.deal.as_ref());
    let language = shell.language.tag();
    let news = view
        .version
        .as_ref()
        .filter(|_| view.has_news)
        .map(|version| News { digest: version.digest.clone(), since: teller.when(version.at) });
    let next = both.and_then(|(process, deal)| deal.next_stage(process));
    render(&DealPage {
        id: Visible(id).to_string(),
        fields: fields(shell.language, &view),
        chance: chance::fragment(app, shell.language, id).await?,
        overrides: Overrides::of(
            &teller,
            &overrule::of_subject(&app.store, &Subject::Deal(id.to_owned())).await?,
            &crate::href::page("deals", id),
            can_act.then(|| vec![(What::Probability, Vec::new())]),
        ),
        revision: view.history.revision(),
        processes: processes(&view, language),
        has_begun: view.history.deal.is_some(),
        stages: stages(&teller, &view),
        next: next.map(|stage| (stage.id.clone(), stage.title.in_language(language).to_owned())),
        missing: both.map_or(0, |(process, deal)| deal.missing(process, deal.place + 1).len()),
        wants: wants(&view, language),
        guarded: guarded(&view),
        promise: promise(&teller, &view),
        acts: acts(&teller, &view),
        quotes: quotes.iter().map(|quote| quote_line(&teller, quote)).collect(),
        cases: cases
            .map(|view| CaseLine {
                id: view.case.id.clone(),
                state: view.case.state.word(),
                when: teller.when(view.case.asked_at),
            })
            .collect(),
        news,
        can_act,
        can_fulfil,
        told,
        shell,
    })
}

/// Says the chance of a deal otherwise than the machine.
pub(crate) async fn decide(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Fault> {
    let form = overrides::read(pairs);
    let subject = Subject::Deal(id.clone());
    let decided = crate::web::overrule::decide(&app, subject, &form, shell.caller()?).await;
    answer(&app, shell, &id, decided).await
}

/// Returns what its record says beside its id, in the order of the columns.
fn fields(language: Language, view: &DealView) -> Vec<(String, String)> {
    let columns = record::kind(KIND).map_or(&[][..], |kind| kind.columns);
    let shown = columns.iter().filter(|column| column.name != "id").filter_map(|column| {
        let cell = view.row.field(column.name)?;
        let words = find_text(language, &format!("deal-column-{}", column.name));
        Some((words.unwrap_or_else(|| column.name.to_owned()), Visible(cell).to_string()))
    });
    shown.collect()
}

fn quote_line(teller: &Teller, quote: &StoredQuote) -> QuoteLine {
    QuoteLine {
        href: format!("/quotes/{}", quote.digest),
        number: Visible(&quote.number).to_string(),
        when: teller.when(quote.at),
        is_clear: quote.is_clear,
    }
}

fn processes(view: &DealView, language: &str) -> Vec<(String, String)> {
    let all = view.policy().map(|policy| &*policy.processes).unwrap_or_default();
    all.iter()
        .map(|process| (process.id.clone(), process.title.in_language(language).to_owned()))
        .collect()
}

fn stages(teller: &Teller, view: &DealView) -> Vec<StageLine> {
    let Some((process, deal)) = view.process().zip(view.history.deal.as_ref()) else {
        return Vec::new();
    };
    let each = process.stage.iter().enumerate().map(|(place, stage)| StageLine {
        title: stage.title.in_language(teller.language.tag()).to_owned(),
        state: match place.cmp(&deal.place) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "now",
            std::cmp::Ordering::Greater => "later",
        },
        entered: deal.entered_at.get(place).map(|at| teller.when(*at)),
    });
    each.collect()
}

fn wants(view: &DealView, language: &str) -> Vec<Want> {
    let Some((process, deal)) = view.process().zip(view.history.deal.as_ref()) else {
        return Vec::new();
    };
    let next = deal.next_stage(process).map(|stage| &*stage.require).unwrap_or_default();
    let want = |one: &Requirement| {
        let (by, items, text) = match &one.proof {
            Wanted::Form { fields } => ("form", fields.clone(), String::new()),
            Wanted::File => ("file", Vec::new(), String::new()),
            Wanted::Checklist { items } => ("checklist", items.clone(), String::new()),
            Wanted::EConfirmation { text } => ("e-confirmation", Vec::new(), text.clone()),
            Wanted::Contract => ("contract", Vec::new(), String::new()),
            Wanted::Hook { .. } => ("hook", Vec::new(), String::new()),
        };
        Want {
            id: one.id.clone(),
            title: one.title.in_language(language).to_owned(),
            is_done: deal.done.contains_key(&one.id),
            by,
            items,
            text,
            document: deal.document_hash(process, one),
        }
    };
    next.iter().map(want).collect()
}

fn guarded(view: &DealView) -> Vec<Guard> {
    let Some((process, deal)) = view.process().zip(view.history.deal.as_ref()) else {
        return Vec::new();
    };
    let each = process.guarded.iter().map(|guarded| Guard {
        value: deal.fields.get(&guarded.field).cloned(),
        preset: guarded
            .preset
            .iter()
            .map(|value| (value.clone(), Deal::field_hash(process, &guarded.field, value)))
            .collect(),
        field: guarded.field.clone(),
    });
    each.collect()
}

fn promise(teller: &Teller, view: &DealView) -> Option<PromiseLine> {
    let (process, deal) = view.process().zip(view.history.deal.as_ref())?;
    let promise = deal.promise.as_ref()?;
    let hours = process.work_order_within_hours;
    let [order, delivery]: [Light; 2] = promise.lights(hours, teller.now);
    Some(PromiseLine {
        signed: teller.when(promise.signed_at),
        order_due: promise.order_due_at(hours).map(|at| teller.when(at)),
        ordered: promise.ordered_at.map(|at| teller.when(at)),
        due: teller.when(promise.due_at),
        delivered: promise.delivered_at.map(|at| teller.when(at)),
        order_light: light(order),
        delivery_light: light(delivery),
    })
}

fn acts(teller: &Teller, view: &DealView) -> Vec<ActLine> {
    let each = view.history.acts.iter().rev().map(|act| {
        let word = deals::word(&act.action);
        let detail = match &act.action {
            DealAction::Enter { stage } => stage.clone(),
            DealAction::Complete { requirement, .. } => requirement.clone(),
            DealAction::Set { field, value, .. } => format!("{field} = {value}"),
            DealAction::Sign { due_at } => teller.when(*due_at).exact,
            DealAction::Begin => act.process.clone(),
            DealAction::OrderWork | DealAction::Deliver => String::new(),
        };
        ActLine {
            when: teller.when(act.at),
            actor: Visible(&act.actor).to_string(),
            action: find_text(teller.language, &format!("audit-{word}"))
                .unwrap_or_else(|| word.to_owned()),
            detail: VisibleLines(&detail).to_string(),
        }
    });
    each.collect()
}
