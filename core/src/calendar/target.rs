//! The days on which the euro's payment system (TARGET, today T2) is closed, and the ECB publishes
//! no rates.
//!
//! Source: the ECB's long-term calendar: Saturdays, Sundays, 1 January, Good Friday, Easter Monday,
//! 1 May, 25 and 26 December, unchanged since 2002. Before, the closing days differed by year.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};

/// Tells whether `day` is one of the system's.
pub fn is_open(day: NaiveDate) -> bool {
    let is_weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let is_fixed = matches!((day.month(), day.day()), (1 | 5, 1) | (12, 25 | 26));
    !is_weekend && !is_fixed && !is_around_easter(day)
}

fn is_around_easter(day: NaiveDate) -> bool {
    let Some(sunday) = easter(day.year()) else { return false };
    let (friday, monday) = (sunday - Days::new(2), sunday + Days::new(1));
    day == friday || day == monday
}

/// Returns Easter Sunday of `year` in the Gregorian calendar.
///
/// By the 19-year cycle of the moon (epact) with the solar and lunar corrections of the centuries, as
/// the Gregorian reform set them: Easter is the Sunday after the full moon that follows 20 March.
pub fn easter(year: i32) -> Option<NaiveDate> {
    let century = year.div_euclid(100) + 1;
    let golden = year.rem_euclid(19) + 1;
    let skipped_leap_years = 3 * century / 4 - 12;
    let moon_correction = (8 * century + 5) / 25 - 5;
    let sunday = 5 * year / 4 - skipped_leap_years - 10;
    let mut epact = (11 * golden + 20 + moon_correction - skipped_leap_years).rem_euclid(30);
    if (epact == 25 && golden > 11) || epact == 24 {
        epact += 1;
    }
    let full_moon = if 44 - epact < 21 { 74 - epact } else { 44 - epact };
    let day = full_moon + 7 - (sunday + full_moon).rem_euclid(7);
    let march = NaiveDate::from_ymd_opt(year, 3, 1)?;
    march.checked_add_days(Days::new(u64::try_from(day - 1).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_falls_on_the_days_of_the_church_tables() {
        let cases = [
            (1818, "1818-03-22"),
            (1943, "1943-04-25"),
            (1954, "1954-04-18"),
            (1981, "1981-04-19"),
            (2000, "2000-04-23"),
            (2024, "2024-03-31"),
            (2025, "2025-04-20"),
            (2026, "2026-04-05"),
            (2038, "2038-04-25"),
            (2049, "2049-04-18"),
        ];
        for (year, expected) in cases {
            assert_eq!(easter(year).unwrap().to_string(), expected, "case: {year}");
        }
    }

    #[test]
    fn the_system_is_closed_at_weekends_and_on_six_days_a_year() {
        let cases = [
            ("2025-04-17", true),
            ("2025-04-18", false),
            ("2025-04-21", false),
            ("2025-04-22", true),
            ("2025-05-01", false),
            ("2026-12-25", false),
            ("2026-12-28", true),
            ("2026-11-22", false),
            ("2026-01-01", false),
        ];
        for (day, expected) in cases {
            assert_eq!(is_open(day.parse().unwrap()), expected, "case: {day}");
        }
    }
}
