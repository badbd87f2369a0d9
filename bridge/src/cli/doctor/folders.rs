//! Checks of the folders with rules and the registry.

use std::path::PathBuf;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use upturn_core::catalogue::Catalogue;
use upturn_core::registry::Registry;

use super::{Check, Outcome};
use crate::cli::causes;
use crate::registry;
use crate::rules;

/// How long before the announced holidays end the next ones should be entered, in days.
const NOTICE_DAYS: i64 = 30;

/// Whether there are rules, all of them sound.
#[derive(Clone, Debug)]
pub(super) struct RulesCheck {
    /// The folder.
    pub(super) dir: PathBuf,
    /// What the sources send.
    pub(super) catalogue: Catalogue,
}

#[async_trait]
impl Check for RulesCheck {
    fn name(&self) -> &'static str {
        "rules"
    }

    async fn run(&self) -> Outcome {
        let place = self.dir.display();
        match rules::load(&self.dir, &self.catalogue) {
            Ok(rules) if rules.is_empty() => {
                Outcome::warn(format!("none in {place}"), "write one, or correct rules.dir")
            }
            Ok(rules) => Outcome::ok(format!("{} in {place}", rules.len())),
            Err(error) => {
                let advice = "make the folder or correct rules.dir; mend rules by `upturn check`";
                Outcome::fail(causes::describe(&error), advice)
            }
        }
    }
}

/// Whether the registry can be read and its calendar is up to date.
#[derive(Clone, Debug)]
pub(super) struct RegistryCheck {
    /// The folder, if one is set.
    pub(super) dir: Option<PathBuf>,
    /// What the clock says.
    pub(super) now: DateTime<Utc>,
}

#[async_trait]
impl Check for RegistryCheck {
    fn name(&self) -> &'static str {
        "registry"
    }

    async fn run(&self) -> Outcome {
        let Some(dir) = &self.dir else {
            let found = "none; nobody owns a device, and work is Monday to Friday 09-17 UTC";
            return Outcome::warn(found, "set registry.dir to a folder with your tables");
        };
        match registry::load(dir) {
            Ok(registry) => self.judge(&registry),
            Err(error) => Outcome::fail(causes::describe(&error), "correct the files"),
        }
    }
}

impl RegistryCheck {
    fn judge(&self, registry: &Registry) -> Outcome {
        let calendar = &registry.calendar;
        let found = format!(
            "{} devices, {} sites, {} accounts, {} people; calendar '{}' in {}, where it is {}",
            registry.devices.len(),
            registry.sites.len(),
            registry.accounts.len(),
            registry.people.len(),
            calendar.revision(),
            calendar.zone(),
            self.now.with_timezone(&calendar.zone()).format("%H:%M"),
        );
        if calendar.is_announced_at(self.now + TimeDelta::days(NOTICE_DAYS)) {
            return Outcome::ok(found);
        }
        let until = match calendar.announced_until() {
            Some(until) => format!("holidays are known until {until}"),
            None => "it is not said until when holidays are known".to_owned(),
        };
        let advice = "enter what has been announced since into calendar.toml, with announced_until";
        Outcome::warn(format!("{found}; {until}"), advice)
    }
}
