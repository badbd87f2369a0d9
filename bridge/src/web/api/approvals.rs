//! `GET /api/v1/approvals`, and what is decided about them.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer;
use super::openapi::Endpoint;
use crate::runtime::selling::Verdict;
use crate::store::approval::ApprovalState;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind};
use crate::web::selling::{self, CaseView};
use crate::web::when::machine;

/// Cases on a page.
const PAGE: usize = 200;
/// The longest comment, in characters.
pub(crate) const COMMENT_MAX: usize = 2_000;

/// Cases.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approvals")]
struct List {
    approvals: Vec<CaseJson>,
}

/// What somebody was asked to allow.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Approval")]
pub(super) struct CaseJson {
    id: String,
    /// The hash of what is allowed; another content needs another approval.
    content: String,
    quote: String,
    deal: Option<String>,
    person: String,
    /// How much it is about; where it is not known, the highest role decides.
    amount: Option<String>,
    currency: String,
    reason: String,
    asked_at: String,
    state: ApprovalState,
    decided_by: Option<String>,
    decided_at: Option<String>,
    comment: Option<String>,
    /// The last day it holds.
    valid_until: Option<String>,
    /// Who may decide it today.
    may_decide: Vec<String>,
    /// Whether the reader may, and it waits.
    can_decide: bool,
}

/// Which cases are wanted.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    state: Option<String>,
    #[serde(default)]
    mine: bool,
}

/// What is decided.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    /// Why, at most 2000 characters.
    comment: String,
    /// The last day it holds. Default: 30 days from today.
    until: Option<NaiveDate>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let states = &json!({ "enum": ApprovalState::ALL.map(ApprovalState::word) });
    let flag = &json!({ "type": "boolean" });
    let verbs = &json!({ "enum": ["approve", "reject"] });
    let schema = schemars::schema_for!(Body).to_value();
    vec![
        Endpoint::get("/api/v1/approvals", list, "Lists what was asked to be allowed")
            .query("state", "In this state", states)
            .query("mine", "Only what waits for whoever asks", flag)
            .answers::<List>(),
        Endpoint::get("/api/v1/approvals/{id}", one, "Tells of one case")
            .part("id", "The case's id", text)
            .answers::<CaseJson>(),
        Endpoint::post("/api/v1/approvals/{id}/{verb}", decide, "Decides a case: one person does")
            .part("id", "The case's id", text)
            .part("verb", "What is decided", verbs)
            .takes(&json!({ "application/json": { "schema": schema } }))
            .answers::<CaseJson>(),
    ]
}

/// Lists them.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<Params>,
) -> Result<Response, Fault> {
    let mut cases = selling::cases(&app, &caller).await?;
    let is = |case: &CaseView| {
        params.state.as_deref().is_none_or(|state| case.case.state.word() == state)
            && (!params.mine || case.can_decide)
    };
    cases.retain(is);
    cases.truncate(PAGE);
    Ok(answer(List { approvals: cases.iter().map(CaseJson::of).collect() }, None))
}

/// Tells of one.
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    tell(&app, &caller, &id).await
}

/// Decides one.
pub(crate) async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((id, verb)): Path<(String, String)>,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, Fault> {
    let is_approved = match &*verb {
        "approve" => true,
        "reject" => false,
        _ => return Err(FaultKind::NotFound.into()),
    };
    let Json(Body { comment, until }) =
        body.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    if COMMENT_MAX < comment.chars().count() {
        let detail = format!("comment has more than {COMMENT_MAX} characters");
        return Err(Fault::bad_request(detail));
    }
    let verdict = Verdict { id: id.clone(), is_approved, comment, until };
    selling::decide(&app, &caller, verdict).await?;
    tell(&app, &caller, &id).await
}

async fn tell(app: &App, caller: &Caller, id: &str) -> Result<Response, Fault> {
    let cases = selling::cases(app, caller).await?;
    let found = cases.iter().find(|view| view.case.id == id).ok_or(FaultKind::NotFound)?;
    Ok(answer(CaseJson::of(found), None))
}

impl CaseJson {
    /// Returns what programs are told of `view`.
    pub(super) fn of(view: &CaseView) -> Self {
        let CaseView { case, who, can_decide } = view;
        let decision = case.decision.as_ref();
        Self {
            id: case.id.clone(),
            content: case.content.clone(),
            quote: case.quote.clone(),
            deal: case.deal.clone(),
            person: case.person.clone(),
            amount: case.amount.map(|amount| amount.to_string()),
            currency: case.currency.clone(),
            reason: case.reason.clone(),
            asked_at: machine(case.asked_at),
            state: case.state,
            decided_by: decision.map(|decision| decision.by.clone()),
            decided_at: decision.map(|decision| machine(decision.at)),
            comment: decision.map(|decision| decision.comment.clone()),
            valid_until: decision
                .and_then(|decision| decision.valid)
                .map(|(_, until)| until.to_string()),
            may_decide: who.clone(),
            can_decide: *can_decide,
        }
    }
}
