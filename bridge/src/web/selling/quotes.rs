//! Quotes in the running program: priced with the facts in force, frozen, kept.

use std::collections::BTreeSet;

use serde_json::Value;
use upturn_core::compliance::approval::{Approval, Approvers};
use upturn_core::compliance::policy::Policy;
use upturn_core::quote::drift::{self, Drift};
use upturn_core::quote::library::Library;
use upturn_core::quote::problem::Problem;
use upturn_core::quote::request::Request as QuoteRequest;
use upturn_core::quote::snapshot::{self, Snapshot};

use super::{send, today};
use crate::auth::rights::Action;
use crate::quote;
use crate::quote::kept::{self, Asked};
use crate::runtime::selling::What;
use crate::store::approval::{self, ApprovalState, StoredApproval};
use crate::store::policy;
use crate::store::quote::{self as store, StoredQuote};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::facts;
use crate::web::fault::{Fault, FaultKind, WrongItem};

/// Quotes that are looked through for a list.
const QUOTES_MAX: u32 = 2_000;
/// The longest reason, in characters.
const REASON_MAX: usize = 2_000;

/// A kept quote.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// As it is stored.
    pub(crate) stored: StoredQuote,
    /// What it says.
    pub(crate) snapshot: Snapshot,
}

/// Prices `request` for `caller`, and keeps the quote.
///
/// What is beyond authority is allowed by kept approvals alone, whatever the request says.
pub(crate) async fn price(
    app: &App,
    caller: &Caller,
    (request, deal): (QuoteRequest, Option<String>),
) -> Result<Kept, Fault> {
    let sight = caller.sight(app, Action::ActOnDeals).await?;
    let is_own = request.seller.person == caller.id();
    if !is_own && !sight.covers(&request.seller.person, None) {
        let detail = "the seller is somebody whose deals are not yours";
        return Err(Fault::of(FaultKind::Forbidden, detail));
    }
    if let Some(deal) = &deal {
        super::deal(app, caller, (deal, Action::ActOnDeals)).await?;
    }
    let snapshot = take(app, request, deal.as_deref()).await?;
    keep(app, caller, (snapshot, deal)).await
}

/// Prices a kept quote's request as of today; returns the new quote and what has changed.
pub(crate) async fn again(
    app: &App,
    caller: &Caller,
    digest: &str,
) -> Result<(Kept, Vec<Drift>), Fault> {
    let sight = caller.sight(app, Action::ActOnDeals).await?;
    let then = find(app, caller, digest).await?;
    if !sight.covers(&then.stored.seller, None) {
        return Err(FaultKind::Forbidden.into());
    }
    let mut request = then.snapshot.request.clone();
    // It holds as many days as the old one did.
    let (on, days) = (today(app), request.valid_until - request.date);
    request.valid_until = on.checked_add_signed(days).unwrap_or(on);
    request.date = on;
    request.import.declared_on = request.import.declared_on.filter(|day| on <= *day);
    let snapshot = take(app, request, then.stored.deal.as_deref()).await?;
    let drifts = drift::compare(&then.snapshot, &snapshot);
    let kept = keep(app, caller, (snapshot, then.stored.deal)).await?;
    Ok((kept, drifts))
}

/// Returns the quotes that `caller` sees, the newest first.
pub(crate) async fn list(
    app: &App,
    caller: &Caller,
    deal: Option<&str>,
) -> Result<Vec<StoredQuote>, Fault> {
    let sight = caller.sight(app, Action::ReadDeals).await?;
    let mut all = store::newest(&app.store, (deal, None), QUOTES_MAX).await?;
    all.retain(|quote| sight.covers(&quote.seller, None));
    Ok(all)
}

/// Returns the quote `digest`. Who may decide about it sees it, too.
pub(crate) async fn find(app: &App, caller: &Caller, digest: &str) -> Result<Kept, Fault> {
    let sight = caller.sight(app, Action::ReadDeals).await?;
    let stored = store::find(&app.store, digest).await?.ok_or(FaultKind::NotFound)?;
    if !sight.covers(&stored.seller, None) {
        let cases = super::cases(app, caller).await?;
        let is_asked = cases.iter().any(|view| view.case.quote == digest);
        if !is_asked {
            return Err(FaultKind::NotFound.into());
        }
    }
    let snapshot = Snapshot::read(&stored.document).map_err(Fault::internal)?;
    Ok(Kept { stored, snapshot })
}

/// Asks for what keeps the quote `digest` from going out; returns the cases about its content.
pub(crate) async fn ask(
    app: &App,
    caller: &Caller,
    (digest, reason): (&str, &str),
) -> Result<Vec<StoredApproval>, Fault> {
    let sight = caller.sight(app, Action::ActOnDeals).await?;
    let Kept { stored, snapshot } = find(app, caller, digest).await?;
    if !sight.covers(&stored.seller, None) {
        return Err(FaultKind::Forbidden.into());
    }
    let beyond = kept::beyond(&snapshot);
    let reason = reason.trim();
    if REASON_MAX < reason.chars().count() {
        return Err(Fault::bad_request(format!("reason has more than {REASON_MAX} characters")));
    }
    if beyond.is_empty() {
        let detail =
            "nothing in the quote is beyond its seller's authority; there is nothing to ask";
        return Err(Fault::with_code(FaultKind::DealRefused, "nothing-to-approve", detail.into()));
    }
    let version = policy::committed(&app.store).await?;
    let approvers = version.and_then(|version| version.policy.approvers);
    let currency = approvers.map_or(snapshot.quote.currency, |approvers| approvers.currency);
    let asked = Asked { by: caller.id(), at: app.clock.now(), reason };
    let case = kept::case(&stored, &snapshot, (&beyond, currency), &asked);
    send(app, caller, What::Ask(Box::new(case))).await?;
    Ok(approval::of_content(&app.store, &stored.content).await?)
}

async fn keep(
    app: &App,
    caller: &Caller,
    (snapshot, deal): (Snapshot, Option<String>),
) -> Result<Kept, Fault> {
    let stored = kept::stored(&snapshot, deal, (caller.id(), app.clock.now()));
    let stored = stored.map_err(Fault::internal)?;
    send(app, caller, What::Keep(Box::new(stored.clone()))).await?;
    // One that was priced before with the same outcome is kept as it was.
    let wanted = stored.deal.clone();
    let stored = store::find(&app.store, &stored.digest).await?.unwrap_or(stored);
    if stored.deal != wanted {
        let detail = "the same quote is kept for another deal; give this one a number of its own";
        let code = "quote-of-another-deal";
        return Err(Fault::with_code(FaultKind::DealRefused, code, detail.into()));
    }
    Ok(Kept { stored, snapshot })
}

/// Prices `request` by the rules and the facts in force.
async fn take(app: &App, mut request: QuoteRequest, deal: Option<&str>) -> Result<Snapshot, Fault> {
    let version = policy::committed(&app.store).await?;
    let policy = version.map(|version| version.policy).unwrap_or_default();
    check_role(&policy, &request)?;
    let cases = approval::of_content(&app.store, &snapshot::content(&request)).await?;
    // What has ended does not come back with a request of an earlier day.
    let day = today(app);
    let stands = |one: &Approval| day <= one.until || one.until < request.date;
    // A change of another deal's guarded fields would not make an approval of this one void.
    let of_deal = cases.iter().filter(|case| case.deal.as_deref() == deal);
    request.approvals = of_deal.filter_map(approved).filter(stands).collect();
    let facts = facts::in_force(app).await?;
    let sources = quote::sources(facts, request.date);
    let priced = tokio::task::spawn_blocking(move || {
        let library = Library::of(sources, &request.facts, request.date)?;
        Snapshot::take(request, &library, &policy)
    });
    let priced = priced.await.map_err(Fault::internal)?;
    priced.map_err(|problems| wrong(&problems))
}

/// Returns the approval that a decided case is.
fn approved(case: &StoredApproval) -> Option<Approval> {
    if case.state != ApprovalState::Approved {
        return None;
    }
    let decision = case.decision.as_ref()?;
    let (on, until) = decision.valid?;
    Some(Approval { content: case.content.clone(), by: decision.by.clone(), on, until })
}

/// Refuses a role that somebody has and the seller has not: authority is not taken by naming it.
fn check_role(policy: &Policy, request: &QuoteRequest) -> Result<(), Fault> {
    let (Some(role), Some(approvers)) = (&request.seller.role, &policy.approvers) else {
        return Ok(());
    };
    let Approvers { people, tier, .. } = approvers;
    let holds = |roles: &Vec<String>| roles.contains(role);
    // One role is everybody's: the only one with price bands that is given to nobody.
    let is_named = |role: &str| {
        people.values().flatten().any(|given| given.as_str() == role)
            || tier.iter().any(|tier| tier.role == role)
    };
    let bands = policy.bands.iter().flat_map(|bands| &bands.band);
    let open: BTreeSet<&str> =
        bands.map(|band| &*band.role).filter(|role| !is_named(role)).collect();
    let is_given = is_named(role) || 1 < open.len();
    if !is_given || people.get(&request.seller.person).is_some_and(holds) {
        return Ok(());
    }
    let detail = format!("'{}' does not have the role '{role}'", request.seller.person);
    Err(Fault::with_code(FaultKind::WrongQuote, "role-not-held", detail))
}

fn wrong(problems: &[Problem]) -> Fault {
    let item = |(index, problem): (usize, &Problem)| WrongItem {
        index,
        line: None,
        pointer: Some(problem.at.clone()),
        code: problem.code.as_str().into(),
        detail: problem.message.clone(),
    };
    let detail = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Fault::wrong_quote(detail, problems.iter().enumerate().map(item).collect())
}

/// Returns the request that `body` is, if `caller` may have any priced.
pub(crate) fn read(caller: &Caller, body: Value) -> Result<QuoteRequest, Fault> {
    if !caller.can(Action::ActOnDeals) {
        return Err(FaultKind::Forbidden.into());
    }
    serde_json::from_value(body).map_err(|error| {
        let detail = format!("the request is no quote request: {error}");
        Fault::with_code(FaultKind::WrongQuote, "request-unread", detail)
    })
}
