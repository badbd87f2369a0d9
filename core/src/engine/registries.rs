//! The registry as it was at each place in the log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Position;
use crate::registry::Registry;
use crate::registry::entry::Entry;
use crate::registry::known::Known;
use crate::registry::past::Past;

/// All versions of the registry that can still be asked about, oldest first.
///
/// Invariant: [`at`](Self::at) tells the registry of every place behind [`forget`](Self::forget) that is
/// of another input than a change of the registry; what no such place can ask for is not kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Registries {
    first: Arc<Registry>,
    /// Those after the first.
    later: Vec<Version>,
    /// No place up to this one is asked about; whoever keeps the log says so at each start.
    #[serde(skip)]
    forgotten: Position,
    /// The first of the newest changes that nothing else came between, if a change came last.
    #[serde(skip)]
    run: Option<Position>,
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
        Self { first, later: Vec::new(), forgotten: 0, run: None }
    }

    /// Returns the registry at the beginning of the log.
    pub(super) fn first(&self) -> &Arc<Registry> {
        &self.first
    }

    /// Returns the last place that is not asked about any more; 0 if there is none.
    pub(super) fn forgotten(&self) -> Position {
        self.forgotten
    }

    /// Takes the registry that holds from `position` on.
    pub(super) fn push(&mut self, position: Position, registry: Arc<Registry>) {
        let run = *self.run.get_or_insert(position);
        while self.later.last().is_some_and(|version| run <= version.since) {
            self.later.pop();
        }
        let (since, changed, past) = (position, position, Past::default());
        self.later.push(Version { since, registry, changed, past });
        self.drop_versions();
    }

    /// Takes entries that hold from `position` on.
    pub(super) fn change(&mut self, position: Position, entries: Vec<Entry>) {
        if self.later.is_empty() {
            self.push(position, Arc::clone(&self.first));
        }
        let run = *self.run.get_or_insert(position);
        let is_forgotten = position <= self.forgotten;
        let Some(Version { registry, changed, past, .. }) = self.later.last_mut() else { return };
        *changed = position;
        let registry = Arc::make_mut(registry);
        if is_forgotten {
            registry.extend(entries);
            return;
        }
        for entry in entries {
            registry.put((run, position), entry, past);
        }
    }

    /// Notes an input that is no change of the registry: its place may be asked about.
    pub(super) fn pass(&mut self) {
        self.run = None;
    }

    /// Lets go of what only places up to `position` could ask for. It moves forward only; what is asked
    /// about such a place all the same is answered as of `position`.
    pub(super) fn forget(&mut self, position: Position) {
        if position <= self.forgotten {
            return;
        }
        self.forgotten = position;
        self.drop_versions();
        for version in &mut self.later {
            version.past.forget(position);
        }
    }

    /// Returns the registry as of `position`.
    pub(super) fn at(&self, position: Position) -> Known<'_> {
        if self.later.is_empty() {
            return Known::from(&*self.first);
        }
        let position = position.max(self.forgotten);
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

    /// Drops the versions that were over when the first place came that is still asked about.
    fn drop_versions(&mut self) {
        let after = self.later.partition_point(|version| version.since <= self.forgotten);
        self.later.drain(..after.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};

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
        registries.pass();
        registries.change(7, vec![device("two"), device("three"), contact("q", &["t", "u"])]);
        registries.pass();
        registries.change(8, vec![Entry::Device(DeviceId::new("d").unwrap(), None)]);
        let whole = Registry::clone(registries.newest());
        registries.pass();
        registries.push(10, Arc::new(Registry::default()));
        registries.pass();
        registries.change(12, vec![device("four"), contact("p", &["t"])]);
        registries.pass();
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
        registries.pass();
        let team = Entry::Calendar("ev".into(), Some(calendar("team")));
        registries.change(5, vec![of_all("one"), team]);
        registries.pass();
        registries.change(7, vec![of_all("two"), Entry::Calendar("ev".into(), None)]);
        let cases = [(4, "built in", false), (5, "one", true), (6, "one", true), (7, "two", false)];
        for (place, revision, has_team) in cases {
            let registry = registries.at(place).registry();
            let found = (registry.calendar.revision(), registry.calendars.contains_key("ev"));
            assert_eq!(found, (revision, has_team), "case: {place}");
        }
    }

    /// What happens to a registry.
    #[derive(Clone, Debug)]
    enum Step {
        /// An input that asks, so many places on.
        Other(u64),
        Device(u8, Option<u8>),
        Contact(u8, Vec<u8>),
        Whole(u8),
        /// Nothing up to so many places back is asked about any more.
        Forget(u64),
        /// It is written down and read again, as at a start.
        Restart,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (1..4_u64).prop_map(Step::Other),
            4 => (0..3_u8, option::of(0..3_u8)).prop_map(|(id, model)| Step::Device(id, model)),
            3 => (0..3_u8, vec(0..3_u8, 0..3)).prop_map(|(id, tags)| Step::Contact(id, tags)),
            1 => (0..3_u8).prop_map(Step::Whole),
            1 => (0..20_u64).prop_map(Step::Forget),
            1 => Just(Step::Restart),
        ];
        vec(step, 0..60)
    }

    fn entry_of(step: &Step) -> Option<Entry> {
        match step {
            Step::Device(id, model) => {
                let device = model.map(|model| Device {
                    model: model.to_string().into(),
                    site: None,
                    account: None,
                    status: DeviceStatus::InService,
                });
                Some(Entry::Device(DeviceId::new(&id.to_string()).unwrap(), device))
            }
            Step::Contact(id, tags) => {
                let tags: Vec<_> = tags.iter().map(ToString::to_string).collect();
                let tags: Vec<_> = tags.iter().map(String::as_str).collect();
                Some(contact(&id.to_string(), &tags))
            }
            Step::Other(_) | Step::Whole(_) | Step::Forget(_) | Step::Restart => None,
        }
    }

    fn restarted(registries: &Registries) -> Registries {
        let bytes = postcard::to_allocvec(registries).unwrap();
        let mut read: Registries = postcard::from_bytes(&bytes).unwrap();
        read.forget(registries.forgotten());
        read
    }

    proptest! {
        #[test]
        fn what_is_forgotten_is_never_missed(steps in steps()) {
            let mut registries = Registries::new(Arc::default());
            // The model forgets nothing: the whole registry at each place that may be asked about.
            let (mut now, mut all, mut place) = (Registry::default(), BTreeMap::new(), 1);
            for step in steps {
                place += 1;
                match &step {
                    Step::Other(places) => {
                        place += places;
                        registries.pass();
                        all.insert(place, now.clone());
                    }
                    Step::Whole(seed) => {
                        now = Registry::default();
                        now.extend(entry_of(&Step::Device(*seed, Some(*seed))));
                        registries.push(place, Arc::new(now.clone()));
                    }
                    Step::Forget(back) => {
                        let until = place.saturating_sub(*back);
                        registries.forget(until);
                        all = all.split_off(&(until + 1));
                    }
                    Step::Restart => registries = restarted(&registries),
                    Step::Device(..) | Step::Contact(..) => {
                        let entry = entry_of(&step).unwrap();
                        now.extend([entry.clone()]);
                        registries.change(place, vec![entry]);
                    }
                }
                prop_assert_eq!(registries.newest(), &now);
                for (asked, then) in &all {
                    let found = registries.at(*asked);
                    prop_assert_eq!(&*found.registry(), then, "at {}", asked);
                }
            }
        }
    }

    #[test]
    fn a_hundred_thousand_changes_cost_what_can_be_asked_about() {
        let size = |registries: &Registries| postcard::to_allocvec(registries).unwrap().len();
        let grown = |has_events: bool| {
            let mut registries = Registries::new(Arc::default());
            for place in 1..=100_000_u64 {
                registries.change(place * 2, vec![device(&format!("model {}", place % 7))]);
                if has_events {
                    registries.pass();
                }
            }
            registries
        };
        let quiet = grown(false);
        assert!(size(&quiet) < 1_000, "nothing came between: {} bytes", size(&quiet));

        let mut busy = grown(true);
        let before = size(&busy);
        busy.forget(199_900);
        let after = size(&busy);
        assert!(after * 500 < before, "{before} bytes, then {after} bytes");
        assert_eq!(seen(busy.at(199_999)).0, "model 4");
        busy.forget(200_000);
        assert!(size(&busy) <= size(&quiet), "only what holds today");
    }
}
