//! Events that come without a topic: what each is about, and when it was received.
//!
//! Tickets, repair records, visits and campaigns are often about a customer, not about one device.
//! Over HTTP and in files an event may therefore name an `account` or a `contact` instead.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::time::Clock;
use super::{DecodeError, Receipt, guard, native};
use crate::event::Event;
use crate::id::DeviceId;

/// The parts of a native event that say what it is about.
#[derive(Debug, Deserialize)]
struct Subject<'a> {
    #[serde(borrow)]
    device: Option<&'a RawValue>,
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    contact: Option<&'a RawValue>,
}

/// A text, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the event that the native JSON `payload` tells of, which came by no topic.
///
/// Its own time is judged by the default limits ([`super::Source::ACCEPT_PAST`] and
/// [`super::Source::ACCEPT_FUTURE`]). See [`receive`] for an event that is taken in later than it
/// is decoded.
pub fn decode(payload: &[u8], receipt: Receipt) -> Result<Event, DecodeError> {
    let text = guard::text(payload)?;
    native::decode(text, find(text)?, None, Clock::with_defaults(receipt))
}

/// Takes an event of [`decode`] in at `now`: judges its own time again, as if it were decoded now.
///
/// Decoding and taking in are apart where one part of the program answers a sender and another
/// keeps the log. Nothing but the time of receipt, and what follows from it, can differ.
pub fn receive(event: &mut Event, now: DateTime<Utc>) {
    let judged = Clock::with_defaults(Receipt::At(now)).judge(&[event.stated_at]);
    event.received_at = judged.received_at;
    event.occurred_at = judged.occurred_at;
    event.clock_suspect = judged.suspect;
}

/// Returns the id that a native event is kept under: its device, else `account:ID` of the account
/// it names, else `contact:ID`.
///
/// Ids of accounts and contacts may hold any character. Those that a device id has no place for
/// are written as `*` and two hexadecimal digits for each byte, and so is `*` itself, so that
/// different accounts never share an id. Rules that count by account or contact read the
/// attribute, not this id.
pub(super) fn find(text: &str) -> Result<DeviceId, DecodeError> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::NotJson("an event is one JSON object".to_owned()));
    }
    let subject: Subject<'_> =
        serde_json::from_str(text).map_err(|error| DecodeError::NotJson(error.to_string()))?;
    if let Some(device) = subject.device {
        return Ok(DeviceId::new(&name("device", device)?)?);
    }
    let (field, raw) = match (subject.account, subject.contact) {
        (Some(account), _) => ("account", account),
        (None, Some(contact)) => ("contact", contact),
        (None, None) => return Err(DecodeError::Missing("device, account or contact")),
    };
    let name = name(field, raw)?;
    let fault = |fault: String| DecodeError::Field { field, fault };
    if name.is_empty() {
        return Err(fault("is empty; name one, or leave it out".to_owned()));
    }
    let id = format!("{field}:{}", escaped(&name));
    if DeviceId::MAX_LEN < id.len() {
        let max = DeviceId::MAX_LEN - field.len() - 1;
        return Err(fault(format!("{name:?} is too long; use at most {max} bytes")));
    }
    Ok(DeviceId::new(&id)?)
}

fn name<'a>(field: &'static str, raw: &'a RawValue) -> Result<Cow<'a, str>, DecodeError> {
    let text: Result<Text<'a>, _> = serde_json::from_str(raw.get());
    text.map(|text| text.0).map_err(|_| DecodeError::Field {
        field,
        fault: format!("is {raw}; write it as text, in quotes"),
    })
}

fn escaped(name: &str) -> String {
    name.bytes().fold(String::with_capacity(name.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.:@".contains(&byte) {
            text.push(byte.into());
        } else {
            // Writing into a String cannot fail.
            write!(text, "*{byte:02X}").ok();
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::engine::testing::midnight;

    #[test]
    fn an_event_is_about_its_device_or_else_an_account_or_else_a_contact() {
        let long = format!(r#"{{"kind":"k","account":"{}"}}"#, "a".repeat(121));
        let cases = [
            (r#"{"kind":"k","device":"d","account":"a","contact":"c"}"#, Ok("d")),
            (r#"{"kind":"k","account":"acme","contact":"c"}"#, Ok("account:acme")),
            (r#"{"kind":"k","device":null,"contact":"li.wei@acme"}"#, Ok("contact:li.wei@acme")),
            (r#" {"kind":"k","account":"A & B*"} "#, Ok("account:A*20*26*20B*2A")),
            (r#"{"kind":"k","account":"\u00fc"}"#, Ok("account:*C3*BC")),
            (r#"{"kind":"k"}"#, Err("device, account or contact is missing")),
            (
                r#"{"kind":"k","device":"a b"}"#,
                Err("device id contains ' '; use letters, digits, '-', '_', '.', ':', '*' or '@'"),
            ),
            (r#"{"kind":"k","account":""}"#, Err("account is empty; name one, or leave it out")),
            (r#"{"kind":"k","account":7}"#, Err("account is 7; write it as text, in quotes")),
            (r#"["k"]"#, Err("payload is not what the format says: an event is one JSON object")),
            (&long, Err("too long; use at most 120 bytes")),
        ];
        for (text, expected) in cases {
            let found = decode(text.as_bytes(), Receipt::At(midnight()));
            match (found, expected) {
                (Ok(event), Ok(id)) => assert_eq!(event.device.as_str(), id, "case: {text}"),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "case: {text}: {error}");
                }
                (found, _) => panic!("case: {text}: {found:?}"),
            }
        }
    }

    #[test]
    fn receiving_an_event_later_is_the_same_as_decoding_it_later() {
        let stated = ["", r#""ts":"2026-01-05T00:04:00Z","#, r#""ts":"2024-01-01T00:00:00Z","#];
        let later = [TimeDelta::zero(), TimeDelta::minutes(2), TimeDelta::days(500)];
        for (ts, later) in stated.iter().flat_map(|ts| later.map(|later| (ts, later))) {
            let text = format!(r#"{{{ts}"kind":"k","account":"acme"}}"#);
            let mut event = decode(text.as_bytes(), Receipt::At(midnight())).unwrap();
            receive(&mut event, midnight() + later);
            let again = decode(text.as_bytes(), Receipt::At(midnight() + later)).unwrap();
            assert_eq!(event, again, "case: {text}, {later}");
        }
    }
}
