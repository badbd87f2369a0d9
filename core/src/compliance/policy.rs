//! A policy: all documents on prices and approvals that are in force together.

use serde::{Deserialize, Serialize};

use super::approval::Approvers;
use super::delivery_risk::DeliveryRisk;
use super::price_band::PriceBands;
use super::process::Process;
use crate::digest::hash;

/// The documents in force. Without price bands, nothing is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The price bands, of one document.
    pub bands: Option<PriceBands>,
    /// Who may approve, of one document.
    pub approvers: Option<Approvers>,
    /// How deals go, each by a document of its own.
    pub processes: Vec<Process>,
    /// What makes deliveries doubtful, of one document.
    pub delivery_risk: Option<DeliveryRisk>,
}

impl Policy {
    /// Returns the digest that names this version of all documents together.
    pub fn digest(&self) -> String {
        hash(self)
    }

    /// Returns whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the process `id`; without one the only process there is.
    pub fn process(&self, id: Option<&str>) -> Option<&Process> {
        match (id, &*self.processes) {
            (Some(id), all) => all.iter().find(|process| process.id == id),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}
