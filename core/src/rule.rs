//! Rules: documents that say which events become which tasks.

use chrono::TimeDelta;

use crate::condition::Condition;
use crate::id::RuleId;
use crate::pattern::Pattern;
use crate::task::Title;

pub mod document;
pub mod due;
pub(crate) mod duration;
pub mod finding;
mod keys;
pub(crate) mod nearest;
pub mod parse;
mod place;
mod reader;
pub mod route;
mod syntax;

pub use self::due::Due;
pub use self::route::Route;

/// A checked rule of kind `trigger`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Stable over versions.
    pub id: RuleId,
    /// What it is about, for people.
    pub title: Title,
    /// What it waits for.
    pub when: When,
    /// How long it stays quiet on a scope after a task, in event time from the task's `last_at`.
    pub cooldown: TimeDelta,
    /// The task it makes.
    pub then: TaskTemplate,
}

/// What a rule waits for.
#[derive(Clone, Debug)]
pub struct When {
    /// The shape of the occurrence.
    pub pattern: Pattern,
    /// What occurrences are counted by.
    pub per: Scope,
    /// Which events of the counted kind count; all, where absent.
    pub condition: Option<Condition>,
}

/// What a rule counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each device by itself.
    Device,
    /// Each channel of each device by itself.
    Channel,
}

/// The task a rule makes.
#[derive(Clone, Debug)]
pub struct TaskTemplate {
    /// The kind of task: `care`.
    pub kind: Box<str>,
    /// What it is about; the rule's title where the document gives none.
    pub title: Title,
    /// What to do, in order.
    pub steps: Vec<Box<str>>,
    /// When it must be done, if at all.
    pub due: Option<Due>,
    /// Who gets it.
    pub route: Route,
}
