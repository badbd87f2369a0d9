//! What somebody sees: which rows a right reaches.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::person::{Directory, EVERYWHERE, Person};
use super::rights::Reach;

/// Which rows somebody sees; what is outside of it does not exist for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All.
    All,
    /// Those of these owners, and those of these regions.
    Part {
        /// People's ids, and `pool:TEAM`.
        owners: BTreeSet<String>,
        /// The regions.
        regions: BTreeSet<String>,
    },
}

impl Sight {
    /// Returns what `reach` comes to for `person`.
    pub(crate) fn of(
        person: &Person,
        reach: Reach,
        directory: &Directory<'_>,
        now: DateTime<Utc>,
    ) -> Self {
        let profile = &person.profile;
        let is_manager = Reach::Team <= reach;
        if reach == Reach::All || (is_manager && profile.regions.contains(EVERYWHERE)) {
            return Self::All;
        }
        let mut owners = BTreeSet::new();
        if reach != Reach::Nothing {
            owners.insert(person.id.clone());
            owners.extend(profile.teams.iter().map(|team| format!("pool:{team}")));
            owners.extend(stood_in_for(person, directory, now));
        }
        if is_manager {
            owners.extend(led_by(person, directory));
        }
        let regions = if is_manager { profile.regions.clone() } else { BTreeSet::new() };
        Self::Part { owners, regions }
    }

    /// Returns whether something of `owner` in `region` is in it.
    pub(crate) fn covers(&self, owner: &str, region: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Part { owners, regions } => {
                owners.contains(owner) || region.is_some_and(|region| regions.contains(region))
            }
        }
    }
}

/// Returns the ids of those for whom `person` stands in at `now`.
fn stood_in_for(
    person: &Person,
    directory: &Directory<'_>,
    now: DateTime<Utc>,
) -> BTreeSet<String> {
    let is_due = |other: &&Person| {
        let substitute = other.profile.substitute.as_ref();
        substitute.is_some_and(|substitute| substitute.id == person.id && substitute.is_due(now))
    };
    directory.people.iter().filter(is_due).map(|other| other.id.clone()).collect()
}

/// Returns the ids of those in the teams of `person`, and of all below.
fn led_by(person: &Person, directory: &Directory<'_>) -> BTreeSet<String> {
    let entries: Vec<_> = directory.entries(&person.profile.teams).collect();
    let mut led: BTreeSet<&str> = BTreeSet::from([person.id.as_str()]);
    loop {
        let before = led.len();
        // One level of superiors at a time.
        let below = entries.iter().filter(|(_, _, above)| above.is_some_and(|id| led.contains(id)));
        let below: Vec<&str> = below.map(|(id, _, _)| *id).collect();
        led.extend(below);
        if led.len() == before {
            break;
        }
    }
    led.extend(entries.iter().filter(|(_, is_mate, _)| *is_mate).map(|(id, _, _)| *id));
    led.into_iter().map(str::to_owned).collect()
}
