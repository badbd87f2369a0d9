//! The registry as it was at each place in the log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Position;
use crate::registry::Registry;
use crate::registry::entry::Entry;
use crate::registry::known::Known;
use crate::registry::past::Past;

/// All versions of the registry, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Registries {
    first: Arc<Registry>,
    /// Those after the first.
    later: Vec<Version>,
}

/// A registry that came into force as a whole, with the entries that changed since.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Version {
    /// The place in the log from which it holds.
    since: Position,
    /// As of its last change.
    registry: Arc<Registry>,
    /// The place of that change.
    changed: Position,
    past: Past,
}

impl Registries {
    pub(super) fn new(first: Arc<Registry>) -> Self {
        Self { first, later: Vec::new() }
    }

    /// Returns the registry at the beginning of the log.
    pub(super) fn first(&self) -> &Arc<Registry> {
        &self.first
    }

    /// Takes the registry that holds from `position` on.
    pub(super) fn push(&mut self, position: Position, registry: Arc<Registry>) {
        let (since, changed, past) = (position, position, Past::default());
        self.later.push(Version { since, registry, changed, past });
    }

    /// Takes entries that hold from `position` on.
    pub(super) fn change(&mut self, position: Position, entries: Vec<Entry>) {
        if self.later.is_empty() {
            self.push(position, Arc::clone(&self.first));
        }
        let Some(Version { registry, changed, past, .. }) = self.later.last_mut() else { return };
        *changed = position;
        let registry = Arc::make_mut(registry);
        for entry in entries {
            registry.put(position, entry, past);
        }
    }

    /// Returns the registry as of `position`.
    pub(super) fn at(&self, position: Position) -> Known<'_> {
        if self.later.is_empty() {
            return Known::from(&*self.first);
        }
        let after = self.later.partition_point(|version| version.since <= position);
        let newest = after.checked_sub(1).and_then(|at| self.later.get(at));
        match newest {
            None => Known::from(&*self.first),
            Some(Version { registry, changed, .. }) if *changed <= position => {
                Known::from(&**registry)
            }
            Some(Version { registry, past, .. }) => Known::before(registry, past, position),
        }
    }

    /// Returns the registry of now.
    pub(super) fn newest(&self) -> &Registry {
        self.later.last().map_or(&self.first, |version| &version.registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::id::DeviceId;
    use crate::registry::{Contact, Device, DeviceStatus};

    fn device(model: &str) -> Entry {
        let (site, account, status) = (None, None, DeviceStatus::InService);
        let device = Device { model: model.into(), site, account, status };
        Entry::Device(DeviceId::new("d").unwrap(), Some(device))
    }

    fn contact(id: &str, tags: &[&str]) -> Entry {
        let tags = tags.iter().map(|tag| Box::from(*tag)).collect();
        Entry::Contact(
            id.into(),
            Some(Contact { name: id.into(), account: None, is_test: false, tags }),
        )
    }

    /// Returns the model of the device, and whose tag `t` is.
    fn seen(known: Known<'_>) -> (String, String) {
        let registry = known.registry();
        let id = DeviceId::new("d").unwrap();
        let model = known.device(&id).map(|device| device.model.to_string()).unwrap_or_default();
        let of_whole = registry.devices.get(&id).map(|device| device.model.to_string());
        assert_eq!(of_whole.unwrap_or_default(), model, "as a whole it is the same");
        let holder = registry.tags.get("t").map(ToString::to_string).unwrap_or_default();
        (model, holder)
    }

    #[test]
    fn each_place_has_the_registry_of_its_time() {
        let mut registries = Registries::new(Arc::default());
        registries.change(5, vec![device("one"), contact("p", &["t"])]);
        registries.change(7, vec![device("two"), device("three"), contact("q", &["t", "u"])]);
        registries.change(8, vec![Entry::Device(DeviceId::new("d").unwrap(), None)]);
        let whole = Registry::clone(registries.newest());
        registries.push(10, Arc::new(Registry::default()));
        registries.change(12, vec![device("four"), contact("p", &["t"])]);
        registries.change(13, vec![contact("p", &[])]);

        let cases = [
            (0, "", ""),
            (4, "", ""),
            (5, "one", "p"),
            (6, "one", "p"),
            (7, "three", "q"),
            (8, "", "q"),
            (9, "", "q"),
            (10, "", ""),
            (12, "four", "p"),
            (13, "four", ""),
            (99, "four", ""),
        ];
        let kept: Registries = {
            let bytes = postcard::to_allocvec(&registries).unwrap();
            postcard::from_bytes(&bytes).unwrap()
        };
        for (position, model, holder) in cases {
            let expected = (model.to_owned(), holder.to_owned());
            assert_eq!(seen(registries.at(position)), expected, "case: {position}");
            assert_eq!(seen(kept.at(position)), expected, "case: {position}, written down");
        }
        assert!(registries.first().devices.is_empty(), "the log's beginning stays");
        assert_eq!(*registries.at(9).registry(), whole);
    }

    #[test]
    fn each_place_has_the_calendars_of_its_time() {
        let calendar = |revision: &str| {
            let week = "[week]\nmon = [\"09:00-17:00\"]";
            let text = format!("zone = \"UTC\"\nrevision = \"{revision}\"\n{week}");
            Box::new(Calendar::from_toml(&text).unwrap())
        };
        let of_all = |revision: &str| Entry::HouseCalendar(calendar(revision));
        let mut registries = Registries::new(Arc::default());
        let team = Entry::Calendar("ev".into(), Some(calendar("team")));
        registries.change(5, vec![of_all("one"), team]);
        registries.change(7, vec![of_all("two"), Entry::Calendar("ev".into(), None)]);
        let cases = [(4, "built in", false), (5, "one", true), (6, "one", true), (7, "two", false)];
        for (place, revision, has_team) in cases {
            let registry = registries.at(place).registry();
            let found = (registry.calendar.revision(), registry.calendars.contains_key("ev"));
            assert_eq!(found, (revision, has_team), "case: {place}");
        }
    }
}
