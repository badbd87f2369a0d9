//! What pages and the API ask of deals, quotes and approvals.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use upturn_core::compliance::policy::Policy;
use upturn_core::compliance::process::deal::{Action, Proof};
use upturn_core::compliance::process::{Process, Wanted};

use super::App;
use super::ask::ask;
use super::caller::Caller;
use super::fault::{Fault, FaultKind};
use crate::auth::rights;
use crate::auth::sight::Sight;
use crate::runtime::request::Request;
use crate::runtime::selling::deals::{DealStep, Fields, KIND};
use crate::runtime::selling::history::History;
use crate::runtime::selling::{Refused, Step, Verdict, What, Why};
use crate::store::approval::{self, ApprovalState, StoredApproval};
use crate::store::deal_act::{self, Head};
use crate::store::policy::{self, Version};
use crate::store::record;

pub(crate) mod at_risk;
pub(crate) mod gate;
pub(crate) mod quotes;
pub(crate) mod reports;

/// Deals that are looked through for a list.
const DEALS_MAX: usize = 20_000;
/// Deals that are read at once.
const PAGE: u32 = 500;
/// Cases that are looked through for a list.
const CASES_MAX: u32 = 2_000;

/// A deal as its record and its acts tell.
#[derive(Clone, Debug)]
pub(crate) struct DealRow {
    /// Its id.
    pub(crate) id: String,
    /// Its record.
    pub(crate) fields: Fields,
    /// Where its way has come, if it has begun one.
    pub(crate) head: Option<Head>,
}

impl DealRow {
    /// Returns a column of its record.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    fn is_in(&self, sight: &Sight) -> bool {
        sight.covers(self.field("owner").unwrap_or_default(), None)
    }
}

/// Which deals are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct DealFilter {
    /// In this stage.
    pub(crate) stage: Option<String>,
    /// Of this owner.
    pub(crate) owner: Option<String>,
    /// Going by this process.
    pub(crate) process: Option<String>,
    /// Also closed ones.
    pub(crate) with_closed: bool,
}

impl DealFilter {
    fn takes(&self, row: &DealRow) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        is(&self.stage, row.field("stage"))
            && is(&self.owner, row.field("owner"))
            && is(&self.process, row.head.as_ref().map(|head| &*head.process))
            && (self.with_closed || row.field("closed_on").is_none())
    }
}

/// Returns the deals that `caller` sees and `filter` takes, by id.
pub(crate) async fn deals(
    app: &App,
    caller: &Caller,
    filter: &DealFilter,
) -> Result<Vec<DealRow>, Fault> {
    let sight = caller.sight(app, rights::Action::ReadDeals).await?;
    let mut heads: BTreeMap<String, Head> = deal_act::heads(&app.store).await?;
    let (mut after, mut found, mut seen) = (String::new(), Vec::new(), 0);
    while seen < DEALS_MAX {
        let page = record::page(&app.store, KIND, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        seen += page.len();
        let rows = page.into_iter().map(|stored| DealRow {
            fields: serde_json::from_str(&stored.document).unwrap_or_default(),
            head: heads.remove(&stored.id),
            id: stored.id,
        });
        found.extend(rows.filter(|row| row.is_in(&sight) && filter.takes(row)));
    }
    Ok(found)
}

/// A deal with everything around it.
#[derive(Clone, Debug)]
pub(crate) struct DealView {
    /// The deal.
    pub(crate) row: DealRow,
    /// Its way so far.
    pub(crate) history: History,
    /// The rules in force.
    pub(crate) version: Option<Version>,
    /// Whether the reader has to read of a change before the next gate.
    pub(crate) has_news: bool,
}

impl DealView {
    /// Returns the process it goes by, as it is in force.
    pub(crate) fn process(&self) -> Option<&Process> {
        self.history.process_in(self.policy()?)
    }

    /// Returns the rules in force.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        self.version.as_ref().map(|version| &version.policy)
    }
}

/// Returns the deal `id`, if `caller` may do `action` to it; what they do not see is not there.
pub(crate) async fn deal(
    app: &App,
    caller: &Caller,
    (id, action): (&str, rights::Action),
) -> Result<DealView, Fault> {
    let sight = caller.sight(app, rights::Action::ReadDeals).await?;
    let mut stored = record::find_all(&app.store, KIND, &[id]).await?;
    let document = stored.remove(id).ok_or(FaultKind::NotFound)?;
    let fields = serde_json::from_str(&document).unwrap_or_default();
    let row = DealRow { id: id.to_owned(), fields, head: None };
    if !row.is_in(&sight) {
        return Err(FaultKind::NotFound.into());
    }
    if action != rights::Action::ReadDeals && !row.is_in(&caller.sight(app, action).await?) {
        return Err(FaultKind::Forbidden.into());
    }
    let history = History::committed(&app.store, id).await?;
    let version = policy::committed(&app.store).await?;
    let has_news = has_news(app, caller, version.as_ref()).await?;
    Ok(DealView { row, history, version, has_news })
}

/// Returns whether `caller` has yet to read of a change to `version`.
pub(crate) async fn has_news(
    app: &App,
    caller: &Caller,
    version: Option<&Version>,
) -> Result<bool, Fault> {
    let Some(version) = version.filter(|version| version.is_change) else { return Ok(false) };
    let line = (&*version.digest, caller.id());
    Ok(policy::confirmed_at(&app.store, line).await?.is_none())
}

/// Lets `caller` do something with a deal.
pub(crate) async fn act(app: &App, caller: &Caller, mut step: DealStep) -> Result<(), Fault> {
    let right = match step.action {
        Action::OrderWork | Action::Deliver => rights::Action::FulfilDeals,
        Action::Begin
        | Action::Enter { .. }
        | Action::Complete { .. }
        | Action::Set { .. }
        | Action::Sign { .. } => rights::Action::ActOnDeals,
    };
    let view = deal(app, caller, (&step.deal, right)).await?;
    if let Action::Complete { requirement, proof } = &mut step.action
        && let Some(consent) = consent(app, &view, requirement).await?
    {
        *proof = consent;
    }
    send(app, caller, What::Act(step)).await
}

/// Asks the system that `requirement` names, if it names one. What a caller says in its place is not
/// believed.
async fn consent(app: &App, view: &DealView, requirement: &str) -> Result<Option<Proof>, Fault> {
    let wanted = view.process().and_then(|process| process.requirement(requirement));
    let (Some(process), Some(deal), Some(wanted)) = (view.process(), &view.history.deal, wanted)
    else {
        return Ok(None);
    };
    let Wanted::Hook { url, secret_file } = &wanted.proof else { return Ok(None) };
    let document = deal.document_hash(process, wanted);
    let question = gate::Question {
        deal: &view.row.id,
        requirement,
        document: &document,
        fields: &deal.fields,
        record: &view.row.fields,
    };
    let http = &app.feed_office.http;
    let asked = gate::ask((http, app.clock.now()), (url, secret_file), &question).await;
    let said = asked.map_err(|why| refusal(Refused::rule("gate-blocked", why)))?;
    Ok(Some(Proof::Hook { document, said }))
}

/// Lets `caller` say that they have read of the change to the version `digest` of the rules.
pub(crate) async fn confirm(app: &App, caller: &Caller, digest: &str) -> Result<(), Fault> {
    if !caller.can(rights::Action::ReadDeals) {
        return Err(FaultKind::Forbidden.into());
    }
    send(app, caller, What::Confirm(digest.to_owned())).await
}

/// Returns the cases that `caller` sees, the newest first: their own, those of people they lead, and
/// those that they may decide.
pub(crate) async fn cases(app: &App, caller: &Caller) -> Result<Vec<CaseView>, Fault> {
    let sight = caller.sight(app, rights::Action::ReadDeals).await?;
    let version = policy::committed(&app.store).await?;
    let today = today(app);
    let mut views = Vec::new();
    for case in approval::newest(&app.store, CASES_MAX).await? {
        let approvers = version.as_ref().and_then(|version| version.policy.approvers.as_ref());
        let who: Vec<String> = approvers
            .map(|approvers| approvers.persons(case.amount, today, &case.person))
            .unwrap_or_default();
        let is_mine = who.iter().any(|person| person == caller.id());
        if !is_mine && !sight.covers(&case.person, None) {
            continue;
        }
        let can_decide = is_mine
            && case.state == ApprovalState::Open
            && caller.can(rights::Action::DecideApprovals);
        views.push(CaseView { case, who, can_decide });
    }
    Ok(views)
}

/// A case, and who may decide it.
#[derive(Clone, Debug)]
pub(crate) struct CaseView {
    /// The case.
    pub(crate) case: StoredApproval,
    /// Who may decide it today.
    pub(crate) who: Vec<String>,
    /// Whether the reader may, and it waits.
    pub(crate) can_decide: bool,
}

/// Lets `caller` decide a case.
pub(crate) async fn decide(app: &App, caller: &Caller, verdict: Verdict) -> Result<(), Fault> {
    if !caller.can(rights::Action::DecideApprovals) {
        return Err(FaultKind::Forbidden.into());
    }
    send(app, caller, What::Decide(verdict)).await
}

/// Hands a step to the writer and waits until it is durable, or refused.
async fn send(app: &App, caller: &Caller, what: What) -> Result<(), Fault> {
    let step = Box::new(Step { what, actor: caller.id().to_owned() });
    ask(app, |reply| Request::Sell { step, reply }).await?.map_err(refusal)
}

fn refusal(refused: Refused) -> Fault {
    let Refused { why, code, detail } = refused;
    let kind = match why {
        Why::Unknown => FaultKind::NotFound,
        Why::Changed => FaultKind::DealChanged,
        Why::Forbidden => FaultKind::DealRefused,
    };
    Fault::with_code(kind, code, detail)
}

/// Returns the day by the house's calendar.
pub(crate) fn today(app: &App) -> NaiveDate {
    app.clock.now().with_timezone(&app.reloader.zone()).date_naive()
}
