//! Lines of a file of events: captured publishes, native events that name what they are about, or
//! what was exported from a log.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::time::{self, Clock};
use super::{DecodeError, Message, Receipt, Sources, exported, guard, native, subject};
use crate::event::Event;
use crate::id::DeviceId;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    topic: Option<Text<'a>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    received_at: Option<&'a RawValue>,
    #[serde(borrow)]
    device: Option<Text<'a>>,
    upturn_event: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads `{"topic": …, "payload": …}` through `sources`, a native event with `device`, `account` or
/// `contact`, or an [exported] event.
///
/// `received_at` may stand beside the first two; without it the line is not clock-checked and was taken
/// in at `log_time`, the largest event time so far.
pub fn decode(
    line: &str,
    sources: &Sources,
    log_time: DateTime<Utc>,
) -> Result<Event, DecodeError> {
    // What is captured in a line is bounded by itself, so that a file refuses nothing that a
    // broker would have delivered; the library that reads the line bounds its depth.
    let text = line.trim().trim_start_matches('\u{feff}');
    if !text.starts_with('{') {
        return Err(DecodeError::NotJson("a line is one JSON object".to_owned()));
    }
    let parts: Line<'_> =
        serde_json::from_str(text).map_err(|error| DecodeError::NotJson(error.to_string()))?;
    if parts.upturn_event.is_some() {
        return exported::decode(text);
    }
    let received_at = parts.received_at.map(|raw| time::parse("received_at", raw)).transpose()?;
    let receipt = received_at.map_or(Receipt::Unknown(log_time), Receipt::At);
    if let (Some(topic), Some(payload)) = (&parts.topic, parts.payload) {
        let unwrapped = text_of(payload);
        let payload = unwrapped.as_deref().unwrap_or(payload.get()).as_bytes();
        return sources.decode(Message { topic: &topic.0, payload, receipt });
    }
    let text = guard::text(text.as_bytes())?;
    let device = match parts.device {
        Some(device) => DeviceId::new(&device.0)?,
        None => subject::find(text)?,
    };
    native::decode(text, device, None, Clock::with_defaults(receipt))
}

/// A payload that is no JSON object stands in the line as a text.
fn text_of(payload: &RawValue) -> Option<String> {
    payload.get().starts_with('"').then(|| serde_json::from_str(payload.get()).ok()).flatten()
}
