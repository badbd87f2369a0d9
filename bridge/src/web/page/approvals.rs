//! Approvals: what waits for the reader, and what was decided.

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use upturn_core::money::Currency;

use super::render;
use super::shell::Shell;
use crate::runtime::selling::Verdict;
use crate::store::approval::ApprovalState;
use crate::web::App;
use crate::web::api::approvals::COMMENT_MAX;
use crate::web::fault::{Fault, FaultKind, Told as ToldInWords};
use crate::web::i18n::{key, text};
use crate::web::language::Language;
use crate::web::selling::{self, CaseView};
use crate::web::visible::{Visible, VisibleLines};
use crate::web::when::{Teller, When};

/// Decided cases on the page.
const DECIDED_MAX: usize = 100;

/// The page.
#[derive(Debug, Template)]
#[template(path = "approvals.html")]
struct ApprovalsPage {
    shell: Shell,
    waiting: Vec<Line>,
    /// Those that wait for somebody else.
    others: Vec<Line>,
    decided: Vec<Line>,
    told: Option<String>,
    refusal: Option<String>,
}

/// A case.
#[derive(Debug)]
struct Line {
    id: String,
    quote: String,
    deal: Option<String>,
    person: String,
    amount: String,
    reason: String,
    asked: When,
    state: String,
    is_approved: bool,
    who: String,
    by: String,
    decided: Option<When>,
    comment: String,
    until: String,
}

/// What the reader just did, by the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    did: String,
}

/// What is decided, as it is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    comment: String,
    until: String,
}

/// Shows them.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let told = match &*params.did {
        "approve" => Some(key!("told-approved")),
        "reject" => Some(key!("told-rejected")),
        _ => None,
    };
    let told = told.map(|key| text(shell.language, key));
    page(&app, shell, (told, None)).await
}

/// Decides one.
pub(crate) async fn decide(
    State(app): State<App>,
    shell: Shell,
    Path((id, verb)): Path<(String, String)>,
    Form(typed): Form<Typed>,
) -> Result<Response, Fault> {
    let is_approved = match &*verb {
        "approve" => true,
        "reject" => false,
        _ => return Err(FaultKind::NotFound.into()),
    };
    let until = match &*typed.until {
        "" => None,
        day => Some(day.parse().map_err(|_| Fault::bad_request("until is no day"))?),
    };
    let comment: String = typed.comment.trim().chars().take(COMMENT_MAX).collect();
    let verdict = Verdict { id, is_approved, comment, until };
    match selling::decide(&app, shell.caller()?, verdict).await {
        Ok(()) => Ok(Redirect::to(&format!("/approvals?did={verb}")).into_response()),
        Err(fault) if fault.kind.status() == StatusCode::CONFLICT => {
            let words = fault.words(shell.language);
            let html = page(&app, shell, (None, Some(words))).await?;
            Ok((StatusCode::CONFLICT, Extension(ToldInWords), html).into_response())
        }
        Err(fault) => Err(fault),
    }
}

async fn page(
    app: &App,
    shell: Shell,
    (told, refusal): (Option<String>, Option<String>),
) -> Result<Html<String>, Fault> {
    let teller = shell.teller(app);
    let all = selling::cases(app, shell.caller()?).await?;
    let (open, decided): (Vec<_>, Vec<_>) =
        all.iter().partition(|view| view.case.state == ApprovalState::Open);
    let (mine, others): (Vec<_>, Vec<_>) = open.into_iter().partition(|view| view.can_decide);
    let lines = |views: Vec<&CaseView>| {
        views.into_iter().take(DECIDED_MAX).map(|view| line(&teller, view)).collect()
    };
    render(&ApprovalsPage {
        waiting: lines(mine),
        others: lines(others),
        decided: lines(decided),
        told,
        refusal,
        shell,
    })
}

fn line(teller: &Teller, view: &CaseView) -> Line {
    let CaseView { case, who, .. } = view;
    let decision = case.decision.as_ref();
    // By a cross rate it has digits that the currency has not.
    let currency = Currency::try_from(case.currency.clone()).ok();
    let digits = currency.and_then(Currency::decimals);
    let amount = case.amount.map(|amount| {
        let amount = digits.map_or(amount, |digits| amount.round_dp(digits));
        format!("{amount} {}", case.currency)
    });
    Line {
        id: case.id.clone(),
        quote: case.quote.clone(),
        deal: case.deal.as_deref().map(|deal| Visible(deal).to_string()),
        person: Visible(&case.person).to_string(),
        amount: amount.unwrap_or_else(|| "?".to_owned()),
        reason: VisibleLines(&case.reason).to_string(),
        asked: teller.when(case.asked_at),
        state: words(teller.language, case.state),
        is_approved: case.state == ApprovalState::Approved,
        who: Visible(&who.join(", ")).to_string(),
        by: decision.map(|one| Visible(&one.by).to_string()).unwrap_or_default(),
        decided: decision.map(|one| teller.when(one.at)),
        comment: decision.map(|one| VisibleLines(&one.comment).to_string()).unwrap_or_default(),
        until: decision
            .and_then(|one| one.valid)
            .map(|(_, until)| until.to_string())
            .unwrap_or_default(),
    }
}

fn words(language: Language, state: ApprovalState) -> String {
    let key = match state {
        ApprovalState::Open => key!("approval-open"),
        ApprovalState::Approved => key!("approval-approved"),
        ApprovalState::Rejected => key!("approval-rejected"),
        ApprovalState::Void => key!("approval-void"),
    };
    text(language, key)
}
