//! Folding from loaded history what lies before what is kept in memory.
//!
//! Only what is needed is asked for: from a time on at which no episode of the scope stood open,
//! and as far back from there as its patterns look. Where a pattern has no bound, or what is
//! counted is derived from raw messages, that is everything.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::family::Spot;
use super::forget::Place;
use super::history::{History, Restart};
use super::raw::Raw;
use super::route::Parts;
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
    /// Scopes to fold again, and from when on something changes in them.
    spots: BTreeMap<Spot, DateTime<Utc>>,
    /// From when on something changes in every scope that the device's events are in.
    everywhere_from: Option<DateTime<Utc>>,
    /// Whether the device's raw messages must be derived from again.
    pub(super) is_raw: bool,
    /// What was asked for.
    asked: Asked,
}

/// Whose events are needed, and from when on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    devices: BTreeSet<Symbol>,
    since: DateTime<Utc>,
}

impl Pending {
    /// Returns what is pending because of an event of `device`: nothing yet.
    pub(super) fn new(position: Position, device: &DeviceId) -> Self {
        let (spots, everywhere_from, asked) = (BTreeMap::new(), None, Asked::default());
        Self { position, device: device.clone(), spots, everywhere_from, is_raw: false, asked }
    }

    /// Returns what is pending because of `marker`, from which on all of its device's events may
    /// be something else.
    pub(super) fn marked(position: Position, marker: &Event) -> Self {
        let everywhere_from = Some(marker.occurred_at);
        Self { everywhere_from, ..Self::new(position, &marker.device) }
    }

    /// Notes that something changes in a scope at `from`.
    pub(super) fn note(&mut self, spot: Spot, from: DateTime<Utc>) {
        let first = self.spots.entry(spot).or_insert(from);
        *first = from.min(*first);
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.is_raw && self.everywhere_from.is_none() && self.spots.is_empty()
    }

    /// Returns from when on something changes in every scope of the device.
    fn own_from(&self) -> Option<DateTime<Utc>> {
        if self.is_raw { Some(DateTime::<Utc>::MIN_UTC) } else { self.everywhere_from }
    }
}

impl Engine {
    /// Notes what is pending and says which devices' events are needed for it.
    pub(super) fn begin_supply(&mut self, mut pending: Pending) -> Need {
        self.names.intern(pending.device.as_str());
        if let Some(from) = pending.own_from() {
            for spot in self.spots_with(&pending.device) {
                pending.note(spot, from);
            }
        }
        pending.asked = self.ask(&pending);
        let need = self.need(&pending.asked);
        self.pending = Some(pending);
        need
    }

    /// Takes the events that were asked for and appends what follows to `effects`; asks for more
    /// where they are not all that is needed.
    #[must_use]
    pub fn supply(
        &mut self,
        history: Vec<(Position, Event)>,
        effects: &mut Vec<Effect>,
    ) -> Option<Need> {
        let Some(mut pending) = self.pending.take() else {
            self.recall(history, effects);
            return self.need_recalled();
        };
        let mut events: Vec<EventRef> = Vec::with_capacity(history.len());
        for (position, mut event) in history {
            event.position = position;
            events.push(EventRef::new(event));
        }
        events.sort_by(|one, other| one.order().cmp(&other.order()));
        events.dedup_by(|one, other| one.position == other.position);
        let raw = self.derive_all(&pending, &mut events);
        let by_spot = self.by_spot(&mut pending, events);
        let needed = self.ask(&pending);
        if needed != pending.asked {
            let need = self.need(&needed);
            self.pending = Some(Pending { asked: needed, ..pending });
            return Some(need);
        }
        if let Some(raw) = raw {
            let symbol = self.names.intern(pending.device.as_str());
            self.arrived(Place::Raw(symbol), raw.recent().iter().count());
            *slot(&mut self.raw, symbol) = Some(Box::new(raw));
        }
        self.fold_loaded(&pending, by_spot, effects);
        self.pass_deadlines(pending.position, effects);
        self.need_recalled()
    }

    /// Returns `events` by the scopes they are counted under; notes those that are pending because
    /// of them.
    fn by_spot(
        &mut self,
        pending: &mut Pending,
        events: Vec<EventRef>,
    ) -> BTreeMap<Spot, Vec<EventRef>> {
        let mut by_spot: BTreeMap<Spot, Vec<EventRef>> = BTreeMap::new();
        let everywhere = pending.own_from();
        for event in events {
            let device = self.names.intern(event.device.as_str());
            let Some(kind) = self.judge.find(&event.kind) else { continue };
            for group in 0..self.judge.groups_of(kind).len() {
                let Some(spot) = self.spot_of(&event, device, (kind, group)) else { continue };
                if let Some(from) = everywhere.filter(|_| event.device == pending.device) {
                    pending.note(spot, from);
                }
                by_spot.entry(spot).or_default().push(EventRef::clone(&event));
            }
        }
        by_spot
    }

    /// Folds the histories that are pending again.
    fn fold_loaded(
        &mut self,
        pending: &Pending,
        mut by_spot: BTreeMap<Spot, Vec<EventRef>>,
        effects: &mut Vec<Effect>,
    ) {
        let place = (pending.position, self.log_time);
        let horizon = match self.memory {
            Memory::Recent(recent) => Some(self.log_time - recent),
            Memory::All => None,
        };
        for (spot, from) in &pending.spots {
            let mut events = by_spot.remove(spot).unwrap_or_default();
            let restart = self.restart(*spot, *from);
            let since = restart.map(|restart| restart.since).max(self.horizon);
            events.retain(|event| since.is_none_or(|since| since <= event.occurred_at));
            let kept = self.with(*spot, place, effects, |history, context, outcome| {
                history.rebuild((context, spot.family), (&events, restart), outcome);
                if let Some(horizon) = horizon {
                    history.settle_before(context, spot.family, horizon);
                }
                history.recent().iter().count()
            });
            self.arrived(Place::Scope(*spot), kept.unwrap_or_default());
        }
    }

    /// Adds what is derived to `events`; returns the state of the device after its own raw
    /// messages, where those are all there.
    fn derive_all(&self, pending: &Pending, events: &mut Vec<EventRef>) -> Option<Raw> {
        if !self.derives || pending.asked.since != DateTime::<Utc>::MIN_UTC {
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
            if of == pending.device {
                own = Some(raw);
            }
        }
        events.sort_by(|one, other| one.order().cmp(&other.order()));
        own
    }

    /// Returns from where on a scope can be folded again if something changes at `from`.
    fn restart(&mut self, spot: Spot, from: DateTime<Utc>) -> Option<Restart> {
        if from == DateTime::<Utc>::MIN_UTC || self.judge.asks(spot.family, Derivation::makes) {
            return None;
        }
        let Parts { context, families, .. } = self.parts();
        let history = families.get(spot.family)?.get(spot.scope);
        let empty = History::default();
        history.unwrap_or(&empty).restart_at((context, spot.family), from)
    }

    /// Returns what is needed for all that is pending.
    fn ask(&mut self, pending: &Pending) -> Asked {
        let own = self.names.find(pending.device.as_str());
        let mut devices: BTreeSet<Symbol> = own.into_iter().collect();
        // Where no scope is known yet, what the device sent since then will name them.
        let mut since = pending.own_from().unwrap_or(DateTime::<Utc>::MAX_UTC);
        for (spot, from) in &pending.spots {
            devices.extend(self.devices_of(*spot));
            let restart = self.restart(*spot, *from);
            since = since.min(restart.map_or(DateTime::<Utc>::MIN_UTC, |restart| restart.since));
        }
        Asked { devices, since }
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

    fn need(&self, asked: &Asked) -> Need {
        let name = |symbol: &Symbol| DeviceId::new(self.names.text(*symbol)).ok();
        Need::Devices(asked.devices.iter().filter_map(name).collect(), asked.since)
    }
}
