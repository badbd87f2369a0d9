//! SLAs: by when somebody has to have spoken with the customer, and who hears of it otherwise.
//!
//! **What it does** gives each grade a clock in the working time of whoever has the task, a ladder of
//! superiors who are told when it has run out, and a warning when nobody does anything.
//! **When it fires** where a grade names it; a logged contact stops the clock.
//! **Example** `deploy/rules/leads/service.toml`.
//! **Settings** [`Sla`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{Place, Wrong};
use super::lapse::Lapse;
use crate::task::Title;

/// A document of kind `sla`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn SLA")]
pub struct Sla {
    /// Its identity, stable over its versions.
    pub id: Box<str>,
    /// `sla`.
    pub kind: SlaKind,
    /// What it is, for people.
    pub title: Title,
    /// The clock of each grade; a grade without one has no due time.
    pub clock: Vec<Clock>,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SlaKind {
    /// An SLA.
    Sla,
}

/// The clock of a grade. Calendars are those of whoever has the task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// The grade.
    pub grade: Box<str>,
    /// Within what time of its making somebody speaks with the customer. Default: whenever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_within: Option<Lapse>,
    /// After what time in which nobody did anything the owner and the manager are warned. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_after: Option<Lapse>,
    /// Who is told that the time has run out, rung by rung.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rung: Vec<Rung>,
}

/// A rung of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// How long after the rung before, or after the due time.
    pub after: Lapse,
    /// Who is told.
    pub tell: Vec<Tell>,
}

/// Somebody who is told.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tell {
    /// Whoever has the task.
    Owner,
    /// The owner's manager; of a pool the managers of its team.
    Manager,
    /// The manager's manager.
    SecondManager,
}

/// The most rungs.
const RUNGS_MAX: usize = 8;

impl Clock {
    /// Returns the clock of a grade that nobody is pressed with.
    pub fn without_end(grade: &str) -> Self {
        Self { grade: grade.into(), contact_within: None, silent_after: None, rung: Vec::new() }
    }

    /// Returns the clock of tasks that no document has one for: both superiors are told at the due time
    /// and a working day later, and silence is a working day long.
    pub fn of_the_house() -> Self {
        let tell = vec![Tell::Manager, Tell::SecondManager];
        Self {
            grade: Box::default(),
            contact_within: None,
            silent_after: Some(Lapse::working_day()),
            rung: vec![
                Rung { after: Lapse::at_once(), tell: tell.clone() },
                Rung { after: Lapse::working_day(), tell },
            ],
        }
    }
}

impl Sla {
    /// Returns what is wrong with it by itself.
    pub(super) fn faults(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (index, clock) in self.clock.iter().enumerate() {
            let mut tell = |code, message: String, cure: &str| {
                wrong.push(Wrong::new(Place::Table("clock", index), code, message, cure));
            };
            if self.clock.iter().take(index).any(|other| other.grade == clock.grade) {
                tell("twice", format!("'{}' has two clocks", clock.grade), "keep one of them");
            }
            if RUNGS_MAX < clock.rung.len() {
                tell("too-many", format!("more than {RUNGS_MAX} rungs"), "leave some out");
            }
            if !clock.rung.is_empty() && clock.contact_within.is_none() {
                let message = format!("'{}' has rungs and no time that could run out", clock.grade);
                tell("no-clock", message, "give it 'contact_within', or leave out its rungs");
            }
            if clock.contact_within.is_some() && clock.rung.is_empty() {
                let message = format!("nobody hears that the time of '{}' is over", clock.grade);
                tell("no-rung", message, "add a [[clock.rung]]");
            }
            if clock.rung.iter().any(|rung| rung.tell.is_empty()) {
                tell("empty-list", "a rung tells nobody".to_owned(), "name who is told");
            }
        }
        wrong
    }
}

/// Returns the JSON Schema of the document, as text that ends with a line break.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Sla).to_value())
}
