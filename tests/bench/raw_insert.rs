//! What a database does by itself: the rows of the job, in batches, as fast as it takes them.

use std::iter;

use chrono::DateTime;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, PgConnection, SqliteConnection,
    sqlite::SqliteArguments,
};
use upturn_tests::site::{Database, Plan, Site};

use super::figures::{Failure, Meter, Rate};
use super::job::Job;
use super::postgres::Server;

/// Rows of one commit.
const BATCH: usize = 4_096;
/// Rows of one statement to SQLite.
const ROWS: usize = 512;
const COLUMNS: &str = "position, stated_at, device, id, occurred_at, received_at, seq, kind, \
                       channel, source, clock_suspect, attributes";

/// A row of the log.
#[derive(Debug)]
struct Row {
    position: i64,
    at: i64,
    device: String,
    id: String,
    kind: String,
    attributes: String,
}

/// Inserts the job's rows into an empty database of ours, on `server` or in a file.
pub(super) fn run(job: &Job, server: Option<&Server>) -> Result<Rate, Failure> {
    let database = server.map(|server| Database::on(server.url.clone()));
    let url = database.as_ref().map(|database| database.url.clone());
    let site = Site::install(&Plan { database: url, ..Plan::default() });
    let rows = rows(job)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let meter = Meter::of(std::process::id())?;
        if server.is_some() {
            let mut connection = PgConnection::connect(&site.store).await?;
            for batch in rows.chunks(BATCH) {
                insert_arrays(&mut connection, batch).await?;
            }
            meter.report("raw insert to PostgreSQL (CPU is the client's)", rows.len(), "")
        } else {
            let options: SqliteConnectOptions = site.store.parse()?;
            let options = options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .pragma("cache_size", "-16384")
                .pragma("wal_autocheckpoint", "4000");
            let mut connection = SqliteConnection::connect_with(&options).await?;
            for batch in rows.chunks(BATCH) {
                insert_values(&mut connection, batch).await?;
            }
            meter.report("raw insert to SQLite (CPU is this side's)", rows.len(), "")
        }
    })
}

/// Decodes the job; rows that are there twice stay out.
fn rows(job: &Job) -> Result<Vec<Row>, Failure> {
    let (mut rows, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    for message in &job.messages {
        if !seen.insert((&message.topic, &message.payload)) {
            continue;
        }
        let attributes = String::from_utf8(message.payload.clone())?;
        let value: Value = serde_json::from_str(&attributes)?;
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        rows.push(Row {
            position: i64::try_from(rows.len())? + 1,
            at: DateTime::parse_from_rfc3339(&text("ts"))?.timestamp_millis(),
            device: message.topic.split('/').nth(1).unwrap_or_default().to_owned(),
            id: text("id"),
            kind: text("kind"),
            attributes,
        });
    }
    Ok(rows)
}

async fn insert_arrays(db: &mut PgConnection, rows: &[Row]) -> Result<(), Failure> {
    let sql = format!(
        "INSERT INTO event ({COLUMNS}) SELECT p, at, d, id, at, at, NULL, k, NULL, 'raw', FALSE, a
         FROM unnest($1::BIGINT[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[])
            AS new (p, at, d, id, k, a)
         ON CONFLICT (stated_at, device, id) DO NOTHING"
    );
    let mut tx = db.begin().await?;
    sqlx::query(AssertSqlSafe(sql))
        .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.at).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| &*row.device).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| &*row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| &*row.kind).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| &*row.attributes).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

async fn insert_values(db: &mut SqliteConnection, rows: &[Row]) -> Result<(), Failure> {
    let mut tx = db.begin().await?;
    for rows in rows.chunks(ROWS) {
        let places = "(?,?,?,?,?,?,NULL,?,NULL,'raw',FALSE,?)";
        let places = iter::repeat_n(places, rows.len()).collect::<Vec<_>>().join(",");
        let sql = format!(
            "INSERT INTO event ({COLUMNS}) VALUES {places} \
             ON CONFLICT (stated_at, device, id) DO NOTHING"
        );
        let mut arguments = SqliteArguments::default();
        for row in rows {
            bind(&mut arguments, row).map_err(|error| error.to_string())?;
        }
        sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

fn bind(arguments: &mut SqliteArguments, row: &Row) -> Result<(), sqlx::error::BoxDynError> {
    arguments.add(row.position)?;
    arguments.add(row.at)?;
    arguments.add(row.device.clone())?;
    arguments.add(row.id.clone())?;
    arguments.add(row.at)?;
    arguments.add(row.at)?;
    arguments.add(row.kind.clone())?;
    arguments.add(row.attributes.clone())
}
