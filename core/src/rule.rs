//! Rules: documents that say which events become which tasks.
//!
//! A rule is one TOML file. This is all that it must say:
//!
//! ```toml
//! id = "charger-care"                      # letters, digits, '-', '_'; never changes
//! kind = "trigger"
//! title = { en = "Charging failed" }       # en, zh or both
//!
//! [when]
//! pattern = "consecutive"
//! event = "charge_failed"
//!
//! [[then]]                                 # exactly one
//! task = "care"
//! ```
//!
//! | key | where absent | what it can be |
//! | --- | --- | --- |
//! | `when.reset_by` | nothing breaks a run | kinds of events |
//! | `when.times` | 3 | 1 to 1000 |
//! | `when.within` | `24h` | a duration: `90s`, `15m`, `24h`, `7d`, `2w`, at most `400d` |
//! | `when.per` | `device` | `device`, `channel` |
//! | `when.where` | every event counts | a [condition](crate::condition) on the counted events |
//! | `episode.cooldown` | none, with a warning | a duration; `0s` says that none is meant |
//! | `then.title` | the rule's | as the rule's |
//! | `then.steps` | none | texts |
//! | `then.due` | never | `2 business hours`, `30 business minutes`, or a duration |
//! | `then.route` | `account-owner` | targets with `, else ` between them: `account-owner`, `pool:NAME` |
//!
//! A task that no target takes goes to [`route::OPERATIONS_POOL`]. What the design has and this
//! version does not (other kinds, patterns and scopes, `[guard]`, `episode.close`) is refused
//! with the code `not-supported-yet`: a key that is not obeyed would mislead.
//!
//! [`parse`] reads a document and reports all of its mistakes as [findings](finding), each with a
//! stable code; [`document`] is the same shape as a JSON Schema.

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
