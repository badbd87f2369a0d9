//! A message's own time: reading it, and whether to believe it.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde_json::value::RawValue;

use super::{DecodeError, Receipt, Source};

/// Decides between a message's own time and the time of its receipt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    receipt: Receipt,
    past: TimeDelta,
    future: TimeDelta,
}

/// When something happened, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) received_at: DateTime<Utc>,
    /// The message states a time that was not believed.
    pub(super) suspect: bool,
}

impl Clock {
    pub(super) fn of(source: &Source, receipt: Receipt) -> Self {
        Self { receipt, past: source.accept_past, future: source.accept_future }
    }

    pub(super) fn with_defaults(receipt: Receipt) -> Self {
        Self { receipt, past: Source::ACCEPT_PAST, future: Source::ACCEPT_FUTURE }
    }

    /// Takes the times a message states, the most trusted first.
    pub(super) fn judge(&self, stated: &[Option<DateTime<Utc>>]) -> Judged {
        let mut stated = stated.iter().flatten().copied().peekable();
        let first = stated.peek().copied();
        match self.receipt {
            Receipt::At(received_at) => {
                let believed = |at: &DateTime<Utc>| {
                    let age = received_at - *at;
                    -self.future <= age && age <= self.past
                };
                let occurred_at = stated.find(believed).unwrap_or(received_at);
                let suspect = first.is_some_and(|first| first != occurred_at);
                Judged { occurred_at, received_at, suspect }
            }
            Receipt::Unknown(log_time) => {
                let occurred_at = first.unwrap_or(log_time);
                Judged { occurred_at, received_at: log_time.max(occurred_at), suspect: false }
            }
        }
    }
}

/// Reads a JSON value that is a time: RFC 3339 text, or milliseconds since 1970 UTC.
pub(super) fn parse(field: &'static str, raw: &RawValue) -> Result<DateTime<Utc>, DecodeError> {
    let text = raw.get();
    let fault = |fault: String| DecodeError::Field { field, fault };
    if text.starts_with('"') {
        let text: String = serde_json::from_str(text).map_err(|e| fault(e.to_string()))?;
        return parse_text(field, &text);
    }
    let at = whole_of(text).and_then(DateTime::from_timestamp_millis);
    at.ok_or_else(|| fault(format!("is {text}; use RFC 3339 text or milliseconds since 1970")))
}

/// Reads the whole part of a JSON number, also of `1.795318447e12` as small devices write it.
///
/// Digits are moved as text: no float rounds a fraction into the next millisecond.
fn whole_of(number: &str) -> Option<i64> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let places = usize::try_from(exponent).ok().filter(|places| *places <= 18);
    match (exponent, places) {
        (0, _) => whole.parse().ok(),
        (_, Some(places)) => {
            let moved = fraction.chars().chain(std::iter::repeat('0')).take(places);
            whole.chars().chain(moved).collect::<String>().parse().ok()
        }
        (_, None) => None,
    }
}

/// Reads RFC 3339 text, to the millisecond.
pub(super) fn parse_text(field: &'static str, text: &str) -> Result<DateTime<Utc>, DecodeError> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| {
        let fault = format!("is {text:?}; use a time with its zone such as 2026-01-05T08:00:00Z");
        DecodeError::Field { field, fault }
    })?;
    Ok(at.with_timezone(&Utc).trunc_subsecs(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_milliseconds_however_a_device_writes_the_number() {
        let cases = [
            ("1795318447000", Some(1_795_318_447_000)),
            ("1795318447000.9", Some(1_795_318_447_000)),
            ("1.795318447e12", Some(1_795_318_447_000)),
            ("1.7953184471234E+12", Some(1_795_318_447_123)),
            ("-1e3", Some(-1_000)),
            ("1e99", None),
            ("1e-3", None),
            ("9.3e18", None),
        ];
        for (text, expected) in cases {
            let raw = RawValue::from_string(text.to_owned()).unwrap();
            let found = parse("ts", &raw).ok().map(|at| at.timestamp_millis());
            assert_eq!(found, expected, "case: {text}");
        }
    }
}
