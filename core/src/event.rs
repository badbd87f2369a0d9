//! Events: what happened on a device, in the order of event time.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::id::{DeviceId, EventId};

pub mod witness;

/// A place in the log: the number of an input, growing from 1, never used twice.
pub type Position = u64;

/// Something that happened on a device. All times are whole milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The sender's id, or a hash of the message if it sent none.
    pub id: EventId,
    /// The device it happened on.
    pub device: DeviceId,
    /// The part of the device (a connector), if the message names one.
    pub channel: Option<Box<str>>,
    /// What happened, in the words rules use: `charge_failed`.
    pub kind: Box<str>,
    /// The message's own time, as sent; `None` if it states none. Never the time of receipt:
    /// with [`Event::device`] and [`Event::id`] it tells a repeated message from a new one.
    #[serde(with = "crate::snapshot::time_if_any")]
    pub stated_at: Option<DateTime<Utc>>,
    /// When it happened: `stated_at` where that is believed, the time of receipt otherwise.
    #[serde(with = "crate::snapshot::time")]
    pub occurred_at: DateTime<Utc>,
    /// Log time: when Upturn took it in.
    #[serde(with = "crate::snapshot::time")]
    pub received_at: DateTime<Utc>,
    /// The sender's counter, which orders events of the same instant.
    pub seq: Option<i64>,
    /// Whether `stated_at` was too far from the time of receipt to be believed.
    pub clock_suspect: bool,
    /// Everything else the message said.
    pub attributes: Attributes,
    /// Its place in the log; 0 until it has one. What is derived has that of its newest message.
    pub position: Position,
}

/// An event that many hold: evidence, histories, patterns.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRef(Arc<Held>);

#[derive(Debug, PartialEq)]
struct Held {
    event: Event,
    /// Whether it stands in no log, but follows from what does.
    is_derived: bool,
}

impl EventRef {
    /// Returns a reference to `event`, which moves behind it.
    pub fn new(event: Event) -> Self {
        Self(Arc::new(Held { event, is_derived: false }))
    }

    /// Returns a reference to `event`, which stands in no log but follows from what does.
    pub fn derived(event: Event) -> Self {
        Self(Arc::new(Held { event, is_derived: true }))
    }

    /// Returns whether it stands in no log.
    pub(crate) fn is_derived(&self) -> bool {
        self.0.is_derived
    }

    /// Returns where the event is in memory, which tells it from every other that is held.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl std::ops::Deref for EventRef {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.0.event
    }
}

impl Event {
    /// Returns what events of one history are ordered by.
    pub fn order(&self) -> Order<'_> {
        let (id, device) = (self.id.as_str(), self.device.as_str());
        Order { occurred_at: self.occurred_at, seq: self.seq, id, device }
    }
}

/// The order of events in one history: event time, then the sender's counter, then the id; of
/// several devices that agree in all of these, as devices that count from 1 do, then the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order<'a> {
    /// See [`Event::occurred_at`].
    pub occurred_at: DateTime<Utc>,
    /// See [`Event::seq`]; an event without one comes first.
    pub seq: Option<i64>,
    /// See [`Event::id`].
    pub id: &'a str,
    /// See [`Event::device`].
    pub device: &'a str,
}

/// The attributes of an event: a JSON object, kept as text until a rule asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(Box<str>);

impl Attributes {
    /// Returns the attributes of an event that has none.
    pub fn none() -> Self {
        Self("{}".into())
    }

    /// Takes the text of a JSON object that a parser has already accepted.
    ///
    /// Keys that name a part of the event itself (`id`, `ts`, `kind` …) may stand in it; a rule
    /// reaches those as parts of the event.
    pub fn from_json_object(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the JSON text of the object.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Returns the value of `name`, or `None` where it is absent; of several, the last.
    pub fn find(&self, name: &str) -> Option<Value> {
        let mut found = None;
        self.for_each(|member, text| {
            if member == name {
                found = Some(text);
            }
        });
        serde_json::from_str(found?.get()).ok()
    }

    /// Hands each member of the object to `act`, its value as JSON text.
    pub(crate) fn for_each<'a>(&'a self, act: impl FnMut(Cow<'a, str>, &'a RawValue)) {
        let mut reader = serde_json::Deserializer::from_str(&self.0);
        // The decoder has accepted it.
        reader.deserialize_map(Members(act)).unwrap_or_default();
    }
}

/// Reads an object without building what its members are.
struct Members<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(name)) = map.next_key()? {
            (self.0)(name, map.next_value()?);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Orders events as [`Event::order`] does.
pub fn by_order(one: &Event, other: &Event) -> Ordering {
    one.order().cmp(&other.order())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_one_attribute_of_a_nested_object() {
        let attributes =
            Attributes::from_json_object(r#"{"a":{"b":[1,{"c":2}]},"code":"X\u0041","n":7}"#);
        assert_eq!(attributes.find("code"), Some(Value::from("XA")));
        assert_eq!(attributes.find("n"), Some(Value::from(7)));
        assert_eq!(attributes.find("b"), None);
    }
}
