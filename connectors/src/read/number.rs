//! Decimals and days, from the text itself: no number of a feed ever passes through a float.

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use rust_decimal::Decimal;

/// The smallest and the largest price that is believed.
const PRICE_MIN: Decimal = Decimal::from_parts(1, 0, 0, false, 12);
const PRICE_MAX: Decimal = Decimal::from_parts(0xd4a5_1000, 0xe8, 0, false, 0);

/// Returns the decimal `text` with the scale it is written with; exponents are read, too.
pub fn decimal(text: &str) -> Result<Decimal, String> {
    let plain = text.strip_prefix('-').unwrap_or(text);
    let is_number = plain.starts_with(|c: char| c.is_ascii_digit())
        && plain.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    let parsed = if !is_number {
        None
    } else if plain.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    };
    let why = if is_number { "has more digits than a decimal holds" } else { "is no number" };
    parsed.ok_or_else(|| format!("'{}' {why}", short(text)))
}

/// Returns the price `text`: above 0, and neither below 10⁻¹² nor above 10¹².
pub fn price(text: &str) -> Result<Decimal, String> {
    let price = decimal(text)?;
    if price <= Decimal::ZERO {
        return Err(format!("'{}' is no price, which is above 0", short(text)));
    }
    if price < PRICE_MIN || PRICE_MAX < price {
        return Err(format!("'{}' is not believed: prices are 10^-12 to 10^12", short(text)));
    }
    Ok(price)
}

/// Returns `text`, a number with `mark` before its decimals and `between` between its thousands, in
/// the plain form with a dot. A blank between stands for every kind of blank.
///
/// What stands between thousands elsewhere than before three digits, is refused: it would be a decimal
/// mark that nobody expected.
pub fn plain(text: &str, mark: char, between: Option<char>) -> Result<String, String> {
    let is_between = |c: char| match between {
        Some(' ') => matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
        Some(between) => c == between,
        None => false,
    };
    let (whole, decimals) = match text.split_once(mark) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (text, None),
    };
    let mut groups = whole.split(is_between);
    let mut plain = groups.next().unwrap_or_default().replace('−', "-");
    for group in groups {
        if group.len() != 3 {
            return Err(format!("'{}' has no thousands where they are marked", short(text)));
        }
        plain.push_str(group);
    }
    if let Some(decimals) = decimals {
        plain.push('.');
        plain.push_str(decimals);
    }
    Ok(plain)
}

/// Returns the day `text` in `format`, as chrono writes formats; with an hour or an instant in it, the
/// day it is in `zone`.
pub fn day(text: &str, format: &str, zone: Tz) -> Result<NaiveDate, String> {
    let text = text.trim();
    let of_instant = |at: DateTime<Tz>| at.date_naive();
    let read = match format {
        "rfc3339" => {
            DateTime::parse_from_rfc3339(text).ok().map(|at| of_instant(at.with_timezone(&zone)))
        }
        "unix" => seconds(text, 1).map(|at| of_instant(at.with_timezone(&zone))),
        "unix-ms" => seconds(text, 1_000).map(|at| of_instant(at.with_timezone(&zone))),
        format => NaiveDate::parse_from_str(text, format).ok().or_else(|| {
            Some(NaiveDate::parse_and_remainder(text, format).ok()?.0)
                .filter(|_| format.contains("%Y-%m-%d"))
        }),
    };
    read.ok_or_else(|| format!("'{}' is no day in the format {format}", short(text)))
}

fn seconds(text: &str, parts: i64) -> Option<DateTime<chrono::Utc>> {
    DateTime::from_timestamp(text.parse::<i64>().ok()?.checked_div(parts)?, 0)
}

/// Returns the day `text` written as 2026-09-04.
pub fn iso_day(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| format!("'{}' is no day such as 2026-09-04", short(text)))
}

/// Returns the beginning of `text`, for messages.
pub fn short(text: &str) -> String {
    crate::deliver::failure::quote(text).chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_keep_every_digit_and_nothing_else_is_one() {
        let cases = [
            ("1.0526", Some("1.0526")),
            ("0.83380", Some("0.83380")),
            ("7.8245000000000005", Some("7.8245000000000005")),
            ("134", Some("134")),
            ("1e-5", Some("0.00001")),
            ("1E2", Some("100")),
            ("0", None),
            ("-0.92", None),
            ("0.0000000000001", None),
            ("1e308", None),
            ("1000000000000", Some("1000000000000")),
            ("1000000000001", None),
            ("NaN", None),
            ("n/a", None),
            ("", None),
            ("1,5", None),
            ("1.2.3", None),
            ("0x10", None),
            ("1_000", None),
        ];
        for (text, expected) in cases {
            let read = price(text).map(|price| price.to_string());
            assert_eq!(read.ok().as_deref(), expected, "case: {text}");
        }
    }

    #[test]
    fn marks_between_thousands_are_left_out_and_the_decimal_mark_becomes_a_dot() {
        let cases = [
            ("17,918", ',', None, Some("17.918")),
            ("1.234,5", ',', Some('.'), Some("1234.5")),
            ("1\u{a0}234,50", ',', Some(' '), Some("1234.50")),
            ("1,234.5", '.', Some(','), Some("1234.5")),
            ("1,2345.5", '.', Some(','), None),
            ("7,24", '.', Some(','), None),
        ];
        for (text, mark, between, expected) in cases {
            assert_eq!(plain(text, mark, between).ok().as_deref(), expected, "case: {text}");
        }
        // Without marks between thousands another mark is no number, and not a larger one.
        assert!(price(&plain("7,245", '.', None).unwrap()).is_err());
    }

    #[test]
    fn days_are_read_in_their_format_and_zone() {
        let cases = [
            ("04-12-2026", "%d-%m-%Y", Tz::UTC, Some("2026-12-04")),
            ("21 November 2024", "%d %B %Y", Tz::UTC, Some("2024-11-21")),
            ("1399748450", "unix", Tz::UTC, Some("2014-05-10")),
            ("1399748450", "unix", Tz::Asia__Shanghai, Some("2014-05-11")),
            ("2026-01-01T23:30:00Z", "rfc3339", Tz::Asia__Shanghai, Some("2026-01-02")),
            ("2026-01-01T00:00:00", "%Y-%m-%d", Tz::UTC, Some("2026-01-01")),
            ("31.02.2026", "%d.%m.%Y", Tz::UTC, None),
            ("", "%d.%m.%Y", Tz::UTC, None),
        ];
        for (text, format, zone, expected) in cases {
            let read = day(text, format, zone).map(|day| day.to_string());
            assert_eq!(read.ok().as_deref(), expected, "case: {text} {format}");
        }
    }
}
