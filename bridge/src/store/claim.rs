//! The claim: one active process on a database, the others stand by.
//!
//! On PostgreSQL the claim is a lease that the server keeps: an advisory lock of a session that the
//! server ends once its holder has been silent for [`LEASE`]. A process that is killed loses it at
//! once, since its connection ends with it; one that is stopped, or cut off, when the lease is over.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::address::{Address, shown};
use super::error::StoreError;
use super::{Backend, answer, postgres, sqlite};

/// The number of the advisory lock; the letters are `upturn`. Locks are per database.
const LOCK: i64 = 0x75_70_74_75_72_6e;

/// How long the holder of the claim may be silent before the server gives the claim to another.
pub(crate) const LEASE: Duration = Duration::from_secs(3);
/// How often the holder has to be heard.
pub(crate) const CHECK_EVERY: Duration = Duration::from_millis(500);
/// How long the server may take to answer the holder. It gives up before the lease is over, so that
/// it has shut its doors by the time another opens them.
const CHECK_MAX: Duration = Duration::from_secs(2);
const _: () = assert!(
    CHECK_EVERY.as_millis() + CHECK_MAX.as_millis() < LEASE.as_millis(),
    "a holder gives up before another can take over"
);

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

/// Whoever wants the claim.
#[derive(Debug)]
pub(crate) struct Candidate(Backend<PathBuf, Applicant>);

/// A candidate on a server, with the session it asks by.
#[derive(Debug)]
struct Applicant {
    server: Box<PgConnectOptions>,
    session: Option<PgConnection>,
}

impl Claim {
    /// Keeps the claim; returns an error if it was lost. To be called every [`CHECK_EVERY`].
    pub(crate) async fn check(&mut self) -> Result<(), StoreError> {
        let Backend::Postgres(session) = &mut self.0 else { return Ok(()) };
        let lost = |cause| StoreError::ClaimLost(Box::new(cause));
        match tokio::time::timeout(CHECK_MAX, session.ping()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => Err(lost(cause.into())),
            Err(_elapsed) => Err(lost(StoreError::NoAnswer)),
        }
    }
}

impl Candidate {
    /// Returns a candidate for the claim on the SQLite file at `path`.
    pub(super) fn on_file(path: &Path) -> Self {
        Self(Backend::Sqlite(path.to_owned()))
    }

    /// Returns a candidate for the claim on the database that `server` names.
    pub(super) fn on_server(server: &PgConnectOptions) -> Self {
        Self(Backend::Postgres(Applicant { server: Box::new(server.clone()), session: None }))
    }

    /// Takes the claim if it is free; what a former holder left unfinished is ended with that.
    pub(crate) async fn try_claim(&mut self) -> Result<Option<Claim>, StoreError> {
        match &mut self.0 {
            Backend::Sqlite(path) => Ok(lock_file(path)?.map(|file| Claim(Backend::Sqlite(file)))),
            Backend::Postgres(applicant) => {
                // After an error the session is not used again.
                let mut session = match applicant.session.take() {
                    Some(session) => session,
                    None => connect(&applicant.server).await?,
                };
                if answer(lock_session(&mut session)).await? {
                    oust(&mut session).await?;
                    return Ok(Some(Claim(Backend::Postgres(session))));
                }
                applicant.session = Some(session);
                Ok(None)
            }
        }
    }

    /// Returns whether a candidate waits until the claim is free. On a SQLite file nobody waits:
    /// two processes on one machine are a mistake.
    pub(crate) fn stands_by(&self) -> bool {
        matches!(self.0, Backend::Postgres(_))
    }

    /// Returns the error that says that another process holds the claim.
    pub(crate) fn refusal(&self) -> StoreError {
        StoreError::AlreadyRunning(match &self.0 {
            Backend::Sqlite(path) => Address::Sqlite(path.clone()).to_string(),
            Backend::Postgres(applicant) => shown(&applicant.server),
        })
    }
}

fn lock_file(database: &Path) -> Result<Option<LockedFile>, StoreError> {
    let path = path_of_lock(database);
    let not_writable = |source| StoreError::NotWritable { path: path.clone(), source };
    // Never removed: whoever opened it before would hold a lock on a file without a name.
    let file = sqlite::open_private(&path).map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(LockedFile { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(not_writable(source)),
    }
}

/// The database's own path with `.lock` behind it, so that it lies beside the file.
fn path_of_lock(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".lock");
    path.into()
}

async fn connect(server: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let options = server
        .clone()
        .application_name("upturn claim")
        .options([("idle_session_timeout", LEASE.as_millis().to_string())])
        .disable_statement_logging();
    postgres::connect_with(&options).await
}

async fn lock_session(session: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(session).await
}

/// Ends the writing sessions of whoever held the claim before: one that was stopped in the middle
/// of a transaction would hold its locks until it wakes up.
async fn oust(session: &mut PgConnection) -> Result<(), StoreError> {
    // MATERIALIZED, or the planner may end a session first and look whose it was afterwards. Waits a
    // second for each to end; what it was committing is then committed or not.
    const SQL: &str = "
        WITH left_behind AS MATERIALIZED (
            SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = $1
        )
        SELECT count(*) FROM left_behind WHERE pg_terminate_backend(pid, 1000)";

    let ended = sqlx::query_scalar::<_, i64>(SQL).bind(postgres::WRITER).fetch_one(session);
    match answer(ended).await {
        Ok(0) => Ok(()),
        Ok(ended) => {
            tracing::info!(ended, "ended sessions that the holder before left behind");
            Ok(())
        }
        // As with another role, which may not. The fence holds without this; it only takes longer.
        Err(error @ StoreError::Statement(_)) => {
            let cause: &dyn std::error::Error = &error;
            tracing::warn!(error = cause, "sessions of the holder before end by themselves");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::super::testing::each_backend;
    use super::*;

    async fn until_claimed(candidate: &mut Candidate) -> Claim {
        loop {
            // PostgreSQL frees the lock when it has noticed that the session ended.
            if let Some(claim) = candidate.try_claim().await.unwrap() {
                return claim;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn one_holds_the_claim_until_it_is_gone() {
        each_backend(async |store| {
            let (mut one, mut other) = (store.candidate(), store.candidate());
            let mut first = one.try_claim().await.unwrap().unwrap();
            first.check().await.unwrap();

            assert!(other.try_claim().await.unwrap().is_none());
            let refused = other.refusal();
            assert!(refused.to_string().starts_with("another upturn already runs on "));

            drop(first);
            until_claimed(&mut other).await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_holder_that_is_silent_loses_the_claim_and_its_transaction() {
        each_backend(async |store| {
            let mut other = store.candidate();
            if !other.stands_by() {
                return;
            }
            let mut silent = store.candidate().try_claim().await.unwrap().unwrap();
            let mut held = store.begin().await.unwrap();
            touch(&mut held).await.unwrap();

            let mut taken = until_claimed(&mut other).await;
            taken.check().await.unwrap();
            let lost = silent.check().await.unwrap_err();
            assert!(matches!(lost, StoreError::ClaimLost(_)), "{lost}");
            touch(&mut held).await.unwrap_err();
            begin_anew(store).await;
        })
        .await;
    }

    async fn touch(tx: &mut super::super::Tx) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE log_cursor SET position = position";

        on_backend!(tx.connection(), db => sqlx::query(SQL).execute(db).await.map(drop)?);
        Ok(())
    }

    async fn begin_anew(store: &Store) {
        super::super::cursor::begin_epoch(store).await.unwrap();
    }
}
