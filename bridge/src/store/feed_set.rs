//! Sets of facts: what runs brought, as it came, and which of them is in force.

use std::io::{self, Read as _, Write as _};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use upturn_core::event::Position;

use super::column::Column;
use super::dead_letter::without_nul;
use super::error::StoreError;
use super::{Store, Tx};

/// How many sets of a feed are kept beside the one in force and the one that is held.
const KEPT: i64 = 60;
/// The largest document, unpacked, in bytes; a fetched one is smaller.
const DOCUMENT_MAX: u64 = 64 << 20;

/// What a set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SetState {
    /// In force.
    Active,
    /// It waits for a person.
    Held,
    /// Another came after it.
    Superseded,
    /// It is of no use.
    Rejected,
}

impl SetState {
    const ALL: [Self; 4] = [Self::Active, Self::Held, Self::Superseded, Self::Rejected];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Held => "held",
            Self::Superseded => "superseded",
            Self::Rejected => "rejected",
        }
    }
}

/// A document of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Where it came from, for people.
    pub(crate) address: String,
    /// The document as it came.
    pub(crate) bytes: Vec<u8>,
}

/// A set that a run brought.
#[derive(Clone, Debug)]
pub(crate) struct NewSet {
    /// The feed.
    pub(crate) feed: String,
    /// The run.
    pub(crate) run: i64,
    /// When it was fetched.
    pub(crate) fetched_at: DateTime<Utc>,
    /// What tells it from others.
    pub(crate) digest: String,
    /// The kind by which it is read.
    pub(crate) kind: &'static str,
    /// The settings by which it is read, as JSON.
    pub(crate) settings: String,
    /// Why it is held or rejected.
    pub(crate) reasons: Vec<String>,
    /// By what the source knows whether it has changed, as JSON.
    pub(crate) validators: String,
    /// Who had a hand in how it was fetched.
    pub(crate) configured_by: Vec<String>,
    /// How many facts it has.
    pub(crate) facts: usize,
    /// The documents, packed.
    pub(crate) documents: Vec<Packed>,
}

/// A packed document.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    address: String,
    bytes: Vec<u8>,
}

/// A set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    /// Its number.
    pub(crate) id: i64,
    /// The feed.
    pub(crate) feed: String,
    /// When it was fetched.
    pub(crate) fetched_at: DateTime<Utc>,
    /// What tells it from others.
    pub(crate) digest: String,
    /// The kind by which it is read.
    pub(crate) kind: String,
    /// The settings by which it is read, as JSON.
    pub(crate) settings: String,
    /// What it is.
    pub(crate) state: SetState,
    /// Why it was held or rejected.
    pub(crate) reasons: Vec<String>,
    /// By what the source knows whether it has changed, as JSON.
    pub(crate) validators: String,
    /// Who had a hand in how it was fetched.
    pub(crate) configured_by: Vec<String>,
    /// How many facts it has.
    pub(crate) facts: u64,
    /// Who released or rejected it, if a person did.
    pub(crate) decided_by: Option<String>,
    /// When.
    pub(crate) decided_at: Option<DateTime<Utc>>,
    /// The place in the log behind which it came into force.
    pub(crate) active_position: Option<Position>,
    /// When that was.
    pub(crate) active_at: Option<DateTime<Utc>>,
}

impl Packed {
    /// Packs `document`; what is packed already becomes no larger.
    pub(crate) fn pack(document: &Document) -> io::Result<Self> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&document.bytes)?;
        Ok(Self { address: document.address.clone(), bytes: encoder.finish()? })
    }
}

/// Stores `set` in `state`; returns its number. What is held of the feed otherwise is superseded.
pub(crate) async fn insert(tx: &mut Tx, set: &NewSet, state: SetState) -> Result<i64, StoreError> {
    const SUPERSEDE: &str = "
        UPDATE feed_set SET state = 'superseded' WHERE feed = $1 AND state = 'held'";
    const SQL: &str = "
        INSERT INTO feed_set (feed, run_id, fetched_at, digest, kind, settings, state, reasons,
            validators, configured_by, facts)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    const DOCUMENT: &str = "
        INSERT INTO feed_document (set_id, ordinal, address, packed) VALUES ($1, $2, $3, $4)";

    // What is of no use itself does not take the place of what waits.
    if state != SetState::Rejected {
        on_backend!(tx.connection(), db =>
            sqlx::query(SUPERSEDE).bind(&set.feed).execute(db).await.map(drop)?);
    }
    let reasons = REASONS.write_json(&set.reasons)?;
    let id: i64 = on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(&set.feed)
        .bind(set.run)
        .bind(set.fetched_at.timestamp_millis())
        .bind(&set.digest)
        .bind(set.kind)
        .bind(&set.settings)
        .bind(state.word())
        .bind(&*without_nul(&reasons))
        .bind(&set.validators)
        .bind(CONFIGURED_BY.write_json(&set.configured_by)?)
        .bind(i64::try_from(set.facts).unwrap_or(i64::MAX))
        .fetch_one(db)
        .await?);
    for (ordinal, document) in (0_i64..).zip(&set.documents) {
        on_backend!(tx.connection(), db => sqlx::query(DOCUMENT)
            .bind(id)
            .bind(ordinal)
            .bind(&*without_nul(&document.address))
            .bind(&document.bytes)
            .execute(db)
            .await
            .map(drop)?);
    }
    prune(tx, &set.feed).await?;
    Ok(id)
}

/// Puts the set `id` in force behind `position`, in the place of `against`, the one that it was
/// compared with; returns whether it is. It is not where another came into force meanwhile, or one
/// that was fetched later is in force.
pub(crate) async fn activate(
    tx: &mut Tx,
    (id, against): (i64, Option<i64>),
    (position, now): (Position, DateTime<Utc>),
) -> Result<bool, StoreError> {
    const STANDING: &str = "
        SELECT old.id, old.fetched_at - new.fetched_at
        FROM feed_set AS new JOIN feed_set AS old ON old.feed = new.feed AND old.state = 'active'
        WHERE new.id = $1";
    const SUPERSEDE: &str = "UPDATE feed_set SET state = 'superseded' WHERE id = $1";
    const SQL: &str = "
        UPDATE feed_set SET state = 'active', active_position = $2, active_at = $3
        WHERE id = $1 AND state = 'held'";

    let standing: Option<(i64, i64)> = on_backend!(tx.connection(), db => sqlx::query_as(STANDING)
        .bind(id)
        .fetch_optional(db)
        .await?);
    let is_newer = standing.is_some_and(|(_, later_ms)| 0 < later_ms);
    if standing.map(|(id, _)| id) != against || is_newer {
        return Ok(false);
    }
    if let Some((old, _)) = standing {
        on_backend!(tx.connection(), db =>
            sqlx::query(SUPERSEDE).bind(old).execute(db).await.map(drop)?);
    }
    let changed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id)
        .bind(POSITION.write_position(position)?)
        .bind(now.timestamp_millis())
        .execute(db)
        .await?
        .rows_affected());
    Ok(changed == 1)
}

/// Passes over the held set `id`: another came into force meanwhile.
pub(crate) async fn pass_over(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE feed_set SET state = 'superseded' WHERE id = $1 AND state = 'held'";

    on_backend!(tx.connection(), db => sqlx::query(SQL).bind(id).execute(db).await.map(drop)?);
    Ok(())
}

/// Writes down what `actor` decided about the held set `id`; returns its feed, if it was held. A
/// released set stays held until it is put in force, in the same transaction.
pub(crate) async fn decide(
    tx: &mut Tx,
    (id, state): (i64, SetState),
    (actor, now): (&str, DateTime<Utc>),
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "
        UPDATE feed_set SET state = $2, decided_by = $3, decided_at = $4
        WHERE id = $1 AND state = 'held' RETURNING feed";

    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(id)
        .bind(state.word())
        .bind(actor)
        .bind(now.timestamp_millis())
        .fetch_optional(db)
        .await?))
}

async fn prune(tx: &mut Tx, feed: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        DELETE FROM feed_set
        WHERE feed = $1 AND state IN ('superseded', 'rejected') AND id NOT IN (
            SELECT id FROM feed_set WHERE feed = $1 ORDER BY id DESC LIMIT $2
        )";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(feed)
        .bind(KEPT)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns the sets in force, in the order of their feeds.
pub(crate) async fn active(store: &Store) -> Result<Vec<Set>, StoreError> {
    const SQL: &str = "
        SELECT id, feed, fetched_at, digest, kind, settings, state, reasons, validators,
            configured_by, facts, decided_by, decided_at, active_position, active_at
        FROM feed_set WHERE state = 'active' ORDER BY feed";

    let rows: Vec<Row> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    rows.into_iter().map(Row::read).collect()
}

/// Returns the set in force of `feed`.
pub(crate) async fn in_force(store: &Store, feed: &str) -> Result<Option<Set>, StoreError> {
    const SQL: &str = "
        SELECT id, feed, fetched_at, digest, kind, settings, state, reasons, validators,
            configured_by, facts, decided_by, decided_at, active_position, active_at
        FROM feed_set WHERE feed = $1 AND state = 'active'";

    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(feed)
        .fetch_optional(db)
        .await?);
    row.map(Row::read).transpose()
}

/// Returns the newest set of `feed` with `digest`, whatever became of it.
pub(crate) async fn with_digest(
    store: &Store,
    feed: &str,
    digest: &str,
) -> Result<Option<Set>, StoreError> {
    const SQL: &str = "
        SELECT id, feed, fetched_at, digest, kind, settings, state, reasons, validators,
            configured_by, facts, decided_by, decided_at, active_position, active_at
        FROM feed_set WHERE feed = $1 AND digest = $2 ORDER BY id DESC LIMIT 1";

    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(feed)
        .bind(digest)
        .fetch_optional(db)
        .await?);
    row.map(Row::read).transpose()
}

/// Returns the set that was in force for `feed` where what stands at `position` in the log is judged,
/// if it is still kept.
pub(crate) async fn as_of(
    store: &Store,
    feed: &str,
    position: Position,
) -> Result<Option<Set>, StoreError> {
    const SQL: &str = "
        SELECT id, feed, fetched_at, digest, kind, settings, state, reasons, validators,
            configured_by, facts, decided_by, decided_at, active_position, active_at
        FROM feed_set WHERE feed = $1 AND active_position < $2
        ORDER BY active_position DESC, active_at DESC, id DESC LIMIT 1";

    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(feed)
        .bind(POSITION.write_position(position)?)
        .fetch_optional(db)
        .await?);
    row.map(Row::read).transpose()
}

/// Returns the set that was in force for `feed` at `at`, if it is still kept.
pub(crate) async fn as_of_time(
    store: &Store,
    feed: &str,
    at: DateTime<Utc>,
) -> Result<Option<Set>, StoreError> {
    const SQL: &str = "
        SELECT id, feed, fetched_at, digest, kind, settings, state, reasons, validators,
            configured_by, facts, decided_by, decided_at, active_position, active_at
        FROM feed_set WHERE feed = $1 AND active_at <= $2
        ORDER BY active_position DESC, active_at DESC, id DESC LIMIT 1";

    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(feed)
        .bind(at.timestamp_millis())
        .fetch_optional(db)
        .await?);
    row.map(Row::read).transpose()
}

/// Returns the set `id`.
pub(crate) async fn find(store: &Store, id: i64) -> Result<Option<Set>, StoreError> {
    const SQL: &str = "
        SELECT id, feed, fetched_at, digest, kind, settings, state, reasons, validators,
            configured_by, facts, decided_by, decided_at, active_position, active_at
        FROM feed_set WHERE id = $1";

    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(id)
        .fetch_optional(db)
        .await?);
    row.map(Row::read).transpose()
}

/// Returns the newest `max` sets of `feed`, newest first.
pub(crate) async fn of_feed(store: &Store, feed: &str, max: u32) -> Result<Vec<Set>, StoreError> {
    const SQL: &str = "
        SELECT id, feed, fetched_at, digest, kind, settings, state, reasons, validators,
            configured_by, facts, decided_by, decided_at, active_position, active_at
        FROM feed_set WHERE feed = $1 ORDER BY id DESC LIMIT $2";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(feed)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Row::read).collect()
}

/// Returns the feeds that have a set that waits for a person.
pub(crate) async fn held(store: &Store) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT DISTINCT feed FROM feed_set WHERE state = 'held' ORDER BY feed";

    Ok(on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_all(db).await?))
}

/// Returns the documents of the set `id`, as they came.
pub(crate) async fn documents(store: &Store, id: i64) -> Result<Vec<Document>, StoreError> {
    const SQL: &str = "
        SELECT address, packed FROM feed_document WHERE set_id = $1 ORDER BY ordinal";

    let rows: Vec<(String, Vec<u8>)> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(id)
        .fetch_all(db)
        .await?);
    let unpack = |(address, packed): (String, Vec<u8>)| {
        let mut bytes = Vec::new();
        let read = ZlibDecoder::new(&*packed).take(DOCUMENT_MAX).read_to_end(&mut bytes);
        read.map_err(|error| PACKED.inconsistent(&error.to_string()))?;
        Ok(Document { address, bytes })
    };
    rows.into_iter().map(unpack).collect()
}

const REASONS: Column = Column("feed_set", "reasons");
const CONFIGURED_BY: Column = Column("feed_set", "configured_by");
const POSITION: Column = Column("feed_set", "active_position");
const PACKED: Column = Column("feed_document", "packed");

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    feed: String,
    fetched_at: i64,
    digest: String,
    kind: String,
    settings: String,
    state: String,
    reasons: String,
    validators: String,
    configured_by: String,
    facts: i64,
    decided_by: Option<String>,
    decided_at: Option<i64>,
    active_position: Option<i64>,
    active_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Set, StoreError> {
        let column = |name| Column("feed_set", name);
        let state = SetState::ALL.into_iter().find(|state| state.word() == self.state);
        Ok(Set {
            id: self.id,
            feed: self.feed,
            fetched_at: column("fetched_at").time(self.fetched_at)?,
            digest: self.digest,
            kind: self.kind,
            settings: self.settings,
            state: state.ok_or_else(|| column("state").inconsistent("an unknown word"))?,
            reasons: REASONS.json(&self.reasons)?,
            validators: self.validators,
            configured_by: CONFIGURED_BY.json(&self.configured_by)?,
            facts: column("facts").count(self.facts)?,
            decided_by: self.decided_by,
            decided_at: column("decided_at").time_if_any(self.decided_at)?,
            active_position: self
                .active_position
                .map(|position| POSITION.position(position))
                .transpose()?,
            active_at: column("active_at").time_if_any(self.active_at)?,
        })
    }
}

#[cfg(test)]
mod tests;
