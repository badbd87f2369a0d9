//! What pages, the API and commands ask of the one writer.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::oneshot;
use upturn_core::compliance::policy::Policy;
use upturn_core::event::Event;
use upturn_core::id::TaskId;
use upturn_core::registry::Registry;
use upturn_core::rule::{Rule, Stage};

use super::act::Act;
use super::booking::NoBooking;
use super::coupon::NoCoupon;
use super::forecasts::ForecastStep;
use super::overrule::{Overrule, Overruled};
use super::records::{RecordRefusal, RecordWish};
use super::selling::{self, Step};
use crate::delivery::letter;
use crate::explain::why_not::{Answer, Examined, Question};
use crate::rules::LoadedRule;
use crate::stock;
use crate::store::feed_set::{NewSet, SetState};
use crate::store::requirement::Requirement;

/// Told after the commit; dropped without a word where nothing was done.
pub(crate) type Reply<T> = oneshot::Sender<T>;

/// Something to be done by the writer, in the log's order, and who waits for it.
#[derive(Debug)]
pub(crate) enum Request {
    /// A person does something with a task.
    Act {
        /// What.
        act: Box<Act>,
        /// Who waits.
        reply: Reply<Acted>,
    },
    /// A person decides over what the machine says, or takes that back.
    Overrule {
        /// What.
        wish: Box<Overrule>,
        /// Who waits.
        reply: Reply<Overruled>,
    },
    /// A person asks for something because of a task.
    Require {
        /// What.
        wish: Box<RequirementWish>,
        /// Who waits; `None` where nobody is told of it.
        reply: Reply<Option<Requirement>>,
    },
    /// Other rules and another registry, both or none of them.
    Reload {
        /// What comes into force.
        wanted: Box<Wanted>,
        /// Who waits.
        reply: Reply<Changes>,
    },
    /// Records are written or removed.
    Records {
        /// Which.
        wish: Box<RecordWish>,
        /// Who waits.
        reply: Reply<Result<String, RecordRefusal>>,
    },
    /// Why a rule has made no task for a scope. Only looks.
    WhyNot {
        /// Which rule, and which scope.
        question: Question,
        /// Who waits; `None` for a rule that is not in force, or not in that stage.
        reply: Reply<Option<Answer>>,
    },
    /// A set of facts comes into force, is held, or is decided about.
    Feed {
        /// What.
        step: FeedStep,
        /// Who waits.
        reply: Reply<Stepped>,
    },
    /// Somebody does something with a deal, a quote or an approval.
    Sell {
        /// What.
        step: Box<Step>,
        /// Who waits.
        reply: Reply<Result<(), selling::Refused>>,
    },
    /// A plan of stock is kept, or a person decides about a piece of advice.
    Advice {
        /// What.
        step: stock::step::Step,
        /// Who waits.
        reply: Reply<stock::step::Stepped>,
    },
    /// Forecasts, scores or back-tests are written.
    Forecast {
        /// What.
        step: Box<ForecastStep>,
        /// Who waits; how much of it is new.
        reply: Reply<u64>,
    },
    /// What a rule makes of the newest of some events. Only looks.
    Examine {
        /// The rule, in the version that was asked.
        rule: Arc<Rule>,
        /// What it counts by.
        scope: String,
        /// The events.
        events: Vec<Event>,
        /// Who waits.
        reply: Reply<Vec<Examined>>,
    },
}

impl Request {
    /// Returns whether anybody still waits. Whoever stopped waiting was told to ask again, so what
    /// was not begun is left out.
    pub(crate) fn is_awaited(&self) -> bool {
        match self {
            Self::Act { reply, .. } => !reply.is_closed(),
            Self::Overrule { reply, .. } => !reply.is_closed(),
            Self::Require { reply, .. } => !reply.is_closed(),
            Self::Reload { reply, .. } => !reply.is_closed(),
            Self::Feed { reply, .. } => !reply.is_closed(),
            Self::Sell { reply, .. } => !reply.is_closed(),
            Self::Records { reply, .. } => !reply.is_closed(),
            Self::Advice { reply, .. } => !reply.is_closed(),
            Self::WhyNot { reply, .. } => !reply.is_closed(),
            Self::Examine { reply, .. } => !reply.is_closed(),
            Self::Forecast { reply, .. } => !reply.is_closed(),
        }
    }
}

/// What somebody asks for because of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequirementWish {
    /// The task.
    pub(crate) task: TaskId,
    /// `requirement` or `feedback`.
    pub(crate) kind: &'static str,
    /// `low`, `normal` or `high`.
    pub(crate) priority: &'static str,
    /// In the person's words.
    pub(crate) text: String,
    /// Who.
    pub(crate) actor: String,
}

impl RequirementWish {
    /// Returns what is kept of it. The same words about the same task are the same requirement,
    /// however often the form is sent.
    pub(super) fn requirement(&self, at: DateTime<Utc>) -> Requirement {
        let cause = format!("{}@{}", self.task.as_str(), self.text);
        let id = letter::key(self.kind, &cause, "");
        Requirement {
            id: format!("req-{}", id.get(..24).unwrap_or(&id)),
            task: self.task.as_str().to_owned(),
            kind: self.kind.to_owned(),
            priority: self.priority.to_owned(),
            text: self.text.clone(),
            actor: self.actor.clone(),
            created_at: at,
        }
    }
}

/// Something that the writer does with a set of facts.
#[derive(Debug)]
pub(crate) enum FeedStep {
    /// Keeps what a run brought, and ends the run.
    Put(Box<Put>),
    /// Puts a held set in force, or rejects it, as a person decided.
    Decide(Decision),
}

/// What a run brought, and what is to become of it.
#[derive(Debug)]
pub(crate) struct Put {
    /// What it brought.
    pub(crate) set: NewSet,
    /// What it is to be: active, held or rejected.
    pub(crate) state: SetState,
    /// The set in force that it was compared with.
    pub(crate) against: Option<i64>,
}

/// What a person decided about a held set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The set.
    pub(crate) set: i64,
    /// Whether it comes into force; else it is rejected.
    pub(crate) is_released: bool,
    /// The set in force that the person saw beside it.
    pub(crate) against: Option<i64>,
    /// Who.
    pub(crate) actor: String,
}

/// What became of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stepped {
    /// As it was asked.
    Done,
    /// Another set came into force meanwhile, or somebody else decided.
    Refused,
}

/// What is to be in force.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// All rules.
    pub(crate) rules: Vec<LoadedRule>,
    /// Who and what is known.
    pub(crate) registry: Registry,
    /// The rules of the house on selling.
    pub(crate) policy: Policy,
    /// Who wants it.
    pub(crate) actor: String,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Acted {
    /// It is done, and durable.
    Done,
    /// There is no coupon for it.
    NoCoupon(NoCoupon),
    /// There is no meeting for it.
    NoBooking(NoBooking),
    /// The task does not stand, or somebody else was first.
    Refused,
}

/// What a reload changed.
#[expect(clippy::struct_excessive_bools, reason = "each says of one thing whether it changed")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct Changes {
    /// Whether the registry is another one.
    pub(crate) registry: bool,
    /// Whether destinations or routes are others.
    pub(crate) delivery: bool,
    /// Whether feeds are others.
    pub(crate) feeds: bool,
    /// Whether the rules of the house on selling are others.
    pub(crate) policy: bool,
    /// Whether leads are judged by other documents.
    pub(crate) leads: bool,
    /// Rules of which other versions are there than before, by id.
    pub(crate) rules: Vec<RuleChange>,
}

impl Changes {
    /// Returns whether everything is as it was.
    pub(crate) fn is_empty(&self) -> bool {
        !self.registry
            && !self.delivery
            && !self.feeds
            && !self.leads
            && !self.policy
            && self.rules.is_empty()
    }
}

/// The versions of one rule before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct RuleChange {
    /// The rule's id.
    pub(crate) id: String,
    /// None for a rule that is new.
    pub(crate) before: Vec<StagedVersion>,
    /// None for a rule that is gone.
    pub(crate) now: Vec<StagedVersion>,
}

/// A version, and the stage it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub(crate) struct StagedVersion {
    /// The short hash of the document.
    pub(crate) version: String,
    /// What the document says.
    pub(crate) stage: Stage,
}
