//! Reads rule documents: a rule, or everything that is wrong with it.

use std::ops::Range;

use chrono::TimeDelta;
use toml::de::DeTable;

use super::finding::{Fault, Finding, Severity};
use super::keys::{self, Key};
use super::reader::{Item, Notes, Table, not_supported};
use super::{Rule, Stage, duration, nearest, place, syntax};
use crate::catalogue::Catalogue;
use crate::condition::Remark;
use crate::id::RuleId;
use crate::task::Title;

mod episode;
mod guard;
mod scope;
mod then;
mod when;

/// The longest document, in bytes.
pub const TEXT_MAX: usize = 256 * 1024;
/// How many kinds of events one key can list.
const KINDS_MAX: usize = 32;
/// The longest text for people, in characters.
const LINE_MAX: usize = 200;
/// Kinds that rules will have; see the design.
const KINDS_PLANNED: &[&str] = &[
    "score",
    "grade",
    "route",
    "sla",
    "process",
    "price-band",
    "approval",
    "stocking",
    "delivery-risk",
];

/// Returns the rule that `text` describes, if there is no error in it, and what was found.
pub fn parse(text: &str, catalogue: &Catalogue) -> (Option<Rule>, Vec<Finding>) {
    if TEXT_MAX < text.len() {
        let message = format!("the file is longer than {TEXT_MAX} bytes");
        let fault = Fault::new("too-long", message, "a rule is a page of text; is this one?");
        return (None, vec![Finding::error(text, 0..0, fault)]);
    }
    let (source, mistakes) = syntax::repair(text);
    let mut findings: Vec<Finding> = mistakes
        .into_iter()
        .map(|mistake| Finding::error(text, mistake.span, mistake.fault))
        .collect();
    let (document, _) = DeTable::parse_recoverable(&source.text);
    let mut notes = Notes::new(text, &source);
    let root = Table::new(document.get_ref(), 0..0, "the rule");
    let rule = read_rule(root, catalogue, &mut notes);
    findings.extend(notes.into_findings());
    findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
    let rule = rule.filter(|_| !findings.iter().any(Finding::is_error));
    (rule, findings)
}

/// Returns the id that `text` gives its rule, sound or not, and its place.
///
/// Two documents with one id are a mistake even where one of them is not sound otherwise.
pub fn find_id(text: &str) -> Option<(String, Range<usize>)> {
    let (document, _) = DeTable::parse_recoverable(text);
    let id = document.get_ref().get(keys::ID.name)?;
    Some((id.get_ref().as_str()?.to_owned(), id.span()))
}

fn read_rule(
    mut root: Table<'_, '_>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Option<Rule> {
    let id = root.required_text(keys::ID, notes).and_then(|id| read_id(&id, notes));
    let kind = root.required_text(keys::KIND, notes);
    let title = root
        .required_table(keys::TITLE, "the title", notes)
        .and_then(|title| read_title(title, notes));
    if let Some(kind) = &kind
        && choose(kind, &["trigger"], KINDS_PLANNED, notes).is_none()
        && KINDS_PLANNED.contains(&kind.value)
    {
        // Its other keys are those of another kind.
        root.finish_unread(notes);
        return None;
    }
    let stage = read_stage(&mut root, notes);
    let when = root.required_table(keys::WHEN, "[when]", notes);
    let when = when.and_then(|when| when::read(when, catalogue, notes));
    let episode = episode::read(&mut root, catalogue, notes);
    let guard = guard::read(&mut root, notes);
    let context = then::Context { title: title.as_ref(), when: when.as_ref(), catalogue };
    let then = then::read(&mut root, &context, notes);
    root.finish(notes);
    Some(Rule { id: id?, title: title?, stage, when: when?, episode, guard, then: then? })
}

fn read_stage(root: &mut Table<'_, '_>, notes: &mut Notes<'_>) -> Stage {
    let stages = [Stage::Draft, Stage::Shadow, Stage::Live, Stage::Retired];
    let chosen = root
        .text(keys::STAGE, notes)
        .and_then(|stage| choose(&stage, &["draft", "shadow", "live", "retired"], &[], notes));
    chosen.and_then(|place| stages.get(place).copied()).unwrap_or_default()
}

fn read_id(id: &Item<&str>, notes: &mut Notes<'_>) -> Option<RuleId> {
    RuleId::new(id.value)
        .map_err(|error| {
            let message = error.to_string();
            let (what, cure) = message.split_once("; ").unwrap_or((&message, "use letters"));
            notes.error(id.span.clone(), Fault::new("bad-id", what, format!("{cure}, 1 to 64")));
        })
        .ok()
}

fn read_title(mut table: Table<'_, '_>, notes: &mut Notes<'_>) -> Option<Title> {
    let en = table.text(keys::EN, notes).map(|text| read_line(&text, notes).map(str::to_owned));
    let zh = table.text(keys::ZH, notes).map(|text| read_line(&text, notes).map(str::to_owned));
    let is_empty = table.is_empty();
    let span = table.span.clone();
    table.finish(notes);
    if is_empty {
        let cure = format!("write title = {}", keys::TITLE.example);
        let fault = Fault::new("missing-key", "the title has no text in any language", cure);
        notes.error(span, fault);
        return None;
    }
    Some(Title { en: en.flatten(), zh: zh.flatten() })
}

/// Returns a text that people read on one line.
fn read_line<'t>(text: &Item<&'t str>, notes: &mut Notes<'_>) -> Option<&'t str> {
    let (message, cure) = if text.value.trim().is_empty() {
        ("the text is empty".to_owned(), "write something".to_owned())
    } else if LINE_MAX < text.value.chars().count() {
        let message = format!("the text is longer than {LINE_MAX} characters");
        (message, "shorten it".to_owned())
    } else if let Some(control) = text.value.chars().find(|c| c.is_control()) {
        let message = format!("the text contains {control:?}");
        (message, "write it on one line, without control characters".to_owned())
    } else {
        return Some(text.value);
    };
    notes.error(text.span.clone(), Fault::new("bad-text", message, cure));
    None
}

/// Returns a word that programs read: a kind of event or of task, a step.
fn read_word<'t>(word: &Item<&'t str>, notes: &mut Notes<'_>) -> Option<&'t str> {
    let is_word = (1..=64).contains(&word.value.len())
        && word.value.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if is_word {
        return Some(word.value);
    }
    let message = format!("'{}' is no name", word.value.escape_debug());
    let fault =
        Fault::new("bad-name", message, "write 1 to 64 bytes without blanks: charge_failed");
    notes.error(word.span.clone(), fault);
    None
}

/// Returns a kind of event, which some source should send.
fn read_kind<'t>(
    kind: &Item<&'t str>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Option<&'t str> {
    let word = read_word(kind, notes)?;
    if catalogue.find_kind(word).is_some() {
        return Some(word);
    }
    let message = format!("no source is known to send '{word}'");
    let known = catalogue.kinds().map(|kind| kind.name);
    let near = nearest::find(word, known.clone());
    let (severity, cure) = match near {
        Some(near) if catalogue.is_open() => (Severity::Warning, format!("did you mean '{near}'?")),
        None if catalogue.is_open() => {
            (Severity::Warning, "check its spelling; native JSON may send it".to_owned())
        }
        Some(_) | None => {
            let mut known: Vec<_> = known.collect();
            known.dedup();
            (Severity::Error, nearest::cure(word, known))
        }
    };
    notes.add(kind.span.clone(), severity, Fault::new("unknown-kind", message, cure));
    Some(word)
}

/// Returns the kinds of events that `key` lists.
fn read_kinds<'d>(
    table: &mut Table<'d, '_>,
    key: Key,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Vec<Item<&'d str>> {
    let mut kinds = table.texts(key, notes).unwrap_or_default();
    if let Some(first_beyond) = kinds.get(KINDS_MAX) {
        let message = format!("'{}' lists more than {KINDS_MAX} kinds", key.name);
        let fault = Fault::new("out-of-range", message, "name fewer kinds");
        notes.error(first_beyond.span.clone(), fault);
    }
    kinds.truncate(KINDS_MAX);
    kinds.retain(|kind| read_kind(kind, catalogue, notes).is_some());
    kinds
}

/// Returns a stretch of time that is not nothing, if there is one.
fn read_duration(table: &mut Table<'_, '_>, key: Key, notes: &mut Notes<'_>) -> Option<TimeDelta> {
    let text = table.text(key, notes)?;
    let parsed = duration::parse(text.value).and_then(|duration| {
        let message = format!("'{}' is no time at all", key.name);
        let fault = || Fault::new("bad-duration", message, format!("write {}", key.example));
        if duration.is_zero() { Err(fault()) } else { Ok(duration) }
    });
    parsed.map_err(|fault| notes.error(text.span, fault)).ok()
}

/// Returns how many, if the document says so.
fn read_count(
    table: &mut Table<'_, '_>,
    key: Key,
    max: i64,
    notes: &mut Notes<'_>,
) -> Option<Item<usize>> {
    let Item { value, span } = table.whole(key, notes)?;
    let in_range = Some(value).filter(|count| (1..=max).contains(count));
    if let Some(count) = in_range.and_then(|count| usize::try_from(count).ok()) {
        return Some(Item { value: count, span });
    }
    let message = format!("'{}' is {value}, not 1 to {max}", key.name);
    let cure = format!("write {} = {}", key.name, key.example);
    notes.error(span, Fault::new("out-of-range", message, cure));
    None
}

/// Notes what is wrong in a condition or a name, each at its place in the document.
fn note_remarks(text: &Item<&str>, remarks: Vec<Remark>, notes: &mut Notes<'_>) {
    for remark in remarks {
        let raw = notes.raw(&text.span);
        let span = match place::of_part(raw, text.value, &remark.span) {
            Some(part) => text.span.start + part.start..text.span.start + part.end,
            None => text.span.clone(),
        };
        notes.add(span, remark.severity, remark.fault);
    }
}

/// Returns the place of a value among `known` ones; `planned` ones are refused for their own
/// reason.
fn choose(
    value: &Item<&str>,
    known: &[&'static str],
    planned: &[&'static str],
    notes: &mut Notes<'_>,
) -> Option<usize> {
    let found = known.iter().position(|word| *word == value.value);
    if found.is_none() {
        let fault = if planned.contains(&value.value) {
            not_supported(&format!("'{}'", value.value))
        } else {
            let message = format!("'{}' is not known", value.value);
            Fault::new("unknown-value", message, nearest::cure(value.value, known.iter().copied()))
        };
        notes.error(value.span.clone(), fault);
    }
    found
}

#[cfg(test)]
mod tests;
