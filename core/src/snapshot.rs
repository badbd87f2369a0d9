//! Snapshots: an engine as bytes, so that a start need not fold the whole log.
//!
//! A snapshot is a cache: deleting it loses nothing. It holds its format and a checksum, and
//! whatever does not fit, or was torn, is refused, so that the log is folded instead. Events that
//! many hold are written once, and rules only by their names: their documents are elsewhere.
//!
//! ```text
//! "upturn snapshot" | format | length | sha256 of the rest | events, rules | engine
//! ```

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::engine::{ActiveRule, Engine};
use crate::event::{Event, EventRef, Position};
use crate::rule::{Rule, Stage};

const MAGIC: &[u8; 15] = b"upturn snapshot";
/// Grows whenever a snapshot of before cannot be read any more, or would mean something else.
const FORMAT: u32 = 7;
const HEAD: usize = MAGIC.len() + 4 + 8 + 32;

/// Why a snapshot is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Not one of ours, or cut off, or changed.
    #[error("the snapshot is torn or no snapshot at all")]
    Torn,
    /// Of another version of this program.
    #[error("the snapshot has format {0}, and this program reads {FORMAT}")]
    Format(u32),
    /// It names a rule version that nobody knows.
    #[error("the snapshot names version {version} of rule '{rule}', which is not known")]
    UnknownRule {
        /// The rule.
        rule: String,
        /// The version.
        version: String,
    },
    /// It cannot be written or read.
    #[error("the snapshot cannot be converted: {0}")]
    Convert(String),
}

/// Finds a version of a rule.
pub type FindRule<'f> = dyn Fn(&str, &str) -> Option<Arc<Rule>> + 'f;

/// A rule version as a snapshot names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct RuleName {
    rule: String,
    version: String,
    stage: Stage,
    since: Position,
    #[serde(with = "time")]
    since_at: DateTime<Utc>,
}

/// What is shared while a snapshot is converted.
#[derive(Debug, Default)]
struct Shared {
    events: Vec<EventRef>,
    places: BTreeMap<usize, u32>,
    rules: Vec<ActiveRule>,
    rule_places: BTreeMap<RuleName, u32>,
}

thread_local! {
    static SHARED: RefCell<Shared> = RefCell::default();
}

/// Returns `engine` as bytes.
///
/// # Errors
///
/// Returns an error only if the engine is too large for the format.
pub fn write(engine: &Engine) -> Result<Vec<u8>, SnapshotError> {
    SHARED.take();
    let body = postcard::to_allocvec(engine);
    let shared = SHARED.take();
    let body = body.map_err(convert)?;
    let events = shared.events.iter().map(|event| (&**event, event.is_derived()));
    let events: Vec<(&Event, bool)> = events.collect();
    let rules: Vec<RuleName> = shared.rules.iter().map(RuleName::of).collect();
    let mut rest = postcard::to_allocvec(&(events, rules)).map_err(convert)?;
    rest.extend_from_slice(&body);

    let mut bytes = Vec::with_capacity(HEAD + rest.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&u64::try_from(rest.len()).map_err(convert)?.to_le_bytes());
    bytes.extend_from_slice(&Sha256::digest(&rest));
    bytes.extend_from_slice(&rest);
    Ok(bytes)
}

/// Returns the engine that `bytes` are of.
///
/// # Errors
///
/// Returns an error if they are torn, of another format, or name a rule that `find` does not
/// know.
pub fn read(bytes: &[u8], find: &FindRule<'_>) -> Result<Engine, SnapshotError> {
    let rest = checked(bytes)?;
    let (events, rest): (Vec<(Event, bool)>, &[u8]) =
        postcard::take_from_bytes(rest).map_err(convert)?;
    let (names, body): (Vec<RuleName>, &[u8]) = postcard::take_from_bytes(rest).map_err(convert)?;
    let mut rules = Vec::with_capacity(names.len());
    for name in names {
        let rule = find(&name.rule, &name.version).ok_or_else(|| SnapshotError::UnknownRule {
            rule: name.rule.clone(),
            version: name.version.clone(),
        })?;
        let (since, since_at) = (name.since, name.since_at);
        rules.push(ActiveRule { rule, version: name.version.into(), since, since_at });
    }
    let held = |(event, is_derived)| {
        if is_derived { EventRef::derived(event) } else { EventRef::new(event) }
    };
    let events = events.into_iter().map(held).collect();
    SHARED.replace(Shared { events, rules, ..Shared::default() });
    let engine: Result<Engine, _> = postcard::from_bytes(body);
    SHARED.take();
    let mut engine = engine.map_err(convert)?;
    engine.index();
    Ok(engine)
}

/// Returns what follows the head, if the head says that it is whole.
fn checked(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let (head, rest) = bytes.split_at_checked(HEAD).ok_or(SnapshotError::Torn)?;
    let head = head.strip_prefix(MAGIC).ok_or(SnapshotError::Torn)?;
    let (format, head) = head.split_first_chunk::<4>().ok_or(SnapshotError::Torn)?;
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        return Err(SnapshotError::Format(format));
    }
    let (length, checksum) = head.split_first_chunk::<8>().ok_or(SnapshotError::Torn)?;
    let is_whole = u64::try_from(rest.len()).is_ok_and(|len| len == u64::from_le_bytes(*length));
    if !is_whole || *checksum != *Sha256::digest(rest) {
        return Err(SnapshotError::Torn);
    }
    Ok(rest)
}

fn convert(error: impl std::fmt::Display) -> SnapshotError {
    SnapshotError::Convert(error.to_string())
}

impl RuleName {
    fn of(active: &ActiveRule) -> Self {
        Self {
            rule: active.rule.id.as_str().to_owned(),
            version: active.version.to_string(),
            stage: active.rule.stage,
            since: active.since,
            since_at: active.since_at,
        }
    }
}

impl Serialize for EventRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SHARED
            .with_borrow_mut(|shared| {
                let next = u32::try_from(shared.events.len()).unwrap_or(u32::MAX);
                let place = *shared.places.entry(self.address()).or_insert(next);
                if place == next {
                    shared.events.push(self.clone());
                }
                place
            })
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EventRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = usize::try_from(u32::deserialize(deserializer)?).unwrap_or(usize::MAX);
        let found = SHARED.with_borrow(|shared| shared.events.get(place).cloned());
        found.ok_or_else(|| serde::de::Error::custom("an event that is not there"))
    }
}

impl Serialize for ActiveRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SHARED
            .with_borrow_mut(|shared| {
                let next = u32::try_from(shared.rules.len()).unwrap_or(u32::MAX);
                let place = *shared.rule_places.entry(RuleName::of(self)).or_insert(next);
                if place == next {
                    shared.rules.push(self.clone());
                }
                place
            })
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ActiveRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = usize::try_from(u32::deserialize(deserializer)?).unwrap_or(usize::MAX);
        let found = SHARED.with_borrow(|shared| shared.rules.get(place).cloned());
        found.ok_or_else(|| serde::de::Error::custom("a rule that is not there"))
    }
}

/// Times as whole milliseconds, which all times of the fold are.
pub(crate) mod time {
    use super::{DateTime, Deserialize as _, Deserializer, Serialize as _, Serializer, Utc};

    pub(crate) fn serialize<S: Serializer>(
        at: &DateTime<Utc>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        at.timestamp_millis().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<DateTime<Utc>, D::Error> {
        let millis = i64::deserialize(deserializer)?;
        // The beginning of time is before what milliseconds can say exactly.
        Ok(DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MIN_UTC))
    }
}

/// As [`time`], for a time that may be absent.
pub(crate) mod time_if_any {
    use super::{DateTime, Deserialize as _, Deserializer, Serialize as _, Serializer, Utc};

    #[expect(clippy::ref_option, reason = "the signature serde asks for")]
    pub(crate) fn serialize<S: Serializer>(
        at: &Option<DateTime<Utc>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(|at| at.timestamp_millis()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        let millis = Option::<i64>::deserialize(deserializer)?;
        Ok(millis.map(|millis| {
            DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MIN_UTC)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Memory;
    use crate::registry::Registry;

    #[test]
    fn what_is_torn_or_foreign_is_refused() {
        let engine = Engine::new(Vec::new(), Registry::default(), Memory::All);
        let whole = write(&engine).unwrap();
        let find: &FindRule<'_> = &|_, _| None;
        assert!(read(&whole, find).is_ok());

        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let mut newer = whole.clone();
        newer[MAGIC.len()] = 9;
        let cases = [
            ("nothing", Vec::new(), SnapshotError::Torn),
            ("another file", b"SQLite format 3\0".repeat(9), SnapshotError::Torn),
            ("cut off", whole[..whole.len() - 1].to_vec(), SnapshotError::Torn),
            ("a flipped bit", flipped, SnapshotError::Torn),
            ("of a newer program", newer, SnapshotError::Format(9)),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(read(&bytes, find).unwrap_err(), expected, "case: {name}");
        }
    }
}
