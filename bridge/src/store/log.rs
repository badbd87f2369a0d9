//! Inputs of the fold that are no events: they share the events' order of places.

use chrono::{DateTime, Utc};
use upturn_core::event::Position;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Time passed.
    Tick,
    /// Another registry; the body is its digest.
    Registry,
    /// Other rules; the body lists them.
    Rules,
    /// A person did something.
    Action,
}

impl Kind {
    fn as_text(self) -> &'static str {
        match self {
            Self::Tick => "tick",
            Self::Registry => "registry",
            Self::Rules => "rules",
            Self::Action => "action",
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        let all = [Self::Tick, Self::Registry, Self::Rules, Self::Action];
        all.into_iter().find(|kind| kind.as_text() == text)
    }
}

/// An input as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedInput {
    /// Its place.
    pub(crate) position: Position,
    /// Log time.
    pub(crate) received_at: DateTime<Utc>,
    /// What it is.
    pub(crate) kind: Kind,
    /// The rest, as JSON.
    pub(crate) body: String,
}

const POSITION: Column = Column("log_input", "position");

/// Stores an input behind everything stored so far.
pub(crate) async fn append(tx: &mut Tx, input: &LoggedInput) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO log_input (position, received_at, kind, body) VALUES ($1, $2, $3, $4)";

    let position = POSITION.write_position(input.position)?;
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(position)
        .bind(input.received_at.timestamp_millis())
        .bind(input.kind.as_text())
        .bind(&input.body)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns at most `max` inputs behind `after` up to and including `until`, in order.
pub(crate) async fn read_between(
    store: &Store,
    after: Position,
    until: Position,
    max: u32,
) -> Result<Vec<LoggedInput>, StoreError> {
    const SQL: &str = "
        SELECT position, received_at, kind, body FROM log_input
        WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3";

    let after = POSITION.write_position(after)?;
    let until = i64::try_from(until).unwrap_or(i64::MAX);
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(after).bind(until).bind(i64::from(max)).fetch_all(db).await?
    });
    rows.into_iter().map(input_of_row).collect()
}

type Row = (i64, i64, String, String);

fn input_of_row((position, received_at, kind, body): Row) -> Result<LoggedInput, StoreError> {
    Ok(LoggedInput {
        position: POSITION.position(position)?,
        received_at: Column("log_input", "received_at").time(received_at)?,
        kind: Kind::of_text(&kind)
            .ok_or_else(|| Column("log_input", "kind").inconsistent("an unknown kind"))?,
        body,
    })
}

/// Returns the changes of rules up to and including `until`, in order.
pub(crate) async fn rules_until(
    store: &Store,
    until: Position,
) -> Result<Vec<LoggedInput>, StoreError> {
    const SQL: &str = "
        SELECT position, received_at, kind, body FROM log_input
        WHERE kind = 'rules' AND position <= $1 ORDER BY position";

    let until = POSITION.write_position(until)?;
    let rows: Vec<Row> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).bind(until).fetch_all(db).await?);
    rows.into_iter().map(input_of_row).collect()
}

/// Returns the input by which the registry in force at `until` came as a whole, if one has.
pub(crate) async fn whole_registry_at(
    store: &Store,
    until: Position,
) -> Result<Option<LoggedInput>, StoreError> {
    // Of the two forms of these inputs, the one that is no list of entries.
    const SQL: &str = r#"
        SELECT position, received_at, kind, body FROM log_input
        WHERE kind = 'registry' AND position <= $1 AND body LIKE '{"digest"%'
        ORDER BY position DESC LIMIT 1"#;

    let until = i64::try_from(until).unwrap_or(i64::MAX);
    let row: Option<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(until).fetch_optional(db).await?
    });
    row.map(input_of_row).transpose()
}

/// Returns the changes of the registry behind `after` up to and including `until`, in order.
pub(crate) async fn registry_between(
    store: &Store,
    after: Position,
    until: Position,
) -> Result<Vec<LoggedInput>, StoreError> {
    const SQL: &str = "
        SELECT position, received_at, kind, body FROM log_input
        WHERE kind = 'registry' AND position > $1 AND position <= $2 ORDER BY position";

    let (after, until) = (POSITION.write_position(after)?, POSITION.write_position(until)?);
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(after).bind(until).fetch_all(db).await?
    });
    rows.into_iter().map(input_of_row).collect()
}

/// Returns the newest `max` inputs of one kind, oldest first.
pub(crate) async fn newest(
    store: &Store,
    kind: Kind,
    max: u32,
) -> Result<Vec<LoggedInput>, StoreError> {
    // The second condition is that of the index.
    const SQL: &str = "
        SELECT position, received_at, body FROM log_input
        WHERE kind = $1 AND kind <> 'tick' ORDER BY position DESC LIMIT $2";

    let rows: Vec<(i64, i64, String)> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(kind.as_text()).bind(i64::from(max)).fetch_all(db).await?
    });
    let read = rows.into_iter().rev().map(|(position, received_at, body)| {
        Ok(LoggedInput {
            position: POSITION.position(position)?,
            received_at: Column("log_input", "received_at").time(received_at)?,
            kind,
            body,
        })
    });
    read.collect()
}

/// Keeps the text of a registry under its digest.
pub(crate) async fn keep_registry(
    tx: &mut Tx,
    digest: &str,
    document: &str,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO registry_version (digest, document) VALUES ($1, $2)
        ON CONFLICT (digest) DO NOTHING";

    on_backend!(tx.connection(), db => {
        sqlx::query(SQL).bind(digest).bind(document).execute(db).await.map(drop)?;
    });
    Ok(())
}

/// Returns the text of the registry with this digest.
pub(crate) async fn registry(store: &Store, digest: &str) -> Result<String, StoreError> {
    const SQL: &str = "SELECT document FROM registry_version WHERE digest = $1";

    let found: Option<String> = on_backend!(store.reader(), db => {
        sqlx::query_scalar(SQL).bind(digest).fetch_optional(db).await?
    });
    found.ok_or_else(|| Column("registry_version", "digest").inconsistent("a missing registry"))
}

/// Reads the body of an input, or a registry.
pub(crate) fn parsed<'t, T: serde::Deserialize<'t>>(body: &'t str) -> Result<T, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| Column("log_input", "body").inconsistent(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn inputs_come_back_in_the_order_of_their_places() {
        each_backend(async |store| {
            let kinds = [Kind::Registry, Kind::Rules, Kind::Tick, Kind::Action];
            let input = |(position, kind)| LoggedInput {
                position,
                received_at: at(i64::try_from(position).unwrap()),
                kind,
                body: format!("{{\"n\":{position}}}"),
            };
            let all: Vec<_> = (1..).step_by(3).zip(kinds).map(input).collect();
            let mut tx = store.begin().await.unwrap();
            for input in all.iter().rev() {
                append(&mut tx, input).await.unwrap();
            }
            keep_registry(&mut tx, "d", "{}").await.unwrap();
            keep_registry(&mut tx, "d", "{}").await.unwrap();
            tx.commit().await.unwrap();
            let most = Position::MAX;
            assert_eq!(read_between(store, 0, most, 9).await.unwrap(), all);
            assert_eq!(read_between(store, 1, 7, 9).await.unwrap(), all[1..3]);
            assert_eq!(read_between(store, 1, most, 2).await.unwrap(), all[1..3]);
            assert_eq!(newest(store, Kind::Rules, 9).await.unwrap(), all[1..2]);
            assert_eq!(newest(store, Kind::Rules, 0).await.unwrap(), []);
            assert_eq!(rules_until(store, 3).await.unwrap(), []);
            assert_eq!(rules_until(store, 4).await.unwrap(), all[1..2]);
            assert_eq!(whole_registry_at(store, 80).await.unwrap(), None);
            assert_eq!(registry_between(store, 0, 80).await.unwrap(), all[..1]);
            let bodies = [(90, r#"{"digest":"d"}"#), (91, r#"{"entries":[]}"#), (92, "{}")];
            let mut tx = store.begin().await.unwrap();
            for (position, body) in bodies {
                let kind = Kind::Registry;
                let input = LoggedInput { position, received_at: at(90), kind, body: body.into() };
                append(&mut tx, &input).await.unwrap();
            }
            tx.commit().await.unwrap();
            let whole = whole_registry_at(store, most).await.unwrap().unwrap();
            assert_eq!(whole.position, 90);
            assert_eq!(registry_between(store, 90, 91).await.unwrap().len(), 1);
            assert_eq!(registry(store, "d").await.unwrap(), "{}");
            assert!(registry(store, "e").await.is_err());
        })
        .await;
    }
}
