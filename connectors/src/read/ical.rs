//! iCalendar: text unfolded before it is decoded, since lines are cut within characters, and
//! components that stand in each other a few levels deep.

use chrono::{NaiveDate, NaiveDateTime};
use icalendar::parser::{self, Component};

use super::{ReadError, number};

/// How deep components may stand in one another; calendars need three.
const DEPTH_MAX: usize = 8;

/// When something of a calendar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// A whole day.
    Day(NaiveDate),
    /// By the clock of the calendar's, or of a named, zone.
    Local(NaiveDateTime),
    /// In UTC.
    Utc(NaiveDateTime),
}

/// Returns `bytes` with the lines that were folded made whole again.
pub fn unfolded(bytes: &[u8]) -> Vec<u8> {
    let mut whole: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = match rest {
            [b'\r', b'\n', b' ' | b'\t', after @ ..] | [b'\n', b' ' | b'\t', after @ ..] => after,
            _ => {
                whole.push(*first);
                after
            }
        };
    }
    whole
}

/// Reads unfolded text as components.
///
/// Depth is checked first, since the parser calls itself.
pub fn read(text: &str) -> Result<Vec<Component<'_>>, ReadError> {
    let mut depth = 0_usize;
    for (line, text) in (1..).zip(text.lines()) {
        let is = |word: &str| {
            text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        if is("BEGIN:") {
            depth += 1;
        } else if is("END:") {
            depth = depth.saturating_sub(1);
        }
        if DEPTH_MAX < depth {
            let what = format!("components stand more than {DEPTH_MAX} deep in each other");
            return Err(ReadError::at(format!("line {line}"), what));
        }
    }
    if depth != 0 {
        return Err(ReadError::whole("it ends before its components do"));
    }
    parser::read_components(text).map_err(|_| ReadError::whole("it is no iCalendar text"))
}

/// Returns the value of the property `name` of `item`.
pub fn value<'a>(item: &'a Component<'_>, name: &str) -> Option<&'a str> {
    let property = item.properties.iter().find(|property| property.name.as_str() == name)?;
    Some(property.val.as_str())
}

/// Returns the parameter `key` of the property `name` of `item`.
pub fn parameter<'a>(item: &'a Component<'_>, name: &str, key: &str) -> Option<&'a str> {
    let property = item.properties.iter().find(|property| property.name.as_str() == name)?;
    let found = property.params.iter().find(|parameter| parameter.key.as_str() == key)?;
    Some(found.val.as_ref()?.as_str())
}

/// Reads a day (`20250128`) or a time (`20250126T090000`, with `Z` in UTC).
pub fn time(text: &str) -> Result<Time, String> {
    let wrong = || format!("'{}' is no day or time of a calendar", number::short(text));
    if text.len() == 8 {
        return NaiveDate::parse_from_str(text, "%Y%m%d").map(Time::Day).map_err(|_| wrong());
    }
    let (plain, is_utc) = text.strip_suffix('Z').map_or((text, false), |plain| (plain, true));
    let time = NaiveDateTime::parse_from_str(plain, "%Y%m%dT%H%M%S").map_err(|_| wrong())?;
    Ok(if is_utc { Time::Utc(time) } else { Time::Local(time) })
}
