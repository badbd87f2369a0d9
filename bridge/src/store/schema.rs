//! The schema: migrations built into the binary, applied in order, each in a transaction.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection as _, PgConnection};

use super::error::{StoreError, is_unavailable};
use super::postgres::{self, PostgresDatabase};
use super::sqlite::SqliteDatabase;

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// Applies every migration the file has not seen.
pub(super) async fn migrate_sqlite(database: &SqliteDatabase) -> Result<(), StoreError> {
    let mut connection = database.writer.acquire().await?;
    let applied = SQLITE.run_direct(None, &mut *connection, false).await;
    applied.map_err(|error| explain(&SQLITE, error))
}

/// Applies every migration the database has not seen.
pub(super) async fn migrate_postgres(database: &PostgresDatabase) -> Result<(), StoreError> {
    // Not from the pool: a failed migration keeps a lock until its session ends.
    let mut connection = postgres::connect(&database.server).await?;
    let applied = apply(&mut connection).await;
    drop(connection.close().await);
    applied
}

async fn apply(connection: &mut PgConnection) -> Result<(), StoreError> {
    // A migration may rewrite a large table, and waits for another process's migration.
    sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await?;
    let applied = POSTGRES.run_direct(None, connection, false).await;
    applied.map_err(|error| explain(&POSTGRES, error))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's errors are many, and may grow")]
fn explain(migrator: &Migrator, error: MigrateError) -> StoreError {
    let known = migrator.iter().map(|migration| migration.version).max().unwrap_or_default();
    match error {
        MigrateError::VersionMissing(found) if known < found => {
            StoreError::SchemaTooNew { found, known }
        }
        MigrateError::Execute(cause) => StoreError::from(cause),
        MigrateError::ExecuteMigration(cause, _) if is_unavailable(&cause) => {
            StoreError::Unavailable(cause)
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
