//! Rules that change while the fold goes on.
//!
//! A new version of a rule folds the whole log so far, so that a device at two of three failures
//! is still at two; it makes no task of what it finds there, and takes over the episodes that the
//! version before left standing. The log is replayed through an engine of its own, whose keys then
//! move over.

use std::sync::Arc;

use super::key::{Key, Work};
use super::{ActiveRule, Address, Engine, Need, is_in_force, slot};
use crate::effect::Effect;
use crate::event::Position;
use crate::intern::Symbol;

/// Rules that wait for the log to be replayed.
#[derive(Clone, Debug, Default)]
pub(super) struct Switch {
    position: Position,
    /// Versions that come into force, by the place they get.
    coming: Vec<(usize, ActiveRule)>,
}

impl Engine {
    /// Puts `rules` in force; all others are retired.
    pub(super) fn switch(
        &mut self,
        position: Position,
        rules: Vec<ActiveRule>,
        effects: &mut Vec<Effect>,
    ) -> Option<Need> {
        if self.is_replay {
            return None;
        }
        let mut coming = Vec::new();
        let mut staying = vec![false; self.rules.len()];
        for active in rules.into_iter().filter(is_in_force) {
            let known =
                |old: &Option<ActiveRule>| old.as_ref().is_some_and(|o| o.is_of_rule(&active));
            let place = self.rules.iter().position(known);
            let is_same = place.and_then(|place| self.rules.get(place)?.as_ref());
            if let Some(stays) = place.and_then(|place| staying.get_mut(place)) {
                *stays = true;
            }
            if !is_same.is_some_and(|old| old.is_version_of(&active)) {
                let place = place.unwrap_or_else(|| {
                    self.rules.push(None);
                    self.keys.push(Vec::new());
                    staying.push(true);
                    self.rules.len() - 1
                });
                coming.push((place, active));
            }
        }
        for (place, _) in staying.iter().enumerate().filter(|(_, stays)| !**stays) {
            self.retire(place, effects);
        }
        self.index();
        if coming.is_empty() {
            return None;
        }
        self.switch = Some(Switch { position, coming });
        if self.has_history {
            return Some(Need::Log);
        }
        let fresh = self.begin_replay();
        self.finish_replay(fresh, &mut Vec::new());
        None
    }

    /// Returns the engine that the log up to the switch is to be handled by; what it says follows
    /// is to be dropped.
    #[must_use]
    pub fn begin_replay(&self) -> Self {
        let coming = self.switch.iter().flat_map(|switch| &switch.coming);
        let rules = coming.map(|(_, active)| active.clone()).collect();
        let first = Arc::clone(self.registries.first());
        let mut fresh = Self::new(rules, first, self.memory);
        fresh.is_replay = true;
        fresh.forget_before(self.horizon);
        fresh
    }

    /// Takes over what the rules that come into force found in the log.
    pub fn finish_replay(&mut self, mut fresh: Self, effects: &mut Vec<Effect>) {
        let Some(Switch { position, coming }) = self.switch.take() else { return };
        self.take_over_raw(&mut fresh);
        self.maintenance.take_over(&mut fresh.maintenance);
        self.desk.take_over_tickets(&mut fresh.desk);
        for (from, (place, active)) in coming.into_iter().enumerate() {
            let old = self.keys.get_mut(place).map(std::mem::take).unwrap_or_default();
            if let Some(rule) = self.rules.get_mut(place) {
                *rule = Some(active.clone());
            }
            self.move_keys(&fresh, from, place);
            self.adopt(position, (place, &active), old, effects);
        }
        self.index();
        self.pass_deadlines(position, effects);
    }

    /// Moves the keys of the rule at `from` in `fresh` to `place`.
    fn move_keys(&mut self, fresh: &Self, from: usize, place: usize) {
        let keys = fresh.keys.get(from).map_or(&[][..], |keys| keys);
        for (scope, key) in keys.iter().enumerate() {
            let Some(key) = key else { continue };
            let name = fresh.scopes.text(Symbol::at(scope));
            let symbol = self.scopes.intern(name);
            let devices = &mut self.devices;
            let mut key = key.clone();
            key.rename_devices(|device| devices.intern(fresh.devices.text(device)));
            key.deadline = self.rules.get(place).and_then(|rule| key.next_deadline(rule.as_ref()?));
            if let Some(deadline) = key.deadline {
                self.deadlines.insert((deadline, Address { rule: place, scope: symbol }));
            }
            if let Some(keys) = self.keys.get_mut(place) {
                *slot(keys, symbol) = Some(key);
            }
        }
    }

    /// Hands what stood under the old version to the new one.
    fn adopt(
        &mut self,
        position: Position,
        (place, active): (usize, &ActiveRule),
        old: Vec<Option<Box<Key>>>,
        effects: &mut Vec<Effect>,
    ) {
        let at = self.log_time;
        for (scope, old) in old.into_iter().enumerate() {
            let Some(old) = old else { continue };
            let scope = Symbol::at(scope);
            let address = Address { rule: place, scope };
            if let Some(deadline) = old.deadline
                && old.next_deadline(active).is_none_or(|next| next != deadline)
            {
                self.deadlines.remove(&(deadline, address));
            }
            self.change(address, (position, at), effects, |key, work: &mut Work<'_>| {
                Some(key.adopt(work, &old))
            });
        }
    }

    /// Takes the rule at `place` out of force; its tasks stay, its episodes close.
    fn retire(&mut self, place: usize, effects: &mut Vec<Effect>) {
        self.desk.close_rule(place, self.log_time, effects);
        let Some(rule) = self.rules.get_mut(place) else { return };
        *rule = None;
        let keys = self.keys.get_mut(place).map(std::mem::take).unwrap_or_default();
        for (scope, key) in keys.into_iter().enumerate() {
            let address = Address { rule: place, scope: Symbol::at(scope) };
            if let Some(deadline) = key.and_then(|key| key.deadline) {
                self.deadlines.remove(&(deadline, address));
            }
        }
    }

    fn take_over_raw(&mut self, fresh: &mut Self) {
        if self.derives {
            return;
        }
        for (device, raw) in std::mem::take(&mut fresh.raw).into_iter().enumerate() {
            let name = fresh.devices.text(Symbol::at(device));
            let symbol = self.devices.intern(name);
            *slot(&mut self.raw, symbol) = raw;
        }
    }
}
