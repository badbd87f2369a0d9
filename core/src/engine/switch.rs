//! Rules that change while the fold goes on.
//!
//! A new version of a rule folds the whole log so far, so that a device at two of three failures
//! is still at two; it makes no task of what it finds there, and takes over the episodes that the
//! version before left standing. The log is replayed through an engine of its own, whose keys then
//! move over.

use std::sync::Arc;

use super::key::Key;
use super::route::Parts;
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
        self.finish_replay(fresh, &mut Vec::new())
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
        fresh.forget_before(self.horizon, self.registries.forgotten());
        fresh
    }

    /// Takes over what the rules that come into force found in the log; says what it needs to go
    /// on.
    #[must_use]
    pub fn finish_replay(&mut self, mut fresh: Self, effects: &mut Vec<Effect>) -> Option<Need> {
        let Switch { position, coming } = self.switch.take()?;
        self.take_over_raw(&mut fresh);
        self.maintenance.take_over(&mut fresh.maintenance);
        self.desk.take_over_tickets(&mut fresh.desk);
        let mut old = Vec::with_capacity(coming.len());
        for (place, active) in &coming {
            old.push(self.take_keys(*place));
            if let Some(rule) = self.rules.get_mut(*place) {
                *rule = Some(active.clone());
            }
        }
        self.index();
        self.move_histories(fresh, &coming);
        for ((place, active), old) in coming.iter().zip(old) {
            self.adopt(position, (*place, active), old, effects);
        }
        self.count_arrivals();
        self.pass_deadlines(position, effects);
        self.need_recalled()
    }

    /// Moves the histories in `fresh`, with the keys of `coming` at the places those get.
    fn move_histories(&mut self, fresh: Self, coming: &[(usize, ActiveRule)]) {
        let place_of = |rule: usize| Some(coming.get(rule)?.0);
        for from in fresh.families {
            let known = self.families.iter().position(|family| family.per == from.per);
            let Some(to) = known else { continue };
            let (seen, devices) = from.into_seen();
            for (scope, history) in seen {
                let scope = self.names.intern(fresh.names.text(scope));
                let Parts { context, families, .. } = self.parts();
                let Some(family) = families.get_mut(to) else { continue };
                let own = family.entry(scope);
                own.join((context, to), history, place_of);
                let deadlines = own.keys().filter_map(|key| {
                    let active = context.rules.get(key.rule())?.as_ref()?;
                    Some((key.deadline(active)?, key.rule()))
                });
                let noted = deadlines.map(|(at, rule)| (at, Address { rule, scope }));
                let noted: Vec<_> = noted.collect();
                self.deadlines.extend(noted);
            }
            for (scope, devices) in devices {
                let scope = self.names.intern(fresh.names.text(scope));
                for device in devices {
                    let device = self.names.intern(fresh.names.text(device));
                    if let Some(family) = self.families.get_mut(to) {
                        family.note_device(scope, device);
                    }
                }
            }
        }
    }

    /// Takes the keys of the rule at `place` out, with their deadlines.
    fn take_keys(&mut self, place: usize) -> Vec<(Symbol, Key)> {
        let family = self.family_of.get(place).copied().flatten();
        let Some(family) = family.and_then(|family| self.families.get_mut(family)) else {
            return Vec::new();
        };
        let keys = family.take_keys(place);
        let active = self.rules.get(place).and_then(Option::as_ref);
        for (scope, key) in &keys {
            if let Some(deadline) = active.and_then(|active| key.deadline(active)) {
                self.deadlines.remove(&(deadline, Address { rule: place, scope: *scope }));
            }
        }
        keys
    }

    /// Hands what stood under the old version to the new one.
    fn adopt(
        &mut self,
        position: Position,
        (place, active): (usize, &ActiveRule),
        old: Vec<(Symbol, Key)>,
        effects: &mut Vec<Effect>,
    ) {
        let at = self.log_time;
        for (scope, old) in old {
            let address = Address { rule: place, scope };
            let Some(spot) = self.spot_at(address) else { continue };
            self.with(spot, (position, at), effects, |history, context, outcome| {
                history.adopt((context, active), (place, &old), outcome);
            });
        }
    }

    /// Takes the rule at `place` out of force; its tasks stay, its episodes close.
    fn retire(&mut self, place: usize, effects: &mut Vec<Effect>) {
        self.desk.close_rule(place, self.log_time, effects);
        self.take_keys(place);
        if let Some(rule) = self.rules.get_mut(place) {
            *rule = None;
        }
    }

    fn take_over_raw(&mut self, fresh: &mut Self) {
        if self.derives {
            return;
        }
        for (device, raw) in std::mem::take(&mut fresh.raw).into_iter().enumerate() {
            let name = fresh.names.text(Symbol::at(device));
            let symbol = self.names.intern(name);
            *slot(&mut self.raw, symbol) = raw;
        }
    }
}
