//! What sailings, port calls and transport events have in common: places, ships, stated times.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// A place on a way. At least one of its names is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Place {
    /// Its code in the United Nations' list: `CNSHA`.
    pub code: Option<String>,
    /// The terminal or depot in it, by its operator's code.
    pub facility: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// A ship.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Vessel {
    /// Its number at the International Maritime Organization.
    pub imo: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// It stands for a ship that is not named yet.
    pub is_dummy: bool,
}

/// How sure a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// As the timetable has it.
    Planned,
    /// What somebody asked for.
    Requested,
    /// As it is expected by now.
    Estimated,
    /// It has happened.
    Actual,
}

/// A time by which, or from which on, something is done before a departure, by the local clock of its place:
/// by its code, goods or papers handed in, a booking accepted, an empty container picked up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct CutOff {
    /// What for, as the source has it: `FCO`, full containers.
    pub code: String,
    /// When, with the offset of the place's clock.
    pub at: DateTime<FixedOffset>,
}

impl Place {
    /// Tells whether it is the place with the code `code`.
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Returns the name that tells it best: its code, else its name, else its facility.
    pub fn label(&self) -> Option<&str> {
        let names = [&self.code, &self.name, &self.facility];
        names.into_iter().find_map(|name| name.as_deref())
    }
}
