//! Acts on deals: judged by the process in force, kept for good.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};
use upturn_core::compliance::process::Process;
use upturn_core::compliance::process::deal::{Action, Deal, Proof};

use super::super::letters::{Desk, Notice};
use super::history::History;
use super::{At, Outcome, Refused, note};
use crate::delivery::document::Occurrence;
use crate::delivery::letter::text;
use crate::store::deal_act::{self, DealAct};
use crate::store::deal_timer::{self, DealTimerKind};
use crate::store::error::StoreError;
use crate::store::record::{self, StoredRecord};
use crate::store::{Tx, approval, policy};

/// A deal's record: its columns that are filled.
pub(crate) type Fields = BTreeMap<String, String>;

/// The kind of record that deals are.
pub(crate) const KIND: &str = "deal";
/// How far ahead delivery is promised at most.
const PROMISED_MAX: TimeDelta = TimeDelta::days(3_660);
/// To whom the service's letters go where the deal has no owner.
const NOBODY: &str = "pool:service";

/// Something that somebody does with a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DealStep {
    /// The deal.
    pub(crate) deal: String,
    /// The process it begins, where there are several.
    pub(crate) process: Option<String>,
    /// How many acts the person saw, if they say so.
    pub(crate) revision: Option<u64>,
    /// What.
    pub(crate) action: Action,
}

/// Does what `step` says.
pub(super) async fn act(tx: &mut Tx, desk: &Desk<'_>, at: &At<'_>, step: &DealStep) -> Outcome {
    let Some(document) = record::find_in(tx, KIND, &step.deal).await? else {
        return Ok(Err(Refused::unknown(format!("there is no deal '{}'", step.deal))));
    };
    let fields: Fields = serde_json::from_str(&document).unwrap_or_default();
    let mut history = History::of_deal(tx, &step.deal).await?;
    let process = match judge(at, step, &fields, &mut history) {
        Ok(process) => process,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(version) = at.version else { return Ok(Err(no_process())) };
    if matches!(step.action, Action::Enter { .. })
        && version.is_change
        && !policy::has_confirmed(tx, (&version.digest, at.actor)).await?
    {
        let detail = "the rules of the house have changed; read the notice and confirm it first";
        return Ok(Err(Refused::rule("policy-unconfirmed", detail)));
    }
    let act = DealAct {
        deal: step.deal.clone(),
        revision: history.revision() + 1,
        position: at.position,
        at: at.now,
        actor: at.actor.to_owned(),
        process: process.id.clone(),
        policy: version.digest.clone(),
        action: step.action.clone(),
    };
    if !deal_act::append(tx, &act).await? {
        return Ok(Err(changed(act.revision)));
    }
    let detail = json!({ "act": told(&act.action), "revision": act.revision });
    note(tx, at, (word(&act.action), &act.deal), &detail).await?;
    if let Some(deal) = &history.deal {
        follow(tx, (desk, at), (&act, process), (deal, fields)).await?;
    }
    Ok(Ok(()))
}

/// Judges `step`, and lets the deal of `history` take it; returns the process by which.
fn judge<'p>(
    at: &At<'p>,
    step: &DealStep,
    fields: &Fields,
    history: &mut History,
) -> Result<&'p Process, Refused> {
    if step.revision.is_some_and(|seen| seen != history.revision()) {
        return Err(changed(history.revision()));
    }
    let policy = &at.version.ok_or_else(no_process)?.policy;
    // What was won is still to be delivered.
    let is_won = fields.get("outcome").is_some_and(|outcome| outcome == "won");
    let is_promised = history.deal.as_ref().is_some_and(|deal| deal.promise.is_some());
    if fields.contains_key("closed_on") && !(is_won && is_promised) {
        return Err(Refused::rule("deal-closed", "the deal is closed; open another"));
    }
    if let Action::Sign { due_at } = &step.action
        && at.now + PROMISED_MAX < *due_at
    {
        let detail =
            format!("delivery is promised for more than {} days ahead", PROMISED_MAX.num_days());
        return Err(Refused::rule("promise-out-of-turn", detail));
    }
    let begun = history.process().map(str::to_owned);
    let wanted = begun.as_deref().or(step.process.as_deref());
    let process = policy.process(wanted).ok_or_else(|| match wanted {
        Some(name) => {
            let detail = format!("no process '{name}' is in force");
            Refused::rule("process-unknown-name", detail)
        }
        None if policy.processes.is_empty() => no_process(),
        None => {
            let names: Vec<_> = policy.processes.iter().map(|process| &*process.id).collect();
            let detail = format!("say which process the deal goes by: {}", names.join(", "));
            Refused::rule("process-unknown-name", detail)
        }
    })?;
    match &mut history.deal {
        Some(deal) => deal
            .act(process, at.now, &step.action)
            .map_err(|refusal| Refused::rule(refusal.code(), refusal.to_string()))?,
        None if step.action == Action::Begin => {
            // A deal that another system has farther on does not slip past the gates before.
            let stage = fields.get("stage").map(String::as_str).unwrap_or_default();
            if process.place(stage).is_some_and(|place| 0 < place) {
                let detail = format!(
                    "its record says '{stage}', which is not the first stage of '{}'; deals enter a \
                     process at its first stage",
                    process.id
                );
                return Err(Refused::rule("stage-skipped", detail));
            }
            history.deal = Some(Deal::begin(at.now));
        }
        None => {
            let detail = "the deal goes by no process yet; begin one first";
            return Err(Refused::rule("deal-not-begun", detail));
        }
    }
    Ok(process)
}

/// Stores what follows from `act`, after which the deal stands as `deal` says.
async fn follow(
    tx: &mut Tx,
    (desk, at): (&Desk<'_>, &At<'_>),
    (act, process): (&DealAct, &Process),
    (deal, mut fields): (&Deal, Fields),
) -> Result<(), StoreError> {
    let id = &*act.deal;
    match &act.action {
        Action::Begin | Action::Enter { .. } => {
            let stage = deal.stage(process).map(|stage| stage.id.clone()).unwrap_or_default();
            fields.insert("stage".to_owned(), stage);
            write(tx, at, id, &fields).await?;
        }
        Action::Set { field, value, .. } => {
            // Whoever allowed something has allowed it for another deal than this one.
            approval::void(tx, id).await?;
            if let Some(cell) = fields.get_mut(field) {
                cell.clone_from(value);
                write(tx, at, id, &fields).await?;
            }
        }
        Action::Sign { due_at } => {
            let promise = deal.promise.as_ref();
            let order_due =
                promise.and_then(|one| one.order_due_at(process.work_order_within_hours));
            deal_timer::set(tx, (id, DealTimerKind::WorkOrder), order_due).await?;
            deal_timer::set(tx, (id, DealTimerKind::Delivery), Some(*due_at)).await?;
            let detail = json!({
                "deal": id, "title": id, "due_at": text(*due_at),
                "order_due_at": order_due.map(text), "actor": at.actor,
                "account": fields.get("account"), "product": fields.get("product"),
            });
            tell(tx, (desk, at), (Occurrence::PromiseSigned, act, &fields), &detail).await?;
        }
        Action::OrderWork => deal_timer::set(tx, (id, DealTimerKind::WorkOrder), None).await?,
        Action::Deliver => deal_timer::set(tx, (id, DealTimerKind::Delivery), None).await?,
        Action::Complete { .. } => {}
    }
    Ok(())
}

async fn tell(
    tx: &mut Tx,
    (desk, at): (&Desk<'_>, &At<'_>),
    (occurrence, act, fields): (Occurrence, &DealAct, &Fields),
    detail: &Value,
) -> Result<(), StoreError> {
    let notice = Notice {
        occurrence,
        rule: "",
        subject: &act.deal,
        kind: KIND,
        page: &crate::href::page("deals", &act.deal),
        to: fields.get("owner").map_or(NOBODY, String::as_str),
        detail,
        cause: &act.revision.to_string(),
    };
    desk.notify(tx, at.now, &notice).await.map(drop)
}

async fn write(tx: &mut Tx, at: &At<'_>, id: &str, fields: &Fields) -> Result<(), StoreError> {
    // A map of texts always has a JSON text.
    let document = serde_json::to_string(fields).unwrap_or_default();
    let stored = StoredRecord { id: id.to_owned(), document };
    record::write(tx, KIND, &[stored], at.now, at.actor).await.map(drop)
}

fn no_process() -> Refused {
    let detail = "no process is in force: name a folder with one as [compliance] dir";
    Refused::rule("no-process", detail)
}

fn changed(revision: u64) -> Refused {
    let detail = format!("somebody else was first: the deal is at revision {revision}; look again");
    Refused::changed("deal-changed", detail)
}

/// Returns what the trail calls it.
pub(crate) fn word(action: &Action) -> &'static str {
    match action {
        Action::Begin => "deal-begun",
        Action::Enter { .. } => "deal-entered",
        Action::Complete { .. } => "deal-completed",
        Action::Set { .. } => "deal-field-set",
        Action::Sign { .. } => "deal-signed",
        Action::OrderWork => "deal-work-ordered",
        Action::Deliver => "deal-delivered",
    }
}

/// Returns what the trail tells of it: a contract by its name alone, since its text is kept with the deal.
fn told(action: &Action) -> Value {
    match action {
        Action::Complete { requirement, proof: Proof::Contract { name, .. } } => {
            json!({ "action": "complete", "requirement": requirement, "contract": name })
        }
        other @ (Action::Begin
        | Action::Enter { .. }
        | Action::Complete { .. }
        | Action::Set { .. }
        | Action::Sign { .. }
        | Action::OrderWork
        | Action::Deliver) => json!(other),
    }
}
