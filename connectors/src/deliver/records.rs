//! What systems that keep a record for each task have in common: one record, however many letters.

use askama::filters::{Escaper as _, Html};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::bot;
use super::channel::Receipt;
use super::failure::Failure;
use super::letter::Letter;

/// A system that keeps records.
#[async_trait]
pub trait Records: Send + Sync {
    /// Looks for the record that carries the reference of `letter`; of several, the oldest.
    async fn search(&self, letter: &Letter) -> Result<Option<String>, Failure>;

    /// Makes the record for `letter` at the time `now` and returns its id.
    async fn create(&self, letter: &Letter, now: DateTime<Utc>) -> Result<String, Failure>;

    /// Puts what `letter` says into the record `id`.
    async fn update(&self, id: &str, letter: &Letter) -> Result<Update, Failure>;

    /// Returns where a person finds the record `id`.
    fn address(&self, id: &str) -> Option<String>;
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// It is in the record.
    Kept,
    /// Somebody deleted the record there.
    Gone,
}

/// Looks whether a first letter arrived. An update may simply be made again.
pub async fn find(records: &dyn Records, letter: &Letter) -> Result<Option<Receipt>, Failure> {
    if !letter.is_first() || letter.remote.is_some() {
        return Ok(None);
    }
    let found = records.search(letter).await?;
    Ok(found.map(|id| receipt(records, id, true)))
}

/// Makes the record that `letter` is about, or puts what it says into the one there is.
///
/// A record that was deleted there is not made again: a person wanted it so. Word that a task is
/// over, where no record of it is found, has nothing to end.
pub async fn send(
    records: &dyn Records,
    letter: &Letter,
    now: DateTime<Utc>,
) -> Result<Receipt, Failure> {
    let known = match &letter.remote {
        Some(id) => Some(id.clone()),
        None => records.search(letter).await?,
    };
    let Some(id) = known else {
        if letter.is_last() {
            return Ok(Receipt::default());
        }
        let id = records.create(letter, now).await?;
        return Ok(receipt(records, id, false));
    };
    if letter.is_first() && letter.remote.is_none() {
        return Ok(receipt(records, id, true));
    }
    match records.update(&id, letter).await? {
        Update::Kept => Ok(receipt(records, id, false)),
        Update::Gone if letter.is_last() => Ok(Receipt { remote: Some(id), ..Receipt::default() }),
        Update::Gone => Err(Failure::refused(format!(
            "record {id} was deleted there, and is not made again; drop this letter, or dismiss \
             the task"
        ))),
    }
}

fn receipt(records: &dyn Records, id: String, was_there: bool) -> Receipt {
    Receipt { url: records.address(&id), remote: Some(id), was_there }
}

/// How soon something is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// When there is time.
    Low,
    /// As usual.
    Normal,
    /// Before other things.
    High,
}

/// Returns how soon `letter` wants something done: by its priority, else by its grade.
pub fn urgency(letter: &Letter) -> Urgency {
    match letter.field("priority").or_else(|| letter.field("grade")) {
        Some("high" | "urgent" | "critical" | "A") => Urgency::High,
        Some("low" | "C") => Urgency::Low,
        _ => Urgency::Normal,
    }
}

/// Returns when it is due, if the letter says so.
pub fn due_at(letter: &Letter) -> Option<DateTime<Utc>> {
    let due = DateTime::parse_from_rfc3339(letter.field("due_at")?).ok()?;
    Some(due.to_utc())
}

/// Returns the day on which it is due in the zone of the letter, else in UTC.
pub fn due_on(letter: &Letter) -> Option<NaiveDate> {
    let due = due_at(letter)?;
    let zone = letter.field("zone").and_then(|zone| zone.parse::<Tz>().ok());
    Some(due.with_timezone(&zone.unwrap_or(Tz::UTC)).date_naive())
}

/// How long a title may be, in bytes: systems take 255 and more characters.
const TITLE_MAX: usize = 250;

/// Returns the title of `letter`, with its reference behind it where `has_mark`.
pub fn title(letter: &Letter, has_mark: bool) -> String {
    if !has_mark {
        return bot::cut(&letter.text.title, TITLE_MAX);
    }
    let mark = mark(letter);
    let room = TITLE_MAX.saturating_sub(mark.len() + 1);
    format!("{} {mark}", bot::cut(&letter.text.title, room))
}

/// Returns the mark by which a title names its letter's reference.
pub fn mark(letter: &Letter) -> String {
    format!("[{}]", letter.reference())
}

/// Tells whether `title` ends with `mark`. A device can write any mark into the title itself, but
/// not behind the one that stands at its end.
pub fn is_marked(title: &str, mark: &str) -> bool {
    title.trim_end().ends_with(mark)
}

/// How long a text may be, in bytes: systems take 32,000 characters and more.
const PLAIN_MAX: usize = 10_000;
const HTML_MAX: usize = 30_000;

/// Returns the plain text of `letter`, at most 10,000 bytes of it.
pub fn plain(letter: &Letter) -> String {
    bot::cut(letter.text.plain.trim(), PLAIN_MAX)
}

/// Returns the text of `letter` as HTML: its own if that is not too long, else its plain text.
pub fn html(letter: &Letter) -> String {
    if let Some(html) = letter.text.html.as_ref().filter(|html| html.len() <= HTML_MAX) {
        return html.clone();
    }
    let mut escaped = String::new();
    // Writing to a string does not fail.
    let written = Html.write_escaped_str(&mut escaped, &plain(letter));
    if written.is_err() { String::new() } else { escaped.replace('\n', "<br>") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::deliver::letter::Text;

    fn letter(body: Value) -> Letter {
        Letter {
            key: "k1".to_owned(),
            kind: "task-created".to_owned(),
            subject: "t1".to_owned(),
            body,
            text: Text::default(),
            recipient: None,
            remote: None,
        }
    }

    #[test]
    fn a_day_is_that_of_the_site() {
        let cases = [
            (
                json!({"due_at": "2026-11-22T18:00:00Z", "zone": "Asia/Shanghai"}),
                Some("2026-11-23"),
            ),
            (
                json!({"due_at": "2026-11-23T01:00:00Z", "zone": "America/Los_Angeles"}),
                Some("2026-11-22"),
            ),
            (json!({"due_at": "2026-11-22T18:00:00Z"}), Some("2026-11-22")),
            (json!({"due_at": "soon"}), None),
            (json!({}), None),
        ];
        for (body, expected) in cases {
            let expected = expected.map(|day| day.parse().unwrap());
            assert_eq!(due_on(&letter(body.clone())), expected, "case: {body}");
        }
    }

    #[test]
    fn titles_end_with_their_mark_whatever_their_length() {
        let mut letter = letter(json!({}));
        letter.text.title = "充电失败".repeat(100);
        let marked = title(&letter, true);
        assert!(marked.ends_with("… [upturn:task:t1]") && marked.len() <= 250, "{marked}");
        assert!(!title(&letter, false).contains("upturn"));
    }

    #[test]
    fn plain_text_becomes_harmless_html() {
        let mut letter = letter(json!({}));
        letter.text.plain = "a <script>\nb & \"c\"\n".to_owned();
        assert_eq!(html(&letter), "a &#60;script&#62;<br>b &#38; &#34;c&#34;");
        letter.text.html = Some("<p>a</p>".to_owned());
        assert_eq!(html(&letter), "<p>a</p>");
        letter.text.html = Some("<p>".repeat(100_000));
        letter.text.plain = "充".repeat(100_000);
        assert!(html(&letter).len() <= 10_000, "too long a text is plain, and cut");
    }
}
