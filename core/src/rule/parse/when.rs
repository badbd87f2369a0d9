//! Reads `[when]`: what a rule waits for.

use std::num::NonZeroUsize;

use chrono::TimeDelta;

use super::super::finding::{Fault, Severity};
use super::super::reader::{Item, Notes, Table};
use super::super::{Scope, When, duration, keys, nearest, place};
use super::{choose, read_word};
use crate::catalogue::Catalogue;
use crate::condition::Condition;
use crate::pattern::Pattern;
use crate::pattern::consecutive::Config;

/// How often an event can be asked for in a row.
const TIMES_MAX: i64 = 1_000;
/// How often, where the document does not say.
const TIMES_DEFAULT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);
/// Within which time, where the document does not say.
const WITHIN_DEFAULT: TimeDelta = TimeDelta::hours(24);
/// How many kinds can break a run.
const RESETS_MAX: usize = 32;
/// Patterns that rules will have; see the design.
const PATTERNS_PLANNED: &[&str] = &["count", "sequence", "absence", "sustained", "change"];
/// What rules will count by; see the design.
const SCOPES_PLANNED: &[&str] = &["account", "site", "contact", "attribute"];

pub(super) fn read(
    mut table: Table<'_, '_>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Option<When> {
    let pattern = table.required_text(keys::PATTERN, notes);
    if let Some(pattern) = &pattern {
        let is_known = choose(pattern, &["consecutive"], PATTERNS_PLANNED, notes).is_some();
        if !is_known && PATTERNS_PLANNED.contains(&pattern.value) {
            // Its other keys are those of another pattern.
            table.finish_unread(notes);
            return None;
        }
    }
    let event = table.required_text(keys::EVENT, notes);
    let event = event.and_then(|event| read_kind(&event, catalogue, notes).map(|_| event));
    let reset_by = read_resets(&mut table, event.as_ref(), catalogue, notes);
    let times = read_times(&mut table, notes);
    let within = read_within(&mut table, notes);
    let per = match table.text(keys::PER, notes) {
        None => Scope::Device,
        Some(per) => match choose(&per, &["device", "channel"], SCOPES_PLANNED, notes) {
            Some(1) => Scope::Channel,
            Some(_) | None => Scope::Device,
        },
    };
    let condition = table.text(keys::WHERE, notes);
    let kind = event.as_ref().map(|event| event.value);
    let condition = condition.and_then(|text| read_condition(&text, kind, catalogue, notes));
    table.finish(&[], notes);
    let event = event?.value.into();
    let pattern = Pattern::Consecutive(Config { event, reset_by, times, within });
    Some(When { pattern, per, condition })
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

fn read_resets(
    table: &mut Table<'_, '_>,
    event: Option<&Item<&str>>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Vec<Box<str>> {
    let resets = table.texts(keys::RESET_BY, notes).unwrap_or_default();
    if let Some(first_beyond) = resets.get(RESETS_MAX) {
        let message = format!("more than {RESETS_MAX} kinds reset the run");
        let fault = Fault::new("out-of-range", message, "name fewer kinds");
        notes.error(first_beyond.span.clone(), fault);
    }
    let mut kinds: Vec<Box<str>> = Vec::new();
    for reset in resets.iter().take(RESETS_MAX) {
        let Some(kind) = read_kind(reset, catalogue, notes) else { continue };
        if event.is_some_and(|event| event.value == kind) {
            let message = format!("'{kind}' is counted and resets the count");
            let fault = Fault::new("reset-is-counted", message, "name another kind of event");
            notes.error(reset.span.clone(), fault);
        } else {
            kinds.push(kind.into());
        }
    }
    kinds
}

fn read_times(table: &mut Table<'_, '_>, notes: &mut Notes<'_>) -> NonZeroUsize {
    let Some(times) = table.whole(keys::TIMES, notes) else { return TIMES_DEFAULT };
    let in_range = Some(times.value).filter(|times| (1..=TIMES_MAX).contains(times));
    let parsed = in_range.and_then(|times| usize::try_from(times).ok()).and_then(NonZeroUsize::new);
    parsed.unwrap_or_else(|| {
        let message = format!("'times' is {}, not 1 to {TIMES_MAX}", times.value);
        notes.error(times.span, Fault::new("out-of-range", message, "write times = 3"));
        TIMES_DEFAULT
    })
}

fn read_within(table: &mut Table<'_, '_>, notes: &mut Notes<'_>) -> TimeDelta {
    let Some(within) = table.text(keys::WITHIN, notes) else { return WITHIN_DEFAULT };
    let parsed = duration::parse(within.value).and_then(|duration| {
        let fault = || Fault::new("bad-duration", "'within' is no time at all", "write \"24h\"");
        if duration.is_zero() { Err(fault()) } else { Ok(duration) }
    });
    parsed.unwrap_or_else(|fault| {
        notes.error(within.span, fault);
        WITHIN_DEFAULT
    })
}

/// Returns the condition, with what is wrong in it at its place in the document.
fn read_condition(
    text: &Item<&str>,
    kind: Option<&str>,
    catalogue: &Catalogue,
    notes: &mut Notes<'_>,
) -> Option<Condition> {
    let (condition, remarks) = Condition::compile(text.value, catalogue, kind);
    for remark in remarks {
        let raw = notes.raw(&text.span);
        let span = match place::of_part(raw, text.value, &remark.span) {
            Some(part) => text.span.start + part.start..text.span.start + part.end,
            None => text.span.clone(),
        };
        notes.add(span, remark.severity, remark.fault);
    }
    condition
}
