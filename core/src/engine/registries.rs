//! The registry as it was at each place in the log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Position;
use crate::registry::Registry;

/// All versions of the registry, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Registries {
    first: Arc<Registry>,
    /// Those after the first, and the place of each in the log.
    later: Vec<(Position, Arc<Registry>)>,
}

impl Registries {
    pub(super) fn new(first: Arc<Registry>) -> Self {
        Self { first, later: Vec::new() }
    }

    /// Returns the registry at the beginning of the log.
    pub(super) fn first(&self) -> &Arc<Registry> {
        &self.first
    }

    /// Takes the registry that holds from `position` on.
    pub(super) fn push(&mut self, position: Position, registry: Arc<Registry>) {
        self.later.push((position, registry));
    }

    /// Returns the registry as of `position`.
    pub(super) fn at(&self, position: Position) -> &Registry {
        if self.later.is_empty() {
            return &self.first;
        }
        let after = self.later.partition_point(|(since, _)| *since <= position);
        let newest = after.checked_sub(1).and_then(|at| self.later.get(at));
        newest.map_or(&self.first, |(_, registry)| registry)
    }

    /// Returns the registry of now.
    pub(super) fn newest(&self) -> &Registry {
        self.later.last().map_or(&self.first, |(_, registry)| registry)
    }
}
