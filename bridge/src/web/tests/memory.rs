//! A store in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use upturn_core::id::TaskId;

use crate::store::dead_letter::DeadLetter;
use crate::store::session::Session;
use crate::store::task_view::{
    DueFilter, OwnerFilter, TaskCounts, TaskCursor, TaskDetail, TaskFilter, TaskPage, TaskRow,
    TaskStatus, Today,
};
use crate::store::user::User;
use crate::web::reads::{ReadError, Reads};

/// What is stored.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) tasks: Mutex<Vec<TaskDetail>>,
    pub(super) letters: Mutex<Vec<DeadLetter>>,
    pub(super) users: Mutex<Vec<User>>,
    pub(super) sessions: Mutex<Vec<(String, Session)>>,
    /// What every question is answered with, if set: whether the trouble passes.
    pub(super) trouble: Mutex<Option<bool>>,
}

impl Memory {
    fn trouble(&self) -> Option<bool> {
        *self.trouble.lock().unwrap()
    }

    fn answer(&self) -> Result<(), ReadError> {
        match self.trouble() {
            None => Ok(()),
            Some(is_transient) => Err(ReadError {
                is_transient,
                source: "SELECT secret FROM /var/lib/upturn.db".into(),
            }),
        }
    }
}

fn has_owner(row: &TaskRow, owner: &OwnerFilter) -> bool {
    match owner {
        OwnerFilter::Anyone => true,
        OwnerFilter::Is(id) => row.owner == *id,
        OwnerFilter::Pools => row.owner.starts_with("pool:"),
    }
}

fn is_due(row: &TaskRow, due: DueFilter) -> bool {
    match due {
        DueFilter::Any => true,
        DueFilter::Before(end) => row.due_at.is_some_and(|at| at < end),
        DueFilter::Between(begin, end) => row.due_at.is_some_and(|at| begin <= at && at < end),
        DueFilter::FromOrNever(begin) => row.due_at.is_none_or(|at| begin <= at),
    }
}

fn place(row: &TaskRow) -> (i64, String) {
    (row.created_at.timestamp_millis(), row.id.as_str().to_owned())
}

#[async_trait]
impl Reads for Memory {
    async fn tasks(
        &self,
        filter: &TaskFilter,
        after: Option<&TaskCursor>,
        limit: u32,
    ) -> Result<TaskPage, ReadError> {
        self.answer()?;
        let mut rows: Vec<TaskRow> =
            self.tasks.lock().unwrap().iter().map(|task| task.row.clone()).collect();
        rows.retain(|row| {
            row.status == filter.status && has_owner(row, &filter.owner) && is_due(row, filter.due)
        });
        rows.sort_by_key(|row| std::cmp::Reverse(place(row)));
        rows.retain(|row| {
            after.is_none_or(|after| place(row) < (after.created_at, after.id.clone()))
        });
        let len = usize::try_from(limit).unwrap();
        let has_more = len < rows.len();
        rows.truncate(len);
        let next = rows.last().filter(|_| has_more).map(place);
        let next = next.map(|(created_at, id)| TaskCursor { created_at, id });
        Ok(TaskPage { rows, next })
    }

    async fn find_task(&self, id: &TaskId) -> Result<Option<TaskDetail>, ReadError> {
        self.answer()?;
        Ok(self.tasks.lock().unwrap().iter().find(|task| task.row.id == *id).cloned())
    }

    async fn task_counts(
        &self,
        owner: &OwnerFilter,
        today: Today,
    ) -> Result<TaskCounts, ReadError> {
        self.answer()?;
        let tasks = self.tasks.lock().unwrap();
        let count = |status, due| {
            let counted =
                |row: &&TaskRow| row.status == status && has_owner(row, owner) && is_due(row, due);
            let count = tasks.iter().map(|task| &task.row).filter(counted).count();
            u64::try_from(count).unwrap()
        };
        Ok(TaskCounts {
            all: count(TaskStatus::New, DueFilter::Any),
            overdue: count(TaskStatus::New, DueFilter::Before(today.now)),
            due_today: count(TaskStatus::New, DueFilter::Between(today.now, today.ends_at)),
            withdrawn: count(TaskStatus::Withdrawn, DueFilter::Any),
        })
    }

    async fn dead_letters(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, ReadError> {
        self.answer()?;
        let mut letters = self.letters.lock().unwrap().clone();
        letters.retain(|letter| before.is_none_or(|before| letter.id < before));
        letters.sort_by_key(|letter| std::cmp::Reverse(letter.id));
        letters.truncate(usize::try_from(limit).unwrap());
        Ok(letters)
    }

    async fn find_dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, ReadError> {
        self.answer()?;
        Ok(self.letters.lock().unwrap().iter().find(|letter| letter.id == id).cloned())
    }

    async fn dead_letter_count(&self) -> Result<u64, ReadError> {
        self.answer()?;
        Ok(u64::try_from(self.letters.lock().unwrap().len()).unwrap())
    }

    async fn find_user(&self, name: &str) -> Result<Option<User>, ReadError> {
        self.answer()?;
        Ok(self.users.lock().unwrap().iter().find(|user| user.name == name).cloned())
    }

    async fn has_users(&self) -> Result<bool, ReadError> {
        self.answer()?;
        Ok(!self.users.lock().unwrap().is_empty())
    }

    async fn create_session(&self, token_hash: &str, session: &Session) -> Result<(), ReadError> {
        self.answer()?;
        self.sessions.lock().unwrap().push((token_hash.to_owned(), session.clone()));
        Ok(())
    }

    async fn find_session(
        &self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, ReadError> {
        self.answer()?;
        let sessions = self.sessions.lock().unwrap();
        let found = sessions.iter().find(|(hash, _)| hash == token_hash);
        Ok(found.map(|(_, session)| session.clone()).filter(|session| now < session.expires_at))
    }

    async fn extend_session(
        &self,
        token_hash: &str,
        expires_at: DateTime<Utc>,
    ) -> Result<(), ReadError> {
        self.answer()?;
        for (hash, session) in self.sessions.lock().unwrap().iter_mut() {
            if hash == token_hash {
                session.expires_at = expires_at;
            }
        }
        Ok(())
    }

    async fn delete_session(&self, token_hash: &str) -> Result<(), ReadError> {
        self.answer()?;
        self.sessions.lock().unwrap().retain(|(hash, _)| hash != token_hash);
        Ok(())
    }
}
