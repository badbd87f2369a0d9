//! The batch insert for PostgreSQL: one array for each column, whatever the number of rows.

use sqlx::PgConnection;

use super::{NewEvent, stated_at};

/// Inserts what is new of `events` at `places`; returns how many are.
pub(super) async fn insert(
    db: &mut PgConnection,
    events: &[NewEvent<'_>],
    places: &[i64],
) -> Result<u64, sqlx::Error> {
    const SQL: &str = "
        INSERT INTO event (position, stated_at, device, id, occurred_at, received_at, seq, kind,
            channel, source, clock_suspect, attributes)
        SELECT * FROM unnest($1::BIGINT[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::BIGINT[],
            $6::BIGINT[], $7::BIGINT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::BOOLEAN[],
            $12::TEXT[])
        ON CONFLICT (stated_at, device, id) DO NOTHING";

    let all = || events.iter().map(|new| new.event);
    let done = sqlx::query(SQL)
        .bind(places)
        .bind(all().map(stated_at).collect::<Vec<_>>())
        .bind(all().map(|event| event.device.as_str()).collect::<Vec<_>>())
        .bind(all().map(|event| event.id.as_str()).collect::<Vec<_>>())
        .bind(all().map(|event| event.occurred_at.timestamp_millis()).collect::<Vec<_>>())
        .bind(all().map(|event| event.received_at.timestamp_millis()).collect::<Vec<_>>())
        .bind(all().map(|event| event.seq).collect::<Vec<_>>())
        .bind(all().map(|event| &*event.kind).collect::<Vec<_>>())
        .bind(all().map(|event| event.channel.as_deref()).collect::<Vec<_>>())
        .bind(events.iter().map(|new| new.source).collect::<Vec<_>>())
        .bind(all().map(|event| event.clock_suspect).collect::<Vec<_>>())
        .bind(all().map(|event| event.attributes.as_json()).collect::<Vec<_>>())
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
