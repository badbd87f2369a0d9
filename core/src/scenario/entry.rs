//! What happens: each `[[when]]` becomes one step or many.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Map;
use toml::{Spanned, Value};

use super::document::{Entry, Notes};
use super::given;
use super::{Setting, Step};
use crate::decode::line;
use crate::input::Verb;
use crate::rule::duration;

/// Reads the entries of a scenario in their order.
pub(super) struct Entries<'e, 't> {
    setting: &'e Setting<'e>,
    notes: &'e mut Notes<'t>,
    steps: Vec<Step>,
    /// The rules whose tasks are closed.
    named: Vec<Spanned<String>>,
    /// How many events there were.
    events: usize,
}

impl<'e, 't> Entries<'e, 't> {
    pub(super) fn new(setting: &'e Setting<'e>, notes: &'e mut Notes<'t>) -> Self {
        Self { setting, notes, steps: Vec::new(), named: Vec::new(), events: 0 }
    }

    /// Returns the steps of all entries, and the rules that they name.
    pub(super) fn read(
        mut self,
        entries: Vec<Spanned<Entry>>,
    ) -> (Vec<Step>, Vec<Spanned<String>>) {
        for entry in entries {
            let span = entry.span();
            let mut entry = entry.into_inner();
            let place = match ["tick", "done", "dismiss", "events", "rules"]
                .into_iter()
                .find(|key| entry.contains_key(*key))
            {
                Some("tick") => self.tick(&mut entry, span),
                Some("events") => self.file(&mut entry),
                Some("rules") => self.rules(&mut entry, span),
                Some("done") => self.close(&mut entry, span, ("done", Verb::Done)),
                Some(_) => self.close(&mut entry, span, ("dismiss", Verb::Dismiss)),
                None => {
                    self.happening(entry, span);
                    continue;
                }
            };
            for (key, value) in entry.into_iter().filter(|_| place.is_some()) {
                let message = format!("'{key}' has no meaning here");
                self.notes.error(value.span(), "unknown-key", message, "leave it out");
            }
        }
        (self.steps, self.named)
    }

    fn tick(&mut self, entry: &mut Entry, span: Range<usize>) -> Option<()> {
        entry.remove("tick");
        let at = self.required_time(entry, span)?;
        self.steps.push(Step::Tick(at));
        Some(())
    }

    fn close(
        &mut self,
        entry: &mut Entry,
        span: Range<usize>,
        (key, verb): (&str, Verb),
    ) -> Option<()> {
        let task = entry.remove(key)?;
        let at = self.required_time(entry, span)?;
        let text = |name: &str| task.get_ref().get(name).and_then(Value::as_str);
        let Some((rule, scope)) = text("rule").zip(text("scope")) else {
            let cure = format!("write {key} = {{ rule = \"…\", scope = \"…\" }}");
            self.notes.error(task.span(), "bad-value", "this names no task", cure);
            return None;
        };
        self.named.push(Spanned::new(task.span(), rule.to_owned()));
        self.steps.push(Step::Close { at, rule: rule.into(), scope: scope.into(), verb });
        Some(())
    }

    fn rules(&mut self, entry: &mut Entry, span: Range<usize>) -> Option<()> {
        let paths = entry.remove("rules")?;
        let at = self.required_time(entry, span)?;
        let all = paths.get_ref().as_array().map_or(&[][..], Vec::as_slice);
        let mut rules = Vec::new();
        for path in all.iter().filter_map(Value::as_str) {
            let path = Spanned::new(paths.span(), path.to_owned());
            rules.extend(given::load(&path, self.setting, self.notes));
        }
        self.steps.push(Step::Rules(at, rules));
        Some(())
    }

    fn file(&mut self, entry: &mut Entry) -> Option<()> {
        let path = entry.remove("events")?;
        let Some(name) = path.get_ref().as_str() else {
            let cure = "write events = \"file.jsonl\"";
            self.notes.error(path.span(), "bad-value", "this is no path", cure);
            return None;
        };
        let text = match self.setting.loader.text(name) {
            Ok(text) => text,
            Err(why) => {
                let cure = "name the file by its path from the scenario's folder";
                self.notes.error(path.span(), "unreadable", why, cure);
                return None;
            }
        };
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            if let Err(error) = line::decode(line, self.setting.sources, DateTime::UNIX_EPOCH) {
                let message = format!("line {number} of '{name}': {error}");
                self.notes.error(path.span(), "bad-event", message, "correct the line");
                return None;
            }
            self.steps.push(Step::Line(line.into()));
        }
        Some(())
    }

    fn happening(&mut self, mut entry: Entry, span: Range<usize>) {
        let is_timed = entry.contains_key("at") || entry.contains_key("received");
        let (at, received) = (self.time(&mut entry, "at"), self.time(&mut entry, "received"));
        let every = self.every(&mut entry);
        let repeat = self.repeat(&mut entry);
        let attributes = entry.remove("attributes").map(Spanned::into_inner);
        let mut object = Map::new();
        if let Some(Value::Table(table)) = attributes {
            object.extend(table.iter().map(|(key, value)| (key.clone(), json(value))));
        }
        for (key, value) in &entry {
            object.insert(key.clone(), json(value.get_ref()));
        }
        let is_message = object.contains_key("topic");
        if !is_message && !is_timed {
            self.notes.error(span, "missing-key", "the event has no time", "add at = \"…\"");
            return;
        }
        let text = |at: DateTime<Utc>| at.to_rfc3339().into();
        for number in 1..=repeat {
            self.events += 1;
            let later = every * i32::try_from(number - 1).unwrap_or(i32::MAX);
            let mut event = object.clone();
            if let Some(received) = received {
                event.insert("received_at".to_owned(), text(received + later));
            }
            if !is_message {
                event.extend(at.map(|at| ("ts".to_owned(), text(at + later))));
                let own = || format!("e{}", self.events).into();
                event.entry("id").or_insert_with(own);
            }
            let line = serde_json::Value::Object(event).to_string();
            let line = given::numbered(&line, number);
            let sources = self.setting.sources;
            if let Err(error) = line::decode(&line, sources, DateTime::UNIX_EPOCH) {
                self.notes.error(span, "bad-event", error.to_string(), "correct the event");
                return;
            }
            self.steps.push(Step::Line(line.into()));
        }
    }

    fn every(&mut self, entry: &mut Entry) -> TimeDelta {
        let Some(every) = entry.remove("every") else { return TimeDelta::zero() };
        match duration::parse(every.get_ref().as_str().unwrap_or_default()) {
            Ok(every) => every,
            Err(fault) => {
                self.notes.error(every.span(), fault.code, fault.message, fault.cure);
                TimeDelta::zero()
            }
        }
    }

    fn repeat(&mut self, entry: &mut Entry) -> usize {
        let Some(repeat) = entry.remove("repeat") else { return 1 };
        let count = repeat.get_ref().as_integer().and_then(|count| usize::try_from(count).ok());
        let count = Spanned::new(repeat.span(), count.unwrap_or_default());
        given::repeats(Some(&count), self.notes)
    }

    fn time(&mut self, entry: &mut Entry, key: &str) -> Option<DateTime<Utc>> {
        time(&entry.remove(key)?, self.notes)
    }

    fn required_time(&mut self, entry: &mut Entry, span: Range<usize>) -> Option<DateTime<Utc>> {
        if !entry.contains_key("at") {
            self.notes.error(span, "missing-key", "the entry has no time", "add at = \"…\"");
        }
        self.time(entry, "at")
    }
}

/// Returns a time that is written as a text or as TOML writes times.
pub(super) fn time(value: &Spanned<Value>, notes: &mut Notes<'_>) -> Option<DateTime<Utc>> {
    let text = value.get_ref().as_str().map_or_else(|| value.get_ref().to_string(), str::to_owned);
    let read = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1));
    if read.is_err() {
        let cure = "use a time with its zone such as 2026-01-05T08:00:00Z";
        notes.error(value.span(), "bad-time", format!("{text} is no time"), cure);
    }
    read.ok().map(|at| at.with_timezone(&Utc))
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Datetime(at) => at.to_string().into(),
        Value::Array(all) => all.iter().map(json).collect(),
        Value::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), json(value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}
