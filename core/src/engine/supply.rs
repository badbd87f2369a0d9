//! Folding from loaded history what lies before what is kept in memory.

use std::collections::{BTreeMap, BTreeSet};

use super::family::Spot;
use super::forget::Place;
use super::raw::Raw;
use super::{Engine, Memory, Need, slot};
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
    /// Scopes that could not place it.
    pub(super) spots: BTreeSet<Spot>,
    /// Whether every scope that its device's events are in must be folded again.
    pub(super) is_whole: bool,
    /// Whose events were asked for.
    asked: BTreeSet<Symbol>,
}

impl Pending {
    pub(super) fn new(position: Position, device: &DeviceId) -> Self {
        let (spots, asked) = (BTreeSet::new(), BTreeSet::new());
        Self { position, device: device.clone(), spots, is_whole: false, asked }
    }

    pub(super) fn whole(position: Position, device: &DeviceId) -> Self {
        Self { is_whole: true, ..Self::new(position, device) }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.is_whole && self.spots.is_empty()
    }
}

impl Engine {
    /// Notes what is pending and says which devices' events are needed for it.
    pub(super) fn begin_supply(&mut self, mut pending: Pending) -> Need {
        pending.asked.insert(self.names.intern(pending.device.as_str()));
        for spot in &pending.spots {
            pending.asked.extend(self.devices_of(*spot));
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

        let mut by_spot: BTreeMap<Spot, Vec<EventRef>> = BTreeMap::new();
        let mut targets = pending.spots.clone();
        for event in events {
            let is_own = pending.is_whole && event.device == pending.device;
            let device = self.names.intern(event.device.as_str());
            for group in 0..self.judge.groups(&event.kind).len() {
                let Some(spot) = self.spot_of(&event, device, group) else { continue };
                if is_own {
                    targets.insert(spot);
                }
                by_spot.entry(spot).or_default().push(EventRef::clone(&event));
            }
        }
        if pending.is_whole {
            targets.extend(self.spots_with(&pending.device));
        }
        let mut needed = pending.asked.clone();
        for spot in &targets {
            needed.extend(self.devices_of(*spot));
        }
        if needed != pending.asked {
            let need = self.need(&needed);
            self.pending = Some(Pending { spots: targets, asked: needed, ..pending });
            return Some(need);
        }
        if let Some(raw) = raw {
            let symbol = self.names.intern(pending.device.as_str());
            self.arrived(Place::Raw(symbol), raw.recent().iter().count());
            *slot(&mut self.raw, symbol) = Some(Box::new(raw));
        }
        let place = (pending.position, self.log_time);
        let horizon = match self.memory {
            Memory::Recent(recent) => Some(self.log_time - recent),
            Memory::All => None,
        };
        for spot in targets {
            let events = by_spot.remove(&spot).unwrap_or_default();
            let kept = self.with(spot, place, effects, |history, context, outcome| {
                history.rebuild((context, spot.family), &events, outcome);
                if let Some(horizon) = horizon {
                    history.settle_before(context, spot.family, horizon);
                }
                history.recent().iter().count()
            });
            self.arrived(Place::Scope(spot), kept.unwrap_or_default());
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

    pub(super) fn devices_of(&self, spot: Spot) -> Vec<Symbol> {
        self.families.get(spot.family).map(|of| of.devices_of(spot.scope)).unwrap_or_default()
    }

    /// Returns every scope with events of `device`.
    fn spots_with(&self, device: &DeviceId) -> Vec<Spot> {
        let Some(device) = self.names.find(device.as_str()) else { return Vec::new() };
        let families = self.families.iter().enumerate();
        let spots = families.flat_map(|(family, of)| {
            of.scopes_with(device).into_iter().map(move |scope| Spot { family, scope })
        });
        spots.collect()
    }

    fn need(&self, devices: &BTreeSet<Symbol>) -> Need {
        let name = |symbol: &Symbol| DeviceId::new(self.names.text(*symbol)).ok();
        Need::Devices(devices.iter().filter_map(name).collect())
    }
}
