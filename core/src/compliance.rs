//! Rules of the house on selling: who may offer which price, who allows more, which steps a deal takes.
//!
//! All of it is pure: documents and facts in, verdicts out. Who acts and when comes in with the call.

pub mod approval;
pub mod delivery_risk;
pub mod document;
pub mod funnel;
pub mod policy;
pub mod price_band;
pub mod process;
pub mod report;
