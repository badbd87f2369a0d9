//! Devices that send messages and that nobody has registered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use upturn_core::id::DeviceId;

use super::column::Column;
use super::dead_letter::without_nul;
use super::error::StoreError;
use super::{Store, Tx};

/// How many are kept: whoever invents ids fills no disk.
const KEPT_MAX: i64 = 10_000;
/// How many of one batch are noted.
pub(crate) const NOTED_MAX: usize = 200;

/// What a batch had of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Where the last message came in.
    pub(crate) topic: String,
    /// How many there were.
    pub(crate) messages: i64,
}

/// A device that nobody has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownDevice {
    /// Its id.
    pub(crate) device: String,
    /// Where its last message came in.
    pub(crate) topic: String,
    /// How many messages came.
    pub(crate) messages: i64,
    /// When the first came.
    pub(crate) first_seen_at: DateTime<Utc>,
    /// When the last came.
    pub(crate) last_seen_at: DateTime<Utc>,
}

/// Counts messages of devices that nobody has registered; the first [`NOTED_MAX`] of `seen`.
pub(crate) async fn note(
    tx: &mut Tx,
    seen: &BTreeMap<DeviceId, Sighting>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    const COUNT: &str = "SELECT COUNT(*) FROM unknown_device";
    const KNOWN: &str = "
        UPDATE unknown_device SET topic = $1, messages = messages + $2, last_seen_at = $3
        WHERE device = $4";
    const NEW: &str = "
        INSERT INTO unknown_device (device, topic, messages, first_seen_at, last_seen_at)
        VALUES ($1, $2, $3, $4, $5)";

    if seen.is_empty() {
        return Ok(());
    }
    let at = at.timestamp_millis();
    on_backend!(tx.connection(), db => {
        let mut kept: i64 = sqlx::query_scalar(COUNT).fetch_one(&mut *db).await?;
        for (device, sighting) in seen.iter().take(NOTED_MAX) {
            let topic = without_nul(&sighting.topic);
            let known = sqlx::query(KNOWN)
                .bind(&*topic)
                .bind(sighting.messages)
                .bind(at)
                .bind(device.as_str())
                .execute(&mut *db)
                .await?
                .rows_affected();
            if known == 0 && kept < KEPT_MAX {
                kept += 1;
                sqlx::query(NEW)
                    .bind(device.as_str())
                    .bind(&*topic)
                    .bind(sighting.messages)
                    .bind(at)
                    .bind(at)
                    .execute(&mut *db)
                    .await?;
            }
        }
    });
    Ok(())
}

type Row = (String, String, i64, i64, i64);

/// Takes those of `devices` away that are there.
pub(crate) async fn forget(tx: &mut Tx, devices: &[&str]) -> Result<(), StoreError> {
    const PART: usize = 500;

    for devices in devices.chunks(PART) {
        on_backend!(tx.connection(), db => {
            let mut query = QueryBuilder::new("DELETE FROM unknown_device WHERE device IN (");
            let mut list = query.separated(", ");
            for device in devices {
                list.push_bind(*device);
            }
            query.push(")");
            query.build().execute(db).await.map(drop)?;
        });
    }
    Ok(())
}

/// Returns the `max` that sent most, and how many there are.
pub(crate) async fn newest(
    store: &Store,
    max: u32,
) -> Result<(Vec<UnknownDevice>, i64), StoreError> {
    const SQL: &str = "
        SELECT device, topic, messages, first_seen_at, last_seen_at FROM unknown_device
        ORDER BY messages DESC, device LIMIT $1";
    const COUNT: &str = "SELECT COUNT(*) FROM unknown_device";

    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(i64::from(max)).fetch_all(db).await?
    });
    let count = on_backend!(store.reader(), db => sqlx::query_scalar(COUNT).fetch_one(db).await?);
    let time = |name, at| Column("unknown_device", name).time(at);
    let devices = rows.into_iter().map(|(device, topic, messages, first, last)| {
        Ok(UnknownDevice {
            device,
            topic,
            messages,
            first_seen_at: time("first_seen_at", first)?,
            last_seen_at: time("last_seen_at", last)?,
        })
    });
    Ok((devices.collect::<Result<_, StoreError>>()?, count))
}
