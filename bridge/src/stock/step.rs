//! What the writer is asked to do with advice: keep a plan, or do what a person decided.

use chrono::{DateTime, Utc};

use super::plan::NewPlan;
use crate::store::advice::AdviceState;

/// Something that the writer does with advice.
#[derive(Debug)]
pub(crate) enum Step {
    /// Keeps what a plan changes.
    Plan(Box<NewPlan>),
    /// Does what a person decided about a piece.
    Act(Act),
}

/// What a person decided about a piece of advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    /// Which piece.
    pub(crate) id: String,
    /// The revision that the person saw.
    pub(crate) revision: i64,
    /// What.
    pub(crate) verb: Verb,
    /// Who.
    pub(crate) actor: String,
}

/// What people do with advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Agrees on it, maybe on another quantity; no plan moves it from then on.
    Firm(Option<u32>),
    /// Sets another quantity.
    Edit(u32),
    /// Looks at it later.
    Snooze(DateTime<Utc>),
    /// Decides against it, with the reason.
    Reject(String),
    /// Says that it was sent: records count it from now on.
    Ship,
    /// Takes an agreement or a rejection back: the next plan says what is to be done.
    Release,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stepped {
    /// It is done, and durable.
    Done,
    /// Something changed meanwhile, or the state does not allow it.
    Refused,
}

impl Verb {
    /// Returns the word of what happened, for the trail.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Firm(_) => "advice-firmed",
            Self::Edit(_) => "advice-edited",
            Self::Snooze(_) => "advice-snoozed",
            Self::Reject(_) => "advice-rejected",
            Self::Ship => "advice-shipped",
            Self::Release => "advice-released",
        }
    }

    /// Returns what a piece that is `state` becomes by it, if it may be done with it.
    pub(crate) fn after(&self, state: AdviceState) -> Option<AdviceState> {
        let waits = matches!(state, AdviceState::Open | AdviceState::Snoozed);
        match self {
            Self::Firm(_) => waits.then_some(AdviceState::Firmed),
            Self::Edit(_) => waits.then_some(AdviceState::Open),
            Self::Snooze(_) => waits.then_some(AdviceState::Snoozed),
            Self::Reject(_) => waits.then_some(AdviceState::Rejected),
            Self::Ship => (state == AdviceState::Firmed).then_some(AdviceState::Shipped),
            Self::Release => matches!(state, AdviceState::Firmed | AdviceState::Rejected)
                .then_some(AdviceState::Withdrawn),
        }
    }
}
