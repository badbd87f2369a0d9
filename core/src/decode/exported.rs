//! Exported events: each as it stands in the log, so that a file of them folds to what the log
//! folds to.
//!
//! Nothing is judged again: what was believed of a device's clock when the event came stays
//! believed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{DecodeError, guard, native};
use crate::event::{Attributes, Event, Position};
use crate::id::{DeviceId, EventId};

/// Grows whenever a line of before would be read as something else.
const FORMAT: u8 = 1;

/// An event as it stands in the log; one line of a file, or one row of a table.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedEvent {
    /// The format, by which a line is known.
    pub upturn_event: u8,
    /// Its place in the log.
    pub position: Position,
    /// See [`Event::device`].
    pub device: String,
    /// See [`Event::id`].
    pub id: String,
    /// See [`Event::channel`].
    pub channel: Option<String>,
    /// See [`Event::kind`].
    pub kind: String,
    /// See [`Event::stated_at`].
    pub stated_at: Option<DateTime<Utc>>,
    /// See [`Event::occurred_at`].
    pub occurred_at: DateTime<Utc>,
    /// See [`Event::received_at`].
    pub received_at: DateTime<Utc>,
    /// See [`Event::seq`].
    pub seq: Option<i64>,
    /// See [`Event::clock_suspect`].
    pub clock_suspect: bool,
    /// See [`Event::attributes`]; one line of JSON.
    pub attributes: Box<RawValue>,
}

impl ExportedEvent {
    /// Returns `event`, which stands at `position`.
    ///
    /// # Errors
    ///
    /// Returns an error if its attributes are no JSON, which no decoder lets pass.
    pub fn of(position: Position, event: &Event) -> Result<Self, DecodeError> {
        let attributes = event.attributes.as_json();
        // Between the parts of an object a line break is only space; inside a text there is none.
        let line = attributes.replace(['\n', '\r'], " ");
        Ok(Self {
            upturn_event: FORMAT,
            position,
            device: event.device.as_str().to_owned(),
            id: event.id.as_str().to_owned(),
            channel: event.channel.as_deref().map(str::to_owned),
            kind: event.kind.to_string(),
            stated_at: event.stated_at,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            seq: event.seq,
            clock_suspect: event.clock_suspect,
            attributes: raw(line)?,
        })
    }

    /// Returns the event.
    ///
    /// # Errors
    ///
    /// Returns an error if a part of it cannot be, or it is of another format.
    pub fn to_event(&self) -> Result<Event, DecodeError> {
        if self.upturn_event != FORMAT {
            let fault = format!("is {}; this program reads {FORMAT}", self.upturn_event);
            return Err(DecodeError::Field { field: "upturn_event", fault });
        }
        let attributes = guard::text(self.attributes.get().as_bytes())?;
        if !attributes.trim_ascii_start().starts_with('{') {
            let fault = "is no object; write one, {} if it is empty".to_owned();
            return Err(DecodeError::Field { field: "attributes", fault });
        }
        let channel = self.channel.as_deref();
        Ok(Event {
            id: EventId::new(&self.id)?,
            device: DeviceId::new(&self.device)?,
            channel: channel.map(|channel| native::word("channel", channel)).transpose()?,
            kind: native::word("kind", &self.kind)?,
            stated_at: self.stated_at,
            occurred_at: self.occurred_at,
            received_at: self.received_at,
            seq: self.seq,
            clock_suspect: self.clock_suspect,
            attributes: Attributes::from_json_object(attributes),
            position: 0,
        })
    }
}

/// Takes the text of attributes as JSON.
///
/// # Errors
///
/// Returns an error if it is none.
pub fn raw(text: String) -> Result<Box<RawValue>, DecodeError> {
    RawValue::from_string(text).map_err(|error| DecodeError::NotJson(error.to_string()))
}

/// Reads one line.
pub(super) fn decode(line: &str) -> Result<Event, DecodeError> {
    let exported: ExportedEvent =
        serde_json::from_str(line).map_err(|error| DecodeError::NotJson(error.to_string()))?;
    exported.to_event()
}

/// Returns the format's number, for those who write other kinds of files.
pub fn format() -> u8 {
    FORMAT
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, line};
    use super::*;
    use crate::engine::testing::midnight;

    #[test]
    fn a_line_is_the_event_again_whatever_its_clock_said() {
        let plain = Event {
            id: EventId::new("e").unwrap(),
            device: DeviceId::new("d").unwrap(),
            channel: Some("1".into()),
            kind: "charge_failed".into(),
            stated_at: Some(midnight()),
            occurred_at: midnight(),
            received_at: midnight() + chrono::TimeDelta::days(5_000),
            seq: Some(i64::MIN),
            clock_suspect: false,
            attributes: Attributes::from_json_object("{\"id\":\"other\",\"n\":1.0e2}"),
            position: 0,
        };
        let cases = [
            ("believed though long ago", plain.clone()),
            ("doubted", Event { clock_suspect: true, ..plain.clone() }),
            ("without a time", Event { stated_at: None, seq: None, ..plain.clone() }),
            ("without a channel", Event { channel: None, ..plain.clone() }),
        ];
        for (name, event) in cases {
            let exported = ExportedEvent::of(7, &event).unwrap();
            let text = serde_json::to_string(&exported).unwrap();
            let read = line::decode(&text, &Sources(Vec::new()), midnight()).unwrap();
            assert_eq!(read, event, "case: {name}");
        }
        let broken = Attributes::from_json_object("{\"a\":\r\n [1,\n2]}");
        let exported = ExportedEvent::of(7, &Event { attributes: broken, ..plain }).unwrap();
        let text = serde_json::to_string(&exported).unwrap();
        assert!(!text.contains(['\n', '\r']), "{text}");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let whole = r#"{"upturn_event":1,"position":1,"device":"d","id":"e","channel":null,"kind":"k","stated_at":null,"occurred_at":"2026-01-05T00:00:00Z","received_at":"2026-01-05T00:00:00Z","seq":null,"clock_suspect":false,"attributes":{}}"#;
        decode(whole).unwrap();
        let cases = [
            ("another format", "\"upturn_event\":1", "\"upturn_event\":2"),
            ("no device", "\"device\":\"d\"", "\"device\":\"#\""),
            ("no kind", "\"kind\":\"k\"", "\"kind\":\"\""),
            ("attributes that are a list", "\"attributes\":{}", "\"attributes\":[]"),
            ("a part that nobody knows", "\"seq\":null", "\"seq\":null,\"x\":1"),
        ];
        for (name, from, to) in cases {
            assert!(decode(&whole.replace(from, to)).is_err(), "case: {name}");
        }
    }
}
