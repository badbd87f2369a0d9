//! The store: everything that must survive, in SQLite or PostgreSQL.

use std::future::Future;
use std::time::Duration;

use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool,
    Transaction,
};

use self::address::Address;
use self::bell::{Bells, Pending};
use self::claim::Candidate;
use self::error::StoreError;
use self::postgres::PostgresDatabase;
use self::sqlite::SqliteDatabase;

/// Runs the same statement on whichever database there is: `on_backend!(tx, db => …)`.
///
/// The body is compiled once for each of them, with `db` as a connection or a pool.
macro_rules! on_backend {
    ($backend:expr, $db:ident => $body:expr) => {
        match $backend {
            $crate::store::Backend::Sqlite($db) => $body,
            $crate::store::Backend::Postgres($db) => $body,
        }
    };
}

mod address;
pub(crate) mod advice;
pub(crate) mod advice_view;
pub(crate) mod api_token;
pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod bell;
pub(crate) mod claim;
mod column;
pub(crate) mod booking;
pub(crate) mod coupon;
pub(crate) mod cursor;
pub(crate) mod dead_letter;
pub(crate) mod deal_act;
pub(crate) mod deal_timer;
pub(crate) mod deal_history;
pub(crate) mod destination;
pub(crate) mod digest;
pub(crate) mod dump;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod feed_run;
pub(crate) mod figures;
pub(crate) mod feed_set;
pub(crate) mod feed_state;
pub(crate) mod idempotent_request;
pub(crate) mod forecast;
pub(crate) mod forecast_alarm;
pub(crate) mod forecast_trial;
pub(crate) mod inbound;
pub(crate) mod lead;
pub(crate) mod load;
pub(crate) mod log;
pub(crate) mod named_secret;
pub(crate) mod open_ticket;
pub(crate) mod outbox;
pub(crate) mod outbox_view;
pub(crate) mod overrule;
pub(crate) mod person;
pub(crate) mod policy;
mod postgres;
pub(crate) mod quote;
pub(crate) mod retention;
pub(crate) mod retained_state;
pub(crate) mod record;
pub(crate) mod record_staged;
pub(crate) mod registry_change;
pub(crate) mod remote_record;
pub(crate) mod requirement;
pub(crate) mod room;
pub(crate) mod rule;
pub(crate) mod schema;
pub(crate) mod session;
pub(crate) mod snapshot;
mod sqlite;
pub(crate) mod table;
pub(crate) mod task;
pub(crate) mod task_back_fill;
pub(crate) mod task_deal;
pub(crate) mod task_due;
pub(crate) mod task_facts;
pub(crate) mod task_faults;
pub(crate) mod task_history;
pub(crate) mod task_life;
pub(crate) mod task_owners;
pub(crate) mod task_timer;
pub(crate) mod task_view;
pub(crate) mod unknown_device;

#[cfg(test)]
mod open_tests;
#[cfg(test)]
pub(crate) mod testing;

/// How long PostgreSQL may take for a call that should be over at once.
///
/// The limits inside the server cannot act when the network between is gone.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// One of the two databases, or what belongs to it.
#[derive(Clone, Debug)]
enum Backend<S, P> {
    /// SQLite, in a file.
    Sqlite(S),
    /// A PostgreSQL server.
    Postgres(P),
}

/// An open database; its copies share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Store(Backend<SqliteDatabase, PostgresDatabase>, Bells);

/// A transaction that writes. Dropped without [`Tx::commit`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Tx(
    Backend<Transaction<'static, Sqlite>, Transaction<'static, Postgres>>,
    Pending,
);

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`. A missing SQLite file is made, its folder is not.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let backend = match Address::parse(url)? {
            Address::Sqlite(path) => Backend::Sqlite(SqliteDatabase::open(path).await?),
            Address::Postgres(server) => Backend::Postgres(PostgresDatabase::open(server).await?),
        };
        Ok(Self(backend, Bells::default()))
    }

    /// Brings the schema up to date; refuses one that is newer than this binary.
    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        schema::migrate(self, None).await
    }

    /// Returns a candidate for the right to be the one active process on this database.
    pub(crate) fn candidate(&self) -> Candidate {
        match &self.0 {
            Backend::Sqlite(database) => Candidate::on_file(&database.path),
            Backend::Postgres(database) => Candidate::on_server(&database.server),
        }
    }

    /// Begins a transaction that writes. On SQLite it waits for the transaction before it.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        let backend = match &self.0 {
            // IMMEDIATE takes the write lock here, where waiting for it can do no harm.
            Backend::Sqlite(database) => {
                Backend::Sqlite(database.writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Backend::Postgres(database) => {
                Backend::Postgres(answer(database.writer.begin()).await?)
            }
        };
        Ok(Tx(backend, Pending::new(&self.1)))
    }

    /// Begins a transaction that only reads, for look-ups that take one: nobody waits for it.
    pub(crate) async fn begin_reading(&self) -> Result<Tx, StoreError> {
        let backend = match self.reader() {
            Backend::Sqlite(readers) => Backend::Sqlite(readers.begin().await?),
            Backend::Postgres(pool) => Backend::Postgres(answer(pool.begin()).await?),
        };
        Ok(Tx(backend, Pending::new(&self.1)))
    }

    /// Returns the bells that ring for whoever sends letters.
    pub(crate) fn bells(&self) -> &Bells {
        &self.1
    }

    /// Returns an error where what is left on the disk is kept free: events are to wait.
    ///
    /// PostgreSQL's disk is its own; it says by itself when that is full.
    pub(crate) fn require_room(&self) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Sqlite(database) => database.require_room(),
            Backend::Postgres(_) => Ok(()),
        }
    }

    /// Asks the database for a sign of life; answers within seconds either way.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        on_backend!(self.reader(), db => answer(sqlx::query("SELECT 1").execute(db)).await.map(drop))
    }

    /// Reads the whole SQLite file and returns an error if it is damaged; for `upturn doctor`.
    ///
    /// PostgreSQL looks after its own files, so there it is a [`Store::ping`].
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Sqlite(database) => database.check().await,
            Backend::Postgres(_) => self.ping().await,
        }
    }

    /// Closes every connection once it is idle.
    pub(crate) async fn close(&self) {
        match &self.0 {
            Backend::Sqlite(database) => {
                database.readers.close().await;
                // The last connection to close writes the log back into the file and removes it.
                database.writer.close().await;
            }
            Backend::Postgres(database) => {
                database.writer.close().await;
                database.pool.close().await;
            }
        }
    }

    /// Returns where to read.
    fn reader(&self) -> Backend<&SqlitePool, &PgPool> {
        match &self.0 {
            Backend::Sqlite(database) => Backend::Sqlite(&database.readers),
            Backend::Postgres(database) => Backend::Postgres(&database.pool),
        }
    }

    /// Returns where to run a single statement that writes.
    fn writer(&self) -> Backend<&SqlitePool, &PgPool> {
        match &self.0 {
            Backend::Sqlite(database) => Backend::Sqlite(&database.writer),
            Backend::Postgres(database) => Backend::Postgres(&database.pool),
        }
    }
}

impl Tx {
    /// Makes all of it last. After an error it may have been kept or not: read the cursor.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            Backend::Sqlite(tx) => tx.commit().await?,
            Backend::Postgres(tx) => answer(tx.commit()).await?,
        }
        self.1.ring();
        Ok(())
    }

    /// Has whoever sends letters to `destination` look for them after the commit.
    fn wake(&mut self, destination: &str) {
        self.1.add(destination);
    }

    /// Says that the work goes on: PostgreSQL ends a transaction of whoever is silent for long.
    pub(crate) async fn touch(&mut self) -> Result<(), StoreError> {
        match &mut self.0 {
            Backend::Sqlite(_) => Ok(()),
            Backend::Postgres(tx) => answer(tx.ping()).await,
        }
    }

    fn connection(&mut self) -> Backend<&mut SqliteConnection, &mut PgConnection> {
        match &mut self.0 {
            Backend::Sqlite(tx) => Backend::Sqlite(tx),
            Backend::Postgres(tx) => Backend::Postgres(tx),
        }
    }
}

/// Awaits `work`, but no longer than a server that is there needs.
///
/// Not for what writes to SQLite: giving up on a slow disk does not stop the write, and whoever
/// reads the cursor next would read it too early.
async fn answer<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, StoreError>
where
    StoreError: From<E>,
{
    match tokio::time::timeout(ANSWER_MAX, work).await {
        Ok(result) => Ok(result?),
        Err(_elapsed) => Err(StoreError::NoAnswer),
    }
}
