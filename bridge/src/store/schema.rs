//! The schema: migrations built into the binary, applied in order, each in a transaction.

use sqlx::migrate::{MigrateError, Migration, Migrator};
use sqlx::{Connection as _, PgConnection};

use super::error::{StoreError, is_damaged, is_unavailable};
use super::postgres::{self, PostgresDatabase};
use super::sqlite::SqliteDatabase;
use super::{Backend, Store};

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// One step of the schema's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Its number.
    pub(crate) version: i64,
    /// What it does, in words.
    pub(crate) name: String,
    /// How the database stands to it.
    pub(crate) state: StepState,
    /// Its statements; empty for one that this binary does not know.
    pub(crate) sql: String,
}

/// How a database stands to a step of the schema's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StepState {
    /// Done, at this time as the database writes it.
    Applied(String),
    /// Not done yet.
    Pending,
    /// Done by a binary that is newer than this one.
    Unknown,
    /// Done with other statements than this binary has.
    Altered,
}

/// Returns every step that this binary knows, or the database has seen, in their order.
pub(crate) async fn steps(store: &Store) -> Result<Vec<Step>, StoreError> {
    let applied = applied(store).await?;
    let known = migrator(store);
    let mut steps: Vec<Step> = known.iter().map(|migration| step(migration, &applied)).collect();
    let unknown = applied.into_iter().filter(|applied| !known.version_exists(applied.version));
    steps.extend(unknown.map(|Applied { version, description, .. }| Step {
        version,
        name: description,
        state: StepState::Unknown,
        sql: String::new(),
    }));
    steps.sort_by_key(|step| step.version);
    Ok(steps)
}

/// Returns the steps as a database stands to them that is not there yet.
pub(crate) fn steps_of_new_file() -> Vec<Step> {
    SQLITE.iter().map(|migration| step(migration, &[])).collect()
}

/// Returns the number of the newest step this binary knows.
pub(crate) fn newest(store: &Store) -> i64 {
    newest_of(migrator(store))
}

/// Returns an error unless the schema is the one that this binary works with.
pub(crate) async fn require_current(store: &Store) -> Result<(), StoreError> {
    let applied = applied(store).await?;
    let found = applied.iter().map(|applied| applied.version).max().unwrap_or_default();
    let known = newest(store);
    match found.cmp(&known) {
        std::cmp::Ordering::Less => Err(StoreError::SchemaTooOld { found, known }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(StoreError::SchemaTooNew { found, known }),
    }
}

/// Returns an error if this binary does not know the step `found`.
pub(crate) fn refuse_newer(store: &Store, found: i64) -> Result<(), StoreError> {
    let known = newest(store);
    if known < found { Err(StoreError::SchemaTooNew { found, known }) } else { Ok(()) }
}

/// Brings the schema to the step `target`, or to the newest one.
pub(super) async fn migrate(store: &Store, target: Option<i64>) -> Result<(), StoreError> {
    match &store.0 {
        Backend::Sqlite(database) => migrate_sqlite(database, target).await,
        Backend::Postgres(database) => migrate_postgres(database, target).await,
    }
}

fn migrator(store: &Store) -> &'static Migrator {
    match &store.0 {
        Backend::Sqlite(_) => &SQLITE,
        Backend::Postgres(_) => &POSTGRES,
    }
}

fn newest_of(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// A step that the database has seen.
#[derive(sqlx::FromRow)]
struct Applied {
    version: i64,
    description: String,
    checksum: Vec<u8>,
    at: String,
}

async fn applied(store: &Store) -> Result<Vec<Applied>, StoreError> {
    const IS_THERE_SQLITE: &str =
        "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    const IS_THERE_POSTGRES: &str =
        "SELECT count(*) FROM pg_class WHERE oid = to_regclass('_sqlx_migrations')";
    const SQL: &str = "
        SELECT version, description, checksum, CAST(installed_on AS TEXT) AS at
        FROM _sqlx_migrations WHERE success ORDER BY version";

    let is_there: i64 = match store.reader() {
        Backend::Sqlite(db) => sqlx::query_scalar(IS_THERE_SQLITE).fetch_one(db).await?,
        Backend::Postgres(db) => sqlx::query_scalar(IS_THERE_POSTGRES).fetch_one(db).await?,
    };
    if is_there == 0 {
        return Ok(Vec::new());
    }
    Ok(on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?))
}

fn step(migration: &Migration, applied: &[Applied]) -> Step {
    let found = applied.iter().find(|applied| applied.version == migration.version);
    let state = match found {
        None => StepState::Pending,
        Some(applied) if *applied.checksum != *migration.checksum => StepState::Altered,
        Some(applied) => StepState::Applied(applied.at.clone()),
    };
    Step {
        version: migration.version,
        name: migration.description.to_string(),
        state,
        sql: migration.sql.as_str().to_owned(),
    }
}

async fn migrate_sqlite(database: &SqliteDatabase, target: Option<i64>) -> Result<(), StoreError> {
    let mut connection = database.writer.acquire().await?;
    let applied = SQLITE.run_direct(target, &mut *connection, false).await;
    applied.map_err(|error| explain(&SQLITE, error))
}

async fn migrate_postgres(
    database: &PostgresDatabase,
    target: Option<i64>,
) -> Result<(), StoreError> {
    // Not from the pool: a failed migration keeps a lock until its session ends.
    let mut connection = postgres::connect(&database.server).await?;
    let applied = apply(&mut connection, target).await;
    drop(connection.close().await);
    applied
}

async fn apply(connection: &mut PgConnection, target: Option<i64>) -> Result<(), StoreError> {
    // A migration may rewrite a large table, and waits for another process's migration.
    sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await?;
    let applied = POSTGRES.run_direct(target, connection, false).await;
    applied.map_err(|error| explain(&POSTGRES, error))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's errors are many, and may grow")]
fn explain(migrator: &Migrator, error: MigrateError) -> StoreError {
    let known = newest_of(migrator);
    match error {
        MigrateError::VersionMissing(found) if known < found => {
            StoreError::SchemaTooNew { found, known }
        }
        MigrateError::Execute(cause) => StoreError::from(cause),
        MigrateError::ExecuteMigration(cause, _)
            if is_unavailable(&cause) || is_damaged(&cause) =>
        {
            StoreError::from(cause)
        }
        error => StoreError::Migration(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::super::cursor;
    use super::super::testing::{each_backend, each_empty_backend, execute};
    use super::*;

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(name)
    }

    fn files_in(folder: &Path) -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn both_databases_have_the_same_migrations_and_all_are_in_the_binary() {
        let expected = files_in(&folder("sqlite"));
        assert!(!expected.is_empty());
        assert_eq!(files_in(&folder("postgres")), expected);
        for migrator in [&SQLITE, &POSTGRES] {
            let built_in: BTreeSet<_> = migrator
                .iter()
                .map(|migration| {
                    format!(
                        "{:04}_{}.sql",
                        migration.version,
                        migration.description.replace(' ', "_")
                    )
                })
                .collect();
            assert_eq!(built_in, expected);
        }
    }

    #[tokio::test]
    async fn migrating_again_changes_nothing() {
        each_backend(async |store| {
            let epoch = cursor::begin_epoch(store).await.unwrap();
            let mut tx = store.begin().await.unwrap();
            cursor::advance(&mut tx, epoch, 0, 5).await.unwrap();
            tx.commit().await.unwrap();
            store.migrate().await.unwrap();
            assert_eq!(cursor::read(store).await.unwrap(), 5);
        })
        .await;
    }

    #[tokio::test]
    async fn a_schema_of_a_newer_binary_is_refused_and_left_alone() {
        each_backend(async |store| {
            let newer = "INSERT INTO _sqlx_migrations
                (version, description, success, checksum, execution_time)
                SELECT 9999, 'from the future', success, checksum, execution_time
                FROM _sqlx_migrations WHERE version = 1";
            execute(store, newer.to_owned()).await;

            let refused = store.migrate().await.unwrap_err();
            assert!(matches!(refused, StoreError::SchemaTooNew { found: 9999, .. }), "{refused}");
            assert!(!refused.is_transient());
            assert_eq!(cursor::read(store).await.unwrap(), 0);
        })
        .await;
    }

    #[tokio::test]
    async fn a_database_without_the_schema_is_an_error_and_no_panic() {
        each_empty_backend(async |store| {
            let error = cursor::read(store).await.unwrap_err();
            assert!(matches!(error, StoreError::Statement(_)), "{error}");
        })
        .await;
    }
}
