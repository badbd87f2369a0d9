//! Opens a SQLite file: one writer, several readers, every commit on the disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::error::{self, StoreError};
use super::room::{MIB, Room};

/// More do not help: reading is bound by the processor.
const READERS_MAX: u32 = 4;
/// How long a statement waits for another process's lock.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(5);
/// The writer's page cache in KiB (SQLite takes the negative of it).
const WRITER_CACHE_KIB: u32 = 4 * 1024;
/// How many pages the log grows to before it is written back: pages that change often are then
/// written back once for many commits.
const CHECKPOINT_PAGES: u32 = 4_000;

/// An open file. It has one writer; readers see the last commit and wait for nobody.
#[derive(Clone, Debug)]
pub(super) struct SqliteDatabase {
    pub(super) path: PathBuf,
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

impl SqliteDatabase {
    /// Opens or makes the file at `path`.
    pub(super) async fn open(path: PathBuf) -> Result<Self, StoreError> {
        make(&path)?;
        // The pool would wait and try again, and then only say that it waited.
        probe(&path).await?;
        let writer = pool(1).connect_lazy_with(options_of_writer(&path));
        let readers =
            pool(READERS_MAX).connect_lazy_with(options(&path).pragma("query_only", "ON"));
        Ok(Self { path, writer, readers })
    }

    /// Returns an error where no more is left on the disk than is kept free.
    pub(super) fn require_room(&self) -> Result<(), StoreError> {
        // A disk that cannot tell is written to until it is full.
        let Ok(room) = Room::at(folder_of(&self.path)) else { return Ok(()) };
        if room.free < room.reserve() {
            let (free_mib, reserve_mib) = (room.free / MIB, room.reserve().div_ceil(MIB));
            return Err(StoreError::Reserve { free_mib, reserve_mib });
        }
        Ok(())
    }

    /// Reads the whole file and returns an error if it is damaged.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let found: String =
            sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&self.readers).await?;
        if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(found)) }
    }
}

fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_MAX)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(has_ended(connection)))
}

/// Returns whether the connection can be used again. After an error of the disk SQLite may have
/// ended the transaction by itself; the driver then fails to, and counts it as open for ever. Such a
/// connection is closed, and another one opened.
async fn has_ended(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // A rollback may be under way; what comes back is behind it.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY_MAX)
        .foreign_keys(true)
        .disable_statement_logging()
}

fn options_of_writer(path: &Path) -> SqliteConnectOptions {
    options(path)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit is on the disk before it returns, and with it the acknowledgement.
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
}

/// Makes the file if it is missing and finds out, with the system's own words, whether it can be
/// written. It holds hashes of passwords, so it is nobody else's to read.
fn make(path: &Path) -> Result<(), StoreError> {
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(StoreError::NoFolder(folder.to_owned()));
    }
    open_private(path)
        .map(drop)
        .map_err(|source| StoreError::NotWritable { path: path.to_owned(), source })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Opens `path` for writing; if it is missing, makes it readable by its owner only.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens the file, reads its first page, which only a database has, and makes sure of the log, without which readers and the writer would wait for each other.
async fn probe(path: &Path) -> Result<(), StoreError> {
    let explain = |source| explain(path, source);
    // Not the writer's options yet, which would change another program's file.
    let opened = SqliteConnection::connect_with(&options(path)).await;
    let mut connection = opened.map_err(explain)?;
    let is_foreign = is_foreign(&mut connection).await.map_err(explain)?;
    connection.close().await?;
    if is_foreign {
        return Err(StoreError::Foreign(path.to_owned()));
    }

    let opened = SqliteConnection::connect_with(&options_of_writer(path)).await;
    let mut connection = opened.map_err(explain)?;
    // Where it cannot be had, SQLite takes another mode and says nothing.
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await?;
    connection.close().await?;
    require_log(path, &mode)
}

/// Whether the file holds tables, and none of ours among them.
async fn is_foreign(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    const SQL: &str = "
        SELECT count(*) > 0 AND sum(name = 'log_cursor') = 0 FROM sqlite_schema
        WHERE type = 'table' AND name <> '_sqlx_migrations'";

    let found: Option<bool> = sqlx::query_scalar(SQL).fetch_one(connection).await?;
    Ok(found == Some(true))
}

fn require_log(path: &Path, mode: &str) -> Result<(), StoreError> {
    if mode == "wal" { Ok(()) } else { Err(StoreError::NoSharedMemory(path.to_owned())) }
}

fn explain(path: &Path, source: sqlx::Error) -> StoreError {
    if error::is_damaged(&source) {
        return StoreError::NotADatabase { path: path.to_owned(), source };
    }
    if error::is_not_writable(&source) {
        let source = io::Error::other(source);
        return StoreError::NotWritable { path: folder_of(path).to_owned(), source };
    }
    StoreError::from(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_where_sqlite_cannot_keep_its_log_is_refused() {
        let path = Path::new("share/upturn.db");
        require_log(path, "wal").unwrap();
        let refused = require_log(path, "delete").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "share/upturn.db lies where SQLite cannot keep its log, as on a network share; put it \
             on a local disk"
        );
        assert!(!refused.is_transient());
    }
}
