//! The check of open tasks: somebody can be reached for each.

use std::path::PathBuf;

use async_trait::async_trait;

use super::{Check, Outcome};
use crate::auth::person::Directory;
use crate::auth::sight::Sight;
use crate::cli::causes;
use crate::config::ConfigError;
use crate::config::store::StoreConfig;
use crate::registry;
use crate::registry::problem::RegistryError;
use crate::store::error::StoreError;
use crate::store::{Store, person, schema, task_owners};

/// Whether whoever has an open task is there, and each pool has somebody in it.
#[derive(Clone, Debug)]
pub(super) struct TasksCheck {
    /// Where tasks and people are.
    pub(super) store: StoreConfig,
    /// The folder of the registry, if one is set.
    pub(super) registry: Option<PathBuf>,
}

/// Owners that are named.
const NAMED_MAX: usize = 5;

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
enum TasksCheckError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

#[async_trait]
impl Check for TasksCheck {
    fn name(&self) -> &'static str {
        "tasks"
    }

    async fn run(&self) -> Outcome {
        if self.store.url.file().is_some_and(|file| !file.exists()) {
            return Outcome::ok("none yet");
        }
        match self.look().await {
            Ok(lost) if lost.is_empty() => Outcome::ok("somebody can be reached for each"),
            Ok(lost) => {
                let count: u64 = lost.iter().map(|(_, count)| count).sum();
                let named = lost.iter().take(NAMED_MAX);
                let named: Vec<_> =
                    named.map(|(owner, count)| format!("{owner} has {count}")).collect();
                let found = format!(
                    "{count} open ones are with nobody who can be reached: {}",
                    named.join(", ")
                );
                let advice =
                    "hand them over, let those people sign in, or put somebody in the team";
                Outcome::warn(found, advice)
            }
            // What is wrong with them, their own checks say.
            Err(error) => Outcome::warn(
                format!("not looked at: {}", causes::describe(&error)),
                "mend database and registry first",
            ),
        }
    }
}

impl TasksCheck {
    /// Returns owners of open tasks whom nobody can reach, with how many they have.
    async fn look(&self) -> Result<Vec<(String, u64)>, TasksCheckError> {
        let registry = self.registry.as_deref().map(registry::load).transpose()?;
        let registry = registry.unwrap_or_default();
        let store = Store::open(self.store.connection_url()?.expose()).await?;
        let found = async {
            schema::require_current(&store).await?;
            Ok((person::all(&store).await?, task_owners::of_open(&store, &Sight::All).await?))
        };
        let found: Result<_, StoreError> = found.await;
        store.close().await;
        let (people, owners) = found?;
        let directory = Directory { people: &people, registered: &registry.people };
        Ok(owners.into_iter().filter(|(owner, _)| !directory.is_reachable(owner)).collect())
    }
}
