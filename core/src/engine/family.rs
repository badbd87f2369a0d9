//! The scopes of one kind: all devices, all accounts, all values of an attribute.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::history::History;
use super::key::Key;
use crate::event::Event;
use crate::intern::{Interner, Symbol};
use crate::registry::Registry;
use crate::rule::Scope;

/// All scopes of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Family {
    pub(super) per: Scope,
    /// By the numbers of the scopes' names.
    slots: Vec<Slot>,
    /// Whose events are counted under a scope that is not one device's, in order.
    devices: BTreeMap<Symbol, Vec<Symbol>>,
}

/// What is known of a scope.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Slot {
    /// Up to when everything was settled when its history was let go.
    #[serde(with = "crate::snapshot::time_if_any")]
    settled_at: Option<DateTime<Utc>>,
    history: Option<Box<History>>,
}

/// A scope: its family's place in the list, and its name's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Spot {
    pub(super) family: usize,
    pub(super) scope: Symbol,
}

impl Family {
    pub(super) fn new(per: Scope) -> Self {
        Self { per, slots: Vec::new(), devices: BTreeMap::new() }
    }

    /// Returns what `event` is counted under, by number; `device` is its device's.
    pub(super) fn scope_of(
        &self,
        event: &Event,
        device: Symbol,
        (registry, names): (&Registry, &mut Interner),
    ) -> Option<Symbol> {
        if self.per == Scope::Device {
            return Some(device);
        }
        self.per.of(event, registry).map(|scope| names.intern(&scope))
    }

    /// Notes that events of `device` are counted under `scope`.
    pub(super) fn note_device(&mut self, scope: Symbol, device: Symbol) {
        if self.per == Scope::Device {
            return;
        }
        let devices = self.devices.entry(scope).or_default();
        if let Err(at) = devices.binary_search(&device) {
            devices.insert(at, device);
        }
    }

    /// Returns whose events are counted under `scope`.
    pub(super) fn devices_of(&self, scope: Symbol) -> Vec<Symbol> {
        if self.per != Scope::Device {
            return self.devices.get(&scope).cloned().unwrap_or_default();
        }
        let slot = self.slots.get(scope.index());
        let was_seen = |slot: &&Slot| slot.settled_at.is_some() || slot.history.is_some();
        slot.filter(was_seen).map(|_| scope).into_iter().collect()
    }

    /// Returns the scopes that events of `device` were counted under.
    pub(super) fn scopes_with(&self, device: Symbol) -> Vec<Symbol> {
        if self.per == Scope::Device {
            return vec![device];
        }
        let has_it =
            |(_, devices): &(&Symbol, &Vec<Symbol>)| devices.binary_search(&device).is_ok();
        self.devices.iter().filter(has_it).map(|(scope, _)| *scope).collect()
    }

    /// Returns the history of `scope`, if it is kept.
    pub(super) fn get(&self, scope: Symbol) -> Option<&History> {
        self.slots.get(scope.index())?.history.as_deref()
    }

    /// Returns the history of `scope`, if it is kept.
    pub(super) fn get_mut(&mut self, scope: Symbol) -> Option<&mut History> {
        self.slots.get_mut(scope.index())?.history.as_deref_mut()
    }

    /// Returns the history of `scope`, which is made where there is none.
    pub(super) fn entry(&mut self, scope: Symbol) -> &mut History {
        let at = scope.index();
        if self.slots.len() <= at {
            self.slots.resize_with(at + 1, Slot::default);
        }
        #[expect(clippy::indexing_slicing, reason = "the list was just made long enough")]
        let Slot { settled_at, history } = &mut self.slots[at];
        history.get_or_insert_with(|| Box::new(History::behind(*settled_at)))
    }

    /// Lets go of the history of `scope` if nothing is left to know.
    pub(super) fn tidy(&mut self, scope: Symbol) {
        let Some(slot) = self.slots.get_mut(scope.index()) else { return };
        if let Some(spent) = slot.history.take_if(|history| history.is_spent()) {
            slot.settled_at = spent.recent().settled_at();
        }
    }

    /// Takes the keys of one rule out of all histories.
    pub(super) fn take_keys(&mut self, rule: usize) -> Vec<(Symbol, Key)> {
        let slots = self.slots.iter_mut().enumerate();
        let taken = slots.filter_map(|(at, slot)| {
            Some((Symbol::at(at), slot.history.as_mut()?.remove_key(rule)?))
        });
        taken.collect()
    }

    /// Returns all scopes whose history is kept.
    pub(super) fn kept(&self) -> impl Iterator<Item = (Symbol, &History)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(at, slot)| Some((Symbol::at(at), slot.history.as_deref()?)))
    }

    /// Returns a history for every scope that events were counted under, and whose they are where a
    /// scope is not one device's.
    pub(super) fn into_seen(
        self,
    ) -> (impl Iterator<Item = (Symbol, History)>, BTreeMap<Symbol, Vec<Symbol>>) {
        let slots = self.slots.into_iter().enumerate();
        let seen = slots.filter_map(|(at, Slot { settled_at, history })| {
            let spent = || settled_at.map(|at| History::behind(Some(at)));
            Some((Symbol::at(at), history.map(|history| *history).or_else(spent)?))
        });
        (seen, self.devices)
    }
}
