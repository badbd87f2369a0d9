//! Compares the tasks that stand with those that a scenario expects.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::board::Board;
use crate::rule::Stage;
use crate::task::{EpisodeState, Task};

/// A task that a scenario expects; what is absent is not compared.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    pub(super) rule: String,
    pub(super) scope: String,
    pub(super) evidence: Option<Vec<String>>,
    pub(super) owner: Option<String>,
    pub(super) account: Option<String>,
    pub(super) device: Option<String>,
    pub(super) due_at: Option<DateTime<Utc>>,
    pub(super) first_at: Option<DateTime<Utc>>,
    pub(super) last_at: Option<DateTime<Utc>>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) joined: Option<u64>,
    pub(super) episode: Option<EpisodeState>,
    pub(super) stage: Option<Stage>,
    pub(super) contradicted: Option<bool>,
}

/// One way in which what stands is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub enum Difference {
    /// A task does not stand that should.
    Missing {
        /// Its rule.
        rule: String,
        /// Its scope.
        scope: String,
        /// Its evidence, where the scenario names it.
        #[serde(skip_serializing_if = "Option::is_none")]
        evidence: Option<Vec<String>>,
    },
    /// A task stands that should not.
    Unexpected {
        /// Its rule.
        rule: String,
        /// Its scope.
        scope: String,
        /// Its evidence.
        evidence: Vec<String>,
    },
    /// A task stands, but not as it should.
    Differs {
        /// Its rule.
        rule: String,
        /// Its scope.
        scope: String,
        /// What differs.
        field: &'static str,
        /// As it should be.
        expected: String,
        /// As it is.
        actual: String,
    },
    /// Somebody was to close a task that does not stand.
    NothingToClose {
        /// Its rule.
        rule: String,
        /// Its scope.
        scope: String,
        /// When.
        at: DateTime<Utc>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { rule, scope, evidence } => {
                write!(f, "missing: a task of '{rule}' for '{scope}'")?;
                match evidence {
                    Some(evidence) => write!(f, " on {}", shortened(evidence)),
                    None => Ok(()),
                }
            }
            Self::Unexpected { rule, scope, evidence } => {
                let evidence = shortened(evidence);
                write!(f, "unexpected: a task of '{rule}' for '{scope}' on {evidence}")
            }
            Self::Differs { rule, scope, field, expected, actual } => {
                write!(f, "differs: {field} of the task of '{rule}' for '{scope}'\n  ")?;
                write!(f, "expected {expected}\n  actual   {actual}")
            }
            Self::NothingToClose { rule, scope, at } => {
                write!(f, "nothing to close: no task of '{rule}' for '{scope}' stands at {at}")
            }
        }
    }
}

/// Returns the differences between `expected` and what stands.
pub(super) fn compare(expected: &[Expected], board: &Board) -> Vec<Difference> {
    let mut standing = board.by_device_and_time();
    let mut unmet = Vec::new();
    for each in expected {
        let is_met = |task: &&Task| each.is_about(task) && each.differs(task, board).is_empty();
        match standing.iter().position(is_met) {
            Some(at) => drop(standing.remove(at)),
            None => unmet.push(each),
        }
    }
    let mut differences = Vec::new();
    for each in unmet {
        match standing.iter().position(|task| each.is_about(task)) {
            Some(at) => differences.extend(each.differs(standing.remove(at), board)),
            None => differences.push(Difference::Missing {
                rule: each.rule.clone(),
                scope: each.scope.clone(),
                evidence: each.evidence.clone(),
            }),
        }
    }
    let unexpected = standing.into_iter().map(|task| Difference::Unexpected {
        rule: task.rule.as_str().to_owned(),
        scope: task.scope.to_string(),
        evidence: evidence_of(task),
    });
    differences.extend(unexpected);
    differences
}

impl Expected {
    fn is_about(&self, task: &Task) -> bool {
        self.rule == task.rule.as_str() && self.scope == *task.scope
    }

    fn differs(&self, task: &Task, board: &Board) -> Vec<Difference> {
        let occasion = &task.occasion;
        let mut differences = Vec::new();
        let mut check = |field: &'static str, expected: Option<String>, actual: String| {
            if let Some(expected) = expected.filter(|expected| *expected != actual) {
                let (rule, scope) = (self.rule.clone(), self.scope.clone());
                differences.push(Difference::Differs { rule, scope, field, expected, actual });
            }
        };
        let list = |ids: &[String]| ids.join(", ");
        check("evidence", self.evidence.as_deref().map(list), list(&evidence_of(task)));
        check("owner", self.owner.clone(), task.owner.to_string());
        check("account", self.account.clone(), task.account.as_deref().unwrap_or("none").into());
        check("device", self.device.clone(), task.device.as_str().to_owned());
        let never = || "never".to_owned();
        check("due_at", self.due_at.map(time), task.due_at.map_or_else(never, time));
        check("first_at", self.first_at.map(time), time(occasion.first_at));
        check("last_at", self.last_at.map(time), time(occasion.last_at));
        check("created_at", self.created_at.map(time), time(task.created_at));
        check("joined", self.joined.map(|joined| joined.to_string()), occasion.joined.to_string());
        check("episode", self.episode.map(episode), episode(occasion.episode));
        check("stage", self.stage.map(stage), stage(task.stage));
        let contradicted = board.is_contradicted(&task.id).to_string();
        check("contradicted", self.contradicted.map(|truth| truth.to_string()), contradicted);
        differences
    }
}

fn evidence_of(task: &Task) -> Vec<String> {
    task.occasion.evidence.iter().map(|each| each.id.as_str().to_owned()).collect()
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn episode(state: EpisodeState) -> String {
    match state {
        EpisodeState::Open => "open",
        EpisodeState::Closed => "closed",
    }
    .to_owned()
}

fn stage(stage: Stage) -> String {
    match stage {
        Stage::Draft => "draft",
        Stage::Shadow => "shadow",
        Stage::Live => "live",
        Stage::Retired => "retired",
    }
    .to_owned()
}

/// Returns the first few ids, and how many more there are.
fn shortened(ids: &[String]) -> String {
    const SHOWN_MAX: usize = 10;
    let shown = ids.get(..SHOWN_MAX.min(ids.len())).unwrap_or_default().join(", ");
    match ids.len().saturating_sub(SHOWN_MAX) {
        0 if ids.is_empty() => "no evidence".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
