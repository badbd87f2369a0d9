//! Decoding: a message's topic and bytes become events. Stateless; nothing is looked up.

use serde::{Deserialize, Serialize};

pub mod topic;

/// The payload formats that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One JSON object an event, in Upturn's own words.
    Native,
    /// OCPP 1.6 JSON calls, as a gateway publishes them.
    Ocpp16,
}
