//! The check of the database: there, ours to write, and of a schema we know.

use async_trait::async_trait;

use super::{Check, Outcome};
use crate::cli::causes;
use crate::config::ConfigError;
use crate::config::store::StoreConfig;
use crate::store::error::StoreError;
use crate::store::{Store, retention, schema};

/// Whether the database can be opened and answers. Changes nothing in one that is there.
#[derive(Clone, Debug)]
pub(super) struct StoreCheck {
    /// Where it is.
    pub(super) config: StoreConfig,
    /// Above how many bytes a person should look.
    pub(super) alarm_above_bytes: u64,
}

const MIB: u64 = 1024 * 1024;

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
enum StoreCheckError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoreCheckError {
    fn advice(&self) -> &'static str {
        match self {
            Self::Store(StoreError::NotADatabase { .. } | StoreError::Damaged(_)) => {
                "keep a copy of the file; name a new one in [store] url and fill it from a backup \
                 with `upturn restore`"
            }
            Self::Store(StoreError::Foreign(_)) => "name a file of Upturn's own in [store] url",
            Self::Store(StoreError::SchemaTooNew { .. }) => "run the newer upturn",
            Self::Config(_) | Self::Store(_) => {
                "see that it runs, and check [store] url and password_file"
            }
        }
    }
}

#[async_trait]
impl Check for StoreCheck {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn run(&self) -> Outcome {
        if self.config.url.file().is_some_and(|file| !file.exists()) {
            return Outcome::ok("not made yet; the first start makes it");
        }
        match self.ask().await {
            Ok(bytes) => self.judge_size(bytes),
            Err(error) => Outcome::fail(causes::describe(&error), error.advice()),
        }
    }
}

impl StoreCheck {
    /// Returns how many bytes are in use.
    async fn ask(&self) -> Result<u64, StoreCheckError> {
        let store = Store::open(self.config.connection_url()?.expose()).await?;
        let answer = look(&store).await;
        store.close().await;
        Ok(answer?)
    }

    fn judge_size(&self, bytes: u64) -> Outcome {
        let found = format!("answers; {} MiB in use", bytes / MIB);
        if bytes <= self.alarm_above_bytes {
            return Outcome::ok(found);
        }
        let advice = "see to the disk, keep events for a shorter time by [retention] events, or \
                      raise [retention] alarm_above_mib";
        Outcome::warn(found, advice)
    }
}

async fn look(store: &Store) -> Result<u64, StoreError> {
    store.check().await?;
    match schema::require_current(store).await {
        // The next start brings it up to date.
        Ok(()) | Err(StoreError::SchemaTooOld { .. }) => retention::size(store).await,
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_large_database_is_a_warning() {
        let config = StoreConfig::default();
        let check = StoreCheck { config, alarm_above_bytes: 10 * MIB };
        assert_eq!(check.judge_size(10 * MIB), Outcome::ok("answers; 10 MiB in use"));
        let large = check.judge_size(10 * MIB + 1);
        assert_eq!(large.verdict, Verdict::Warn, "{large:?}");
    }
}
