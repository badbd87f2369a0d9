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
//! | `stage` | `live` | `draft`, `shadow`, `live`, `retired` |
//! | `when.per` | `device` | `device`, `channel`, `site`, `account`, `contact`, or `event.NAME`: the value of an attribute |
//! | `when.reset_by` | nothing breaks what was gathered | kinds of events |
//! | `when.not_while` | events under maintenance count | `maintenance` |
//! | `episode.cooldown` | none, with a warning where nothing closes the episode | a duration; `0s` says that none is meant |
//! | `episode.close.on` | no event closes it | kinds of events |
//! | `episode.close.after_quiet` | silence does not close it | a duration |
//! | `episode.close.on_task_done` | `false` | `true`, `false` |
//! | `episode.reopen_within` | never | a duration; something must close the episode |
//! | `guard.join_open_task_of` | each occurrence has a task | `account` |
//! | `guard.not_while_open` | nothing hinders it | `["severe-ticket"]` |
//! | `guard.max_per_account` | no bound | `{ tasks = 2, every = "30d" }`, 1 to 1000 tasks |
//! | `guard.needs_consent` | `false` | `true`, `false` |
//! | `then.title` | the rule's | as the rule's |
//! | `then.steps` | none | texts |
//! | `then.due` | never | `2 business hours`, `30 business minutes`, or a duration |
//! | `then.route` | `account-owner` | targets with `, else ` between them: `account-owner`, `pool:NAME` |
//! | `then.group_by` | one task for each scope | `site`, `account`, `event.NAME` |
//! | `then.group_within` | `1h` | a duration |
//!
//! A duration is `90s`, `15m`, `24h`, `7d` or `2w`, at most `400d`; unless it says so, `0s` is
//! none.
//!
//! # Patterns
//! Which events count is said by `event` and `where`, a [condition](crate::condition) on them; or
//! by `any = [{ event = "a", where = '…' }, …]`, of which any counts. A step of a list is written
//! in the same two ways.
//!
//! | pattern | its keys (`?` for those that can be absent) |
//! | --- | --- |
//! | `consecutive`: so many in a row | `event` or `any`, `times` (? 3, 1 to 1000), `within` (? `24h`) |
//! | `count`: so many within a window | as `consecutive`; or `all = [STEP, …]` with `times` (? 1), each of which must be met so often |
//! | `sequence`: one step after another | `steps = [STEP, …]` (2 to 15), `not` (? what must not come between: `[{ event, where }, …]`), `within` (? `24h`) |
//! | `absence`: nothing comes for some time | `event` or `any` (what should come), `for`, `after` (? a STEP after which it should come) |
//! | `sustained`: a number is beyond a level for some time | `event` or `any`, `value`, `above` or `below`, `clear` (? that level), `for` |
//! | `change`: a number rises or falls | `event` or `any`, `value`, `rise`, `fall` or `change` (either way), `measure` (? `difference`), `within` |
//!
//! `value` is the name of a number: `event.temperature`. A `difference` is in that number's own
//! unit; a `slope` and a `rate` are in that unit per hour, whatever the window. A rule that would
//! keep more than 10,000 events for one scope (`times` for each step of `all`) is refused.
//!
//! A task that no target takes goes to [`route::OPERATIONS_POOL`]. What the design has and this
//! version does not (kinds other than `trigger`, a second `[[then]]`) is refused with the code
//! `not-supported-yet`: a key that is not obeyed would mislead. A key of another pattern is refused
//! with `key-of-other-pattern`.
//!
//! [`parse`] reads a document and reports all of its mistakes as [findings](finding), each with a
//! stable code; [`document`] is the same shape as a JSON Schema.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, Reading};
use crate::id::RuleId;
use crate::pattern::Pattern;
use crate::task::Title;

pub mod document;
pub mod due;
pub mod episode;
pub mod guard;
pub mod scope;
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
pub use self::episode::{Close, EpisodePolicy};
pub use self::guard::{Cap, Guard};
pub use self::route::Route;
pub use self::scope::Scope;

/// A checked rule of kind `trigger`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Stable over versions.
    pub id: RuleId,
    /// What it is about, for people.
    pub title: Title,
    /// Whether its tasks are for people yet.
    pub stage: Stage,
    /// What it waits for.
    pub when: When,
    /// What holds while an occurrence stands, and after.
    pub episode: EpisodePolicy,
    /// What keeps it from asking too much of one customer.
    pub guard: Guard,
    /// The task it makes.
    pub then: TaskTemplate,
}

/// Where a rule is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Being written: checked and back-tested, but not in force.
    Draft,
    /// In force for trial: its tasks are kept, and nobody is told.
    Shadow,
    /// In force.
    #[default]
    Live,
    /// No longer in force; its tasks stay.
    Retired,
}

/// What a rule waits for.
#[derive(Clone, Debug)]
pub struct When {
    /// The shape of the occurrence.
    pub pattern: Pattern,
    /// The steps of the pattern: which events meet each of them, at most [`Steps::MAX`].
    ///
    /// [`Steps::MAX`]: crate::pattern::Steps::MAX
    pub steps: Vec<Step>,
    /// What must not come between the steps of a sequence.
    pub forbidden: Vec<Test>,
    /// The kinds that break what was gathered so far.
    pub reset_by: Vec<Box<str>>,
    /// The number the pattern watches; none for patterns that count.
    pub value: Option<Reading>,
    /// What occurrences are counted by.
    pub per: Scope,
    /// Whether events of devices under maintenance, and of test contacts, are left out.
    pub not_while_maintenance: bool,
}

/// A step of a pattern: any of its tests is enough.
#[derive(Clone, Debug)]
pub struct Step {
    /// Not empty.
    pub any: Vec<Test>,
}

/// A test that an event meets or does not.
#[derive(Clone, Debug)]
pub struct Test {
    /// The kind it must be of.
    pub event: Box<str>,
    /// What must hold besides; nothing, where absent.
    pub condition: Option<Condition>,
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
    /// What makes one incident of many occurrences.
    pub group: Option<Group>,
}

/// One task for many scopes that fail together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they have in common.
    pub by: Scope,
    /// How long after the newest occurrence another one still joins, in event time.
    pub within: TimeDelta,
}
