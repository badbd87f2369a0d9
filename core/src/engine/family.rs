//! The scopes of one kind: all devices, all accounts, all values of an attribute.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::history::History;
use super::key::Key;
use crate::event::Event;
use crate::intern::{Interner, Symbol};
use crate::registry::known::Known;
use crate::rule::Scope;

/// All scopes of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Family {
    pub(super) per: Scope,
    /// By the numbers of the scopes' names.
    histories: Vec<History>,
    /// Whose events are counted under a scope that is not one device's, in order.
    devices: BTreeMap<Symbol, Vec<Symbol>>,
}

/// A scope: its family's place in the list, and its name's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Spot {
    pub(super) family: usize,
    pub(super) scope: Symbol,
}

impl Family {
    pub(super) fn new(per: Scope) -> Self {
        Self { per, histories: Vec::new(), devices: BTreeMap::new() }
    }

    /// Returns what `event` is counted under, by number; `device` is its device's.
    pub(super) fn scope_of(
        &self,
        event: &Event,
        device: Symbol,
        (registry, names): (Known<'_>, &mut Interner),
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
        let was_seen = self.get(scope).is_some_and(History::was_seen);
        was_seen.then_some(scope).into_iter().collect()
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
        self.histories.get(scope.index())
    }

    /// Returns the history of `scope`, if it is kept.
    pub(super) fn get_mut(&mut self, scope: Symbol) -> Option<&mut History> {
        self.histories.get_mut(scope.index())
    }

    /// Returns the history of `scope`, which is made where there is none.
    pub(super) fn entry(&mut self, scope: Symbol) -> &mut History {
        let at = scope.index();
        if self.histories.len() <= at {
            self.histories.resize_with(at + 1, History::default);
        }
        #[expect(clippy::indexing_slicing, reason = "the list was just made long enough")]
        &mut self.histories[at]
    }

    /// Takes the keys of one rule out of all histories.
    pub(super) fn take_keys(&mut self, rule: usize) -> Vec<(Symbol, Key)> {
        let histories = self.histories.iter_mut().enumerate();
        let taken =
            histories.filter_map(|(at, history)| Some((Symbol::at(at), history.remove_key(rule)?)));
        taken.collect()
    }

    /// Returns all scopes of which something is known.
    pub(super) fn kept(&self) -> impl Iterator<Item = (Symbol, &History)> {
        let histories = self.histories.iter().enumerate();
        let kept = histories.filter(|(_, history)| !history.is_spent());
        kept.map(|(at, history)| (Symbol::at(at), history))
    }

    /// Returns a history for every scope that events were counted under, and whose they are where a
    /// scope is not one device's.
    pub(super) fn into_seen(
        self,
    ) -> (impl Iterator<Item = (Symbol, History)>, BTreeMap<Symbol, Vec<Symbol>>) {
        let histories = self.histories.into_iter().enumerate();
        let seen = histories.filter(|(_, history)| history.was_seen());
        (seen.map(|(at, history)| (Symbol::at(at), history)), self.devices)
    }
}
