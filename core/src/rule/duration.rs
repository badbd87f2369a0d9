//! Durations as rules write them: `90s`, `15m`, `24h`, `7d`, `2w`.

use chrono::TimeDelta;

use super::finding::Fault;

/// The longest duration a rule can name, in days: longer than any device's clock is believed.
const DAYS_MAX: i64 = 400;

/// Returns the duration `text` names; `0s` is one.
pub(crate) fn parse(text: &str) -> Result<TimeDelta, Fault> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => 0,
    };
    if !is_number || seconds == 0 {
        return Err(Fault::new(
            "bad-duration",
            format!("'{text}' is no duration"),
            "write a whole number and one of the units s, m, h, d, w: \"90s\", \"15m\", \"24h\", \"7d\", \"2w\"",
        ));
    }
    let parsed = digits.parse::<i64>().ok().and_then(|count| count.checked_mul(seconds));
    match parsed.filter(|seconds| *seconds <= DAYS_MAX * 24 * 60 * 60) {
        Some(seconds) => Ok(TimeDelta::seconds(seconds)),
        None => Err(Fault::new(
            "bad-duration",
            format!("'{text}' is longer than {DAYS_MAX} days"),
            format!("write at most \"{DAYS_MAX}d\""),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_number_and_a_unit() {
        let cases = [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("24h", Some(86_400)),
            ("7d", Some(604_800)),
            ("2w", Some(1_209_600)),
            ("0s", Some(0)),
            ("400d", Some(34_560_000)),
            ("401d", None),
            ("99999999999999999999d", None),
            ("24", None),
            ("h", None),
            ("", None),
            ("-1h", None),
            ("1.5h", None),
            ("24 h", None),
            ("24H", None),
            ("1h30m", None),
            ("二h", None),
        ];
        for (text, expected) in cases {
            let parsed = parse(text).ok().map(|duration| duration.num_seconds());
            assert_eq!(parsed, expected, "case: {text:?}");
        }
    }
}
