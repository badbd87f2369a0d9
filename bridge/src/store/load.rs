//! Fills an empty database with the rows of a backup.

use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::error::StoreError;
use super::table::{Kind, Table, tables};
use super::{Backend, Store, Tx, schema};
use crate::hex;

/// Values in one statement: both databases take more.
const VALUES_MAX: usize = 8_000;

/// Why a row of a backup is not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The row cannot be of its table.
    #[error("a row of {table} is not what the table holds")]
    Row {
        /// The table.
        table: String,
    },
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What stands in the way of filling a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// There is no schema yet.
    Bare,
    /// There is a schema, this one, and nothing in it.
    Empty(i64),
    /// This table has rows.
    Taken(String),
}

/// Returns what is there already.
pub(crate) async fn ground(store: &Store) -> Result<Ground, StoreError> {
    let steps = schema::steps(store).await?;
    let done = steps.iter().filter(|step| step.state != schema::StepState::Pending);
    let Some(found) = done.map(|step| step.version).max() else { return Ok(Ground::Bare) };
    schema::refuse_newer(store, found)?;
    if super::cursor::read(store).await? != 0 {
        return Ok(Ground::Taken("log_cursor".to_owned()));
    }
    let is_kept =
        |table: &Table| !["log_cursor", "retention", "audit_head"].contains(&&*table.name);
    for table in tables().into_iter().filter(is_kept) {
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1) AS found", table.name);
        let found: i64 = on_backend!(store.reader(), db => {
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await?
        });
        if found != 0 {
            return Ok(Ground::Taken(table.name));
        }
    }
    Ok(Ground::Empty(found))
}

/// Brings the schema to the step `version`.
pub(crate) async fn migrate_to(store: &Store, version: i64) -> Result<(), StoreError> {
    schema::migrate(store, Some(version)).await
}

/// Deletes all rows of `tables`.
pub(crate) async fn clear(tx: &mut Tx, tables: &[Table]) -> Result<(), StoreError> {
    for table in tables.iter().rev() {
        let sql = format!("DELETE FROM {}", table.name);
        on_backend!(tx.connection(), db => {
            sqlx::query(AssertSqlSafe(sql)).execute(db).await.map(drop)?;
        });
    }
    Ok(())
}

/// Returns how many rows of `table` one statement takes.
pub(crate) fn rows_max(table: &Table) -> usize {
    (VALUES_MAX / table.columns.len().max(1)).max(1)
}

/// Stores `rows`, at most [`rows_max`].
pub(crate) async fn insert(
    tx: &mut Tx,
    table: &Table,
    rows: &[Vec<Value>],
) -> Result<(), LoadError> {
    if rows.is_empty() {
        return Ok(());
    }
    let wrong = || LoadError::Row { table: table.name.clone() };
    let is_sqlite = matches!(tx.0, Backend::Sqlite(_));
    let sql = statement(table, rows.len(), is_sqlite);
    let mut values = Vec::with_capacity(rows.len() * table.columns.len());
    for row in rows {
        if row.len() != table.columns.len() {
            return Err(wrong());
        }
        for (value, column) in row.iter().zip(&table.columns) {
            values.push(Bound::of(value, column.kind).ok_or_else(wrong)?);
        }
    }
    on_backend!(tx.connection(), db => {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in values {
            query = match value {
                Bound::Whole(value) => query.bind(value),
                Bound::Text(value) => query.bind(value),
                Bound::Bytes(value) => query.bind(value),
                Bound::Flag(value) => query.bind(value),
            };
        }
        query.execute(db).await.map(drop).map_err(StoreError::from)?;
    });
    Ok(())
}

/// Has the database go on numbering behind the rows that are there.
pub(crate) async fn renumber(tx: &mut Tx, table: &Table) -> Result<(), StoreError> {
    let (Backend::Postgres(db), Some(first)) = (tx.connection(), table.columns.first()) else {
        // SQLite keeps the largest number by itself.
        return Ok(());
    };
    let (name, column) = (&table.name, &first.name);
    let sql = format!(
        "SELECT setval(pg_get_serial_sequence('{name}', '{column}'), max({column})) FROM {name} \
         HAVING max({column}) IS NOT NULL"
    );
    sqlx::query(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

fn statement(table: &Table, rows: usize, is_sqlite: bool) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| &*column.name).collect();
    let mut number = 0;
    let mut place = || {
        number += 1;
        // SQLite looks a named place up in a list, which takes as long as the list.
        if is_sqlite { "?".to_owned() } else { format!("${number}") }
    };
    let mut row = || {
        let places: Vec<String> = names.iter().map(|_| place()).collect();
        format!("({})", places.join(","))
    };
    let rows: Vec<String> = (0..rows).map(|_| row()).collect();
    let overriding = if table.numbered && !is_sqlite { " OVERRIDING SYSTEM VALUE" } else { "" };
    format!(
        "INSERT INTO {} ({}){overriding} VALUES {}",
        table.name,
        names.join(","),
        rows.join(",")
    )
}

/// A value as the databases take it.
enum Bound {
    Whole(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
    Flag(Option<bool>),
}

impl Bound {
    fn of(value: &Value, kind: Kind) -> Option<Self> {
        Some(match (kind, value) {
            (Kind::Whole, Value::Null) => Self::Whole(None),
            (Kind::Text, Value::Null) => Self::Text(None),
            (Kind::Flag, Value::Null) => Self::Flag(None),
            (Kind::Whole, value) => Self::Whole(Some(value.as_i64()?)),
            (Kind::Text, value) => Self::Text(Some(value.as_str()?.to_owned())),
            (Kind::Flag, value) => Self::Flag(Some(value.as_i64()? != 0)),
            (Kind::Bytes, value) => Self::Bytes(hex::bytes(value.as_str()?)?),
        })
    }
}
