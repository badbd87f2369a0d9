//! Leads: what a task is worth, who gets it and by when, as documents say.
//!
//! A score adds up what is known of the account, a grade cuts scores into bands, a route says who gets
//! which grade, and an SLA when somebody has to have spoken with the customer. All of it is decided once,
//! when the task is made, and kept with the task: what it was decided on stays to be looked at.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use self::grade::Grade;
use self::input::Inputs;
use self::route::{Assignment, Tags};
use self::score::Scored;
use self::sla::Clock;

pub mod document;
pub mod grade;
pub mod input;
pub mod lapse;
pub mod lifetime;
pub mod policy;
pub mod route;
pub mod score;
pub mod sla;
pub mod verdict;

/// What was decided about a task when it was made, and what it was decided on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// The documents that decided.
    pub documents: Vec<Named>,
    /// What was known.
    pub inputs: Inputs,
    /// What that came to, point by point.
    pub scored: Scored,
    /// The grade of that score.
    pub grade: Box<str>,
    /// The five tags that the route went by.
    pub tags: Tags,
    /// Who got it, and who did not.
    pub assignment: Assignment,
    /// Who pays for what is wrong with the device.
    pub cover: Cover,
    /// Whether the account has agreed to be approached; `None` where nobody has asked.
    pub consent: Option<bool>,
    /// Steps that were left out, since the account has not agreed to be approached.
    pub left_out: Vec<Box<str>>,
    /// The bands and what to do next, as they were.
    pub bands: Grade,
    /// The clocks of all grades, as they were.
    pub clocks: Vec<Clock>,
}

/// A version of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// `score`, `grade`, `route` or `sla`.
    pub kind: Box<str>,
    /// Its id.
    pub id: Box<str>,
    /// The short hash of its text.
    pub version: Box<str>,
}

/// Who pays for what is wrong with a device, as the installed base says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Cover {
    /// The warranty, up to and with this day.
    Warranty {
        /// Its last day.
        until: NaiveDate,
    },
    /// A service contract.
    Contract {
        /// Its number.
        contract: Box<str>,
        /// Its last day, if it has one.
        until: Option<NaiveDate>,
    },
    /// The customer: what covered the device is over, or there was nothing.
    Customer {
        /// The last day of what covered it.
        until: Option<NaiveDate>,
    },
    /// Nobody knows, since the device is not in the installed base.
    Unknown,
}

impl Lead {
    /// Returns the clock of `grade`: that of the house where no document has clocks, and one that never
    /// runs out where the document has none for it.
    pub fn clock_of(&self, grade: &str) -> Clock {
        if self.clocks.is_empty() {
            return Clock::of_the_house();
        }
        let found = self.clocks.iter().find(|clock| &*clock.grade == grade);
        found.cloned().unwrap_or_else(|| Clock::without_end(grade))
    }
}

impl Cover {
    /// Returns its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Warranty { .. } => "warranty",
            Self::Contract { .. } => "contract",
            Self::Customer { .. } => "customer",
            Self::Unknown => "unknown",
        }
    }
}
