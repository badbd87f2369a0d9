//! `[stock]`: where the document is that says how stock is planned.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[stock]`: how stock is planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StockConfig {
    /// A stocking document. Default: none, no stock is planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<PathBuf>,
}
