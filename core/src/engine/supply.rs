//! Folding from loaded history what lies before what is kept in memory.

use std::collections::{BTreeMap, BTreeSet};

use super::raw::Raw;
use super::track::Entry;
use super::{Address, Engine, Need, slot};
use crate::derive::Derivation;
use crate::effect::Effect;
use crate::event::{Event, EventRef, Position};
use crate::id::DeviceId;
use crate::intern::Symbol;

/// What has to be folded from loaded history.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    position: Position,
    /// Whose event it was.
    device: DeviceId,
    /// Keys that could not place it.
    pub(super) keys: BTreeSet<Address>,
    /// Whether every key that its device's events are in must be folded again.
    pub(super) is_whole: bool,
    /// Whose events were asked for.
    asked: BTreeSet<Symbol>,
}

impl Pending {
    pub(super) fn new(position: Position, device: &DeviceId) -> Self {
        let (keys, asked) = (BTreeSet::new(), BTreeSet::new());
        Self { position, device: device.clone(), keys, is_whole: false, asked }
    }

    pub(super) fn whole(position: Position, device: &DeviceId) -> Self {
        Self { is_whole: true, ..Self::new(position, device) }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.is_whole && self.keys.is_empty()
    }
}

impl Engine {
    /// Notes what is pending and says which devices' events are needed for it.
    pub(super) fn begin_supply(&mut self, mut pending: Pending) -> Need {
        pending.asked.insert(self.devices.intern(pending.device.as_str()));
        for address in &pending.keys {
            pending.asked.extend(self.devices_of(*address));
        }
        let need = self.need(&pending.asked);
        self.pending = Some(pending);
        need
    }

    /// Folds the events of the devices that were asked for, and appends the difference to
    /// `effects`; asks for more where they are not all that is needed.
    #[must_use]
    pub fn supply(
        &mut self,
        history: Vec<(Position, Event)>,
        effects: &mut Vec<Effect>,
    ) -> Option<Need> {
        let pending = self.pending.take()?;
        let mut events: Vec<EventRef> = Vec::with_capacity(history.len());
        for (position, mut event) in history {
            event.position = position;
            events.push(EventRef::new(event));
        }
        events.sort_by(|one, other| one.order().cmp(&other.order()));
        events.dedup_by(|one, other| one.position == other.position);
        let raw = self.derive_all(&pending.device, &mut events);

        let mut by_key: BTreeMap<Address, Vec<Entry>> = BTreeMap::new();
        let mut whose: BTreeMap<Address, BTreeSet<Symbol>> = BTreeMap::new();
        let mut targets = pending.keys.clone();
        for event in &events {
            let is_own = pending.is_whole && event.device == pending.device;
            let device = self.devices.intern(event.device.as_str());
            for (address, entry) in self.entries_of(event, &mut Vec::new()) {
                by_key.entry(address).or_default().push(entry);
                whose.entry(address).or_default().insert(device);
                if is_own {
                    targets.insert(address);
                }
            }
        }
        if pending.is_whole {
            targets.extend(self.keys_with(&pending.device));
        }
        let mut needed = pending.asked.clone();
        for address in &targets {
            needed.extend(self.devices_of(*address));
        }
        if needed != pending.asked {
            let need = self.need(&needed);
            self.pending = Some(Pending { keys: targets, asked: needed, ..pending });
            return Some(need);
        }
        if let Some(raw) = raw {
            let symbol = self.devices.intern(pending.device.as_str());
            *slot(&mut self.raw, symbol) = Some(Box::new(raw));
        }
        let place = (pending.position, self.log_time);
        for address in targets {
            let entries = by_key.remove(&address).unwrap_or_default();
            let devices = whose.remove(&address).unwrap_or_default();
            self.change(address, place, effects, |key, work| {
                for device in devices {
                    key.belongs_to(device);
                }
                Some(key.rebuild(work, entries))
            });
        }
        self.pass_deadlines(pending.position, effects);
        None
    }

    /// Adds what is derived to `events`; returns the state of `device` after its own.
    fn derive_all(&self, device: &DeviceId, events: &mut Vec<EventRef>) -> Option<Raw> {
        if !self.derives {
            return None;
        }
        let mut by_device: BTreeMap<DeviceId, Vec<EventRef>> = BTreeMap::new();
        for event in events.iter().filter(|event| Derivation::reads(&event.kind)) {
            by_device.entry(event.device.clone()).or_default().push(EventRef::clone(event));
        }
        let mut own = None;
        for (of, messages) in by_device {
            let (raw, derived) = Raw::rebuilt(messages.into_iter());
            events.extend(derived);
            if of == *device {
                own = Some(raw);
            }
        }
        events.sort_by(|one, other| one.order().cmp(&other.order()));
        own
    }

    pub(super) fn devices_of(&self, address: Address) -> impl Iterator<Item = Symbol> {
        let key = self.keys.get(address.rule).and_then(|keys| keys.get(address.scope.index()));
        let key = key.and_then(Option::as_ref);
        key.map_or(&[][..], |key| key.devices()).iter().copied()
    }

    /// Returns every key with events of `device`. It looks at all of them: only for what is rare.
    fn keys_with(&self, device: &DeviceId) -> Vec<Address> {
        let Some(device) = self.devices.find(device.as_str()) else { return Vec::new() };
        let mut found = Vec::new();
        for (rule, keys) in self.keys.iter().enumerate() {
            for (scope, key) in keys.iter().enumerate() {
                let has_it = |key: &super::Key| key.devices().binary_search(&device).is_ok();
                if key.as_deref().is_some_and(has_it) {
                    found.push(Address { rule, scope: Symbol::at(scope) });
                }
            }
        }
        found
    }

    fn need(&self, devices: &BTreeSet<Symbol>) -> Need {
        let name = |symbol: &Symbol| DeviceId::new(self.devices.text(*symbol)).ok();
        Need::Devices(devices.iter().filter_map(name).collect())
    }
}
