//! Reads one destination or route document: what it says, or what is wrong with it and where.

use std::ops::Range;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::DeTable;
use upturn_connectors::deliver::{KINDS, Kind, Surroundings};
use upturn_core::calendar::hours::Minute;
use upturn_core::rule::finding::{Fault, Finding};
use upturn_core::task::Title;

use super::document::{DestinationDocument, Quiet, RouteDocument};
use super::route::Route;
use super::timing::Timing;
use super::{ASK_EVERY_S, Destination, TRIES};
use crate::config::time_span::TimeSpan;

/// The longest document, in bytes.
pub(crate) const TEXT_MAX: usize = 64 * 1024;
/// Where the shapes are told.
const HELP: &str = "see `upturn schema destination` and `upturn schema route`";
/// The longest id, in bytes.
const ID_MAX: usize = 40;
/// How long a letter can be kept back.
const HOLD_MAX: TimeDelta = TimeDelta::days(1);
/// How long a letter is kept back unless the route says otherwise.
const HOLD: TimeDelta = TimeDelta::seconds(5);
/// The most tries.
const TRIES_MAX: u32 = 100;
/// The least time between two questions to a destination.
const ASK_EVERY_MIN: TimeDelta = TimeDelta::seconds(10);

/// A document that is being read, and what was found in it.
pub(crate) struct Reading<'t> {
    /// The document.
    pub(crate) text: &'t str,
    /// What was found.
    pub(crate) findings: Vec<Finding>,
    /// Where its shape is told.
    pub(crate) help: &'static str,
}

/// Returns the destination that `text` describes, if there is no error in it, and what was found.
pub(crate) fn destination(
    text: &str,
    around: &Surroundings,
) -> (Option<Destination>, Vec<Finding>) {
    let mut reading = Reading { text, findings: Vec::new(), help: HELP };
    let found = reading.document().and_then(|document| reading.destination(document, around));
    (found.filter(|_| reading.findings.is_empty()), reading.findings)
}

/// Returns the route that `text` describes, if there is no error in it, and what was found.
pub(crate) fn route(text: &str) -> (Option<Route>, Vec<Finding>) {
    let mut reading = Reading { text, findings: Vec::new(), help: HELP };
    let found = reading.document().map(|document| reading.route(document));
    (found.filter(|_| reading.findings.is_empty()), reading.findings)
}

/// Returns the place of what `path` leads to in `text`, or of the nearest table that holds it.
pub(crate) fn span_of(text: &str, path: &[&str]) -> Range<usize> {
    let (document, _) = DeTable::parse_recoverable(text);
    let mut table = document.get_ref();
    let mut span = 0..0;
    for key in path {
        let Some(value) = table.get(*key) else { break };
        span = value.span();
        match value.get_ref().as_table() {
            Some(inner) => table = inner,
            None => break,
        }
    }
    span
}

impl Reading<'_> {
    /// Returns what the text says, as far as its shape goes.
    pub(crate) fn document<T: DeserializeOwned>(&mut self) -> Option<T> {
        if TEXT_MAX < self.text.len() {
            let what = format!("the file is longer than {TEXT_MAX} bytes");
            self.report(&[], Fault::new("too-long", what, "such a document is a page of text"));
            return None;
        }
        match toml::from_str(self.text) {
            Ok(document) => Some(document),
            Err(error) => {
                let message = error.message();
                let code = match message {
                    _ if message.starts_with("unknown field") => "unknown-key",
                    _ if message.starts_with("unknown variant") => "unknown-value",
                    _ if message.starts_with("missing field") => "missing-key",
                    _ => "bad-document",
                };
                let (what, cure) = message.split_once(", expected ").map_or_else(
                    || (message, self.help.to_owned()),
                    |(what, right)| (what, format!("use {right}")),
                );
                let fault = Fault::new(code, what.lines().next().unwrap_or_default(), cure);
                let span = error.span().unwrap_or(0..0);
                self.findings.push(Finding::error(self.text, span, fault));
                None
            }
        }
    }

    fn destination(
        &mut self,
        document: DestinationDocument,
        around: &Surroundings,
    ) -> Option<Destination> {
        let DestinationDocument { id, kind, title, tries, ask_every, settings } = document;
        self.check_id("id", &id);
        self.check_title(&title);
        let tries = tries.unwrap_or(TRIES);
        if !(1..=TRIES_MAX).contains(&tries) {
            let what = format!("{tries} is no number of tries");
            self.report(&["tries"], Fault::new("bad-number", what, "write 1 to 100"));
        }
        let ask_every = ask_every
            .and_then(|text| self.span(&["ask_every"], &text))
            .unwrap_or(TimeDelta::seconds(ASK_EVERY_S));
        if ask_every < ASK_EVERY_MIN {
            let fault = Fault::new("too-short", "that is too often to ask", "write at least 10s");
            self.report(&["ask_every"], fault);
        }
        let kind = self.kind(&kind)?;
        let settings = Value::Object(settings);
        match (kind.build)(&settings, around) {
            Ok(channel) => Some(Destination {
                id,
                kind: kind.name,
                title,
                tries,
                ask_every,
                channel: Arc::from(channel),
                text: self.text.to_owned(),
            }),
            Err(error) => {
                let message = error.to_string();
                let (what, cure) = message.split_once("; ").unwrap_or((
                    &message,
                    "see `upturn schema destination` for what this kind needs",
                ));
                // The message names the key it is about, if it is about one.
                let key = settings.as_object().and_then(|members| {
                    let mut keys = members.keys();
                    keys.find(|key| {
                        what.contains(&format!("`{key}`")) || what.contains(&format!("'{key}'"))
                    })
                });
                let path: Vec<&str> =
                    ["settings"].into_iter().chain(key.map(String::as_str)).collect();
                self.report(&path, Fault::new("bad-settings", what, cure));
                None
            }
        }
    }

    fn kind(&mut self, name: &str) -> Option<&'static Kind> {
        let found = KINDS.iter().find(|kind| kind.name == name).copied();
        if found.is_none() {
            let what = format!("'{}' is no kind of destination", name.escape_debug());
            let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
            let cure = format!("use one of: {}", names.join(", "));
            self.report(&["kind"], Fault::new("unknown-value", what, cure));
        }
        found
    }

    fn route(&mut self, document: RouteDocument) -> Route {
        let RouteDocument { id, on, to, only, hold, quiet, digest, language } = document;
        self.check_id("id", &id);
        self.check_id("to", &to);
        if on.is_empty() {
            let cure = "name what is told: [\"task-created\"]";
            self.report(&["on"], Fault::new("empty-list", "nothing is told", cure));
        }
        let hold = hold.and_then(|text| self.span(&["hold"], &text)).unwrap_or(HOLD);
        if HOLD_MAX < hold {
            let fault = Fault::new("too-long", "that is too long to keep a letter", "at most 1d");
            self.report(&["hold"], fault);
        }
        let digest = digest.and_then(|text| {
            // 24:00 is a time of working hours, but no clock shows it.
            let minute = Minute::parse(&text).filter(|_| text != "24:00");
            if minute.is_none() {
                let what = format!("'{}' is no time of day", text.escape_debug());
                self.report(&["digest"], Fault::new("bad-time", what, "write it as \"08:30\""));
            }
            minute
        });
        let is_quiet = matches!(quiet, Some(Quiet::OutsideWorkingHours));
        let timing = Timing { hold, is_quiet, digest };
        Route { id, on, to, only, timing, language: language.unwrap_or_default() }
    }

    /// Notes an id that is none.
    pub(crate) fn check_id(&mut self, key: &str, id: &str) {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty() || ID_MAX < id.len() || id.starts_with('-') || !id.chars().all(is_word) {
            let what = format!("'{}' is no id", id.escape_debug());
            let cure = "use 1 to 40 lower-case letters, digits or '-', not '-' first";
            self.report(&[key], Fault::new("bad-id", what, cure));
        }
    }

    /// Notes a title without a text.
    pub(crate) fn check_title(&mut self, title: &Title) {
        let texts = [&title.en, &title.zh];
        let is_bad = |text: &str| text.trim().is_empty() || text.contains(char::is_control);
        if texts.iter().all(|text| text.is_none())
            || texts.into_iter().flatten().any(|text| is_bad(text))
        {
            let cure = "write title = { en = \"...\" } on one line, with something in it";
            self.report(&["title"], Fault::new("bad-text", "the title is no text", cure));
        }
    }

    /// Returns the length of time `text`, at `path`.
    pub(crate) fn span(&mut self, path: &[&str], text: &str) -> Option<TimeDelta> {
        match TimeSpan::try_from(text.to_owned()) {
            Ok(span) => Some(span.as_delta()),
            Err(error) => {
                let message = error.to_string();
                let (what, cure) = message.split_once("; ").unwrap_or((&message, "write \"5s\""));
                self.report(path, Fault::new("bad-time", what, cure));
                None
            }
        }
    }

    /// Notes `fault` at `path`.
    pub(crate) fn report(&mut self, path: &[&str], fault: Fault) {
        self.findings.push(Finding::error(self.text, span_of(self.text, path), fault));
    }
}
