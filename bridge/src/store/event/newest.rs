//! The newest events of a device, without reading its whole history.

use upturn_core::event::{Event, Position};
use upturn_core::id::DeviceId;

use super::{POSITION, Row, event_of_row};
use crate::store::Store;
use crate::store::error::StoreError;

/// How many blocks of the index `event_of_device` one statement looks into: a million events.
const BLOCKS: i64 = 256;
/// How many places a block has, as a power of two.
const BLOCK_BITS: u32 = 12;

/// Returns the newest events of `device` by their place, at most `max` of those up to `until`, the
/// newest first.
pub(crate) async fn newest_of_device(
    store: &Store,
    device: &DeviceId,
    (until, max): (Position, usize),
) -> Result<Vec<Event>, StoreError> {
    // One seek for each block; CROSS JOIN keeps SQLite to that.
    const SQL: &str = "
        WITH RECURSIVE block (number) AS (
            SELECT $2 UNION ALL SELECT number + 1 FROM block WHERE number < $3
        )
        SELECT position, stated_at, device, id, occurred_at, received_at, seq, kind, channel,
            clock_suspect, attributes
        FROM block CROSS JOIN event
        WHERE event.position >> 12 = block.number AND event.device = $1 AND position <= $4
        ORDER BY position DESC LIMIT $5";

    let Some((first, last)) = ends(store).await? else { return Ok(Vec::new()) };
    let until = i64::try_from(until).unwrap_or(i64::MAX).min(last);
    let mut events = Vec::new();
    let mut high = until >> BLOCK_BITS;
    while events.len() < max && first >> BLOCK_BITS <= high {
        let low = (high - BLOCKS + 1).max(0);
        let left = i64::try_from(max - events.len()).unwrap_or(i64::MAX);
        let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
            .bind(device.as_str())
            .bind(low)
            .bind(high)
            .bind(until)
            .bind(left)
            .fetch_all(db)
            .await?);
        for row in rows {
            let (position, event) = event_of_row(row)?;
            events.push(Event { position, ..event });
        }
        high = low - 1;
    }
    Ok(events)
}

/// Returns the first and the last place of an event.
async fn ends(store: &Store) -> Result<Option<(i64, i64)>, StoreError> {
    const SQL: &str = "SELECT min(position), max(position) FROM event";

    let ends: (Option<i64>, Option<i64>) =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_one(db).await?);
    let ends = ends.0.zip(ends.1);
    ends.map(|(first, last)| {
        POSITION.position(first)?;
        Ok((first, last))
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{each_backend, event, placed};
    use super::super::append;
    use super::*;

    #[tokio::test]
    async fn the_newest_events_of_a_device_come_first_wherever_they_lie() {
        each_backend(async |store| {
            // Far apart: in other blocks, and in other statements.
            let places = [1, 2, 5_000, 9_000_000, 9_000_001];
            for (number, place) in (0..).zip(places) {
                let device = if place == 9_000_000 { "other" } else { "d1" };
                let stored = [event(device, &format!("e{number}"), number)];
                let mut tx = store.begin().await.unwrap();
                append(&mut tx, &placed(place, &stored)).await.unwrap();
                tx.commit().await.unwrap();
            }
            let device = DeviceId::new("d1").unwrap();
            let cases: [(Position, usize, &[Position]); 6] = [
                (Position::MAX, 10, &[9_000_001, 5_000, 2, 1]),
                (Position::MAX, 2, &[9_000_001, 5_000]),
                (9_000_000, 10, &[5_000, 2, 1]),
                (4_999, 1, &[2]),
                (0, 10, &[]),
                (Position::MAX, 0, &[]),
            ];
            for (until, max, expected) in cases {
                let found = newest_of_device(store, &device, (until, max)).await.unwrap();
                let places: Vec<_> = found.iter().map(|event| event.position).collect();
                assert_eq!(places, expected, "case: {max} until {until}");
            }
        })
        .await;
    }
}
