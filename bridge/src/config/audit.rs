//! `[audit]`: what becomes of the trail of who changed what.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[audit]`: what becomes of the trail of who changed what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditConfig {
    /// A file outside the database that the end of the trail is noted in, at each start and once a
    /// day. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) head_file: Option<PathBuf>,
}
