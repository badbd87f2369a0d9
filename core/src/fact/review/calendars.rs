//! Calendars beside those in force: what is gone, and windows that nobody believes.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::NAMED_MAX;
use crate::fact::almanac::{Almanac, Work};

/// The longest window without work that is believed, in days: no holiday lasts two months.
const WINDOW_MAX: i64 = 60;

/// Adds to `reasons` what is strange in the calendars `new`, alone and beside `last`.
///
/// A day that changes is no reason: notices move holidays, also while they run. Days that vanish by the
/// half are one, and so is a part that tells of nothing any more, unless `today` is beyond it.
pub(super) fn compare(
    new: &[&Almanac],
    last: &[&Almanac],
    today: NaiveDate,
    reasons: &mut Vec<String>,
) {
    let told: BTreeMap<_, _> = new.iter().map(|almanac| (almanac.key(), *almanac)).collect();
    let mut found = Vec::new();
    for almanac in last {
        let name = name(almanac);
        match told.get(&almanac.key()).map(|new| (days(new), days(almanac))) {
            None if is_over(almanac, today) => {}
            None => found.push(format!("{name} is gone")),
            Some((0, before)) if 0 < before => {
                found.push(format!("{name} has no days any more, and had {before}"));
            }
            Some((now, before)) if now * 2 < before => {
                found.push(format!("{name} has {now} days, and had {before}"));
            }
            Some(_) => {}
        }
    }
    for almanac in new {
        for window in almanac.days.iter().filter(|days| days.work == Work::Off) {
            if WINDOW_MAX < window.count() {
                let (first, last, count): (NaiveDate, NaiveDate, i64) =
                    (window.first_on, window.last_on, window.count());
                let name = name(almanac);
                found.push(format!("{name} has no work from {first} to {last}, {count} days"));
            }
        }
    }
    reasons.extend(found.into_iter().take(NAMED_MAX));
}

/// Tells whether everything that `almanac` speaks about lies before `today`.
fn is_over(almanac: &Almanac, today: NaiveDate) -> bool {
    let mut announced = almanac.announced.iter();
    !almanac.announced.is_empty()
        && announced.all(|days| days.until().is_some_and(|until| until < today))
}

fn days(almanac: &Almanac) -> i64 {
    almanac.days.iter().map(crate::fact::almanac::Days::count).sum()
}

fn name(almanac: &Almanac) -> String {
    format!("{} {}", almanac.region, almanac.part).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::almanac::{Days, whole_years};

    fn almanac(region: &str, first: &str, count: u64) -> Almanac {
        let first: NaiveDate = first.parse().unwrap();
        let days = (0..count)
            .map(|offset| (first + chrono::Days::new(offset), Work::Off, "holiday".to_owned()));
        Almanac {
            region: region.to_owned(),
            part: "2026".to_owned(),
            zone: None,
            revision: None,
            announced: whole_years([2026]),
            week: None,
            days: Days::gathered(days).unwrap(),
        }
    }

    #[test]
    fn a_calendar_that_lost_its_days_or_closes_for_years_is_looked_at() {
        let last = almanac("CN", "2026-01-28", 8);
        let cases = [
            ("the same", almanac("CN", "2026-01-28", 8), ""),
            ("longer, as in 2020", almanac("CN", "2026-01-28", 11), ""),
            ("moved", almanac("CN", "2026-01-29", 8), ""),
            ("all gone", almanac("CN", "2026-01-28", 0), "CN 2026 has no days any more, and had 8"),
            ("less than half", almanac("CN", "2026-01-28", 3), "CN 2026 has 3 days, and had 8"),
            ("another region", almanac("HK", "2026-01-28", 8), "CN 2026 is gone"),
            (
                "ten years",
                almanac("CN", "2026-01-01", 3652),
                "CN 2026 has no work from 2026-01-01 to 2035-12-31, 3652 days",
            ),
        ];
        for (name, new, expected) in cases {
            assert_eq!(reasons(&new, &last, "2026-01-05"), expected, "case: {name}");
        }
        let next_year = almanac("HK", "2027-02-06", 8);
        assert_eq!(reasons(&next_year, &last, "2027-01-01"), "", "its year is over");
    }

    fn reasons(new: &Almanac, last: &Almanac, today: &str) -> String {
        let mut reasons = Vec::new();
        compare(&[new], &[last], today.parse().unwrap(), &mut reasons);
        reasons.join("; ")
    }
}
