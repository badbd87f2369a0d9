//! Advice on stock as people and programs look at it.

use chrono::{DateTime, Utc};
use sqlx::{Database, Encode, QueryBuilder, Type};

use super::advice::{AdviceState, quantity, said, state};
use super::column::Column;
use super::error::StoreError;
use super::{Backend, Store, Tx};
use crate::stock::kept;
use crate::stock::view::View;

/// Which pieces are looked for; what is empty does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AdviceFilter {
    /// What they are; none: those that wait for a person.
    pub(crate) state: Option<AdviceState>,
    /// What is sent.
    pub(crate) item: String,
    /// To where.
    pub(crate) place: String,
}

/// A piece of advice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AdviceRow {
    /// Its id.
    pub(crate) id: String,
    /// What makes two plans speak of the same.
    pub(crate) key: String,
    /// What it is.
    pub(crate) state: AdviceState,
    /// Counts its changes.
    pub(crate) revision: i64,
    /// What a plan says.
    pub(crate) view: View,
    /// What is sent: what the plan says, or a person has made of it.
    pub(crate) quantity: u32,
    /// Which piece it took the place of.
    pub(crate) replaces: Option<String>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When somebody last changed it.
    pub(crate) updated_at: DateTime<Utc>,
    /// Who did.
    pub(crate) actor: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// Until when nobody looks at it.
    pub(crate) snoozed_until: Option<DateTime<Utc>>,
}

impl AdviceRow {
    /// Returns what it is at `now`: what was put off long enough waits again.
    pub(crate) fn state_at(&self, now: DateTime<Utc>) -> AdviceState {
        let is_over = self.snoozed_until.is_some_and(|until| until <= now);
        if self.state == AdviceState::Snoozed && is_over { AdviceState::Open } else { self.state }
    }
}

const COLUMNS: &str = "
    SELECT id, key, state, revision, document, packed, quantity, replaces, created_at, updated_at, actor,
        reason, snoozed_until
    FROM advice ";

/// Returns at most `max` pieces that `filter` lets through, by the day they have to leave, behind the
/// first `skip`.
pub(crate) async fn page(
    store: &Store,
    filter: &AdviceFilter,
    now: DateTime<Utc>,
    (skip, max): (u32, u32),
) -> Result<Vec<AdviceRow>, StoreError> {
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(COLUMNS);
        push(&mut query, filter, now);
        query.push(" ORDER BY COALESCE(ship_on, '0000'), id LIMIT ").push_bind(i64::from(max));
        query.push(" OFFSET ").push_bind(i64::from(skip));
        query.build_query_as().fetch_all(db).await?
    });
    rows.into_iter().map(Row::read).collect()
}

/// Returns how many pieces `filter` lets through.
pub(crate) async fn count(
    store: &Store,
    filter: &AdviceFilter,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let count: i64 = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM advice ");
        push(&mut query, filter, now);
        query.build_query_scalar().fetch_one(db).await?
    });
    Column("advice", "id").count(count)
}

fn push<DB: Database>(query: &mut QueryBuilder<DB>, filter: &AdviceFilter, now: DateTime<Utc>)
where
    for<'a> i64: Encode<'a, DB> + Type<DB>,
    for<'a> String: Encode<'a, DB> + Type<DB>,
    for<'a> &'a str: Encode<'a, DB> + Type<DB>,
{
    match filter.state {
        None | Some(AdviceState::Open) => {
            query.push("WHERE (state = 'open' OR (state = 'snoozed' AND snoozed_until <= ");
            query.push_bind(now.timestamp_millis()).push("))");
        }
        Some(AdviceState::Snoozed) => {
            query.push("WHERE state = 'snoozed' AND ");
            query.push_bind(now.timestamp_millis()).push(" < snoozed_until");
        }
        Some(state) => {
            query.push("WHERE state = ").push_bind(state.word());
        }
    }
    let sound = |text: &str| text.replace('\0', "\u{fffd}");
    let is = [(" AND item = ", &filter.item), (" AND place = ", &filter.place)];
    for (condition, text) in is.into_iter().filter(|(_, text)| !text.is_empty()) {
        query.push(condition).push_bind(sound(text));
    }
}

/// Returns the piece `id`.
pub(crate) async fn find(store: &Store, id: &str) -> Result<Option<AdviceRow>, StoreError> {
    one(store, "WHERE id = ", id).await
}

/// Returns the piece that took the place of `id`.
pub(crate) async fn successor(store: &Store, id: &str) -> Result<Option<AdviceRow>, StoreError> {
    one(store, "WHERE replaces = ", id).await
}

async fn one(store: &Store, condition: &str, id: &str) -> Result<Option<AdviceRow>, StoreError> {
    let id = id.replace('\0', "\u{fffd}");
    let row: Option<Row> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(COLUMNS);
        query.push(condition).push_bind(id);
        query.build_query_as().fetch_optional(db).await?
    });
    row.map(Row::read).transpose()
}

/// Returns the piece `id` as the transaction sees it.
pub(crate) async fn find_in(tx: &mut Tx, id: &str) -> Result<Option<AdviceRow>, StoreError> {
    let id = id.replace('\0', "\u{fffd}");
    let row: Option<Row> = match tx.connection() {
        Backend::Sqlite(db) => {
            let mut query = QueryBuilder::new(COLUMNS);
            query.push("WHERE id = ").push_bind(id);
            query.build_query_as().fetch_optional(db).await?
        }
        Backend::Postgres(db) => {
            let mut query = QueryBuilder::new(COLUMNS);
            query.push("WHERE id = ").push_bind(id);
            query.build_query_as().fetch_optional(db).await?
        }
    };
    row.map(Row::read).transpose()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    key: String,
    state: String,
    revision: i64,
    document: String,
    packed: Option<Vec<u8>>,
    quantity: i64,
    replaces: Option<String>,
    created_at: i64,
    updated_at: i64,
    actor: Option<String>,
    reason: Option<String>,
    snoozed_until: Option<i64>,
}

impl Row {
    fn read(self) -> Result<AdviceRow, StoreError> {
        let said = said(&self.document, self.packed.as_deref());
        let unread = |error: String| Column("advice", "packed").inconsistent(&error);
        Ok(AdviceRow {
            id: self.id,
            key: self.key,
            state: state(&self.state)?,
            revision: self.revision,
            view: kept::read(said).map_err(unread)?,
            quantity: quantity(self.quantity)?,
            replaces: self.replaces,
            created_at: Column("advice", "created_at").time(self.created_at)?,
            updated_at: Column("advice", "updated_at").time(self.updated_at)?,
            actor: self.actor,
            reason: self.reason,
            snoozed_until: Column("advice", "snoozed_until").time_if_any(self.snoozed_until)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::advice::{
        Change, NewAdvice, change, end, plan_state, renew, save_plan, standing, write,
    };
    use super::super::retention::delete_advice;
    use super::super::testing::{at, each_backend};
    use super::*;
    use crate::stock::digest::Digest;
    use crate::stock::kept::testing;

    fn piece(id: &str, quantity: u32, replaces: Option<&str>) -> NewAdvice {
        let kept = testing::one(["V", "B", "A"], "V/B/A", (quantity, "2025-01-26"));
        NewAdvice {
            id: id.into(),
            key: "V/B/A".into(),
            decision: Digest::default(),
            figures: Digest::default(),
            packed: kept.pack(),
            item: "V".into(),
            source: Some("A".into()),
            place: "B".into(),
            quantity,
            ship_on: "2025-01-26".parse().ok(),
            arrive_on: "2025-02-01".parse().ok(),
            cover_until: "2025-02-28".parse().unwrap(),
            replaces: replaces.map(Into::into),
        }
    }

    #[tokio::test]
    async fn one_piece_of_a_key_stands_and_the_newest_revision_alone_is_changed() {
        each_backend(async |store| {
            let day = "2025-01-20".parse().unwrap();
            let mut tx = store.begin().await.unwrap();
            assert!(save_plan(&mut tx, 0, (at(0), at(0)), &json!({"pieces": 1})).await.unwrap());
            write(&mut tx, &[piece("a", 8, None)], at(0)).await.unwrap();
            tx.commit().await.unwrap();
            let mut tx = store.begin().await.unwrap();
            assert!(write(&mut tx, &[piece("b", 4, None)], at(1)).await.is_err(), "two of a key");
            drop(tx);

            // A plan made of what is no longer so is not kept.
            let mut tx = store.begin().await.unwrap();
            assert!(!save_plan(&mut tx, 0, (at(1), at(1)), &json!({})).await.unwrap());
            assert!(save_plan(&mut tx, 1, (at(1), at(1)), &json!({})).await.unwrap());
            end(&mut tx, &["a"], AdviceState::Superseded, at(1)).await.unwrap();
            write(&mut tx, &[piece("b", 12, Some("a"))], at(1)).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(successor(store, "a").await.unwrap().unwrap().id, "b");
            let known = standing(store, day).await.unwrap();
            assert_eq!((known.len(), known[0].quantity), (1, 12));

            // Other figures of the same decision are told, and nobody's revision is another.
            let mut tx = store.begin().await.unwrap();
            renew(&mut tx, &[piece("b", 13, None)]).await.unwrap();
            tx.commit().await.unwrap();
            let row = find(store, "b").await.unwrap().unwrap();
            assert_eq!((row.quantity, row.view.quantity, row.revision), (12, 13, 1));

            let put_off = Change {
                state: AdviceState::Snoozed,
                quantity: 12,
                snoozed_until: Some(at(9)),
                reason: None,
                actor: "li",
            };
            for (revision, expected) in [(2, false), (1, true), (1, false)] {
                let mut tx = store.begin().await.unwrap();
                let changed = change(&mut tx, ("b", revision), &put_off, at(2)).await.unwrap();
                assert_eq!(changed, expected, "case: revision {revision}");
                tx.commit().await.unwrap();
            }
            assert_eq!(plan_state(store).await.unwrap().revision, 3);
            let open = AdviceFilter { item: "V".into(), place: "B".into(), state: None };
            for (minute, expected) in [(3, 0), (9, 1)] {
                assert_eq!(count(store, &open, at(minute)).await.unwrap(), expected);
                let page = page(store, &open, at(minute), (0, 5)).await.unwrap();
                assert_eq!(u64::try_from(page.len()).unwrap(), expected, "case: {minute}");
            }
            let row = find(store, "b").await.unwrap().unwrap();
            assert_eq!((row.state_at(at(3)), row.quantity), (AdviceState::Snoozed, 12));
        })
        .await;
    }

    #[tokio::test]
    async fn what_nobody_decided_about_goes_once_it_is_over_for_long() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            let states = [
                ("a", AdviceState::Superseded, 1),
                ("b", AdviceState::Withdrawn, 2),
                ("c", AdviceState::Superseded, 3),
                ("d", AdviceState::Firmed, 1),
                ("e", AdviceState::Rejected, 1),
                ("f", AdviceState::Shipped, 1),
            ];
            for (id, state, ended) in states {
                write(&mut tx, &[piece(id, 1, None)], at(0)).await.unwrap();
                end(&mut tx, &[id], state, at(ended)).await.unwrap();
            }
            write(&mut tx, &[piece("h", 1, None)], at(0)).await.unwrap();
            let released = Change {
                state: AdviceState::Withdrawn,
                quantity: 1,
                snoozed_until: None,
                reason: None,
                actor: "li",
            };
            assert!(change(&mut tx, ("h", 1), &released, at(1)).await.unwrap());
            write(&mut tx, &[piece("g", 1, None)], at(0)).await.unwrap();
            tx.commit().await.unwrap();
            for (before, max, expected) in [(1, 9, "abcdefgh"), (3, 1, "bcdefgh"), (3, 9, "cdefgh")]
            {
                let mut tx = store.begin().await.unwrap();
                delete_advice(&mut tx, at(before), max).await.unwrap();
                tx.commit().await.unwrap();
                let mut kept = String::new();
                for id in states.map(|(id, ..)| id).into_iter().chain(["g", "h"]) {
                    kept.extend(find(store, id).await.unwrap().map(|row| row.id));
                }
                assert_eq!(kept, expected, "case: before {before}, at most {max}");
            }
        })
        .await;
    }
}
