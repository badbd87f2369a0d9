//! The way of an event: which scopes it is counted under, what it does to their keys, and what the
//! desk is told.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::context::{Context, Recents};
use super::desk::Scene;
use super::episode::{Change, Number};
use super::family::{Family, Spot};
use super::forget::Place;
use super::history::{Changed, History, Outcome};
use super::judge::Kind;
use super::key::{Live, Work};
use super::raw::RawChange;
use super::recall::Untold;
use super::recent::Placed;
use super::supply::Pending;
use super::{Address, Engine, slot};
use crate::effect::Effect;
use crate::event::{EventRef, Position};
use crate::intern::Symbol;

/// The engine in parts, of which one may change while others are read.
#[derive(Debug)]
pub(super) struct Parts<'e> {
    pub(super) context: Context<'e>,
    pub(super) families: &'e mut [Family],
    pub(super) numbers: &'e mut Number,
    pub(super) changed: &'e mut Vec<Changed>,
}

impl Engine {
    pub(super) fn parts(&mut self) -> Parts<'_> {
        let context = Context {
            rules: &self.rules,
            judge: &self.judge,
            registries: &self.registries,
            maintenance: &self.maintenance,
            log_time: self.log_time,
            horizon: self.horizon,
        };
        let (numbers, changed) = (&mut self.numbers, &mut self.changed);
        Parts { context, families: &mut self.families, numbers, changed }
    }

    /// Gives `event` to every rule that asks about it.
    pub(super) fn route(
        &mut self,
        event: &EventRef,
        kind: Kind,
        pending: &mut Pending,
        effects: &mut Vec<Effect>,
    ) {
        let groups = self.judge.groups_of(kind).len();
        let device = self.names.intern(event.device.as_str());
        for group in 0..groups {
            let Some(spot) = self.spot_of(event, device, (kind, group)) else { continue };
            let Parts { context, families, numbers, changed } = self.parts();
            let Some(group) = context.judge.groups_of(kind).get(group) else { continue };
            let Some(family) = families.get_mut(spot.family) else { continue };
            let mut outcome = Outcome { numbers, changed, effects };
            let placed = family.entry(spot.scope).take(context, group, event, &mut outcome);
            match placed {
                Placed::Before => pending.note(spot, event.occurred_at),
                Placed::Last | Placed::Amid => self.arrived(Place::Scope(spot), 1),
                Placed::Again => {}
            }
            self.tell(spot, (event.position, self.log_time), effects);
        }
    }

    /// Takes a raw message and gives what it derives to the rules.
    pub(super) fn observe_raw(
        &mut self,
        event: &EventRef,
        pending: &mut Pending,
        effects: &mut Vec<Effect>,
    ) {
        let device = self.names.intern(event.device.as_str());
        let raw = slot(&mut self.raw, device).get_or_insert_with(Box::default);
        let Some(mut changes) = raw.take(event) else {
            pending.is_raw = true;
            return;
        };
        self.arrived(Place::Raw(device), 1);
        if changes.len() == 1
            && let Some(RawChange::New(derived)) =
                changes.pop_if(|change| matches!(change, RawChange::New(_)))
        {
            if let Some(kind) = self.judge.find(&derived.kind) {
                self.route(&derived, kind, pending, effects);
            }
            return;
        }
        let mut edits: BTreeMap<Spot, (Vec<EventRef>, Vec<EventRef>)> = BTreeMap::new();
        for change in changes {
            let (RawChange::New(derived) | RawChange::Gone(derived)) = &change;
            let Some(kind) = self.judge.find(&derived.kind) else { continue };
            for group in 0..self.judge.groups_of(kind).len() {
                let Some(spot) = self.spot_of(derived, device, (kind, group)) else { continue };
                let (gone, new) = edits.entry(spot).or_default();
                match &change {
                    RawChange::New(_) => new.push(EventRef::clone(derived)),
                    RawChange::Gone(_) => gone.push(EventRef::clone(derived)),
                }
            }
        }
        for (spot, (gone, new)) in edits {
            let place = (event.position, self.log_time);
            let did = self.with(spot, place, effects, |history, context, outcome| {
                history.edit((context, spot.family), (&gone, &new), outcome)
            });
            if did == Some(false) {
                let touched = gone.iter().chain(&new).map(|event| event.occurred_at);
                touched.min().into_iter().for_each(|from| pending.note(spot, from));
            } else {
                self.arrived(Place::Scope(spot), new.len());
            }
        }
    }

    /// Lets every deadline that log time is beyond pass, in order.
    pub(super) fn pass_deadlines(&mut self, position: Position, effects: &mut Vec<Effect>) {
        while let Some((at, address)) = self.deadlines.first().copied()
            && at < self.log_time
        {
            let limit = at + TimeDelta::milliseconds(1);
            self.change(address, (position, at), effects, |key, work, _| {
                key.pass_until(work, limit)
            });
            // A key whose deadline did not move would be asked for ever.
            self.deadlines.remove(&(at, address));
        }
    }

    /// Lets `act` change one key, which is told what is recent.
    pub(super) fn change(
        &mut self,
        address: Address,
        place: (Position, DateTime<Utc>),
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Live, &mut Work<'_>, Recents<'_>) -> Vec<Change>,
    ) {
        let Some(spot) = self.spot_at(address) else { return };
        self.with(spot, place, effects, |history, context, outcome| {
            history.change(context, address.rule, outcome, act);
        });
    }

    /// Lets `act` change a scope's history.
    pub(super) fn with<T>(
        &mut self,
        spot: Spot,
        place: (Position, DateTime<Utc>),
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut History, Context<'_>, &mut Outcome<'_>) -> T,
    ) -> Option<T> {
        let Parts { context, families, numbers, changed } = self.parts();
        let family = families.get_mut(spot.family)?;
        let mut outcome = Outcome { numbers, changed, effects };
        let result = act(family.entry(spot.scope), context, &mut outcome);
        self.tell(spot, place, effects);
        Some(result)
    }

    /// Returns the scope of a key.
    pub(super) fn spot_at(&self, address: Address) -> Option<Spot> {
        let family = self.family_of.get(address.rule).copied().flatten()?;
        Some(Spot { family, scope: address.scope })
    }

    /// Returns the scope under which the rules of a group count `event`.
    pub(super) fn spot_of(
        &mut self,
        event: &EventRef,
        device: Symbol,
        (kind, group): (Kind, usize),
    ) -> Option<Spot> {
        let family = self.judge.groups_of(kind).get(group)?.family;
        let registry = self.registries.at(event.position);
        let of = self.families.get_mut(family)?;
        let scope = of.scope_of(event, device, (registry, &mut self.names))?;
        of.note_device(scope, device);
        Some(Spot { family, scope })
    }

    /// Tells the desk what changed in the keys of a scope, and notes their deadlines.
    fn tell(&mut self, spot: Spot, place: (Position, DateTime<Utc>), effects: &mut Vec<Effect>) {
        let mut all = std::mem::take(&mut self.changed);
        for changed in all.drain(..) {
            let Changed { rule, changes, old_deadline, deadline } = changed;
            let address = Address { rule, scope: spot.scope };
            if old_deadline != deadline {
                old_deadline.map(|old| self.deadlines.remove(&(old, address)));
                deadline.map(|next| self.deadlines.insert((next, address)));
            }
            if !changes.is_empty() {
                self.tell_or_wait(Untold { spot, rule, place, changes }, effects);
            }
        }
        // Its room is used again.
        self.changed = all;
    }

    /// Tells the desk what changed in a key.
    pub(super) fn tell_desk(&mut self, untold: Untold, effects: &mut Vec<Effect>) {
        let Untold { spot, rule, place: (position, at), changes } = untold;
        let Some(Some(active)) = self.rules.get(rule) else { return };
        let address = Address { rule, scope: spot.scope };
        let (registries, names) = (&self.registries, &self.names);
        let scene = Scene { position, at, registries, names };
        self.desk.take(scene, (address, active), changes, effects);
    }
}
