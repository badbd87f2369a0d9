//! Scenarios: given rules and a registry, when this happens, then these tasks stand.
//!
//! One TOML file each, read by our own tests and by `upturn rules test`:
//!
//! ```toml
//! title = "Three failures in a row make one task"
//!
//! [given]
//! rules = ["../rules/charger-care.toml"]     # or [[given.rule]] with text = '''…'''
//! devices = [{ id = "cp-1", account = "acme" }]
//! accounts = [{ id = "acme", owner = "anna" }]
//! people = [{ id = "anna" }]
//!
//! [[when]]                                   # in the order of arrival
//! at = 2026-01-05T08:00:00Z
//! device = "cp-1"
//! kind = "charge_failed"
//! cause = "charger"                          # any other key is an attribute
//! repeat = 3                                 # {n} in texts counts from 1, {n:05} with zeros
//! every = "10m"
//!
//! [[then]]                                   # all tasks that stand, no others
//! rule = "charger-care"
//! scope = "cp-1"
//! evidence = ["e1", "e2", "e3"]
//! ```
//!
//! | in `[given]` | what it is |
//! | --- | --- |
//! | `rules` | files or folders, from the scenario's own folder |
//! | `[[given.rule]]` | the `text` of a rule |
//! | `devices` | `id`, `model`, `site`, `account`, `status`, `repeat` |
//! | `sites`, `accounts`, `contacts`, `people` | the rows of the registry's tables |
//! | `calendar` | the text of a calendar |
//!
//! | `[[when]]` | what happens |
//! | --- | --- |
//! | `kind`, `device`, `at` | an event; `received` is its log time, else the largest `at` so far |
//! | `id`, `channel`, `seq`, `attributes` | parts of it; without an `id` it is `e1`, `e2`, … |
//! | `topic`, `payload` | a message, read as the sources read it |
//! | `events` | a file of events, one JSON object a line |
//! | `tick = true` | time passes until `at` |
//! | `done`, `dismiss` | `{ rule, scope }`: somebody closes the newest such task |
//! | `rules` | other rules come into force; the list is that of `[given]` |
//!
//! | `[[then]]` | a task that stands |
//! | --- | --- |
//! | `rule`, `scope` | which; one that somebody closed and late evidence contradicts stands, too |
//! | `evidence`, `owner`, `account`, `device`, `due_at`, `first_at`, `last_at`, `created_at`, `joined`, `episode`, `stage`, `contradicted` | compared where given |
//!
//! `then_none = true` says that no task stands. Deadlines pass up to the last log time; let a tick
//! tell how long nothing happened.

use chrono::{DateTime, Utc};

use crate::catalogue::Catalogue;
use crate::decode::{Sources, line};
use crate::input::{Action, Input, Verb};
use crate::registry::Registry;
use crate::replay::{Keep, Replay, in_force};
use crate::rule::Rule;
use crate::rule::finding::Finding;

mod compare;
mod document;
mod entry;
mod given;

pub use self::compare::{Difference, Expected};

/// Where a scenario's other files come from: paths are as the scenario writes them.
pub trait Loader {
    /// Returns the text of a file, or why there is none.
    fn text(&self, path: &str) -> Result<String, String>;

    /// Returns the documents of a rule file or of a folder of them, or why there are none.
    fn rules(&self, path: &str) -> Result<Vec<String>, String>;
}

/// What scenarios are read with.
#[derive(Clone, Copy)]
pub struct Setting<'s> {
    /// What rules may name.
    pub catalogue: &'s Catalogue,
    /// How topics and payloads are read.
    pub sources: &'s Sources,
    /// Where other files come from.
    pub loader: &'s dyn Loader,
}

impl std::fmt::Debug for Setting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("sources", self.sources).finish_non_exhaustive()
    }
}

/// A scenario that was read.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows, for people.
    pub title: Option<String>,
    rules: Vec<Rule>,
    registry: Registry,
    steps: Vec<Step>,
    expected: Vec<Expected>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// An event, as a line of a file of events.
    Line(Box<str>),
    /// Time passes.
    Tick(DateTime<Utc>),
    /// Somebody closes the newest task of a rule for a scope.
    Close { at: DateTime<Utc>, rule: Box<str>, scope: Box<str>, verb: Verb },
    /// Other rules come into force.
    Rules(DateTime<Utc>, Vec<Rule>),
}

impl Scenario {
    /// Returns the scenario that `text` describes, or everything that is wrong with it.
    pub fn read(text: &str, setting: &Setting<'_>) -> Result<Self, Vec<Finding>> {
        document::read(text, setting)
    }

    /// Plays it and returns how what stands differs from what is expected; nothing where it does
    /// not.
    pub fn run(&self, sources: &Sources) -> Vec<Difference> {
        let rules = self.rules.iter().map(|rule| in_force(rule.clone(), "")).collect();
        let changes = self.steps.iter().any(|step| matches!(step, Step::Rules(..)));
        let keep = if changes { Keep::All } else { Keep::Needed };
        let mut replay = Replay::new(rules, self.registry.clone(), keep);
        let mut differences = Vec::new();
        for step in &self.steps {
            differences.extend(play(step, &mut replay, sources));
        }
        differences.extend(compare::compare(&self.expected, replay.board()));
        differences
    }
}

fn play(step: &Step, replay: &mut Replay, sources: &Sources) -> Option<Difference> {
    match step {
        Step::Line(text) => {
            let log_time = replay.engine().log_time().max(DateTime::UNIX_EPOCH);
            // What cannot be read was found when the scenario was.
            if let Ok(event) = line::decode(text, sources, log_time) {
                replay.take_event(event);
            }
        }
        Step::Tick(at) => replay.take(*at, Input::Tick),
        Step::Close { at, rule, scope, verb } => {
            // What the deadlines before bring about can be closed too.
            replay.take(*at, Input::Tick);
            let standing = replay.board().by_device_and_time().into_iter();
            let of = standing.filter(|task| task.rule.as_str() == &**rule && task.scope == *scope);
            let Some(newest) = of.max_by_key(|task| task.occasion.last_at) else {
                return Some(Difference::NothingToClose {
                    rule: rule.to_string(),
                    scope: scope.to_string(),
                    at: *at,
                });
            };
            let (task, actor) = (newest.id.clone(), "scenario".into());
            replay.take(*at, Input::Action(Action { task, verb: *verb, actor }));
        }
        Step::Rules(at, rules) => {
            let since = replay.position() + 1;
            let version = format!("v{since}");
            let active = rules.iter().map(|rule| {
                let mut active = in_force(rule.clone(), &version);
                (active.since, active.since_at) = (since, *at);
                active
            });
            replay.take(*at, Input::Rules(active.collect()));
        }
    }
    None
}
