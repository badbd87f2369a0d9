//! How long an answer asks to be left alone.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The longest pause that is kept to: longer ones would hold letters back for a mistake of theirs.
pub const PAUSE_MAX: Duration = Duration::from_hours(1);

/// Returns what `Retry-After` in `headers` asks for, at most [`PAUSE_MAX`].
///
/// It is seconds or a date. A date counts from the `Date` of the same answer, so that it holds even
/// where the two clocks differ; without that one it asks for nothing.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = asked.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(PAUSE_MAX));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let said_at = httpdate::parse_http_date(text(DATE)?).ok()?;
    Some(until.duration_since(said_at).unwrap_or_default().min(PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_bounded() {
        let date = Some("Sun, 22 Nov 2026 11:00:00 GMT");
        let cases = [
            ("120", None, Some(120)),
            (" 7 ", None, Some(7)),
            ("0", None, Some(0)),
            ("86400", None, Some(3_600)),
            ("99999999999999999999999999", None, Some(3_600)),
            ("-1", None, None),
            ("1.5", None, None),
            ("", None, None),
            ("soon", date, None),
            ("Sun, 22 Nov 2026 11:02:00 GMT", date, Some(120)),
            ("Sun, 22 Nov 2026 10:00:00 GMT", date, Some(0)),
            ("Mon, 22 Nov 2027 11:02:00 GMT", date, Some(3_600)),
            ("Sun, 22 Nov 2026 11:02:00 GMT", None, None),
            ("Sunday, 22-Nov-26 11:02:00 GMT", date, Some(120)),
        ];
        for (asked, date, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, asked.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            assert_eq!(read(&headers), expected.map(Duration::from_secs), "case: {asked:?}");
        }
        assert_eq!(read(&HeaderMap::new()), None);
    }
}
