//! Secrets that a setting names a file for.

use std::path::Path;

pub(crate) use upturn_connectors::secret::{MASK, Secret};

use super::ConfigError;

/// Reads the secret in the file at `path`.
pub(crate) fn read(path: &Path) -> Result<Secret, ConfigError> {
    Secret::read(path).map_err(|source| ConfigError::Secret { path: path.into(), source })
}
