//! JSON Lines: one native event a line.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::row::{Row, WrongRow, find_fault};

/// What of an event is looked at before it is sent.
#[derive(Deserialize)]
struct Head {
    kind: Option<IgnoredAny>,
}

/// Returns the events of `file`; one that names no kind is of `kind`.
pub(super) fn rows<'f>(
    file: &'f [u8],
    kind: Option<&'f str>,
    now: DateTime<Utc>,
) -> impl Iterator<Item = Result<Row, WrongRow>> + 'f {
    let lines = (1..).zip(file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii));
    let lines = lines.filter(|(_, text)| !text.is_empty());
    lines.map(move |(line, text)| {
        // The message names the part of the event, and there are no columns.
        let wrong = |message| WrongRow { line, column: None, message };
        let text = std::str::from_utf8(text)
            .map_err(|_| wrong("not UTF-8; save the file as UTF-8".to_owned()))?;
        let text = with_kind(text, kind);
        match find_fault(&text, now) {
            Some((_, message)) => Err(wrong(message)),
            None => Ok(Row { line, text }),
        }
    })
}

/// Writes `kind` into an object that has none, and leaves the rest as it stands.
fn with_kind(text: &str, kind: Option<&str>) -> String {
    let has_none = || serde_json::from_str::<Head>(text).is_ok_and(|head| head.kind.is_none());
    match (kind.filter(|_| has_none()), text.strip_prefix('{')) {
        (Some(kind), Some(rest)) => {
            let comma = if rest.trim_ascii_start().starts_with('}') { "" } else { "," };
            format!("{{\"kind\":{}{comma}{rest}", serde_json::Value::from(kind))
        }
        _ => text.to_owned(),
    }
}
