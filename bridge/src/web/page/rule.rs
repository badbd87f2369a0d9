//! The page of one rule: its document, its history, and why it has made no task.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Html;
use serde::Deserialize;
use upturn_core::id::RuleId;
use upturn_core::rule::Stage;
use upturn_core::task::Title;

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::explain::why_not::{self, Question};
use crate::lifecycle::{self, Term};
use crate::runtime::request::Request;
use crate::web::App;
use crate::web::ask::ask;
use crate::web::fault::{Fault, FaultKind};
use crate::web::language::Language;
use crate::web::visible::{Visible, VisibleLines};
use crate::web::when::{Teller, When};

mod answer;

use self::answer::AnswerShown;

/// The longest scope that is asked about, in characters.
const SCOPE_MAX: usize = 256;
/// Versions in the history; `upturn rules history` shows all.
const TERMS_MAX: usize = 50;

/// The page of one rule.
#[derive(Debug, Template)]
#[template(path = "rule.html")]
struct RulePage {
    shell: Shell,
    id: String,
    title: String,
    /// The stage of the version that is shown.
    stage: Option<Stage>,
    /// Whether any version stands.
    is_standing: bool,
    /// The version that is shown.
    version: String,
    /// The version that the address names, which is asked, too.
    asked_version: Option<String>,
    document: String,
    /// Newest first.
    terms: Vec<TermShown>,
    /// Whether the reader may ask why there is no task.
    can_ask: bool,
    /// This page.
    here: String,
    /// What was asked about.
    scope: String,
    answer: Option<AnswerShown>,
}

/// A stretch of time in which a version stood.
#[derive(Debug)]
struct TermShown {
    href: String,
    version: String,
    stage: Option<Stage>,
    since: When,
    until: Option<When>,
    is_shown: bool,
}

/// Which version is shown, and what is asked about.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    version: Option<String>,
    #[serde(default)]
    scope: String,
}

/// Returns the address of a rule's page.
pub(super) fn link(rule: &str, version: Option<&String>) -> String {
    let id: String = url::form_urlencoded::byte_serialize(rule.as_bytes()).collect();
    let Some(version) = version else { return format!("/rules/{id}") };
    let version: String = url::form_urlencoded::byte_serialize(version.as_bytes()).collect();
    format!("/rules/{id}?version={version}")
}

/// Returns a rule's title in the reader's language, or its id if the document gives none.
pub(super) fn title(title: &Title, rule: &str, language: Language) -> String {
    let words = title.in_language(language.tag());
    Visible(if words.is_empty() { rule } else { words }).to_string()
}

/// Shows the rule.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadRules)?;
    let rule = RuleId::new(&id).map_err(|_| FaultKind::NotFound)?;
    let terms = lifecycle::terms(&app.store, Some(&id)).await?;
    let wanted = params.version.as_deref();
    let named = wanted.and_then(|wanted| terms.iter().rev().find(|term| term.version == wanted));
    let shown = match named {
        Some(named) => named,
        None => foremost(&app, &terms).await?.ok_or(FaultKind::NotFound)?,
    };
    let teller = shell.teller(&app);
    let summary = lifecycle::summary(&app.store, &id, &shown.version).await?;
    let scope: String = params.scope.trim().chars().take(SCOPE_MAX).collect();
    let can_ask = shell.caller()?.can_everywhere(Action::AskWhyNot);
    let answer = if scope.is_empty() {
        None
    } else {
        shell.check(Action::AskWhyNot)?;
        // The version that is shown, if it is in force; else the live one.
        let is_standing = named.is_some_and(|named| named.until_at.is_none());
        let in_force = summary.stage.filter(|stage| matches!(stage, Stage::Live | Stage::Shadow));
        let stage = in_force.filter(|_| is_standing);
        let question = Question { rule, stage, scope: scope.clone() };
        let mut found = ask(&app, |reply| Request::WhyNot { question, reply }).await?;
        if let Some(found) = &mut found {
            why_not::recall(&app.store, found).await?;
        }
        Some(AnswerShown::of(&teller, &scope, found.as_ref().map(|found| &found.why)))
    };
    render(&RulePage {
        title: title(&summary.title, &id, shell.language),
        stage: summary.stage,
        is_standing: terms.iter().any(|term| term.until_at.is_none()),
        version: Visible(&shown.version).to_string(),
        asked_version: named.map(|named| Visible(&named.version).to_string()),
        document: VisibleLines(&summary.document).to_string(),
        terms: terms_shown(&app, &teller, &terms, &shown.version).await?,
        can_ask,
        here: link(&id, None),
        id: Visible(&id).to_string(),
        scope,
        answer,
        shell,
    })
}

/// Returns the live version, or else the newest that stands, or else the newest of all.
async fn foremost<'t>(app: &App, terms: &'t [Term]) -> Result<Option<&'t Term>, Fault> {
    let standing = || terms.iter().rev().filter(|term| term.until_at.is_none());
    for term in standing() {
        let summary = lifecycle::summary(&app.store, &term.rule, &term.version).await?;
        if summary.stage == Some(Stage::Live) {
            return Ok(Some(term));
        }
    }
    Ok(standing().next().or(terms.last()))
}

async fn terms_shown(
    app: &App,
    teller: &Teller,
    terms: &[Term],
    shown: &str,
) -> Result<Vec<TermShown>, Fault> {
    let mut list = Vec::new();
    for term in terms.iter().rev().take(TERMS_MAX) {
        let summary = lifecycle::summary(&app.store, &term.rule, &term.version).await?;
        list.push(TermShown {
            href: link(&term.rule, Some(&term.version)),
            version: Visible(&term.version).to_string(),
            stage: summary.stage,
            since: teller.when(term.since_at),
            until: term.until_at.map(|at| teller.when(at)),
            is_shown: term.version == shown,
        });
    }
    Ok(list)
}
