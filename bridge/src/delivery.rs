//! Delivery: which systems are told of what happens to tasks, as documents say.

use std::collections::BTreeMap;
use std::sync::Arc;

use upturn_connectors::deliver::Channel;
use upturn_connectors::deliver::template::{Place, Templates};
use upturn_core::task::Title;

use self::document::Occurrence;
use self::route::Route;

pub(crate) mod document;
pub(crate) mod files;
pub(crate) mod letter;
pub(crate) mod preview;
pub(crate) mod reading;
pub(crate) mod route;
#[cfg(test)]
pub(crate) mod testing;
mod templates;
pub(crate) mod timing;

/// The destination of `[outbox] mqtt_topic`, which has no document.
pub(crate) const BUILT_IN: &str = "mqtt";
/// How often a letter is tried before it is parked, unless the destination says otherwise.
pub(crate) const TRIES: u32 = 16;
/// How often a destination is asked for the state of its records, unless it says otherwise.
pub(crate) const ASK_EVERY_S: i64 = 60;

/// Destinations and routes in force.
#[derive(Debug, Default)]
pub(crate) struct Routing {
    /// By id.
    pub(crate) destinations: BTreeMap<String, Arc<Destination>>,
    /// In the order of their ids.
    pub(crate) routes: Vec<Route>,
    /// What people read in letters.
    pub(crate) templates: Arc<Templates>,
    /// Where the pages are, without a slash at the end, for links.
    pub(crate) pages: Option<String>,
}

/// A system that is told of tasks.
#[derive(Debug)]
pub(crate) struct Destination {
    /// Its id, stable: letters and records are kept under it.
    pub(crate) id: String,
    /// The kind of its channel: `webhook`.
    pub(crate) kind: &'static str,
    /// Its name for people.
    pub(crate) title: Title,
    /// How often a letter is tried before it is parked.
    pub(crate) tries: u32,
    /// How often it is asked for the state of its records.
    pub(crate) ask_every: chrono::TimeDelta,
    /// The way to it.
    pub(crate) channel: Arc<dyn Channel>,
    /// The document it was made of: another text is another destination.
    pub(crate) text: String,
}

impl Destination {
    /// Returns what templates for its letters are chosen by.
    pub(crate) fn place(&self) -> Place<'_> {
        Place { channel: self.kind, destination: &self.id }
    }
}

/// What routes choose letters by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// What happened.
    pub(crate) occurrence: Occurrence,
    /// The rule that asked for the task.
    pub(crate) rule: &'a str,
    /// The rule's word for the kind of task.
    pub(crate) kind: &'a str,
    /// Who has it.
    pub(crate) owner: &'a str,
}

impl Routing {
    /// Returns whether any route wants letters about `occurrence`.
    pub(crate) fn tells(&self, occurrence: Occurrence) -> bool {
        self.routes.iter().any(|route| route.on.contains(&occurrence))
    }

    /// Returns whom to tell, each once, by the first route that leads there.
    pub(crate) fn find<'d>(&'d self, about: &About<'_>) -> Vec<(&'d Destination, &'d Route)> {
        let mut found: BTreeMap<&str, (&Destination, &Route)> = BTreeMap::new();
        for route in self.routes.iter().filter(|route| route.takes(about)) {
            let Some(destination) = self.destinations.get(&route.to) else { continue };
            found.entry(&destination.id).or_insert((destination, route));
        }
        found.into_values().collect()
    }

    /// Returns the consultants whose calendars there are, each with the first calendar by id.
    pub(crate) fn consultants(&self) -> BTreeMap<&str, &Arc<Destination>> {
        let mut found = BTreeMap::new();
        for destination in self.destinations.values() {
            if let Some(consultant) = destination.channel.consultant() {
                found.entry(consultant).or_insert(destination);
            }
        }
        found
    }

    /// Returns the calendar that meetings with `consultant` are booked into.
    pub(crate) fn calendar_of(&self, consultant: &str) -> Option<&Arc<Destination>> {
        self.consultants().remove(consultant)
    }

    /// Returns whether `other` would do the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let texts = |delivery: &Self| -> Vec<String> {
            delivery.destinations.values().map(|destination| destination.text.clone()).collect()
        };
        let is_same_text = self.templates == other.templates;
        is_same_text && self.routes == other.routes && texts(self) == texts(other)
    }

    /// Returns the topics that letters are published to, for the broker that guards them.
    pub(crate) fn topics(&self) -> Vec<String> {
        let mqtt = self.destinations.values().filter(|destination| destination.kind == "mqtt");
        let topic = |text: &str| {
            let document: toml::Table = toml::from_str(text).ok()?;
            Some(document.get("settings")?.get("topic")?.as_str()?.to_owned())
        };
        mqtt.filter_map(|destination| topic(&destination.text)).collect()
    }
}
