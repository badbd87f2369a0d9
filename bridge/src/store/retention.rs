//! Deletes what is older than it is to be kept, a bounded number of rows at a time.

use chrono::{DateTime, Utc};
use upturn_core::engine::STATEFUL;
use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

const POSITION: Column = Column("retention", "position");
const HORIZON: Column = Column("retention", "horizon");

/// What was deleted from the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// Events up to this place are gone; 0 if none is.
    pub(crate) until: Position,
    /// From where on, in event time, the log is whole.
    pub(crate) horizon: Option<DateTime<Utc>>,
}

/// Returns what was deleted from the log.
pub(crate) async fn deleted(store: &Store) -> Result<Deleted, StoreError> {
    const SQL: &str = "SELECT position, horizon FROM retention WHERE id = 1";

    let found: Option<(i64, i64)> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_optional(db).await?);
    let (position, horizon) = found.ok_or_else(|| POSITION.inconsistent("no row"))?;
    let horizon = (position != 0).then(|| HORIZON.time(horizon)).transpose()?;
    Ok(Deleted { until: POSITION.position(position)?, horizon })
}

/// Returns the last place in the log up to which nothing happened at the horizon or later.
///
/// Events of a clock that runs ahead stay when others of their time of receipt are deleted.
pub(crate) async fn settled(store: &Store, deleted: Deleted) -> Result<Position, StoreError> {
    const SQL: &str = "SELECT min(position) FROM event WHERE position <= $1 AND occurred_at >= $2";

    let Some(horizon) = deleted.horizon else { return Ok(0) };
    let until = POSITION.write_position(deleted.until)?;
    let ahead: Option<i64> = on_backend!(store.reader(), db => sqlx::query_scalar(SQL)
        .bind(until)
        .bind(horizon.timestamp_millis())
        .fetch_one(db)
        .await?);
    let ahead = ahead.map(|position| POSITION.position(position)).transpose()?;
    Ok(ahead.map_or(deleted.until, |position| position.saturating_sub(1)))
}

/// What of the log may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// The last place that may go: everything up to it is in a snapshot.
    pub(crate) until: Position,
    /// What was received, or happened, at this time or later stays.
    pub(crate) before: DateTime<Utc>,
    /// How many rows are looked at.
    pub(crate) rows_max: u32,
}

/// Deletes the oldest events and ticks that `cut` lets go; returns how many events, and what is
/// deleted now.
///
/// Events that keep a state for as long as nothing ends it, such as tickets, stay, and so do rules,
/// registries and what people did. `old` is what was deleted before.
pub(crate) async fn delete_events(
    tx: &mut Tx,
    old: Deleted,
    cut: Cut,
) -> Result<(u64, Deleted), StoreError> {
    const LAST: &str = "
        SELECT max(position) FROM (
            SELECT position, received_at FROM event
            WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
        ) AS next WHERE received_at < $4";
    const EVENTS: &str = "
        DELETE FROM event WHERE position > $1 AND position <= $2 AND occurred_at < $3
            AND kind NOT IN ($4, $5, $6, $7)";
    const TICKS: &str = "
        DELETE FROM log_input WHERE position > $1 AND position <= $2 AND kind = 'tick'";
    const NOTE: &str = "UPDATE retention SET position = $1, horizon = $2 WHERE id = 1";

    let (after, until) = (POSITION.write_position(old.until)?, POSITION.write_position(cut.until)?);
    let before = cut.before.timestamp_millis();
    let last: Option<i64> = on_backend!(tx.connection(), db => sqlx::query_scalar(LAST)
        .bind(after)
        .bind(until)
        .bind(i64::from(cut.rows_max))
        .bind(before)
        .fetch_one(db)
        .await?);
    let Some(last) = last else { return Ok((0, old)) };
    let [opened, closed, started, ended] = STATEFUL;
    let gone = on_backend!(tx.connection(), db => sqlx::query(EVENTS)
        .bind(after)
        .bind(last)
        .bind(before)
        .bind(opened)
        .bind(closed)
        .bind(started)
        .bind(ended)
        .execute(db)
        .await?
        .rows_affected());
    on_backend!(tx.connection(), db => {
        sqlx::query(TICKS).bind(after).bind(last).execute(db).await.map(drop)?;
    });
    let horizon = old.horizon.max(Some(cut.before));
    let horizon_ms = horizon.map_or(before, |horizon| horizon.timestamp_millis());
    on_backend!(tx.connection(), db => {
        sqlx::query(NOTE).bind(last).bind(horizon_ms).execute(db).await.map(drop)?;
    });
    Ok((gone, Deleted { until: POSITION.position(last)?, horizon }))
}

/// Deletes at most `rows_max` dead letters that came before `before`; returns how many.
pub(crate) async fn delete_dead_letters(
    tx: &mut Tx,
    before: DateTime<Utc>,
    rows_max: u32,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        DELETE FROM dead_letter WHERE id IN (
            SELECT id FROM dead_letter WHERE received_at < $1 ORDER BY received_at LIMIT $2
        )";

    delete(tx, SQL, before, rows_max).await
}

/// Deletes at most `rows_max` letters that are over and were written and sent before `before`, the
/// oldest first; returns how many.
///
/// Those about a task that people still work on stay, since it may be withdrawn, and so do those at whose
/// destination another one about the same subject is not over. A parked letter is not over.
pub(crate) async fn delete_letters(
    tx: &mut Tx,
    before: DateTime<Utc>,
    rows_max: u32,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        DELETE FROM outbox WHERE id IN (
            SELECT o.id FROM outbox AS o
            WHERE o.state IN ('sent', 'collected', 'dropped') AND o.created_at < $1
                AND (o.sent_at IS NULL OR o.sent_at < $1)
                AND NOT EXISTS (
                    SELECT 1 FROM task AS t
                    WHERE t.id = o.subject AND t.status = 'new' AND t.progress IN ('new', 'accepted'))
                AND NOT EXISTS (
                    SELECT 1 FROM outbox AS other
                    WHERE other.destination = o.destination AND other.subject = o.subject
                        AND other.state IN ('waiting', 'collecting', 'parked'))
            ORDER BY o.created_at, o.id LIMIT $2
        )";

    delete(tx, SQL, before, rows_max).await
}

/// Deletes at most `rows_max` pieces of advice that ended before `before`, the oldest first, and that nobody
/// decided about; returns how many.
pub(crate) async fn delete_advice(
    tx: &mut Tx,
    before: DateTime<Utc>,
    rows_max: u32,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        DELETE FROM advice WHERE id IN (
            SELECT id FROM advice
            WHERE state IN ('superseded', 'withdrawn') AND updated_at < $1 AND actor IS NULL
            ORDER BY updated_at LIMIT $2
        )";

    delete(tx, SQL, before, rows_max).await
}

/// Deletes by `sql`, which takes a time and a number of rows; returns how many.
async fn delete(
    tx: &mut Tx,
    sql: &'static str,
    before: DateTime<Utc>,
    rows_max: u32,
) -> Result<u64, StoreError> {
    Ok(on_backend!(tx.connection(), db => sqlx::query(sql)
        .bind(before.timestamp_millis())
        .bind(i64::from(rows_max))
        .execute(db)
        .await?
        .rows_affected()))
}

/// Returns the bytes that are in use: what a file keeps free for later rows is not counted.
pub(crate) async fn size(store: &Store) -> Result<u64, StoreError> {
    const SQLITE: &str = "
        SELECT (c.page_count - f.freelist_count) * s.page_size
        FROM pragma_page_count AS c, pragma_freelist_count AS f, pragma_page_size AS s";
    const POSTGRES: &str = "SELECT pg_database_size(current_database())";

    let bytes: i64 = match store.reader() {
        super::Backend::Sqlite(db) => sqlx::query_scalar(SQLITE).fetch_one(db).await?,
        super::Backend::Postgres(db) => sqlx::query_scalar(POSTGRES).fetch_one(db).await?,
    };
    Column("retention", "size").count(bytes)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::TimeDelta;
    use upturn_core::task::life::State;

    use super::super::dead_letter::{self, NewDeadLetter};
    use super::super::log::{self, Kind, LoggedInput};
    use super::super::outbox::NewLetter;
    use super::super::testing::{at, each_backend, event, placed, task};
    use super::super::{
        event as events, log::read_between, outbox, outbox_view, task as tasks, task_life,
    };
    use super::*;

    async fn kept(store: &Store) -> Vec<Position> {
        let kept = events::read_after(store, 0, 1_000).await.unwrap();
        kept.into_iter().map(|(position, _)| position).collect()
    }

    #[tokio::test]
    async fn what_is_old_goes_in_steps_and_what_keeps_a_state_stays() {
        each_backend(async |store| {
            let mut all: Vec<_> = (0..20).map(|n| event("d", &format!("e{n}"), n)).collect();
            all[3].kind = "ticket_opened".into();
            // A clock that runs ahead: what it says happened later than the cut.
            all[5].occurred_at = at(500);
            let mut tx = store.begin().await.unwrap();
            events::append(&mut tx, &placed(1, &all)).await.unwrap();
            for (position, kind) in [(21, Kind::Tick), (22, Kind::Rules)] {
                let body = "[]".to_owned();
                let input = LoggedInput { position, received_at: at(20), kind, body };
                log::append(&mut tx, &input).await.unwrap();
            }
            tx.commit().await.unwrap();

            assert_eq!(deleted(store).await.unwrap(), Deleted::default());
            let before = at(12);
            let mut old = Deleted::default();
            let mut steps = Vec::new();
            loop {
                let mut tx = store.begin().await.unwrap();
                let cut = Cut { until: 9, before, rows_max: 4 };
                let (gone, new) = delete_events(&mut tx, old, cut).await.unwrap();
                tx.commit().await.unwrap();
                if new == old {
                    break;
                }
                steps.push((gone, new.until));
                old = new;
            }
            assert_eq!(steps, [(3, 4), (3, 8), (1, 9)]);
            assert_eq!(deleted(store).await.unwrap(), Deleted { until: 9, horizon: Some(before) });
            let rest: Vec<Position> = [4, 6].into_iter().chain(10..=20).collect();
            assert_eq!(kept(store).await, rest);

            // Beyond the snapshot nothing went; now by age alone, and a cut before goes nowhere.
            let mut tx = store.begin().await.unwrap();
            let cut = Cut { until: 100, before, rows_max: 100 };
            let (gone, new) = delete_events(&mut tx, old, cut).await.unwrap();
            let earlier = Cut { before: at(1), ..cut };
            assert_eq!(delete_events(&mut tx, new, earlier).await.unwrap(), (0, new));
            tx.commit().await.unwrap();
            assert_eq!((gone, new.until), (3, 12), "received a second after it happened");
            assert_eq!(read_between(store, 0, 100, 9).await.unwrap().len(), 2, "later ticks stay");
        })
        .await;
    }

    #[tokio::test]
    async fn old_dead_letters_go_the_oldest_first() {
        each_backend(async |store| {
            let letter = |minutes| NewDeadLetter {
                received_at: at(minutes),
                topic: "t".to_owned(),
                payload: Bytes::from(format!("x{minutes}")),
                source: None,
                code: "not-json",
                reason: "no".to_owned(),
            };
            let letters: Vec<_> = (0..10).map(letter).collect();
            let mut tx = store.begin().await.unwrap();
            dead_letter::insert(&mut tx, &letters).await.unwrap();
            let before = at(7);
            assert_eq!(delete_dead_letters(&mut tx, before, 5).await.unwrap(), 5);
            assert_eq!(delete_dead_letters(&mut tx, before, 5).await.unwrap(), 2);
            assert_eq!(delete_dead_letters(&mut tx, before, 5).await.unwrap(), 0);
            tx.commit().await.unwrap();
            let oldest = dead_letter::page(store, None, 10).await.unwrap().pop().unwrap();
            assert_eq!(oldest.received_at, before + TimeDelta::zero());
            assert!(0 < size(store).await.unwrap());
        })
        .await;
    }

    #[tokio::test]
    async fn old_letters_go_but_for_those_that_something_still_depends_on() {
        each_backend(async |store| {
            let letter = |key: &str, subject: &str| NewLetter {
                key: key.to_owned(),
                kind: "task-created".to_owned(),
                subject: subject.to_owned(),
                destination: "crm".to_owned(),
                body: serde_json::json!({}),
                language: "en".to_owned(),
                recipient: None,
                next_at: at(0),
                digest: None,
            };
            let open = task("open", "d", 0);
            let mut tx = store.begin().await.unwrap();
            tasks::create(&mut tx, &open).await.unwrap();
            let about = [("1", "open"), ("2", "over"), ("3", "line"), ("4", "line"), ("5", "gone")];
            for (key, subject) in about {
                outbox::insert(&mut tx, at(0), &[letter(key, subject)]).await.unwrap();
            }
            outbox::insert(&mut tx, at(10), &[letter("6", "new")]).await.unwrap();
            tx.commit().await.unwrap();
            for _ in ["1", "2", "3"] {
                let sent = outbox::claim(store, "crm", at(0), at(3)).await.unwrap().unwrap();
                let arrived = outbox::Arrived::default();
                outbox::mark_sent(store, ("crm", &sent), at(1), arrived).await.unwrap();
            }
            let parked = outbox::claim(store, "crm", at(0), at(3)).await.unwrap().unwrap();
            assert_eq!(parked.key, "4");
            outbox::park(store, &parked, "no").await.unwrap();
            assert!(outbox::give_up(store, 5, "no", at(1)).await.unwrap());
            let kept = async || -> Vec<String> {
                let all = outbox_view::LetterFilter::default();
                let rows = outbox_view::page(store, &all, None, 9).await.unwrap();
                rows.into_iter().rev().map(|row| row.key).collect()
            };
            let delete = async |before, rows_max| {
                let mut tx = store.begin().await.unwrap();
                let gone = delete_letters(&mut tx, before, rows_max).await.unwrap();
                tx.commit().await.unwrap();
                gone
            };
            assert_eq!(delete(at(1), 9).await, 1, "sent at the time of the cut is not old");
            assert_eq!(kept().await, ["1", "2", "3", "4", "6"]);
            assert_eq!(delete(at(5), 9).await, 1);
            assert_eq!(kept().await, ["1", "3", "4", "6"]);

            // Once the person dropped it, and the task is over, nothing holds them.
            assert!(outbox::give_up(store, 4, "no", at(9)).await.unwrap());
            let mut tx = store.begin().await.unwrap();
            let life = task_life::find(&mut tx, &open.id).await.unwrap().unwrap();
            let over = task_life::Life { state: State::Done, ..life };
            assert!(task_life::put(&mut tx, &open.id, &over, at(9)).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!((delete(at(5), 2).await, delete(at(5), 2).await), (2, 1));
            assert_eq!(kept().await, ["6"]);
        })
        .await;
    }
}
