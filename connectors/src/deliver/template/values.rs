//! What a template may name: a letter's body, cleaned and made readable.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use url::Url;

use super::headline;

/// The members a body can have; what is missing is empty, so that no template has to ask.
const NAMES: [&str; 34] = [
    "account",
    "account_name",
    "amount",
    "arrive_on",
    "at",
    "brief",
    "count",
    "created_at",
    "currency",
    "device",
    "due_at",
    "evidence",
    "first_at",
    "from",
    "joined",
    "last_at",
    "letters",
    "link",
    "owner",
    "owner_name",
    "priority",
    "product",
    "quantity",
    "reason",
    "rule",
    "scope",
    "ship_on",
    "status",
    "steps",
    "text",
    "title",
    "to",
    "url",
    "zone",
];

/// How long a text in a body may be, in characters.
const TEXT_MAX: usize = 1_000;
/// How many members or elements are shown of an object or a list.
const MEMBERS_MAX: usize = 64;
/// How many letters are shown of those that go out together.
const LETTERS_MAX: usize = 200;
/// How deep a body may be.
const DEPTH_MAX: usize = 4;

/// Returns the values of `body` for texts in `language`.
pub(super) fn values(body: &Value, language: &str) -> Map<String, Value> {
    let zone = body.get("zone").and_then(Value::as_str).and_then(|name| name.parse::<Tz>().ok());
    let mut values = members(body, language, zone);
    let letters = body.get("letters").and_then(Value::as_array);
    let letters = letters.into_iter().flatten().take(LETTERS_MAX).map(|letter| {
        let mut values = members(letter, language, zone);
        let event = letter.get("event").and_then(Value::as_str).unwrap_or_default();
        values.insert("headline".to_owned(), headline(event, language).into());
        Value::Object(values)
    });
    values.insert("letters".to_owned(), letters.collect());
    values
}

fn members(body: &Value, language: &str, zone: Option<Tz>) -> Map<String, Value> {
    let mut values: Map<_, _> =
        NAMES.into_iter().map(|name| (name.to_owned(), Value::Null)).collect();
    for (name, value) in body.as_object().into_iter().flatten().take(MEMBERS_MAX) {
        let value = match (name.as_str(), value) {
            ("title", Value::Object(titles)) => {
                let title = titles.get(language).or_else(|| titles.values().next());
                tidy(title.unwrap_or(&Value::Null), 1)
            }
            ("link" | "url", Value::String(link)) => readable_link(link),
            (name, Value::String(text)) if name == "at" || name.ends_with("_at") => {
                readable_time(text, zone)
            }
            (_, value) => tidy(value, 1),
        };
        values.insert(clean(name), value);
    }
    values
}

/// Returns `text` in one line without control characters and without the marks that turn the
/// direction of writing, at most 1,000 characters long.
pub(super) fn clean(text: &str) -> String {
    let shown = text.chars().filter(|c| !is_mark(*c)).take(TEXT_MAX);
    shown.map(|c| if c.is_control() || is_line_end(c) { ' ' } else { c }).collect()
}

/// Marks without a width of their own, by which a text can pass for another.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

fn tidy(value: &Value, depth: usize) -> Value {
    if DEPTH_MAX < depth {
        return Value::Null;
    }
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(list) => {
            list.iter().take(MEMBERS_MAX).map(|element| tidy(element, depth + 1)).collect()
        }
        Value::Object(members) => {
            let members = members.iter().take(MEMBERS_MAX);
            members.map(|(name, value)| (clean(name), tidy(value, depth + 1))).collect()
        }
        Value::Number(_) | Value::Bool(_) | Value::Null => value.clone(),
    }
}

/// Returns a time for people: to the minute, with the name of its zone.
fn readable_time(text: &str, zone: Option<Tz>) -> Value {
    let Ok(time) = DateTime::parse_from_rfc3339(text) else {
        return Value::String(clean(text));
    };
    let time = time.with_timezone(&Utc);
    let shown = match zone {
        Some(zone) => {
            format!("{} {}", time.with_timezone(&zone).format("%Y-%m-%d %H:%M"), zone.name())
        }
        None => format!("{} UTC", time.format("%Y-%m-%d %H:%M")),
    };
    // What cannot be written in four digits of a year is shown as it came.
    Value::String(if shown.len() < 64 {
        shown
    } else {
        time.to_rfc3339_opts(SecondsFormat::Secs, true)
    })
}

/// Returns a link as browsers write it, without what Markdown would take for its end; nothing for
/// what is not an address of the web.
fn readable_link(text: &str) -> Value {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && text.len() <= TEXT_MAX => {
            let url = url.to_string();
            let url = url
                .replace('(', "%28")
                .replace(')', "%29")
                .replace(['<', '>', '"', '\'', '\\'], "");
            Value::String(url)
        }
        _ => Value::Null,
    }
}
