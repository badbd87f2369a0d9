//! Opens a PostgreSQL database: bounded waits, and commits that last.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::address::shown;
use super::error::{self, StoreError};

/// How sessions that write transactions call themselves; see [`super::claim`].
pub(super) const WRITER: &str = "upturn writer";

const CONNECTIONS_MAX: u32 = 8;
/// There is one writer; commands may come beside it.
const WRITERS_MAX: u32 = 2;
/// How long a caller waits for a connection, the making of one included.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Limits inside the server, so that no session of ours can hold up the others for ever.
const LIMITS: [(&str, &str); 3] = [
    ("lock_timeout", "5s"),
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "30s"),
];

/// An open database on a server.
#[derive(Clone)]
pub(super) struct PostgresDatabase {
    pub(super) server: Box<PgConnectOptions>,
    pub(super) pool: PgPool,
    /// For transactions that write.
    pub(super) writer: PgPool,
}

impl PostgresDatabase {
    /// Opens the database that `server` names.
    pub(super) async fn open(server: Box<PgConnectOptions>) -> Result<Self, StoreError> {
        // The pool waits out a server that refuses, and then only says that it waited.
        let mut first = connect(&server).await?;
        check_encoding(&server, &mut first).await?;
        drop(first.close().await);

        let pool = pool_of(CONNECTIONS_MAX).connect_lazy_with(options(&server));
        let writing = options(&server).application_name(WRITER);
        let writer = pool_of(WRITERS_MAX).connect_lazy_with(writing);
        Ok(Self { server, pool, writer })
    }
}

/// Leaves out the password.
impl fmt::Debug for PostgresDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresDatabase").field(&shown(&self.server)).finish()
    }
}

fn pool_of(connections_max: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(CONNECT_MAX)
        // A connection that died while idle is replaced and not handed out.
        .test_before_acquire(true)
        .after_connect(|connection, _| Box::pin(make_commits_last(connection)))
}

/// Makes one connection that belongs to no pool; says clearly why there is none.
pub(super) async fn connect(server: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    connect_with(&options(server)).await
}

/// As [`connect`], but with exactly these options.
pub(super) async fn connect_with(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    match tokio::time::timeout(CONNECT_MAX, PgConnection::connect_with(options)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(source)) => Err(explain(options, source)),
        Err(elapsed) => {
            let source = sqlx::Error::Io(std::io::Error::from(elapsed));
            Err(StoreError::Unreachable { address: shown(options), source })
        }
    }
}

fn options(server: &PgConnectOptions) -> PgConnectOptions {
    server.clone().application_name("upturn").options(LIMITS).disable_statement_logging()
}

fn explain(options: &PgConnectOptions, source: sqlx::Error) -> StoreError {
    let address = shown(options);
    if error::is_unavailable(&source) {
        StoreError::Unreachable { address, source }
    } else {
        StoreError::Refused { address, source }
    }
}

async fn check_encoding(
    server: &PgConnectOptions,
    connection: &mut PgConnection,
) -> Result<(), StoreError> {
    let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(connection)
        .await?;
    if encoding != "UTF8" {
        return Err(StoreError::Encoding { address: shown(server), encoding });
    }
    Ok(())
}

/// A server that is set to report commits before they are on a disk would break our promise to
/// the device; any stronger setting stays.
async fn make_commits_last(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    const SQL: &str = "
        SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off'";

    sqlx::query(SQL).execute(connection).await.map(drop)
}
