//! Native JSON: one object an event. `id ts kind channel seq device` are reserved; every other
//! key is an attribute.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::time::{self, Clock};
use super::{DecodeError, digest};
use crate::event::{Attributes, Event};
use crate::id::{DeviceId, EventId};

/// The longest kind or channel, in bytes.
const WORD_MAX: usize = 64;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    ts: Option<&'a RawValue>,
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
    seq: Option<i64>,
    #[serde(borrow)]
    device: Option<Text<'a>>,
}

/// A text, borrowed from the payload unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the event `text` tells of.
pub(super) fn decode(
    text: &str,
    device: DeviceId,
    channel: Option<&str>,
    clock: Clock,
) -> Result<Event, DecodeError> {
    let body = parse(text)?;
    if let Some(named) = &body.device
        && named.0 != device.as_str()
    {
        let (topic, payload) = (device.as_str().into(), named.0.as_ref().into());
        return Err(DecodeError::IdentityMismatch { topic, payload });
    }
    let kind = word("kind", body.kind.as_ref().ok_or(DecodeError::Missing("kind"))?.0.as_ref())?;
    let channel = match body.channel {
        Some(raw) => Some(channel_of(raw)?),
        None => channel.map(|text| word("channel", text)).transpose()?,
    };
    let stated_at = body.ts.map(|raw| time::parse("ts", raw)).transpose()?;
    let judged = clock.judge(&[stated_at]);
    let id = match body.id {
        Some(id) => EventId::new(&id.0)?,
        None => EventId::new(&digest([text.as_bytes()]))?,
    };
    Ok(Event {
        id,
        device,
        channel,
        kind,
        stated_at,
        occurred_at: judged.occurred_at,
        received_at: judged.received_at,
        seq: body.seq,
        clock_suspect: judged.suspect,
        attributes: Attributes::from_json_object(text),
        position: 0,
    })
}

fn parse(text: &str) -> Result<Body<'_>, DecodeError> {
    // A list would be taken for the members in their order of declaration.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::NotJson("an event is one JSON object".to_owned()));
    }
    serde_json::from_str(text).map_err(|error| fault_of(text, &error))
}

/// Says which reserved part has the wrong type, where the text is JSON at all.
fn fault_of(text: &str, error: &serde_json::Error) -> DecodeError {
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return DecodeError::NotJson(error.to_string());
    };
    let is_text = |value: &Value| value.is_string() || value.is_null();
    let texts = ["id", "kind", "device"].into_iter();
    let wrong = texts.filter_map(|field| {
        let value = members.get(field).filter(|value| !is_text(value))?;
        Some((field, format!("is {value}; write it as text, in quotes")))
    });
    let seq = members.get("seq").filter(|value| !value.is_i64() && !value.is_null());
    let seq = seq.map(|value| ("seq", format!("is {value}; write a whole number")));
    match wrong.chain(seq).next() {
        Some((field, fault)) => DecodeError::Field { field, fault },
        // What is left is a part that stands twice.
        None => DecodeError::NotJson(error.to_string()),
    }
}

/// Reads a channel: a text, or a whole number that stands for one (connector 1).
fn channel_of(raw: &RawValue) -> Result<Box<str>, DecodeError> {
    let json = raw.get();
    if json.bytes().all(|byte| byte.is_ascii_digit()) {
        return word("channel", json);
    }
    let text: Text<'_> = serde_json::from_str(json).map_err(|_| DecodeError::Field {
        field: "channel",
        fault: format!("is {json}; use a text or a whole number"),
    })?;
    word("channel", &text.0)
}

/// Checks a kind or channel: short, printable, not empty.
pub(super) fn word(field: &'static str, text: &str) -> Result<Box<str>, DecodeError> {
    let fault = if text.is_empty() || WORD_MAX < text.len() {
        format!("has {} bytes; use 1 to {WORD_MAX}", text.len())
    } else if text.contains(char::is_control) {
        "contains a control character; use letters, digits, '_' or '-'".to_owned()
    } else {
        return Ok(text.into());
    };
    Err(DecodeError::Field { field, fault })
}

#[cfg(test)]
mod tests {
    use super::super::Receipt;
    use super::*;
    use crate::engine::testing::midnight;

    #[test]
    fn says_what_is_wrong_with_an_event_and_what_would_be_right() {
        let cases = [
            ("[]", "payload is not what the format says: an event is one JSON object"),
            (r#"{"id":"1"}"#, "kind is missing"),
            (r#"{"id":5,"kind":"a"}"#, "id is 5; write it as text, in quotes"),
            (r#"{"kind":["a"]}"#, r#"kind is ["a"]; write it as text, in quotes"#),
            (r#"{"kind":"a","seq":"1"}"#, r#"seq is "1"; write a whole number"#),
            (r#"{"kind":""}"#, "kind has 0 bytes; use 1 to 64"),
            (
                r#"{"kind":"a\u0000b"}"#,
                "kind contains a control character; use letters, digits, '_' or '-'",
            ),
            (r#"{"kind":"a","channel":{}}"#, "channel is {}; use a text or a whole number"),
            (
                r#"{"kind":"a","device":"e"}"#,
                "the topic names device 'd', the payload 'e'; the topic decides",
            ),
            (
                r#"{"kind":"a","ts":"2026-02-30T08:00:00Z"}"#,
                r#"ts is "2026-02-30T08:00:00Z"; use a time with its zone such as 2026-01-05T08:00:00Z"#,
            ),
            (
                r#"{"kind":"a","ts":true}"#,
                "ts is true; use RFC 3339 text or milliseconds since 1970",
            ),
        ];
        for (text, expected) in cases {
            let clock = Clock::with_defaults(Receipt::At(midnight()));
            let error = decode(text, DeviceId::new("d").unwrap(), None, clock).unwrap_err();
            assert_eq!(error.to_string(), expected, "case: {text}");
        }
    }
}
