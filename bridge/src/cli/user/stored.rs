//! The users in the store.

use async_trait::async_trait;

use super::{Users, UsersError};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;
use crate::store::user::{self, NewUser};

/// The users in the configured database.
#[derive(Debug)]
pub(crate) struct StoredUsers<'c> {
    store: Store,
    clock: &'c dyn Clock,
}

impl<'c> StoredUsers<'c> {
    /// Opens the database that `config` names; one that is new is made.
    pub(crate) async fn open(config: &Config, clock: &'c dyn Clock) -> Result<Self, UsersError> {
        let store = Store::open(config.store.connection_url()?.expose()).await?;
        store.migrate().await?;
        Ok(Self { store, clock })
    }
}

#[async_trait]
impl Users for StoredUsers<'_> {
    async fn create(&self, name: &str, password_hash: &str) -> Result<bool, UsersError> {
        let created_at = self.clock.now();
        let new = NewUser { name, password_hash, language: None, created_at };
        Ok(user::create(&self.store, new).await?)
    }

    async fn set_password(&self, name: &str, password_hash: &str) -> Result<bool, UsersError> {
        Ok(user::set_password(&self.store, name, password_hash).await?)
    }
}
