//! The claim: one active process on a database, the others stand by.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::address::{Address, shown};
use super::error::StoreError;
use super::{Backend, answer, postgres, sqlite};

/// The number of the advisory lock; the letters are `upturn`. Locks are per database.
const LOCK: i64 = 0x75_70_74_75_72_6e;

/// Settings by which the server soon notices that this machine is gone, and frees the lock, but
/// never takes the session for idle.
const NOTICE_LOSS: [(&str, &str); 5] = [
    ("idle_session_timeout", "0"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "15s"),
];

/// The right to be the one active process; given back when dropped, also by a crash.
///
/// It keeps two processes from trying; that they cannot harm each other is the work of
/// [`super::cursor::advance`].
#[derive(Debug)]
pub(crate) struct Claim(Backend<LockedFile, PgConnection>);

/// A file that stays locked as long as it is open.
#[derive(Debug)]
struct LockedFile {
    _file: File,
}

impl Claim {
    /// Takes the claim on the SQLite file at `path`.
    pub(super) fn on_file(path: &Path) -> Result<Self, StoreError> {
        lock_file(path).map(|file| Self(Backend::Sqlite(file)))
    }

    /// Takes the claim on the database that `server` names.
    pub(super) async fn on_server(server: &PgConnectOptions) -> Result<Self, StoreError> {
        lock_session(server).await.map(|session| Self(Backend::Postgres(session)))
    }

    /// Returns an error if the claim was lost: a PostgreSQL session can end under us.
    pub(crate) async fn check(&mut self) -> Result<(), StoreError> {
        match &mut self.0 {
            Backend::Sqlite(_) => Ok(()),
            Backend::Postgres(session) => {
                answer(session.ping()).await.map_err(|cause| StoreError::ClaimLost(Box::new(cause)))
            }
        }
    }
}

fn lock_file(database: &Path) -> Result<LockedFile, StoreError> {
    let path = path_of_lock(database);
    let not_writable = |source| StoreError::NotWritable { path: path.clone(), source };
    // Never removed: whoever opened it before would hold a lock on a file without a name.
    let file = sqlite::open_private(&path).map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => Ok(LockedFile { _file: file }),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::AlreadyRunning(Address::Sqlite(database.to_owned()).to_string()))
        }
        Err(TryLockError::Error(source)) => Err(not_writable(source)),
    }
}

/// The database's own path with `.lock` behind it, so that it lies beside the file.
fn path_of_lock(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".lock");
    path.into()
}

async fn lock_session(server: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let options = server
        .clone()
        .application_name("upturn claim")
        .options(NOTICE_LOSS)
        .disable_statement_logging();
    let mut session = postgres::connect_with(&options).await?;
    let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(LOCK)
        .fetch_one(&mut session)
        .await?;
    if taken { Ok(session) } else { Err(StoreError::AlreadyRunning(shown(server))) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::each_backend;
    use super::*;

    #[tokio::test]
    async fn a_second_process_is_refused_until_the_first_is_gone() {
        each_backend(async |store| {
            let mut first = store.claim().await.unwrap();
            first.check().await.unwrap();

            let refused = store.claim().await.unwrap_err();
            assert!(matches!(refused, StoreError::AlreadyRunning(_)), "{refused}");
            assert!(refused.to_string().starts_with("another upturn already runs on "));

            drop(first);
            let mut again = store.claim().await;
            // PostgreSQL frees the lock when it has noticed that the session ended.
            while let Err(StoreError::AlreadyRunning(_)) = again {
                tokio::task::yield_now().await;
                again = store.claim().await;
            }
            again.unwrap();
        })
        .await;
    }
}
