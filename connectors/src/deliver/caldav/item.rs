//! A letter as a calendar item, and what people made of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use icalendar::parser::{self, Property};
use icalendar::{
    Calendar, Component, Event, EventStatus, Property as NewProperty, Todo, TodoStatus,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::deliver::channel::Progress;
use crate::deliver::failure::Failure;
use crate::deliver::letter::Letter;
use crate::read::ical::{self, value};

/// What a letter becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A task, `VTODO`.
    Task,
    /// An appointment, `VEVENT`, of this length.
    Appointment(TimeDelta),
}

/// What a letter does to an item that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Amended {
    /// Nothing: it was applied before.
    Same,
    /// This is the item with it.
    Changed(String),
}

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// As far as the task is concerned.
    pub progress: Progress,
    /// Since when, if it says so.
    pub at: Option<DateTime<Utc>>,
}

/// How long a title may be, in characters.
const TITLE_MAX: usize = 200;
/// How long a description may grow, in characters.
const DESCRIPTION_MAX: usize = 4_000;

/// The key of the last letter that was put into an item.
const LETTER: &str = "X-UPTURN-LETTER";

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Task => "VTODO",
            Self::Appointment(_) => "VEVENT",
        }
    }
}

/// Returns the id of the item for the letter's task: the same for all letters about it.
pub(super) fn uid(letter: &Letter) -> String {
    let reference = letter.reference();
    let readable: String = reference
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(80)
        .collect();
    let is_whole = reference.len() <= 80
        && letter.subject.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_whole { readable } else { format!("{readable}-{}", mark(&reference)) }
}

/// Returns a calendar with the item that `letter` becomes.
///
/// Fails where an appointment has no time.
pub(super) fn compose(form: Form, letter: &Letter, now: DateTime<Utc>) -> Result<String, Failure> {
    let mut fields = fields(form, letter);
    fields.push(NewProperty::new("DESCRIPTION", limit(&description(letter))));
    let link = letter.field("url").and_then(|url| Url::parse(url).ok());
    let mut calendar = Calendar::empty();
    calendar.append_property(("VERSION", "2.0"));
    calendar.append_property(("PRODID", "-//Upturn//Upturn//EN"));
    match form {
        Form::Task => {
            let status = match &*letter.kind {
                "task-done" => TodoStatus::Completed,
                "task-accepted" => TodoStatus::InProcess,
                _ => TodoStatus::NeedsAction,
            };
            let mut todo = Todo::new();
            todo.status(status);
            if status == TodoStatus::Completed {
                todo.completed(now).percent_complete(100);
            }
            fill(&mut todo, fields, letter, now);
            if let Some(link) = link {
                todo.url(link.as_str());
            }
            calendar.push(todo.done());
        }
        Form::Appointment(_) => {
            if times(form, letter).is_none() {
                return Err(Failure::refused(
                    "the letter has no time for an appointment ('due_at')",
                ));
            }
            let mut event = Event::new();
            event.status(EventStatus::Confirmed);
            fill(&mut event, fields, letter, now);
            if let Some(link) = link {
                event.url(link.as_str());
            }
            calendar.push(event.done());
        }
    }
    Ok(calendar.to_string())
}

fn fill<C: Component>(item: &mut C, fields: Vec<NewProperty>, letter: &Letter, now: DateTime<Utc>) {
    item.uid(&uid(letter)).timestamp(now).last_modified(now);
    item.add_property(LETTER, mark(&letter.key));
    for field in fields {
        item.add_property(written(field.key()), mark(field.value()));
        item.append_property(field);
    }
}

/// Returns the item in `calendar` after `letter`: what people changed stays as they left it, and
/// what they closed stays closed.
///
/// Fails where `calendar` is not understood or is not about the letter's task.
pub(super) fn amend(
    form: Form,
    calendar: &str,
    letter: &Letter,
    now: DateTime<Utc>,
) -> Result<Amended, Failure> {
    let text = parser::unfold(calendar);
    let mut roots = read(&text)?;
    let uid = uid(letter);
    let items = roots.iter_mut().flat_map(|root| &mut root.components);
    let ours = items.filter(|item| item.name == form.name() && value(item, "UID") == Some(&uid));
    let Some(item) = ours.into_iter().find(|item| item.find_prop("RECURRENCE-ID").is_none()) else {
        return Err(Failure::refused(
            "something else lies in the calendar under the task's name; remove it there",
        ));
    };
    let key = mark(&letter.key);
    if value(item, LETTER) == Some(&key) {
        return Ok(Amended::Same);
    }
    set(item, &[NewProperty::new(LETTER, key)]);
    if matches!(&*letter.kind, "task-created" | "task-amended") {
        for field in fields(form, letter) {
            let name = written(field.key());
            // What is no longer as we wrote it was changed by a person.
            let is_ours =
                value(item, field.key()).map(mark) == value(item, &name).map(str::to_owned);
            if is_ours {
                let mark = NewProperty::new(name, mark(field.value()));
                set(item, &[mark, field]);
            }
        }
    }
    let before = value(item, "DESCRIPTION").unwrap_or_default();
    let after = limit(&format!("{}\n{}\n{before}", line(&letter.text.title), description(letter)));
    set(item, &[NewProperty::new("DESCRIPTION", after)]);
    set(item, &progress(form, value(item, "STATUS"), letter, now));
    let stamp = now.format("%Y%m%dT%H%M%SZ").to_string();
    set(
        item,
        &[NewProperty::new("LAST-MODIFIED", stamp.clone()), NewProperty::new("DTSTAMP", stamp)],
    );
    write(&roots).map(Amended::Changed)
}

/// Returns how the item with `uid` in `calendar` stands; nothing if it is not there.
pub(super) fn state(form: Form, calendar: &str, uid: &str) -> Option<State> {
    let text = parser::unfold(calendar);
    let roots = read(&text).ok()?;
    let mut items = roots.iter().flat_map(|root| &root.components);
    let item = items.find(|item| item.name == form.name() && value(item, "UID") == Some(uid))?;
    let progress = match value(item, "STATUS") {
        Some("COMPLETED") => Progress::Done,
        Some("CANCELLED") => Progress::Dismissed,
        _ => Progress::Open,
    };
    let at = ["COMPLETED", "LAST-MODIFIED"].into_iter().find_map(|name| value(item, name));
    let at = at.and_then(|at| NaiveDateTime::parse_from_str(at, "%Y%m%dT%H%M%SZ").ok());
    Some(State { progress, at: at.map(|at| at.and_utc()) })
}

/// Tells whether `letter` is the last that was put into `calendar`.
pub(super) fn holds(calendar: &str, letter: &Letter) -> bool {
    let text = parser::unfold(calendar);
    let key = mark(&letter.key);
    read(&text).is_ok_and(|roots| {
        roots.iter().flat_map(|root| &root.components).any(|item| value(item, LETTER) == Some(&key))
    })
}

/// Returns what a letter says of an item, apart from its description and state.
fn fields(form: Form, letter: &Letter) -> Vec<NewProperty> {
    let mut fields = vec![NewProperty::new("SUMMARY", summary(letter))];
    let stamp = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ").to_string();
    if let Some((start, end)) = times(form, letter) {
        match form {
            Form::Task => fields.push(NewProperty::new("DUE", stamp(end))),
            Form::Appointment(_) => {
                fields.push(NewProperty::new("DTSTART", stamp(start)));
                fields.push(NewProperty::new("DTEND", stamp(end)));
            }
        }
    }
    fields
}

/// Returns when the item begins and ends: as the letter says, or so that it ends when the task is due.
fn times(form: Form, letter: &Letter) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if let Some(told) = time(letter, "starts_at").zip(time(letter, "ends_at")) {
        return Some(told);
    }
    let due = time(letter, "due_at")?;
    let length = match form {
        Form::Task => TimeDelta::zero(),
        Form::Appointment(length) => length,
    };
    Some((due - length, due))
}

/// Returns what has to change so that the item stands as the task does.
fn progress(
    form: Form,
    status: Option<&str>,
    letter: &Letter,
    now: DateTime<Utc>,
) -> Vec<NewProperty> {
    if matches!(status, Some("COMPLETED" | "CANCELLED")) {
        return Vec::new();
    }
    let status = |status: &str| NewProperty::new("STATUS", status);
    match (&*letter.kind, form) {
        ("task-done", Form::Task) => vec![
            status("COMPLETED"),
            NewProperty::new("PERCENT-COMPLETE", "100"),
            NewProperty::new("COMPLETED", now.format("%Y%m%dT%H%M%SZ").to_string()),
        ],
        ("task-accepted", Form::Task) => vec![status("IN-PROCESS")],
        ("task-dismissed" | "task-withdrawn", _) => vec![status("CANCELLED")],
        _ => Vec::new(),
    }
}

fn time(letter: &Letter, name: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(letter.field(name)?).ok()?;
    Some(time.to_utc())
}

fn summary(letter: &Letter) -> String {
    let title = letter.body.get("title").and_then(|title| match title.as_str() {
        Some(title) => Some(title),
        None => title.get(&letter.text.language).and_then(Value::as_str),
    });
    let title = title.filter(|title| !title.is_empty());
    let summary = match (title, letter.field("device")) {
        (Some(title), Some(device)) => format!("{title} ({device})"),
        (Some(title), None) => title.to_owned(),
        (None, _) => letter.text.title.clone(),
    };
    line(&summary).chars().take(TITLE_MAX).collect()
}

fn description(letter: &Letter) -> String {
    letter.text.plain.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns `text` in one line; a line's end that is not escaped would end the property.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn limit(text: &str) -> String {
    text.chars().take(DESCRIPTION_MAX).collect()
}

/// Returns the name of the property that remembers what we wrote into `name`.
fn written(name: &str) -> String {
    format!("X-UPTURN-{name}")
}

/// Returns a mark by which `text` is known again: 22 letters, digits, '-' and '_'.
fn mark(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
}

/// Reads what a server holds.
fn read(text: &str) -> Result<Vec<parser::Component<'_>>, Failure> {
    ical::read(text)
        .map_err(|_| Failure::later("what lies in the calendar there is not understood"))
}

/// Puts `properties` in the place of those with their names.
fn set(item: &mut parser::Component<'_>, properties: &[NewProperty]) {
    for property in properties {
        item.properties.retain(|old| old.name.as_str() != property.key());
        item.properties.push(Property::from(property.clone()));
    }
}

/// Writes everything that was read, also what we know nothing of.
fn write(roots: &[parser::Component<'_>]) -> Result<String, Failure> {
    let mut text = String::new();
    for root in roots {
        write_component(&mut text, root)?;
    }
    Ok(text)
}

fn write_component(text: &mut String, component: &parser::Component<'_>) -> Result<(), Failure> {
    let name = component.name.as_str();
    text.push_str(&["BEGIN:", name, "\r\n"].concat());
    for property in &component.properties {
        // Goes through the type that escapes; the parser has taken the escapes away.
        let written: Result<String, _> = NewProperty::from(property.clone()).try_into();
        text.push_str(&written.map_err(|_| Failure::later("the item cannot be written"))?);
    }
    for inner in &component.components {
        write_component(text, inner)?;
    }
    text.push_str(&["END:", name, "\r\n"].concat());
    Ok(())
}

#[cfg(test)]
mod tests;
