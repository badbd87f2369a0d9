//! Which customs territory a country is of.

use chrono::NaiveDate;

use crate::fact::place::Country;

/// A year, a month and a day of it.
type Day = (i32, u32, u32);

/// The members of the Union's customs territory, the day each came in where that is after 1995, and
/// the day it had left; 0 where it did neither.
const UNION: &[(&str, Day, Day)] = &[
    ("AT", (0, 0, 0), (0, 0, 0)),
    ("BE", (0, 0, 0), (0, 0, 0)),
    ("BG", (2007, 1, 1), (0, 0, 0)),
    ("CY", (2004, 5, 1), (0, 0, 0)),
    ("CZ", (2004, 5, 1), (0, 0, 0)),
    ("DE", (0, 0, 0), (0, 0, 0)),
    ("DK", (0, 0, 0), (0, 0, 0)),
    ("EE", (2004, 5, 1), (0, 0, 0)),
    ("ES", (0, 0, 0), (0, 0, 0)),
    ("FI", (0, 0, 0), (0, 0, 0)),
    ("FR", (0, 0, 0), (0, 0, 0)),
    ("GB", (0, 0, 0), (2021, 1, 1)),
    ("GR", (0, 0, 0), (0, 0, 0)),
    ("HR", (2013, 7, 1), (0, 0, 0)),
    ("HU", (2004, 5, 1), (0, 0, 0)),
    ("IE", (0, 0, 0), (0, 0, 0)),
    ("IT", (0, 0, 0), (0, 0, 0)),
    ("LT", (2004, 5, 1), (0, 0, 0)),
    ("LU", (0, 0, 0), (0, 0, 0)),
    ("LV", (2004, 5, 1), (0, 0, 0)),
    ("MC", (0, 0, 0), (0, 0, 0)),
    ("MT", (2004, 5, 1), (0, 0, 0)),
    ("NL", (0, 0, 0), (0, 0, 0)),
    ("PL", (2004, 5, 1), (0, 0, 0)),
    ("PT", (0, 0, 0), (0, 0, 0)),
    ("RO", (2007, 1, 1), (0, 0, 0)),
    ("SE", (0, 0, 0), (0, 0, 0)),
    ("SI", (2004, 5, 1), (0, 0, 0)),
    ("SK", (2004, 5, 1), (0, 0, 0)),
];

/// Returns the customs territory of `country` on `day`: `EU` for its members, else the country itself.
///
/// Parts of a country that are outside (Ceuta, Heligoland) or inside (Northern Ireland) another than
/// the rest are not told apart: who delivers there asks a person.
pub fn customs_territory(country: Country, day: NaiveDate) -> Country {
    let on = |(year, month, of_month)| NaiveDate::from_ymd_opt(year, month, of_month);
    let is_member = UNION.iter().any(|(code, joined, left)| {
        *code == country.as_str()
            && on(*joined).is_none_or(|joined| joined <= day)
            && on(*left).is_none_or(|left| day < left)
    });
    if is_member { Country::EU } else { country }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_and_go() {
        let cases = [
            ("DE", "2025-01-01", "EU"),
            ("HR", "2013-06-30", "HR"),
            ("HR", "2013-07-01", "EU"),
            ("GB", "2020-12-31", "EU"),
            ("GB", "2021-01-01", "GB"),
            ("CH", "2025-01-01", "CH"),
            ("EL", "2025-01-01", "EU"),
        ];
        for (country, day, expected) in cases {
            let territory = customs_territory(country.parse().unwrap(), day.parse().unwrap());
            assert_eq!(territory.as_str(), expected, "case: {country} {day}");
        }
    }
}
