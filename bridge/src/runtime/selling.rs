//! What people do with deals, quotes and approvals, through the one writer.
//!
//! Each step is judged by the rules of the house as they are in force at its place in the log, and is
//! durable with everything that follows from it, or changes nothing.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use upturn_core::compliance::policy::Policy;
use upturn_core::event::Position;
use upturn_core::input::Input;

use self::deals::DealStep;
use super::Runtime;
use super::fold::Fold;
use super::wish::Logged;
use crate::store::approval::StoredApproval;
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::log::Kind;
use crate::store::policy::{self, Version};
use crate::store::quote::{self, StoredQuote};
use crate::store::{self, Tx};

pub(crate) mod approvals;
pub(crate) mod deals;
pub(crate) mod guard;
pub(crate) mod history;

/// Something that somebody does.
#[derive(Debug)]
pub(crate) struct Step {
    /// What.
    pub(crate) what: What,
    /// Who.
    pub(crate) actor: String,
}

/// What somebody does.
#[derive(Debug)]
pub(crate) enum What {
    /// Does something with a deal.
    Act(DealStep),
    /// Keeps a quote.
    Keep(Box<StoredQuote>),
    /// Asks for what is beyond authority.
    Ask(Box<StoredApproval>),
    /// Decides what was asked.
    Decide(Verdict),
    /// Says that they have read of the change to this version of the rules.
    Confirm(String),
}

/// What somebody decides about a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The case.
    pub(crate) id: String,
    /// Whether it is allowed.
    pub(crate) is_approved: bool,
    /// Why, in their words.
    pub(crate) comment: String,
    /// The last day it holds, if they say one.
    pub(crate) until: Option<NaiveDate>,
}

/// Why nothing was done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// In what way.
    pub(crate) why: Why,
    /// The stable word for it.
    pub(crate) code: &'static str,
    /// What is wrong and what to do.
    pub(crate) detail: String,
}

/// In what way something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// There is no such thing.
    Unknown,
    /// Somebody else was first.
    Changed,
    /// The rules of the house do not allow it.
    Forbidden,
}

impl Refused {
    /// Returns the refusal by a rule.
    pub(crate) fn rule(code: &'static str, detail: impl Into<String>) -> Self {
        Self { why: Why::Forbidden, code, detail: detail.into() }
    }

    /// Returns that somebody else was first.
    pub(crate) fn changed(code: &'static str, detail: impl Into<String>) -> Self {
        Self { why: Why::Changed, code, detail: detail.into() }
    }

    /// Returns that there is no such thing.
    pub(crate) fn unknown(detail: impl Into<String>) -> Self {
        Self { why: Why::Unknown, code: "not-found", detail: detail.into() }
    }
}

/// Where a step stands, and by whom.
#[derive(Clone, Copy, Debug)]
struct At<'a> {
    /// The rules in force.
    version: Option<&'a Version>,
    /// The place in the log that it gets.
    position: Position,
    /// Log time.
    now: DateTime<Utc>,
    /// The day there, by the house's calendar.
    today: NaiveDate,
    /// Who.
    actor: &'a str,
}

/// Either what was done, or why not; a third way is that the database is away.
type Outcome = Result<Result<(), Refused>, StoreError>;

impl Runtime<'_> {
    /// Does what `step` says, if the rules of the house allow it.
    pub(super) async fn sell(&self, fold: &mut Fold, step: Step) -> Outcome {
        let now = self.now(fold);
        let mut tx = self.store.begin().await?;
        // First of all: whoever was shut out reads and writes nothing.
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, fold.cursor).await?;
        let version = policy::in_force(&mut tx).await?;
        let today = now.with_timezone(&fold.engine.registry().calendar.zone()).date_naive();
        let at = At {
            version: version.as_ref(),
            position: fold.cursor + 1,
            now,
            today,
            actor: &step.actor,
        };
        let desk = self.desk(&fold.engine);
        let done = match &step.what {
            What::Act(act) => deals::act(&mut tx, &desk, &at, act).await?,
            What::Keep(quote) => keep(&mut tx, &at, quote).await?,
            What::Ask(case) => approvals::ask(&mut tx, &desk, &at, case).await?,
            What::Decide(verdict) => approvals::decide(&mut tx, &desk, &at, verdict).await?,
            What::Confirm(digest) => confirm(&mut tx, &at, digest).await?,
        };
        if let Err(refused) = done {
            return Ok(Err(refused));
        }
        // What people do with deals is no event; a tick gives it its place in the log.
        let tick = Logged { kind: Kind::Tick, body: "{}".to_owned(), input: Input::Tick };
        self.commit_inputs(fold, tx, vec![tick]).await?;
        self.announce();
        Ok(Ok(()))
    }

    /// Returns whether `policy` is not what is in force.
    pub(super) async fn is_other(&self, policy: &Policy) -> Result<bool, StoreError> {
        let in_force = policy::committed(self.store).await?;
        Ok(in_force.map_or(!policy.is_empty(), |version| version.digest != policy.digest()))
    }

    /// Puts `policy` in force.
    pub(super) async fn adopt(
        &self,
        tx: &mut Tx,
        policy: &Policy,
        (position, at): (Position, DateTime<Utc>),
        actor: &str,
    ) -> Result<(), StoreError> {
        policy::put(tx, policy, (position, at), actor).await?;
        let detail = json!({ "digest": policy.digest() });
        let (action, subject) = ("policy-switched", "policy");
        audit::append(tx, NewEntry { at, actor, action, subject, detail: &detail }).await
    }
}

/// Keeps a quote.
async fn keep(tx: &mut Tx, at: &At<'_>, quote: &StoredQuote) -> Outcome {
    let quote = StoredQuote { at: at.now, ..quote.clone() };
    if quote::insert(tx, &quote).await? {
        let detail = json!({
            "number": quote.number, "deal": quote.deal, "seller": quote.seller,
            "is_clear": quote.is_clear,
        });
        note(tx, at, ("quote-priced", &quote.digest), &detail).await?;
    }
    Ok(Ok(()))
}

/// Notes that somebody has read of a change.
async fn confirm(tx: &mut Tx, at: &At<'_>, digest: &str) -> Outcome {
    let Some(version) = at.version.filter(|version| version.digest == digest) else {
        let detail = "the rules have changed again since; read the newest notice";
        return Ok(Err(Refused::changed("policy-changed", detail)));
    };
    if policy::confirm(tx, (&version.digest, at.actor), at.now).await? {
        note(tx, at, ("policy-confirmed", "policy"), &json!({ "digest": digest })).await?;
    }
    Ok(Ok(()))
}

/// Writes down what was done.
async fn note(
    tx: &mut Tx,
    at: &At<'_>,
    (action, subject): (&str, &str),
    detail: &Value,
) -> Result<(), StoreError> {
    audit::append(tx, NewEntry { at: at.now, actor: at.actor, action, subject, detail }).await
}
