//! Inputs: everything the fold is told, each with a place in the log.

use std::sync::Arc;

use crate::engine::ActiveRule;
use crate::event::Event;
use crate::id::TaskId;
use crate::registry::Registry;
use crate::registry::entry::Entry;

/// One input of the fold.
#[derive(Clone, Debug)]
pub enum Input {
    /// Something happened. It is new: the caller leaves out what was taken in before.
    Event(Event),
    /// The registry from here on. What lies before in the log keeps the registry of its time.
    Registry(Arc<Registry>),
    /// Entries of the registry that are others from here on, each of them once.
    Entries(Vec<Entry>),
    /// The rules in force from here on: all of them.
    Rules(Vec<ActiveRule>),
    /// A person did something with a task.
    Action(Action),
    /// Time passed, and a deadline with it.
    Tick,
}

/// What a person did with a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Which task.
    pub task: TaskId,
    /// What.
    pub verb: Verb,
    /// Who.
    pub actor: Box<str>,
}

/// What can be done with a task. [`State::after`](crate::task::life::State::after) says when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Somebody takes it on.
    Accept,
    /// Somebody takes it out of a pool.
    Claim,
    /// Somebody begins with it.
    Start,
    /// One of its steps is done.
    CheckStep,
    /// One of its steps is not done after all.
    UncheckStep,
    /// A coupon goes to the customer, which does one of its steps.
    IssueCoupon,
    /// A meeting of the customer with a consultant is booked, which does one of its steps.
    BookConsultant,
    /// Somebody spoke with the customer, or tried to.
    Contact,
    /// Somebody tells later of a contact; it does not count yet.
    BackFill,
    /// Somebody else lets it count.
    ApproveBackFill,
    /// Somebody else does not.
    RejectBackFill,
    /// It is put off for a while.
    Snooze,
    /// It is put off no longer.
    Wake,
    /// Somebody says something about it.
    Comment,
    /// It goes to another person, or to a pool.
    HandOver,
    /// It goes back to the pool of its owner's team.
    Return,
    /// What it asked for is done.
    Done,
    /// Nothing will be done.
    Dismiss,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Accept,
        Self::Claim,
        Self::Start,
        Self::CheckStep,
        Self::UncheckStep,
        Self::IssueCoupon,
        Self::BookConsultant,
        Self::Contact,
        Self::BackFill,
        Self::ApproveBackFill,
        Self::RejectBackFill,
        Self::Snooze,
        Self::Wake,
        Self::Comment,
        Self::HandOver,
        Self::Return,
        Self::Done,
        Self::Dismiss,
    ];

    /// Returns its word, as the log, addresses and programs have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Claim => "claim",
            Self::Start => "start",
            Self::CheckStep => "check-step",
            Self::UncheckStep => "uncheck-step",
            Self::IssueCoupon => "issue-coupon",
            Self::BookConsultant => "book-consultant",
            Self::Contact => "contact",
            Self::BackFill => "back-fill",
            Self::ApproveBackFill => "approve-back-fill",
            Self::RejectBackFill => "reject-back-fill",
            Self::Snooze => "snooze",
            Self::Wake => "wake",
            Self::Comment => "comment",
            Self::HandOver => "hand-over",
            Self::Return => "return",
            Self::Done => "done",
            Self::Dismiss => "dismiss",
        }
    }

    /// Returns the verb that `word` names.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }

    /// Returns whether the task is closed by it.
    pub fn closes(self) -> bool {
        matches!(self, Self::Done | Self::Dismiss)
    }
}
