//! Retained messages: what a broker replayed from before our subscription.
//!
//! They are states and no events, so they stand beside the log: no rule sees them, and an event
//! that comes by itself later is not taken for a repetition of its retained copy.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::Tx;
use super::dead_letter::without_nul;
use super::error::StoreError;

/// The last state of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetainedState {
    /// The topic.
    pub(crate) topic: String,
    /// When it was replayed to us.
    pub(crate) received_at: DateTime<Utc>,
    /// The message's bytes.
    pub(crate) payload: Bytes,
}

/// Stores `states`; each replaces what its topic had before.
pub(crate) async fn put(tx: &mut Tx, states: &[RetainedState]) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO retained_state (topic, received_at, payload)
        VALUES ($1, $2, $3)
        ON CONFLICT (topic) DO UPDATE
        SET received_at = excluded.received_at, payload = excluded.payload";

    for state in states {
        on_backend!(tx.connection(), db => sqlx::query(SQL)
            .bind(without_nul(&state.topic))
            .bind(state.received_at.timestamp_millis())
            .bind(&*state.payload)
            .execute(db)
            .await
            .map(drop)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn keeps_the_last_state_of_each_topic() {
        const ALL: &str = "SELECT topic, received_at, payload FROM retained_state ORDER BY topic";

        let state = |topic: &str, minutes: i64, payload: &'static [u8]| RetainedState {
            topic: topic.to_owned(),
            received_at: at(minutes),
            payload: Bytes::from_static(payload),
        };
        let (a, a2, b) = (state("a", 1, b"on"), state("a", 2, b"\0off"), state("b", 1, b""));
        each_backend(async |store| {
            for states in [vec![a.clone(), b.clone()], vec![a2.clone()]] {
                let mut tx = store.begin().await.unwrap();
                put(&mut tx, &states).await.unwrap();
                tx.commit().await.unwrap();
            }
            let rows: Vec<(String, i64, Vec<u8>)> =
                on_backend!(store.reader(), db => sqlx::query_as(ALL).fetch_all(db).await.unwrap());
            let expected = [&a2, &b].map(|state| {
                let at = state.received_at.timestamp_millis();
                (state.topic.clone(), at, state.payload.to_vec())
            });
            assert_eq!(rows, expected);
        })
        .await;
    }
}
