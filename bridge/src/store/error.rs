//! What can go wrong with the store, and whether trying again can help.

use std::io;
use std::path::PathBuf;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The address names no database.
    #[error("store url {0}; use sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Address(&'static str),
    /// The SQLite file cannot be there.
    #[error(
        "the folder {} of the database does not exist; make it, or change the store url", .0.display()
    )]
    NoFolder(PathBuf),
    /// The SQLite file, or its folder, is not ours to write.
    #[error("{} cannot be opened for writing; check its owner and permissions", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system lacks what SQLite's log needs.
    #[error(
        "{} lies where SQLite cannot keep its log, as on a network share; put it on a local disk",
        .0.display()
    )]
    NoSharedMemory(PathBuf),
    /// The file is damaged, or never was a database.
    #[error(
        "{} is not a SQLite database, or is damaged; it was left as it is: run `upturn doctor`, \
         and restore a backup if it confirms this", path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The file is a database, but not one of ours.
    #[error(
        "{} is the SQLite database of another program; it was left as it is: name another file in \
         the store url, and see `upturn doctor`", .0.display()
    )]
    Foreign(PathBuf),
    /// PostgreSQL is there, and does not let us in.
    #[error("{address} refuses the connection; check user, password and database in the store url")]
    Refused {
        /// The address, without its password.
        address: String,
        /// What PostgreSQL said.
        source: sqlx::Error,
    },
    /// The database stores texts in which not every language can be written.
    #[error("{address} stores text as {encoding}; create the database with encoding UTF8")]
    Encoding {
        /// The address, without its password.
        address: String,
        /// The encoding found.
        encoding: String,
    },
    /// Nobody answers at the address.
    #[error("{address} does not answer; check that the server runs and the store url is right")]
    Unreachable {
        /// The address, without its password.
        address: String,
        /// What the network said.
        source: sqlx::Error,
    },
    /// The database went away, or is too busy.
    #[error("the database is unavailable; it is tried again")]
    Unavailable(#[source] sqlx::Error),
    /// There is no room left where the database lies.
    #[error("the storage of the database is full; free some space, and work goes on by itself")]
    Full(#[source] sqlx::Error),
    /// Hardly any room is left where the database lies.
    #[error(
        "the storage of the database has {free_mib} MiB left, of which {reserve_mib} MiB are kept \
         free; free some space, and work goes on by itself"
    )]
    Reserve {
        /// What is left.
        free_mib: u64,
        /// What is kept free.
        reserve_mib: u64,
    },
    /// The database took longer than one that is there needs.
    #[error("the database does not answer; it is tried again")]
    NoAnswer,
    /// The cursor is not where this process left it.
    #[error("another process writes to this database; this commit was refused")]
    Fenced,
    /// Another process holds the claim.
    #[error("another upturn already runs on {0}; stop it first")]
    AlreadyRunning(String),
    /// The claim on the database is gone.
    #[error("the claim on the database was lost; another process may have taken over")]
    ClaimLost(#[source] Box<StoreError>),
    /// A newer binary has been here.
    #[error(
        "the database has schema {found}, this binary knows up to {known}; \
         use the newer upturn again, or restore a backup from before the upgrade"
    )]
    SchemaTooNew {
        /// The schema found.
        found: i64,
        /// The newest one this binary knows.
        known: i64,
    },
    /// A binary that is older has been here, or none.
    #[error(
        "the database has schema {found}, this binary needs {known}; stop what runs on it, and run \
         `upturn migrate up`"
    )]
    SchemaTooOld {
        /// The schema found; 0 for none.
        found: i64,
        /// The one that is needed.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date; nothing was changed by the failed step")]
    Migration(#[source] Box<MigrateError>),
    /// A row that no version of Upturn writes.
    #[error("{table}.{column} holds what upturn never writes: {what}; run `upturn doctor`")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with the value.
        what: String,
    },
    /// The SQLite file is damaged.
    #[error(
        "the database file is damaged ({0}); stop upturn, keep a copy of the file, and run \
         `upturn doctor`"
    )]
    Damaged(String),
    /// A value the database does not take, whoever writes it.
    #[error("the database refuses a value")]
    Value(#[source] sqlx::Error),
    /// A statement the database refused.
    #[error("the database refused a statement")]
    Statement(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether another process may have taken over: whoever finds this shuts its doors, and asks
    /// for the claim again.
    pub(crate) fn ends_term(&self) -> bool {
        matches!(self, Self::Fenced | Self::ClaimLost(_))
    }

    /// Whether the same can succeed later without a person's help.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Unavailable(_)
            | Self::Full(_)
            | Self::Reserve { .. }
            | Self::NoAnswer => true,
            Self::Address(_)
            | Self::NoFolder(_)
            | Self::NotWritable { .. }
            | Self::NoSharedMemory(_)
            | Self::NotADatabase { .. }
            | Self::Foreign(_)
            | Self::Refused { .. }
            | Self::Encoding { .. }
            | Self::Fenced
            | Self::AlreadyRunning(_)
            | Self::ClaimLost(_)
            | Self::SchemaTooNew { .. }
            | Self::SchemaTooOld { .. }
            | Self::Migration(_)
            | Self::Inconsistent { .. }
            | Self::Damaged(_)
            | Self::Value(_)
            | Self::Statement(_) => false,
        }
    }

    /// Whether what was to be stored is to blame, and not the database.
    pub(crate) fn is_of_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_full(&error) {
            Self::Full(error)
        } else if is_unavailable(&error) {
            Self::Unavailable(error)
        } else if is_damaged(&error) {
            Self::Damaged(error.to_string())
        } else if is_of_value(&error) {
            Self::Value(error)
        } else {
            Self::Statement(error)
        }
    }
}

/// Whether `error` says that the database cannot work at the moment.
pub(super) fn is_unavailable(error: &sqlx::Error) -> bool {
    if let Some(error) = error.as_database_error() {
        return code_of(error).is_some_and(|code| is_code_of_unavailable(&code));
    }
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
            // Half an answer: how the driver reports a line that was cut while it shook hands.
            | sqlx::Error::Protocol(_)
    )
}

/// Whether `error` says that there is no room left.
fn is_full(error: &sqlx::Error) -> bool {
    match error.as_database_error().and_then(code_of) {
        Some(Code::Sqlite(code)) => code == 13,
        Some(Code::Postgres(code)) => code == "53100",
        None => false,
    }
}

/// Whether SQLite finds that the file is no database of its own.
pub(super) fn is_damaged(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(code_of);
    matches!(code, Some(Code::Sqlite(11 | 26)))
}

/// Whether `error` is about a value, and not about the statement or the database.
fn is_of_value(error: &sqlx::Error) -> bool {
    match error.as_database_error().and_then(code_of) {
        // Too big, against a constraint, of another type.
        Some(Code::Sqlite(code)) => matches!(code, 18..=20),
        // Data exceptions, integrity constraints, beyond a limit such as that of a key.
        Some(Code::Postgres(code)) => {
            code.starts_with("22") || code.starts_with("23") || code == "54000"
        }
        None => false,
    }
}

/// Whether SQLite may not make the files it needs beside the database.
pub(super) fn is_not_writable(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(code_of);
    matches!(code, Some(Code::Sqlite(8 | 14)))
}

/// The code of an error, in the database's own system.
#[derive(Debug, PartialEq, Eq)]
enum Code {
    /// SQLite's primary result code.
    Sqlite(i32),
    /// PostgreSQL's SQLSTATE: five letters or digits.
    Postgres(String),
}

fn code_of(error: &dyn DatabaseError) -> Option<Code> {
    let code = error.code()?;
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // The low byte of an extended code is the primary one.
        return code.parse::<i32>().ok().map(|extended| Code::Sqlite(extended & 0xff));
    }
    Some(Code::Postgres(code.into_owned()))
}

fn is_code_of_unavailable(code: &Code) -> bool {
    match code {
        // Busy, locked, input/output error, disk full, cannot open.
        Code::Sqlite(code) => matches!(code, 5 | 6 | 10 | 13 | 14),
        Code::Postgres(code) => {
            let connection_lost = code.starts_with("08");
            let out_of_resources = code.starts_with("53");
            // Time limits, dead locks, shutting down, starting up, a standby after a fail-over.
            let passing = [
                "25006", "25P03", "40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03",
                "57P05",
            ];
            connection_lost || out_of_resources || passing.contains(&code.as_str())
        }
    }
}
