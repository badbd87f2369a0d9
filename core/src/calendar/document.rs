//! Calendar documents: TOML with a zone, a week of working hours and the days that differ.
//!
//! ```toml
//! zone = "Asia/Shanghai"            # an IANA name; the hours are the clock's in this zone
//! revision = "2025-11-04"           # any text; it is shown where a due time is explained
//! announced_until = "2026-12-31"    # the last day whose holidays are known
//! region = "CN"                     # whose days, told by feeds, are laid under the overrides
//!
//! [week]                            # a day that is not named is a day off
//! mon = ["09:00-12:00", "13:00-18:00"]
//!
//! [[override]]
//! from = "2026-02-15"               # both days included; for one day write on = "…"
//! to = "2026-02-23"
//! hours = []                        # none: a holiday; some: these hours instead of the week's
//! name = "Spring Festival"
//! ```

use chrono::NaiveDate;
use chrono_tz::Tz;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::hours::{Hours, HoursError};
use super::{Calendar, Override};

pub(super) type Entry<'t> = Spanned<DeValue<'t>>;

const KEYS: &[&str] = &["zone", "revision", "announced_until", "region", "week", "override"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const OVERRIDE_KEYS: &[&str] = &["on", "from", "to", "hours", "name"];

/// One thing that is wrong with a calendar document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct CalendarError {
    line: usize,
    fault: Fault,
}

impl CalendarError {
    /// Returns the line it is on, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Syntax(Box<str>),
    #[error("unknown key '{key}'; {place} has {known}")]
    UnknownKey { key: Box<str>, place: &'static str, known: Box<str> },
    #[error("{place} has no '{key}'; add {example}")]
    Missing { place: &'static str, key: &'static str, example: &'static str },
    #[error("'{key}' is of type {found}; write {example}")]
    Type { key: Box<str>, found: &'static str, example: &'static str },
    #[error("'{0}' is no zone; use an IANA name such as \"Asia/Shanghai\" or \"Europe/Berlin\"")]
    Zone(Box<str>),
    #[error("'{0}' is no day; write it as \"2026-02-15\"")]
    Day(Box<str>),
    #[error(transparent)]
    Hours(#[from] HoursError),
    #[error("'on' stands beside 'from' or 'to'; use 'on' for one day, 'from' and 'to' for more")]
    OnAndFrom,
    #[error("'to' is {last_on}, before 'from', {first_on}; exchange them")]
    Backwards { first_on: NaiveDate, last_on: NaiveDate },
    #[error("{day} is in the override before it too ('{other}'); let each day be in one")]
    Overlap { day: NaiveDate, other: Box<str> },
    #[error("the week has no working hours; without any no due time can be reckoned")]
    NoWork,
    #[error("the region has no name; write it as the feed does, \"CN\", or leave the key out")]
    Region,
    #[error("'{0}' is nobody; write site, supplier or carrier and an id: \"supplier:acme\"")]
    Party(Box<str>),
    #[error("'{key}' is no number of days from 0 to {max}")]
    Wider { key: Box<str>, max: i64 },
}

/// Returns the calendar that `text` describes, or everything that is wrong with it.
pub(super) fn read(text: &str) -> Result<Calendar, Vec<CalendarError>> {
    Reader::read(text, calendar)
}

fn calendar(reader: &mut Reader<'_>, root: &DeTable<'_>) -> Option<Calendar> {
    reader.calendar(root)
}

/// Reads a document's parts and gathers what is wrong with them.
pub(super) struct Reader<'t> {
    text: &'t str,
    errors: Vec<CalendarError>,
}

impl Reader<'_> {
    /// Returns what `take` makes of the document `text`, or everything that is wrong with it.
    pub(super) fn read<T>(
        text: &str,
        take: impl FnOnce(&mut Reader<'_>, &DeTable<'_>) -> Option<T>,
    ) -> Result<T, Vec<CalendarError>> {
        let (root, syntax) = DeTable::parse_recoverable(text);
        let mut reader = Reader { text, errors: Vec::new() };
        for error in syntax {
            let start = error.span().map_or(0, |span| span.start);
            reader.report(start, Fault::Syntax(error.message().into()));
        }
        // What could be recovered of a broken document would bring errors of its own.
        if !reader.errors.is_empty() {
            return Err(reader.errors);
        }
        let taken = take(&mut reader, root.get_ref());
        reader.errors.sort_by_key(|error| error.line);
        taken.filter(|_| reader.errors.is_empty()).ok_or(reader.errors)
    }

    pub(super) fn report(&mut self, start: usize, fault: Fault) {
        let before = self.text.as_bytes().iter().take(start);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        self.errors.push(CalendarError { line, fault });
    }

    fn calendar(&mut self, root: &DeTable<'_>) -> Option<Calendar> {
        self.refuse_unknown(root, "a calendar", KEYS);
        let zone = self.required(root, "zone", "zone = \"Asia/Shanghai\"");
        let zone = zone.and_then(|zone| self.zone(zone));
        let revision = self.required(root, "revision", "revision = \"2025-11-04\"");
        let revision = revision.and_then(|entry| self.text(entry, "revision"));
        let announced_until = root.get("announced_until").and_then(|entry| self.day(entry));
        let region = root.get("region").map(|entry| self.region(entry));
        let week = self.required(root, "week", "[week] with mon = [\"09:00-17:00\"] and so on");
        let week = week.and_then(|week| self.week(week));
        let overrides = root.get("override").map(|entry| self.overrides(entry));
        Some(Calendar {
            zone: zone?,
            revision: revision?,
            announced_until,
            region: region.flatten(),
            week: week?,
            overrides: overrides.unwrap_or_default(),
        })
    }

    fn region(&mut self, entry: &Entry<'_>) -> Option<Box<str>> {
        let region = self.text(entry, "region")?;
        if region.trim().is_empty() {
            self.report(entry.span().start, Fault::Region);
            return None;
        }
        Some(region.trim().into())
    }

    pub(super) fn refuse_unknown(
        &mut self,
        table: &DeTable<'_>,
        place: &'static str,
        known: &[&str],
    ) {
        for key in table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let known = known.join(", ").into();
                let key_text = key.get_ref().as_ref().into();
                let fault = Fault::UnknownKey { key: key_text, place, known };
                self.report(key.span().start, fault);
            }
        }
    }

    pub(super) fn required<'e>(
        &mut self,
        root: &'e DeTable<'_>,
        key: &'static str,
        example: &'static str,
    ) -> Option<&'e Entry<'e>> {
        let found = root.get(key);
        if found.is_none() {
            self.report(0, Fault::Missing { place: "the document", key, example });
        }
        found
    }

    pub(super) fn mistyped(&mut self, entry: &Entry<'_>, key: &str, example: &'static str) {
        let found = entry.get_ref().type_str();
        self.report(entry.span().start, Fault::Type { key: key.into(), found, example });
    }

    pub(super) fn text(&mut self, entry: &Entry<'_>, key: &str) -> Option<Box<str>> {
        let text = entry.get_ref().as_str();
        if text.is_none() {
            self.mistyped(entry, key, "a text in quotes");
        }
        text.map(Into::into)
    }

    fn zone(&mut self, entry: &Entry<'_>) -> Option<Tz> {
        let name = self.text(entry, "zone")?;
        let zone = name.parse().ok();
        if zone.is_none() {
            self.report(entry.span().start, Fault::Zone(name));
        }
        zone
    }

    /// Takes a day as text, or as TOML's own date.
    fn day(&mut self, entry: &Entry<'_>) -> Option<NaiveDate> {
        let value = entry.get_ref();
        let own = value.as_datetime().map(ToString::to_string);
        let Some(text) = value.as_str().or(own.as_deref()) else {
            self.mistyped(entry, "day", "it as \"2026-02-15\"");
            return None;
        };
        // Only ten characters: chrono would take "2026-2-5" as well.
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
        if day.is_none() {
            self.report(entry.span().start, Fault::Day(text.into()));
        }
        day
    }

    fn week(&mut self, entry: &Entry<'_>) -> Option<[Hours; 7]> {
        let Some(table) = entry.get_ref().as_table() else {
            self.mistyped(entry, "week", "[week] with mon = [\"09:00-17:00\"] and so on");
            return None;
        };
        self.refuse_unknown(table, "the week", &DAYS);
        let errors_before = self.errors.len();
        let week = DAYS.map(|day| match table.get(day) {
            Some(hours) => self.hours(hours, day).unwrap_or_default(),
            None => Hours::default(),
        });
        if self.errors.len() == errors_before && week.iter().all(Hours::is_day_off) {
            self.report(entry.span().start, Fault::NoWork);
        }
        Some(week)
    }

    fn hours(&mut self, entry: &Entry<'_>, key: &str) -> Option<Hours> {
        const EXAMPLE: &str = "[\"09:00-12:00\", \"13:00-18:00\"], or [] for a day off";
        let Some(array) = entry.get_ref().as_array() else {
            self.mistyped(entry, key, EXAMPLE);
            return None;
        };
        let mut texts = Vec::new();
        for item in array {
            let Some(text) = item.get_ref().as_str() else {
                self.mistyped(item, key, EXAMPLE);
                return None;
            };
            texts.push(text);
        }
        let hours = Hours::parse(texts);
        hours.map_err(|error| self.report(entry.span().start, error.into())).ok()
    }

    pub(super) fn overrides(&mut self, entry: &Entry<'_>) -> Vec<Override> {
        const EXAMPLE: &str = "[[override]] before the keys of each";
        let Some(array) = entry.get_ref().as_array() else {
            self.mistyped(entry, "override", EXAMPLE);
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in array {
            match item.get_ref().as_table() {
                Some(table) => {
                    let start = item.span().start;
                    found.extend(self.one_override(start, table).map(|read| (start, read)));
                }
                None => self.mistyped(item, "override", EXAMPLE),
            }
        }
        found.sort_by_key(|(_, read)| read.first_on);
        for ((_, first), (start, second)) in found.iter().zip(found.iter().skip(1)) {
            if second.first_on <= first.last_on {
                let fault = Fault::Overlap { day: second.first_on, other: first.name.clone() };
                self.report(*start, fault);
            }
        }
        found.into_iter().map(|(_, read)| read).collect()
    }

    fn one_override(&mut self, start: usize, table: &DeTable<'_>) -> Option<Override> {
        self.refuse_unknown(table, "an override", OVERRIDE_KEYS);
        let days = self.days(start, table);
        let hours = table.get("hours");
        if hours.is_none() {
            self.missing_in_override(start, "hours", "hours = [] for a holiday");
        }
        let hours = hours.and_then(|entry| self.hours(entry, "hours"));
        let name = match table.get("name") {
            Some(entry) => self.text(entry, "name"),
            None => Some("".into()),
        };
        let (first_on, last_on) = days?;
        Some(Override { first_on, last_on, hours: hours?, name: name? })
    }

    fn days(&mut self, start: usize, table: &DeTable<'_>) -> Option<(NaiveDate, NaiveDate)> {
        match (table.get("on"), table.get("from"), table.get("to")) {
            (Some(on), None, None) => self.day(on).map(|day| (day, day)),
            (None, Some(from), Some(to)) => {
                let (first_on, last_on) = (self.day(from), self.day(to));
                let (first_on, last_on) = (first_on?, last_on?);
                if last_on < first_on {
                    self.report(to.span().start, Fault::Backwards { first_on, last_on });
                    return None;
                }
                Some((first_on, last_on))
            }
            (Some(on), Some(_) | None, Some(_) | None) => {
                self.report(on.span().start, Fault::OnAndFrom);
                None
            }
            (None, Some(_), None) => {
                self.missing_in_override(start, "to", "to = \"2026-02-23\", or use 'on'");
                None
            }
            (None, None, Some(_)) => {
                self.missing_in_override(start, "from", "from = \"2026-02-15\", or use 'on'");
                None
            }
            (None, None, None) => {
                self.missing_in_override(start, "on", "on = \"2026-02-14\", or 'from' and 'to'");
                None
            }
        }
    }

    fn missing_in_override(&mut self, start: usize, key: &'static str, example: &'static str) {
        self.report(start, Fault::Missing { place: "the override", key, example });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let errors = read(text).unwrap_err();
        errors.iter().map(|error| format!("{}: {error}", error.line())).collect()
    }

    #[test]
    fn takes_days_as_texts_and_as_dates() {
        let head = "zone = \"UTC\"\nrevision = \"1\"\n[week]\nmon = [\"09:00-17:00\"]\n";
        let texts = format!("{head}[[override]]\non = \"2026-02-15\"\nhours = []\n");
        let dates = format!("{head}[[override]]\non = 2026-02-15\nhours = []\n");
        let read_texts = read(&texts).unwrap();
        assert_eq!(read_texts, read(&dates).unwrap());
        let day = NaiveDate::from_ymd_opt(2026, 2, 15).unwrap();
        assert!(read_texts.find_override(day).unwrap().hours.is_day_off());
        assert!(read_texts.find_override(day.succ_opt().unwrap()).is_none());
        assert!(read_texts.find_override(day.pred_opt().unwrap()).is_none());
    }

    #[test]
    fn lists_everything_that_is_wrong_with_its_line() {
        let text = r#"zone = "Asia/Shangai"
revison = "1"
announced_until = "31.12.2026"
[week]
mon = ["22:00-06:00"]
tue = "09:00-17:00"
tues = []
[[override]]
on = "2026-02-14"
to = "2026-02-15"
hours = []
[[override]]
from = "2026-02-23"
to = "2026-02-15"
hours = []
[[override]]
name = "nothing"
"#;
        let expected = [
            "1: the document has no 'revision'; add revision = \"2025-11-04\"",
            "1: 'Asia/Shangai' is no zone; use an IANA name such as \"Asia/Shanghai\" or \
             \"Europe/Berlin\"",
            "2: unknown key 'revison'; a calendar has zone, revision, announced_until, region, \
             week, override",
            "3: '31.12.2026' is no day; write it as \"2026-02-15\"",
            "5: '22:00-06:00' goes past midnight; end it at 24:00 and put the rest into the hours \
             of the next day",
            "6: 'tue' is of type string; write [\"09:00-12:00\", \"13:00-18:00\"], or [] for a day off",
            "7: unknown key 'tues'; the week has mon, tue, wed, thu, fri, sat, sun",
            "9: 'on' stands beside 'from' or 'to'; use 'on' for one day, 'from' and 'to' for more",
            "14: 'to' is 2026-02-15, before 'from', 2026-02-23; exchange them",
            "16: the override has no 'hours'; add hours = [] for a holiday",
            "16: the override has no 'on'; add on = \"2026-02-14\", or 'from' and 'to'",
        ];
        let mut found = findings(text);
        let mut expected = expected.map(str::to_owned);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn refuses_what_would_leave_no_answer_or_two() {
        let head = "zone = \"UTC\"\nrevision = \"1\"\n";
        let cases = [
            (
                format!("{head}[week]\nmon = []\n"),
                "3: the week has no working hours; without any no due time can be reckoned",
            ),
            (
                format!(
                    "{head}[week]\nmon = [\"09:00-17:00\"]\n\
                     [[override]]\nfrom = \"2026-02-15\"\nto = \"2026-02-23\"\nhours = []\n\
                     name = \"Spring Festival\"\n\
                     [[override]]\non = \"2026-02-23\"\nhours = []\n"
                ),
                "10: 2026-02-23 is in the override before it too ('Spring Festival'); let each \
                 day be in one",
            ),
            (
                format!("{head}week = 3\n"),
                "3: 'week' is of type integer; write [week] with mon = [\"09:00-17:00\"] and so on",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(findings(&text), [expected], "case: {text}");
        }
    }

    #[test]
    fn names_the_line_of_broken_toml() {
        let found = findings("zone = \"UTC\"\nrevision = \n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("2: "), "{found:?}");
    }
}
