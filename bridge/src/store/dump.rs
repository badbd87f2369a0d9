//! Reads every row there is, as one state of the database, while others write.

use sqlx::AssertSqlSafe;
use tokio_stream::StreamExt as _;
use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::table::{Kind, Table};
use super::{Backend, Store, Tx};

/// One state of the database, for as long as it is held.
#[derive(Debug)]
pub(crate) struct View(Tx);

/// Returns the state of now. Nobody waits for it; SQLite's log grows as long as it is held.
pub(crate) async fn view(store: &Store) -> Result<View, StoreError> {
    let mut tx = store.begin_reading().await?;
    if let Backend::Postgres(db) = tx.connection() {
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .execute(&mut *db)
            .await?;
        // One statement reads a whole table.
        sqlx::query("SET LOCAL statement_timeout = 0").execute(db).await?;
    }
    Ok(View(tx))
}

impl View {
    /// Returns how far the log goes.
    pub(crate) async fn cursor(&mut self) -> Result<Position, StoreError> {
        const SQL: &str = "SELECT position FROM log_cursor WHERE id = 1";

        let position: i64 = on_backend!(self.0.connection(), db => {
            sqlx::query_scalar(SQL).fetch_one(db).await?
        });
        Column("log_cursor", "position").position(position)
    }

    /// Hands each row of `table` to `take`, as a JSON list on one line; returns how many there are.
    pub(crate) async fn rows<E: From<StoreError>>(
        &mut self,
        table: &Table,
        mut take: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<u64, E> {
        let is_sqlite = matches!(self.0.0, Backend::Sqlite(_));
        let sql = select(table, is_sqlite);
        let mut count = 0;
        on_backend!(self.0.connection(), db => {
            let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).fetch(db);
            while let Some(row) = rows.next().await {
                take(&row.map_err(StoreError::from)?)?;
                count += 1;
            }
        });
        Ok(count)
    }
}

fn select(table: &Table, is_sqlite: bool) -> String {
    let values = table.columns.iter().map(|column| {
        let name = &column.name;
        match (column.kind, is_sqlite) {
            (Kind::Whole | Kind::Text, _) => name.clone(),
            (Kind::Flag, _) => format!("CAST({name} AS INTEGER)"),
            (Kind::Bytes, true) => format!("hex({name})"),
            (Kind::Bytes, false) => format!("encode({name}, 'hex')"),
        }
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let list = if is_sqlite {
        format!("json_array({values})")
    } else {
        format!("CAST(json_build_array({values}) AS TEXT)")
    };
    let order = table.columns.first().map_or("1", |first| &first.name);
    format!("SELECT {list} FROM {} ORDER BY {order}", table.name)
}
