//! What the web asks of the store.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use upturn_core::id::TaskId;

use crate::store::Store;
use crate::store::dead_letter::{self, DeadLetter};
use crate::store::error::StoreError;
use crate::store::session::{self, Session};
use crate::store::task_view::{
    self, OwnerFilter, TaskCounts, TaskCursor, TaskDetail, TaskFilter, TaskPage, Today,
};
use crate::store::user::{self, User};

/// The store as the web sees it: queries, and the sessions of those who ask.
#[async_trait]
pub(crate) trait Reads: Send + Sync + fmt::Debug {
    /// Returns at most `limit` tasks, newest first, from behind `after` on.
    async fn tasks(
        &self,
        filter: &TaskFilter,
        after: Option<&TaskCursor>,
        limit: u32,
    ) -> Result<TaskPage, ReadError>;
    /// Returns the task with `id`.
    async fn find_task(&self, id: &TaskId) -> Result<Option<TaskDetail>, ReadError>;
    /// Counts the tasks of `owner` by when they are due.
    async fn task_counts(&self, owner: &OwnerFilter, today: Today)
    -> Result<TaskCounts, ReadError>;

    /// Returns at most `limit` dead letters with an id below `before`, newest first.
    async fn dead_letters(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, ReadError>;
    /// Returns the dead letter with `id`.
    async fn find_dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, ReadError>;
    /// Counts the dead letters.
    async fn dead_letter_count(&self) -> Result<u64, ReadError>;

    /// Returns the user called `name`.
    async fn find_user(&self, name: &str) -> Result<Option<User>, ReadError>;
    /// Returns whether there is any user.
    async fn has_users(&self) -> Result<bool, ReadError>;

    /// Stores a new session.
    async fn create_session(&self, token_hash: &str, session: &Session) -> Result<(), ReadError>;
    /// Returns the session with `token_hash` unless it has expired by `now`.
    async fn find_session(
        &self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, ReadError>;
    /// Moves the end of a session to `expires_at`.
    async fn extend_session(
        &self,
        token_hash: &str,
        expires_at: DateTime<Utc>,
    ) -> Result<(), ReadError>;
    /// Ends a session.
    async fn delete_session(&self, token_hash: &str) -> Result<(), ReadError>;
}

/// Why the store gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("the store gave no answer")]
pub(crate) struct ReadError {
    /// Whether the same question may be answered in a moment.
    pub(crate) is_transient: bool,
    /// What the store said.
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self { is_transient: error.is_transient(), source: Box::new(error) }
    }
}

#[async_trait]
impl Reads for Store {
    async fn tasks(
        &self,
        filter: &TaskFilter,
        after: Option<&TaskCursor>,
        limit: u32,
    ) -> Result<TaskPage, ReadError> {
        Ok(task_view::page(self, filter, after, limit).await?)
    }

    async fn find_task(&self, id: &TaskId) -> Result<Option<TaskDetail>, ReadError> {
        Ok(task_view::find(self, id).await?)
    }

    async fn task_counts(
        &self,
        owner: &OwnerFilter,
        today: Today,
    ) -> Result<TaskCounts, ReadError> {
        Ok(task_view::counts(self, owner, today).await?)
    }

    async fn dead_letters(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, ReadError> {
        Ok(dead_letter::page(self, before, limit).await?)
    }

    async fn find_dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, ReadError> {
        Ok(dead_letter::find(self, id).await?)
    }

    async fn dead_letter_count(&self) -> Result<u64, ReadError> {
        Ok(dead_letter::count(self).await?)
    }

    async fn find_user(&self, name: &str) -> Result<Option<User>, ReadError> {
        Ok(user::find(self, name).await?)
    }

    async fn has_users(&self) -> Result<bool, ReadError> {
        Ok(user::any_exists(self).await?)
    }

    async fn create_session(&self, token_hash: &str, session: &Session) -> Result<(), ReadError> {
        Ok(session::create(self, token_hash, session).await?)
    }

    async fn find_session(
        &self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, ReadError> {
        Ok(session::find(self, token_hash, now).await?)
    }

    async fn extend_session(
        &self,
        token_hash: &str,
        expires_at: DateTime<Utc>,
    ) -> Result<(), ReadError> {
        Ok(session::extend(self, token_hash, expires_at).await?)
    }

    async fn delete_session(&self, token_hash: &str) -> Result<(), ReadError> {
        Ok(session::delete(self, token_hash).await?)
    }
}
