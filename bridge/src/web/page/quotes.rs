//! Quotes: the list, one of them by its terms side by side, and the page that is printed.

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, Query, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use upturn_core::quote::destination;
use upturn_core::quote::drift::Drift;
use upturn_core::quote::snapshot::Snapshot;

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::quote::page::{self as printed, Language as Printed};
use crate::store::quote::StoredQuote;
use crate::web::App;
use crate::web::fault::{Fault, Told as ToldInWords};
use crate::web::i18n::{find_text, key, text};
use crate::web::language::Language;
use crate::web::selling::quotes::{self, Kept};
use crate::web::visible::Visible;
use crate::web::when::When;

/// Quotes on the page.
const PAGE: usize = 100;
/// The printed page has a style of its own and nothing else.
const PRINT_SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; \
                              base-uri 'none'; form-action 'none'";

/// The list.
#[derive(Debug, Template)]
#[template(path = "quotes.html")]
struct QuotesPage {
    shell: Shell,
    rows: Vec<Line>,
    can_act: bool,
    typed: String,
    refusal: Option<String>,
}

/// A quote in the list.
#[derive(Debug)]
struct Line {
    href: String,
    number: String,
    buyer: String,
    /// What the goods come to, where they are priced.
    goods: Option<String>,
    seller: String,
    deal: Option<String>,
    when: When,
    is_clear: bool,
}

/// One quote.
#[derive(Debug, Template)]
#[template(path = "quote_kept.html")]
struct QuotePage {
    shell: Shell,
    id: String,
    number: String,
    seller: String,
    buyer: String,
    deal: Option<String>,
    when: When,
    valid_until: String,
    is_clear: bool,
    /// Whether something in it can be allowed by somebody.
    is_beyond: bool,
    /// What keeps it from going out, in words, with the sentence.
    open: Vec<(String, String)>,
    /// The law by which the destination values imports.
    law: Option<&'static str>,
    /// The figures, as HTML.
    tables: String,
    drifts: Vec<DriftLine>,
    can_act: bool,
    told: Option<Told>,
}

/// A figure then and now.
#[derive(Debug)]
struct DriftLine {
    what: String,
    then: String,
    now: String,
    difference: String,
    because: String,
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

/// A request, as it is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    request: String,
    deal: String,
    reason: String,
}

/// Lists them.
pub(crate) async fn show(State(app): State<App>, shell: Shell) -> Result<Html<String>, Fault> {
    list(&app, shell, (String::new(), None)).await
}

/// Prices a request.
pub(crate) async fn price(
    State(app): State<App>,
    shell: Shell,
    Form(typed): Form<Typed>,
) -> Result<Response, Fault> {
    let caller = shell.caller()?;
    let priced = match serde_json::from_str(&typed.request) {
        Ok(body) => {
            let request = quotes::read(caller, body)?;
            let deal = Some(typed.deal.trim().to_owned()).filter(|deal| !deal.is_empty());
            quotes::price(&app, caller, (request, deal)).await
        }
        Err(error) => Err(Fault::bad_request(format!("the request is no JSON: {error}"))),
    };
    match priced {
        Ok(kept) => Ok(Redirect::to(&format!("/quotes/{}", kept.stored.digest)).into_response()),
        Err(fault) if matches!(fault.kind.status().as_u16(), 400 | 409 | 422) => {
            let status = fault.kind.status();
            let words = fault.words(shell.language);
            let html = list(&app, shell, (typed.request, Some(words))).await?;
            Ok((status, Extension(ToldInWords), html).into_response())
        }
        Err(fault) => Err(fault),
    }
}

/// Shows one.
pub(crate) async fn one(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let kept = quotes::find(&app, shell.caller()?, &id).await?;
    let told = match &*params.did {
        "asked" => Some(key!("told-quote-asked")),
        _ => None,
    };
    let told = told.map(|key| Told { words: text(shell.language, key), is_refusal: false });
    page(&app, shell, (&kept, &[]), told).await
}

/// Prints one: the same bytes whenever it is asked for in a language.
pub(crate) async fn print(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let kept = quotes::find(&app, shell.caller()?, &id).await?;
    let html =
        printed::render(&kept.snapshot, printed_in(shell.language)).map_err(Fault::internal)?;
    let mut response = Html(html).into_response();
    let security = HeaderValue::from_static(PRINT_SECURITY);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, security);
    Ok(response)
}

/// Prices one again, or asks for what is beyond authority.
pub(crate) async fn act(
    State(app): State<App>,
    shell: Shell,
    Path((id, verb)): Path<(String, String)>,
    Form(typed): Form<Typed>,
) -> Result<Response, Fault> {
    let caller = shell.caller()?;
    if verb == "again" {
        let (kept, drifts) = quotes::again(&app, caller, &id).await?;
        let words = text(shell.language, key!("told-quote-again"));
        let told = Told { words, is_refusal: false };
        return Ok(page(&app, shell, (&kept, &drifts), Some(told)).await?.into_response());
    }
    if verb != "approval" {
        return Err(crate::web::fault::FaultKind::NotFound.into());
    }
    match quotes::ask(&app, caller, (&id, &typed.reason)).await {
        Ok(_) => Ok(Redirect::to(&format!("/quotes/{id}?did=asked")).into_response()),
        Err(fault) if fault.kind.status() == StatusCode::CONFLICT => {
            let words = fault.words(shell.language);
            let kept = quotes::find(&app, caller, &id).await?;
            let told = Told { words, is_refusal: true };
            let html = page(&app, shell, (&kept, &[]), Some(told)).await?;
            Ok((StatusCode::CONFLICT, Extension(ToldInWords), html).into_response())
        }
        Err(fault) => Err(fault),
    }
}

async fn list(
    app: &App,
    shell: Shell,
    (typed, refusal): (String, Option<String>),
) -> Result<Html<String>, Fault> {
    let teller = shell.teller(app);
    let all = quotes::list(app, shell.caller()?, None).await?;
    let line = |quote: &StoredQuote| {
        // One that is not read is named all the same; what is wrong is told where it is opened.
        let snapshot = Snapshot::read(&quote.document).ok();
        let goods = |snapshot: &Snapshot| {
            Some(format!("{} {}", snapshot.quote.goods?, snapshot.quote.currency))
        };
        let buyer = snapshot.as_ref().map_or("–", |snapshot| &snapshot.request.buyer.company);
        Line {
            href: format!("/quotes/{}", quote.digest),
            number: Visible(&quote.number).to_string(),
            buyer: Visible(buyer).to_string(),
            goods: snapshot.as_ref().and_then(goods),
            seller: Visible(&quote.seller).to_string(),
            deal: quote.deal.as_deref().map(|deal| Visible(deal).to_string()),
            when: teller.when(quote.at),
            is_clear: quote.is_clear,
        }
    };
    let rows = all.iter().take(PAGE).map(line).collect();
    let can_act = shell.can(Action::ActOnDeals);
    render(&QuotesPage { shell, rows, can_act, typed, refusal })
}

async fn page(
    app: &App,
    shell: Shell,
    (kept, drifts): (&Kept, &[Drift]),
    told: Option<Told>,
) -> Result<Html<String>, Fault> {
    let Kept { stored, snapshot } = kept;
    let teller = shell.teller(app);
    let sight = shell.caller()?.sight_or_nothing(app, Action::ActOnDeals).await?;
    let tables = printed::tables(snapshot, printed_in(shell.language)).map_err(Fault::internal)?;
    let shown = |amount: Option<upturn_core::money::exact::Exact>| {
        amount.map_or_else(|| "–".to_owned(), |amount| amount.to_string())
    };
    let drifts = drifts.iter().map(|drift| DriftLine {
        what: Visible(&drift.what).to_string(),
        then: shown(drift.then),
        now: shown(drift.now),
        difference: shown(drift.difference),
        because: Visible(&drift.because.join("; ")).to_string(),
    });
    render(&QuotePage {
        id: stored.digest.clone(),
        number: Visible(&stored.number).to_string(),
        seller: Visible(&stored.seller).to_string(),
        buyer: Visible(&snapshot.request.buyer.company).to_string(),
        deal: stored.deal.as_deref().map(|deal| Visible(deal).to_string()),
        when: teller.when(stored.at),
        valid_until: snapshot.request.valid_until.to_string(),
        is_clear: stored.is_clear,
        open: open(shell.language, snapshot),
        law: snapshot
            .quote
            .customs
            .as_ref()
            .and_then(|customs| destination::law(customs.territory)),
        is_beyond: snapshot.quote.problems.iter().any(|problem| problem.breach.is_some()),
        tables,
        drifts: drifts.collect(),
        can_act: sight.covers(&stored.seller, None),
        told,
        shell,
    })
}

/// Returns what keeps the quote from going out, each once.
fn open(language: Language, snapshot: &Snapshot) -> Vec<(String, String)> {
    let of_offers = snapshot.quote.offers.iter().flat_map(|offer| &offer.problems);
    let all = snapshot.quote.problems.iter().chain(of_offers);
    let mut told: Vec<(String, String)> = Vec::new();
    for problem in all {
        let code = problem.code.as_str();
        let words = find_text(language, &format!("problem-{code}")).unwrap_or(code);
        let line = (words, Visible(&problem.message).to_string());
        if !told.contains(&line) {
            told.push(line);
        }
    }
    told
}

fn printed_in(language: Language) -> Printed {
    match language {
        Language::En => Printed::En,
        Language::ZhCn => Printed::Zh,
    }
}
