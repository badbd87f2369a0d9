//! Approvals: asked once for a content, decided once, by somebody who may.

use chrono::{Days, TimeDelta};
use serde_json::json;
use upturn_core::compliance::approval::{Approval, Approvers, Case, CaseState};

use super::super::letters::{Desk, Notice};
use super::{At, Outcome, Refused, Verdict, note};
use crate::delivery::document::Occurrence;
use crate::delivery::letter;
use crate::store::Tx;
use crate::store::approval::{self, ApprovalState, Decision, StoredApproval};
use crate::store::error::StoreError;

/// How long a case waits; afterwards it has to be asked for again.
pub(crate) const WAITS_MAX: TimeDelta = TimeDelta::days(30);
/// How many days an approval holds, if nobody says otherwise, and at most.
const HOLDS_DAYS: Days = Days::new(30);
const HOLDS_DAYS_MAX: Days = Days::new(366);
/// How many digits of a hash tell cases apart.
const ID_LEN: usize = 24;
/// People that are asked at most.
const ASKED_MAX: usize = 20;

/// Asks for `case`, unless it is asked for already.
pub(super) async fn ask(
    tx: &mut Tx,
    desk: &Desk<'_>,
    at: &At<'_>,
    case: &StoredApproval,
) -> Outcome {
    let Some(approvers) = approvers(at) else { return Ok(Err(nobody())) };
    let before = approval::about(tx, &case.content).await?;
    for other in before.iter().filter(|other| other.deal == case.deal) {
        let is_over = match other.state {
            ApprovalState::Open => is_over(at, other),
            ApprovalState::Approved => !holds(at, other),
            ApprovalState::Rejected | ApprovalState::Void => true,
        };
        if !is_over && other.state == ApprovalState::Approved {
            let detail = "it is allowed already; price the quote again";
            return Ok(Err(Refused::rule("approval-stands", detail)));
        }
        if !is_over {
            // Asked twice, it waits once.
            return Ok(Ok(()));
        }
        if other.state == ApprovalState::Open {
            approval::void_one(tx, &other.id).await?;
        }
    }
    let line = format!("{}@{}", case.content, before.len());
    let hash = letter::key("approval", &line, "");
    let id = format!("apr-{}", hash.get(..ID_LEN).unwrap_or(&hash));
    let asked_by = at.actor.to_owned();
    let case = StoredApproval { id, asked_at: at.now, asked_by, ..case.clone() };
    approval::insert(tx, &case).await?;
    let detail = json!({
        "case": case.id, "quote": case.quote, "deal": case.deal, "person": case.person,
        "amount": case.amount.map(|amount| amount.to_string()), "currency": case.currency,
        "reason": case.reason, "title": case.id, "actor": at.actor,
    });
    note(tx, at, (Occurrence::ApprovalAsked.word(), &case.id), &detail).await?;
    let who = approvers.persons(case.amount, at.today, &case.person);
    for person in who.iter().take(ASKED_MAX) {
        tell(tx, (desk, at), (Occurrence::ApprovalAsked, &case.id, person), &detail).await?;
    }
    Ok(Ok(()))
}

/// Decides a case: exactly one does.
pub(super) async fn decide(
    tx: &mut Tx,
    desk: &Desk<'_>,
    at: &At<'_>,
    verdict: &Verdict,
) -> Outcome {
    let known =
        if verdict.id.contains('\0') { None } else { approval::get(tx, &verdict.id).await? };
    let Some(case) = known else {
        return Ok(Err(Refused::unknown(format!("there is no case '{}'", verdict.id))));
    };
    let Some(approvers) = approvers(at) else { return Ok(Err(nobody())) };
    let decision = match judge(at, (approvers, &case), verdict) {
        Ok(decision) => decision,
        Err(refused) => return Ok(Err(refused)),
    };
    let state = if verdict.is_approved { ApprovalState::Approved } else { ApprovalState::Rejected };
    if !approval::decide(tx, (&case.id, state), &decision).await? {
        return Ok(Err(decided("somebody else")));
    }
    let detail = json!({
        "case": case.id, "quote": case.quote, "deal": case.deal, "decision": state.word(),
        "by": decision.by, "comment": decision.comment, "title": case.id, "actor": at.actor,
        "until": decision.valid.map(|(_, until)| until.to_string()),
    });
    note(tx, at, (Occurrence::ApprovalDecided.word(), &case.id), &detail).await?;
    tell(tx, (desk, at), (Occurrence::ApprovalDecided, &case.id, &case.person), &detail).await?;
    Ok(Ok(()))
}

fn judge(
    at: &At<'_>,
    (approvers, case): (&Approvers, &StoredApproval),
    verdict: &Verdict,
) -> Result<Decision, Refused> {
    match case.state {
        ApprovalState::Open => {}
        ApprovalState::Approved | ApprovalState::Rejected => {
            let by = case.decision.as_ref().map_or("somebody", |decision| &*decision.by);
            return Err(decided(by));
        }
        ApprovalState::Void => {
            let detail = "what it was asked for has changed since; it has to be asked for again";
            return Err(Refused::changed("approval-void", detail));
        }
    }
    if is_over(at, case) {
        let detail = format!(
            "it was asked for on {}, more than {} days ago; it has to be asked for again",
            case.asked_at.date_naive(),
            WAITS_MAX.num_days()
        );
        return Err(Refused::rule("approval-expired", detail));
    }
    let until = match verdict.until {
        Some(until) => until,
        None => at.today.checked_add_days(HOLDS_DAYS).unwrap_or(at.today),
    };
    let latest = at.today.checked_add_days(HOLDS_DAYS_MAX).unwrap_or(at.today);
    if until < at.today || latest < until {
        let detail = format!("an approval holds until a day from {} to {latest}", at.today);
        return Err(Refused::rule("approval-until", detail));
    }
    let approval =
        Approval { content: case.content.clone(), by: at.actor.to_owned(), on: at.today, until };
    if at.actor == case.asked_by {
        let detail = "who asked for it does not decide it; somebody else has to";
        return Err(Refused::rule("approval-own", detail));
    }
    let mut folded = Case {
        content: case.content.clone(),
        person: case.person.clone(),
        amount: case.amount,
        state: CaseState::Open,
    };
    let judged = if verdict.is_approved {
        folded.approve(approvers, approval)
    } else {
        folded.reject(approvers, approval)
    };
    judged.map_err(|refusal| Refused::rule(refusal.code(), refusal.to_string()))?;
    Ok(Decision {
        by: at.actor.to_owned(),
        at: at.now,
        comment: verdict.comment.replace('\0', "\u{fffd}"),
        valid: verdict.is_approved.then_some((at.today, until)),
    })
}

fn approvers<'a>(at: &At<'a>) -> Option<&'a Approvers> {
    at.version?.policy.approvers.as_ref()
}

fn is_over(at: &At<'_>, case: &StoredApproval) -> bool {
    case.asked_at + WAITS_MAX < at.now
}

fn holds(at: &At<'_>, case: &StoredApproval) -> bool {
    let valid = case.decision.as_ref().and_then(|decision| decision.valid);
    valid.is_some_and(|(from, until)| from <= at.today && at.today <= until)
}

fn nobody() -> Refused {
    let detail = "no document says who may approve: add one to the folder of [compliance]";
    Refused::rule("no-approvers", detail)
}

fn decided(by: &str) -> Refused {
    let detail = format!("{by} has decided this already; exactly one decides");
    Refused::changed("approval-decided", detail)
}

async fn tell(
    tx: &mut Tx,
    (desk, at): (&Desk<'_>, &At<'_>),
    (occurrence, case, to): (Occurrence, &str, &str),
    detail: &serde_json::Value,
) -> Result<(), StoreError> {
    let notice = Notice {
        occurrence,
        rule: "",
        subject: case,
        kind: "approval",
        page: "/approvals",
        to,
        detail,
        cause: "0",
    };
    desk.notify(tx, at.now, &notice).await.map(drop)
}
