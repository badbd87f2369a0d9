//! The log of events, in the order they were taken in.

use chrono::{DateTime, Utc};
use upturn_core::event::{Attributes, Event, Position};
use upturn_core::id::DeviceId;

use super::column::Column;
use super::error::StoreError;
use super::{Backend, Store, Tx, answer};

pub(crate) mod newest;
mod postgres;
mod sqlite;

/// An event and its place in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewEvent<'a> {
    /// Its place, behind everything stored so far.
    pub(crate) position: Position,
    /// The source whose topic it came by.
    pub(crate) source: &'a str,
    /// The event.
    pub(crate) event: &'a Event,
}

/// Stores `events` and returns for each whether it is new.
///
/// An event with the stated time, device and id of a stored one is not new and is left out; its
/// position stays unused. Within one call these keys are distinct.
pub(crate) async fn append(tx: &mut Tx, events: &[NewEvent<'_>]) -> Result<Vec<bool>, StoreError> {
    let places = events.iter().map(|new| POSITION.write_position(new.position));
    let places = places.collect::<Result<Vec<i64>, _>>()?;
    let (Some(first), Some(last)) = (places.iter().min(), places.iter().max()) else {
        return Ok(Vec::new());
    };

    let inserted = match tx.connection() {
        Backend::Sqlite(db) => sqlite::insert(db, events, &places).await.map_err(explain),
        Backend::Postgres(db) => {
            let insert = postgres::insert(db, events, &places);
            answer(async { insert.await.map_err(explain) }).await
        }
    }?;
    // Asking which are new is left for the rare batch in which one is not.
    if usize::try_from(inserted).is_ok_and(|inserted| inserted == events.len()) {
        return Ok(vec![true; events.len()]);
    }
    let stored = stored_between(tx, *first, *last).await?;
    Ok(places.iter().map(|place| stored.binary_search(place).is_ok()).collect())
}

/// Returns at most `max` events behind `after`, in log order.
pub(crate) async fn read_after(
    store: &Store,
    after: Position,
    max: u32,
) -> Result<Vec<(Position, Event)>, StoreError> {
    const SQL: &str = "
        SELECT position, stated_at, device, id, occurred_at, received_at, seq, kind, channel,
            clock_suspect, attributes
        FROM event WHERE position > $1 ORDER BY position LIMIT $2";

    let after = POSITION.write_position(after)?;
    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(after)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(event_of_row).collect()
}

/// Returns the event at `position`, if there is one.
pub(crate) async fn find(store: &Store, position: Position) -> Result<Option<Event>, StoreError> {
    let next = read_after(store, position.saturating_sub(1), 1).await?.into_iter().next();
    Ok(next.filter(|(found, _)| *found == position).map(|(_, event)| Event { position, ..event }))
}

/// Returns the place of the first event that was taken in at `at` or later; `None` if none was.
///
/// Log time never decreases along the log, so it is found by halves, with some sixty seeks.
pub(crate) async fn first_since(
    store: &Store,
    at: DateTime<Utc>,
) -> Result<Option<Position>, StoreError> {
    const ENDS: &str = "SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM event";
    const NEXT: &str = "
        SELECT position, received_at FROM event WHERE position >= $1 ORDER BY position LIMIT 1";

    let at = at.timestamp_millis();
    let (mut first, last): (i64, i64) =
        on_backend!(store.reader(), db => sqlx::query_as(ENDS).fetch_one(db).await?);
    // All before `first` are older; at `end` and behind it none is.
    let (mut end, mut found) = (last.saturating_add(1), None);
    while first < end {
        let middle = first + (end - first) / 2;
        let next: Option<(i64, i64)> = on_backend!(store.reader(), db => {
            sqlx::query_as(NEXT).bind(middle).fetch_optional(db).await?
        });
        match next {
            Some((position, received_at)) if received_at < at => first = position + 1,
            Some((position, _)) => {
                found = Some(position);
                end = middle;
            }
            None => end = middle,
        }
    }
    found.map(|position| POSITION.position(position)).transpose()
}

/// Returns the events of `device` that happened at `from` or later, in log order, with those that
/// `tx` stored.
pub(crate) async fn of_device(
    tx: &mut Tx,
    device: &DeviceId,
    from: DateTime<Utc>,
) -> Result<Vec<(Position, Event)>, StoreError> {
    // One seek for each block of the index `event_of_device`; CROSS JOIN keeps SQLite to that.
    const SQL: &str = "
        WITH RECURSIVE block (number) AS (
            SELECT min(position) >> 12 FROM event
            UNION ALL
            SELECT number + 1 FROM block WHERE number < (SELECT max(position) >> 12 FROM event)
        )
        SELECT position, stated_at, device, id, occurred_at, received_at, seq, kind, channel,
            clock_suspect, attributes
        FROM block CROSS JOIN event
        WHERE event.position >> 12 = block.number AND event.device = $1 AND occurred_at >= $2
        ORDER BY position";

    let rows: Vec<Row> = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(device.as_str())
        .bind(from.timestamp_millis())
        .fetch_all(db)
        .await?);
    rows.into_iter().map(event_of_row).collect()
}

/// Returns the events at `places`, in the order of these, with those that `tx` stored; those that
/// are not there are left out.
pub(crate) async fn at_places(
    tx: &mut Tx,
    places: &[Position],
) -> Result<Vec<(Position, Event)>, StoreError> {
    const SQL: &str = "
        SELECT position, stated_at, device, id, occurred_at, received_at, seq, kind, channel,
            clock_suspect, attributes
        FROM event WHERE position = $1";

    let mut events = Vec::with_capacity(places.len());
    for place in places {
        let place = POSITION.write_position(*place)?;
        let row: Option<Row> = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
            .bind(place)
            .fetch_optional(db)
            .await?);
        events.extend(row.map(event_of_row).transpose()?);
    }
    Ok(events)
}

/// Returns when the newest event of the log happened.
pub(crate) async fn newest_at(store: &Store) -> Result<Option<DateTime<Utc>>, StoreError> {
    const SQL: &str = "SELECT occurred_at FROM event ORDER BY position DESC LIMIT 1";

    let at: Option<i64> =
        on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_optional(db).await?);
    at.map(|at| Column("event", "occurred_at").time(at)).transpose()
}

const POSITION: Column = Column("event", "position");

/// The positions that are taken from `first` to `last`, ascending.
async fn stored_between(tx: &mut Tx, first: i64, last: i64) -> Result<Vec<i64>, StoreError> {
    // As one text, since fetching a row costs about as much as inserting a tenth of one.
    const SQL: &str = "
        SELECT coalesce(string_agg(CAST(position AS TEXT), ' '), '')
        FROM event WHERE position BETWEEN $1 AND $2";

    let stored: String = on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(first)
        .bind(last)
        .fetch_one(db)
        .await?);
    let mut stored = stored
        .split_ascii_whitespace()
        .map(|place| place.parse().map_err(|_| POSITION.inconsistent("no number")))
        .collect::<Result<Vec<i64>, _>>()?;
    stored.sort_unstable();
    Ok(stored)
}

/// Repeated keys are not errors, so the only value that can be there twice is a position.
fn explain(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => StoreError::Fenced,
        _ => StoreError::from(error),
    }
}

/// `None` is stored as 0, since a unique key takes every NULL for another value.
fn stated_at(event: &Event) -> i64 {
    event.stated_at.map_or(0, |at| at.timestamp_millis())
}

/// The columns in the order of the statements above.
type Row = (i64, i64, String, String, i64, i64, Option<i64>, String, Option<String>, bool, String);

fn event_of_row(row: Row) -> Result<(Position, Event), StoreError> {
    let (position, stated_at, device, id, occurred_at, received_at, seq, ..) = row;
    let (.., kind, channel, clock_suspect, attributes) = row;
    // A time of 0 was stated if it was believed, or doubted; without one there is nothing to doubt.
    let is_stated = stated_at != 0 || clock_suspect || occurred_at == 0;
    let event = Event {
        id: Column("event", "id").event(&id)?,
        device: Column("event", "device").device(&device)?,
        channel: channel.map(Into::into),
        kind: kind.into(),
        stated_at: is_stated.then(|| Column("event", "stated_at").time(stated_at)).transpose()?,
        occurred_at: Column("event", "occurred_at").time(occurred_at)?,
        received_at: Column("event", "received_at").time(received_at)?,
        seq,
        clock_suspect,
        attributes: Attributes::from_json_object(attributes),
        position: 0,
    };
    Ok((POSITION.position(position)?, event))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend, event, placed};
    use super::*;

    /// Appends `events` from position `first` on, in a transaction of their own.
    async fn commit(store: &Store, first: Position, events: &[Event]) -> Vec<bool> {
        let mut tx = store.begin().await.unwrap();
        let fresh = append(&mut tx, &placed(first, events)).await.unwrap();
        tx.commit().await.unwrap();
        fresh
    }

    #[tokio::test]
    async fn an_event_is_new_unless_its_stated_time_device_and_id_are_stored() {
        each_backend(async |store| {
            let first = event("d1", "e1", 0);
            let unstated = Event { stated_at: None, ..first.clone() };
            assert_eq!(commit(store, 1, &[first.clone(), unstated.clone()]).await, [true, true]);

            let cases = [
                ("the same", first.clone(), false),
                (
                    "the same at another time of receipt",
                    Event { received_at: at(9), ..first.clone() },
                    false,
                ),
                ("the same without a stated time", Event { received_at: at(9), ..unstated }, false),
                ("the same id with another stated time", event("d1", "e1", 1), true),
                ("the same id of another device", event("d2", "e1", 0), true),
                ("another id", event("d1", "e2", 0), true),
            ];
            let (events, expected): (Vec<_>, Vec<_>) =
                cases.iter().map(|(_, event, fresh)| (event.clone(), *fresh)).unzip();
            assert_eq!(commit(store, 10, &events).await, expected);

            let stored = read_after(store, 2, 100).await.unwrap();
            let positions: Vec<_> = stored.iter().map(|(position, _)| *position).collect();
            assert_eq!(positions, [13, 14, 15], "those that were not new left their places unused");
        })
        .await;
    }

    #[tokio::test]
    async fn the_first_event_since_a_time_is_found_between_gaps() {
        each_backend(async |store| {
            assert_eq!(first_since(store, at(0)).await.unwrap(), None);
            for (position, minutes) in [(3, 0), (4, 10), (90, 10), (91, 20), (1_000, 30)] {
                let id = position.to_string();
                let event = Event { received_at: at(minutes), ..event("d1", &id, minutes) };
                commit(store, position, &[event]).await;
            }
            let cases = [(-5, Some(3)), (0, Some(3)), (1, Some(4)), (10, Some(4)), (11, Some(91))];
            let cases = cases.into_iter().chain([(21, Some(1_000)), (30, Some(1_000)), (31, None)]);
            for (minutes, expected) in cases {
                let found = first_since(store, at(minutes)).await.unwrap();
                assert_eq!(found, expected, "case: {minutes}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn batches_of_every_size_are_stored_whole() {
        each_backend(async |store| {
            let mut position = 1;
            for size in [0, 1, 7, 8, 9, 31, 33, 128, 511, 512, 513, 1_234] {
                let id = |number| format!("{size}-{number}");
                let events: Vec<_> = (0..size).map(|n| event("d1", &id(n), n)).collect();
                let fresh = commit(store, position, &events).await;
                assert_eq!(fresh, vec![true; events.len()], "size: {size}");

                let stored = read_after(store, position - 1, 2_000).await.unwrap();
                let expected: Vec<_> = (position..).zip(events).collect();
                assert_eq!(stored, expected, "size: {size}");
                position += expected.len() as u64;
            }
        })
        .await;
    }

    #[tokio::test]
    async fn says_of_each_in_a_large_batch_whether_it_is_new() {
        each_backend(async |store| {
            let all: Vec<_> = (0..600).map(|n| event("d1", &format!("e{n}"), n)).collect();
            let old: Vec<_> = all.iter().step_by(7).cloned().collect();
            commit(store, 1, &old).await;

            let fresh = commit(store, 1_000, &all).await;
            let expected: Vec<_> = (0..600).map(|n| n % 7 != 0).collect();
            assert_eq!(fresh, expected);
        })
        .await;
    }

    #[tokio::test]
    async fn a_position_that_is_taken_means_another_writer() {
        each_backend(async |store| {
            commit(store, 1, &[event("d1", "e1", 0)]).await;

            let mut tx = store.begin().await.unwrap();
            let taken = [event("d1", "e2", 0)];
            let refused = append(&mut tx, &placed(1, &taken)).await.unwrap_err();
            assert!(matches!(refused, StoreError::Fenced), "{refused}");
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_not_committed_leaves_nothing() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            append(&mut tx, &placed(1, &[event("d1", "e1", 0)])).await.unwrap();
            drop(tx);

            assert_eq!(read_after(store, 0, 10).await.unwrap(), []);
            assert_eq!(commit(store, 1, &[event("d1", "e1", 0)]).await, [true]);
        })
        .await;
    }

    #[tokio::test]
    async fn an_event_comes_back_as_it_was() {
        let plain = event("d1", "e", 0);
        let with = |id: &str, change: fn(&mut Event)| {
            let mut event =
                Event { id: upturn_core::id::EventId::new(id).unwrap(), ..plain.clone() };
            change(&mut event);
            event
        };
        let far = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let events = [
            with("no sequence number", |event| event.seq = None),
            with("a negative one", |event| event.seq = Some(i64::MIN)),
            with("no channel", |event| event.channel = None),
            with("an empty channel", |event| event.channel = Some("".into())),
            with("no stated time", |event| event.stated_at = None),
            with("a doubted one", |event| event.clock_suspect = true),
            with("1970 stated and doubted", |event| {
                event.stated_at = Some(DateTime::UNIX_EPOCH);
                event.clock_suspect = true;
            }),
            with("1970 stated and believed", |event| {
                event.stated_at = Some(DateTime::UNIX_EPOCH);
                event.occurred_at = DateTime::UNIX_EPOCH;
            }),
            Event {
                stated_at: Some(far("0001-01-01T00:00:00.001Z")),
                received_at: far("9999-12-31T23:59:59.999Z"),
                ..with("far times", |_| ())
            },
            with("故障 🔌 'q' \\", |event| {
                event.kind = "充电失败".into();
                event.channel = Some("接口".into());
            }),
            with("odd JSON", |event| {
                let text =
                    r#"{ "b":1.0, "a" : 1e2,"b":"\u0000 \/ é \u00e9","n":18446744073709551616 }"#;
                event.attributes = Attributes::from_json_object(text);
            }),
            with("large JSON", |event| {
                let text = format!(r#"{{"log":"{}"}}"#, "故障x".repeat(30_000));
                event.attributes = Attributes::from_json_object(text);
            }),
        ];
        each_backend(async |store| {
            commit(store, 1, &events).await;
            for ((position, event), stored) in
                (1..).zip(&events).zip(read_after(store, 0, 100).await.unwrap())
            {
                assert_eq!(stored, (position, event.clone()), "case: {}", event.id);
            }
        })
        .await;
    }

    #[tokio::test]
    async fn the_log_is_read_in_pages() {
        each_backend(async |store| {
            let events: Vec<_> = (0..5).map(|n| event("d1", &format!("e{n}"), n)).collect();
            commit(store, 10, &events).await;

            let cases =
                [(0, 2, vec![10, 11]), (11, 2, vec![12, 13]), (13, 2, vec![14]), (14, 2, vec![])];
            for (after, max, expected) in cases {
                let page = read_after(store, after, max).await.unwrap();
                let positions: Vec<_> = page.into_iter().map(|(position, _)| position).collect();
                assert_eq!(positions, expected, "after: {after}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn history_spans_all_blocks_and_this_transaction() {
        each_backend(async |store| {
            let device = DeviceId::new("d1").unwrap();
            let mut tx = store.begin().await.unwrap();
            assert_eq!(of_device(&mut tx, &device, at(0)).await.unwrap(), [], "an empty log");
            drop(tx);

            let early = [event("d1", "early", -1), event("d1", "late", 30), event("d2", "x", 30)];
            commit(store, 4_094, &early).await;
            commit(store, 4_097, &[event("d1", "next block", 10)]).await;
            commit(store, 50_000, &[event("d1", "far block", 0)]).await;
            let mut tx = store.begin().await.unwrap();
            let own = [event("d1", "own", 5)];
            append(&mut tx, &placed(50_001, &own)).await.unwrap();

            let places = [50_001, 7, 4_095];
            let found = at_places(&mut tx, &places).await.unwrap();
            let found: Vec<_> = found.iter().map(|(at, event)| (*at, event.id.as_str())).collect();
            assert_eq!(found, [(50_001, "own"), (4_095, "late")]);

            let history = of_device(&mut tx, &device, at(0)).await.unwrap();
            let found: Vec<_> =
                history.iter().map(|(at, event)| (*at, event.id.as_str())).collect();
            let expected =
                [(4_095, "late"), (4_097, "next block"), (50_000, "far block"), (50_001, "own")];
            assert_eq!(found, expected);
        })
        .await;
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_is_an_error_that_names_its_column() {
        use super::super::testing::execute;

        each_backend(async |store| {
            commit(store, 1, &[event("d1", "e1", 0)]).await;
            let cases = [
                ("device = ''", "event.device"),
                ("device = 'd1', id = ''", "event.id"),
                ("id = 'e1', occurred_at = 9223372036854775807", "event.occurred_at"),
            ];
            for (change, column) in cases {
                execute(store, format!("UPDATE event SET {change}")).await;
                let error = read_after(store, 0, 1).await.unwrap_err();
                assert!(error.to_string().starts_with(column), "case: {change}: {error}");
                assert!(!error.is_transient(), "case: {change}");
            }
        })
        .await;
    }
}
