//! Bells: whoever sends letters or plans is woken by the commit that brings them something to do.
//!
//! They ring within a process. What another one commits is found by whoever looks from time to time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// A bell for each destination that somebody listens for, and one for the planner. Copies share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bells {
    destinations: Arc<Mutex<BTreeMap<String, Arc<Notify>>>>,
    planner: Arc<Notify>,
}

impl Bells {
    /// Returns the bell of whoever plans stock: facts, or what was decided about advice, are others.
    pub(crate) fn planner(&self) -> &Notify {
        &self.planner
    }

    /// Returns the bell of `destination`. One ring is kept for a listener who is busy.
    pub(crate) fn of(&self, destination: &str) -> Arc<Notify> {
        let mut bells = self.destinations.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bells.entry(destination.to_owned()).or_default())
    }

    /// Rings for `destination`, if anybody listens for it.
    pub(crate) fn ring(&self, destination: &str) {
        let bells = self.destinations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(destination) {
            bell.notify_one();
        }
    }
}

/// Bells that ring once a transaction is committed.
#[derive(Debug)]
pub(super) struct Pending {
    bells: Bells,
    destinations: BTreeSet<String>,
}

impl Pending {
    pub(super) fn new(bells: &Bells) -> Self {
        Self { bells: bells.clone(), destinations: BTreeSet::new() }
    }

    /// Has the bell of `destination` ring after the commit.
    pub(super) fn add(&mut self, destination: &str) {
        if !self.destinations.contains(destination) {
            self.destinations.insert(destination.to_owned());
        }
    }

    pub(super) fn ring(self) {
        for destination in self.destinations {
            self.bells.ring(&destination);
        }
    }
}
