//! A policy: all documents on prices and approvals that are in force together.

use super::approval::Approvers;
use super::price_band::PriceBands;

/// The documents in force. Without price bands, nothing is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The price bands, of one document.
    pub bands: Option<PriceBands>,
    /// Who may approve, of one document.
    pub approvers: Option<Approvers>,
}
