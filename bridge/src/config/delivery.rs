//! `[delivery]`: where destinations and routes are.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[delivery]`: where destinations and routes are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryConfig {
    /// A folder with `destinations/*.toml` and `routes/*.toml`. Default: none, nothing goes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
}
