//! `[compliance]`: where the rules of the house on selling are.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[compliance]`: where price bands and approvals are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComplianceConfig {
    /// A folder with `*.toml`. Default: none, no price is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<PathBuf>,
}
