//! The check of the database: there, ours to write, and of a schema we know.

use async_trait::async_trait;

use super::{Check, Outcome};
use crate::cli::causes;
use crate::config::ConfigError;
use crate::config::store::StoreConfig;
use crate::store::Store;
use crate::store::error::StoreError;

/// Whether the database can be opened and answers. Changes nothing in one that is there.
#[derive(Clone, Debug)]
pub(super) struct StoreCheck {
    /// Where it is.
    pub(super) config: StoreConfig,
}

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
enum StoreCheckError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
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
            Ok(()) => Outcome::ok("answers"),
            Err(error) => {
                let advice = "see that it runs, and check [store] url and password_file";
                Outcome::fail(causes::describe(&error), advice)
            }
        }
    }
}

impl StoreCheck {
    async fn ask(&self) -> Result<(), StoreCheckError> {
        let store = Store::open(self.config.connection_url()?.expose()).await?;
        let answer = store.check().await;
        store.close().await;
        Ok(answer?)
    }
}
