//! A policy: all documents on prices and approvals that are in force together.

use super::approval::Approvers;
use super::delivery_risk::DeliveryRisk;
use super::price_band::PriceBands;
use super::process::Process;

/// The documents in force. Without price bands, nothing is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
