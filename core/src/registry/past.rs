//! What entries of a registry were before they changed: one value a change, however large the registry.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Account, Attributes, Contact, Device, Registry, Site};
use crate::calendar::Calendar;
use crate::event::Position;
use crate::id::DeviceId;

/// What the entries of a registry were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Past {
    pub(super) devices: Before<DeviceId, Device>,
    pub(super) sites: Before<Box<str>, Site>,
    pub(super) accounts: Before<Box<str>, Account>,
    pub(super) contacts: Before<Box<str>, Contact>,
    pub(super) tags: Before<Box<str>, Box<str>>,
    pub(super) house: Before<(), Calendar>,
    pub(super) calendars: Before<Box<str>, Calendar>,
    pub(super) site_attributes: Before<Box<str>, Attributes>,
    pub(super) account_attributes: Before<Box<str>, Attributes>,
}

impl Past {
    /// Lets go of what was only before `position` or at it.
    pub(crate) fn forget(&mut self, position: Position) {
        self.devices.forget(position);
        self.sites.forget(position);
        self.accounts.forget(position);
        self.contacts.forget(position);
        self.tags.forget(position);
        self.house.forget(position);
        self.calendars.forget(position);
        self.site_attributes.forget(position);
        self.account_attributes.forget(position);
    }

    /// Makes `registry`, which is as of the last change, what it was at `position`.
    pub(super) fn take_back(&self, position: Position, registry: &mut Registry) {
        self.devices.take_back(position, &mut registry.devices);
        self.sites.take_back(position, &mut registry.sites);
        self.accounts.take_back(position, &mut registry.accounts);
        self.contacts.take_back(position, &mut registry.contacts);
        self.tags.take_back(position, &mut registry.tags);
        self.calendars.take_back(position, &mut registry.calendars);
        self.site_attributes.take_back(position, &mut registry.site_attributes);
        self.account_attributes.take_back(position, &mut registry.account_attributes);
        if let Some(Was(Some(before))) = self.house.find(&(), position) {
            registry.calendar = before.clone();
        }
    }
}

/// Values by key: for each change its place in the log, and the value before, if there was one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "K: Ord + Deserialize<'de>, V: Deserialize<'de>"))]
pub(super) struct Before<K, V>(BTreeMap<K, Vec<(Position, Option<V>)>>);

/// What was under a key, if anything was.
#[derive(Debug)]
pub(super) struct Was<'v, V>(pub(super) Option<&'v V>);

impl<K, V> Default for Before<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> Before<K, V> {
    /// Puts `value` under `key` in `values`, or takes it away, and remembers what was there until the
    /// later of the two places. Between them nothing but changes came.
    pub(super) fn put(
        &mut self,
        place: (Position, Position),
        values: &mut BTreeMap<K, V>,
        key: K,
        value: Option<V>,
    ) {
        if values.get(&key) == value.as_ref() {
            return;
        }
        let before = match value {
            Some(value) => values.insert(key.clone(), value),
            None => values.remove(&key),
        };
        self.note(place, key, before);
    }

    /// Remembers that `before` was under `key` until `position`. Between `run` and `position` nothing but
    /// changes came.
    pub(super) fn note(
        &mut self,
        (run, position): (Position, Position),
        key: K,
        before: Option<V>,
    ) {
        let changes = self.0.entry(key).or_default();
        // Of changes that nothing came between, what was before the first counts.
        if changes.last().is_none_or(|(at, _)| *at < run) {
            changes.push((position, before));
        }
    }

    fn forget(&mut self, position: Position) {
        self.0.retain(|_, changes| {
            let gone = changes.partition_point(|(at, _)| *at <= position);
            changes.drain(..gone);
            changes.shrink_to_fit();
            !changes.is_empty()
        });
    }

    fn take_back(&self, position: Position, values: &mut BTreeMap<K, V>) {
        for key in self.0.keys() {
            match self.find(key, position) {
                None => {}
                Some(Was(Some(before))) => drop(values.insert(key.clone(), before.clone())),
                Some(Was(None)) => drop(values.remove(key)),
            }
        }
    }

    /// Returns what was under `key` at `position`; `None` if that is what is there today.
    pub(super) fn find<Q: Ord + ?Sized>(&self, key: &Q, position: Position) -> Option<Was<'_, V>>
    where
        K: Borrow<Q>,
    {
        let changes = self.0.get(key)?;
        let next = changes.partition_point(|(at, _)| *at <= position);
        changes.get(next).map(|(_, before)| Was(before.as_ref()))
    }
}
