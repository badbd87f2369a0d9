//! Which devices are being worked on, as service events say, in event time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventRef};
use crate::id::DeviceId;
use crate::registry::known::Known;

pub(super) const STARTED: &str = "maintenance_started";
pub(super) const ENDED: &str = "maintenance_ended";

/// The markers of each device, in event order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Maintenance {
    is_minded: bool,
    by_device: BTreeMap<DeviceId, Vec<EventRef>>,
}

impl Maintenance {
    /// Returns whether events of `kind` are markers.
    pub(super) fn reads(kind: &str) -> bool {
        matches!(kind, STARTED | ENDED)
    }

    /// Says whether any rule looks.
    pub(super) fn mind(&mut self, is_minded: bool) {
        self.is_minded = is_minded;
    }

    /// Returns whether any rule looks.
    pub(super) fn is_minded(&self) -> bool {
        self.is_minded
    }

    /// Takes over what another has noted, unless this one has been noting all along.
    pub(super) fn take_over(&mut self, other: &mut Self) {
        if !self.is_minded {
            self.by_device = std::mem::take(&mut other.by_device);
        }
    }

    /// Takes a marker, early or late.
    pub(super) fn note(&mut self, event: &EventRef) {
        let markers = self.by_device.entry(event.device.clone()).or_default();
        if let Err(at) = markers.binary_search_by(|each| each.order().cmp(&event.order())) {
            markers.insert(at, EventRef::clone(event));
        }
    }

    /// Returns whether `event` says nothing about a customer: its device was being worked on, or it
    /// is a trial.
    pub(super) fn leaves_out(&self, event: &Event, registry: Known<'_>) -> bool {
        self.covers(event) || registry.is_trial(event)
    }

    /// Returns whether the device of `event` was being worked on when it happened.
    fn covers(&self, event: &Event) -> bool {
        let Some(markers) = self.by_device.get(&event.device) else { return false };
        let before = markers.partition_point(|marker| marker.order() < event.order());
        let newest = before.checked_sub(1).and_then(|at| markers.get(at));
        newest.is_some_and(|marker| &*marker.kind == STARTED)
    }
}
