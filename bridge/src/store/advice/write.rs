//! What a plan changes about advice, many rows in one statement.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, QueryBuilder, SqliteConnection};

use super::super::error::StoreError;
use super::super::{Backend, Tx};
use super::{AdviceState, NewAdvice};

/// Rows of one statement on SQLite, which takes 32,766 values at most.
const SQLITE_ROWS_MAX: usize = 500;
/// The same on PostgreSQL, which takes each column as one value.
const POSTGRES_ROWS_MAX: usize = 5_000;

const INTO: &str = "
    INSERT INTO advice (id, key, decision, figures, document, packed, item, source, place, quantity,
        ship_on, arrive_on, cover_until, replaces, state, revision, created_at, updated_at) ";
/// What a row is given whose piece says the same to be done for other reasons.
const RENEW: &str = "
    UPDATE advice SET figures = new.figures, document = '', packed = new.packed,
        cover_until = new.cover_until
    FROM new WHERE advice.id = new.id";

/// Writes `rows`, which are new.
pub(crate) async fn write(
    tx: &mut Tx,
    rows: &[NewAdvice],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let at = at.timestamp_millis();
    match tx.connection() {
        Backend::Sqlite(db) => {
            for chunk in rows.chunks(SQLITE_ROWS_MAX) {
                write_sqlite(db, chunk, at).await?;
            }
        }
        Backend::Postgres(db) => {
            for chunk in rows.chunks(POSTGRES_ROWS_MAX) {
                write_postgres(db, chunk, at).await?;
            }
        }
    }
    Ok(())
}

async fn write_sqlite(
    db: &mut SqliteConnection,
    rows: &[NewAdvice],
    at: i64,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new(INTO);
    query.push_values(rows, |mut row, one| {
        row.push_bind(&*one.id)
            .push_bind(&*one.key)
            .push_bind(one.decision.to_string())
            .push_bind(one.figures.to_string())
            .push("''")
            .push_bind(&*one.packed)
            .push_bind(&*one.item)
            .push_bind(one.source.as_deref())
            .push_bind(&*one.place)
            .push_bind(i64::from(one.quantity))
            .push_bind(text(one.ship_on))
            .push_bind(text(one.arrive_on))
            .push_bind(one.cover_until.to_string())
            .push_bind(one.replaces.as_deref())
            .push("'open'")
            .push("1")
            .push_bind(at)
            .push_bind(at);
    });
    query.build().execute(db).await.map(drop)
}

async fn write_postgres(
    db: &mut PgConnection,
    rows: &[NewAdvice],
    at: i64,
) -> Result<(), sqlx::Error> {
    const ROWS: &str = "
        SELECT id, key, decision, figures, '', packed, item, source, place, quantity,
            ship_on, arrive_on, cover_until, replaces, 'open', 1, $14, $14
        FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::BYTEA[], $6::TEXT[],
            $7::TEXT[], $8::TEXT[], $9::BIGINT[], $10::TEXT[], $11::TEXT[], $12::TEXT[],
            $13::TEXT[]) AS rows (id, key, decision, figures, packed, item, source, place,
            quantity, ship_on, arrive_on, cover_until, replaces)";

    let all = || rows.iter();
    let mut query = QueryBuilder::new(INTO);
    query.push(ROWS);
    let query = query.build();
    query
        .bind(all().map(|one| &*one.id).collect::<Vec<_>>())
        .bind(all().map(|one| &*one.key).collect::<Vec<_>>())
        .bind(all().map(|one| one.decision.to_string()).collect::<Vec<_>>())
        .bind(all().map(|one| one.figures.to_string()).collect::<Vec<_>>())
        .bind(all().map(|one| &*one.packed).collect::<Vec<_>>())
        .bind(all().map(|one| &*one.item).collect::<Vec<_>>())
        .bind(all().map(|one| one.source.as_deref()).collect::<Vec<_>>())
        .bind(all().map(|one| &*one.place).collect::<Vec<_>>())
        .bind(all().map(|one| i64::from(one.quantity)).collect::<Vec<_>>())
        .bind(all().map(|one| text(one.ship_on)).collect::<Vec<_>>())
        .bind(all().map(|one| text(one.arrive_on)).collect::<Vec<_>>())
        .bind(all().map(|one| one.cover_until.to_string()).collect::<Vec<_>>())
        .bind(all().map(|one| one.replaces.as_deref()).collect::<Vec<_>>())
        .bind(at)
        .execute(db)
        .await
        .map(drop)
}

/// Has the pieces of `rows` stand on other figures from now on.
pub(crate) async fn renew(tx: &mut Tx, rows: &[NewAdvice]) -> Result<(), StoreError> {
    const NEW: &str = "
        WITH new AS (SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::BYTEA[], $4::TEXT[])
            AS new (id, figures, packed, cover_until))";

    match tx.connection() {
        Backend::Sqlite(db) => {
            for chunk in rows.chunks(SQLITE_ROWS_MAX) {
                let mut query =
                    QueryBuilder::new("WITH new (id, figures, packed, cover_until) AS (");
                query.push_values(chunk, |mut row, one| {
                    row.push_bind(&*one.id)
                        .push_bind(one.figures.to_string())
                        .push_bind(&*one.packed)
                        .push_bind(one.cover_until.to_string());
                });
                query.push(")").push(RENEW).build().execute(&mut *db).await?;
            }
        }
        Backend::Postgres(db) => {
            for chunk in rows.chunks(POSTGRES_ROWS_MAX) {
                let all = || chunk.iter();
                let mut query = QueryBuilder::new(NEW);
                query
                    .push(RENEW)
                    .build()
                    .bind(all().map(|one| &*one.id).collect::<Vec<_>>())
                    .bind(all().map(|one| one.figures.to_string()).collect::<Vec<_>>())
                    .bind(all().map(|one| &*one.packed).collect::<Vec<_>>())
                    .bind(all().map(|one| one.cover_until.to_string()).collect::<Vec<_>>())
                    .execute(&mut *db)
                    .await?;
            }
        }
    }
    Ok(())
}

fn text(day: Option<NaiveDate>) -> Option<String> {
    day.map(|day| day.to_string())
}

/// Ends what stands under `ids`: it is superseded, or withdrawn.
pub(crate) async fn end(
    tx: &mut Tx,
    ids: &[&str],
    state: AdviceState,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const END: &str = "
        UPDATE advice SET state = $1, revision = revision + 1, updated_at = $2
        FROM unnest($3::TEXT[]) AS ended(id)
        WHERE advice.id = ended.id AND state IN ('open', 'snoozed')";

    let at = at.timestamp_millis();
    match tx.connection() {
        Backend::Sqlite(db) => {
            for chunk in ids.chunks(SQLITE_ROWS_MAX) {
                let mut query = QueryBuilder::new("UPDATE advice SET state = ");
                query.push_bind(state.word()).push(", revision = revision + 1, updated_at = ");
                // The sign keeps it from reading all that is open for every few ids.
                query.push_bind(at).push(" WHERE +state IN ('open', 'snoozed') AND id IN (");
                let mut list = query.separated(", ");
                for id in chunk {
                    list.push_bind(*id);
                }
                query.push(")");
                query.build().execute(&mut *db).await?;
            }
        }
        Backend::Postgres(db) => {
            // All at once: it looks them up where they are few, and reads the table once where not.
            sqlx::query(END).bind(state.word()).bind(at).bind(ids).execute(db).await?;
        }
    }
    Ok(())
}
