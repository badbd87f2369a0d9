//! Why a rule has made no task, in sentences.

use fluent_bundle::FluentValue;
use upturn_core::engine::{Fate, Hold, NearMiss, Occurrence, WhyNot};
use upturn_core::event::Event;
use upturn_core::event::witness::Witness;
use upturn_core::pattern::Unit;

use super::super::tasks::link;
use crate::web::i18n::{key, text, text_with};
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// Events that count so far, on the page; the newest ones.
const EVIDENCE_MAX: usize = 10;
/// Occurrences on the page; the newest ones.
const OCCURRENCES_MAX: usize = 20;

/// What the engine says about a rule and a scope.
#[derive(Debug)]
pub(super) struct AnswerShown {
    pub(super) sentences: Vec<String>,
    /// Events that count so far.
    pub(super) evidence: Vec<EventShown>,
    /// What became of the occurrences there were, newest first.
    pub(super) occurrences: Vec<OccurrenceShown>,
}

/// An event that counts.
#[derive(Debug)]
pub(super) struct EventShown {
    pub(super) when: When,
    pub(super) kind: String,
    pub(super) id: String,
}

/// An occurrence.
#[derive(Debug)]
pub(super) struct OccurrenceShown {
    pub(super) words: String,
    /// Where its task is.
    pub(super) task: Option<String>,
}

impl AnswerShown {
    /// Returns `found`, the answer about `scope`, in sentences; `None` for a rule not in force.
    pub(super) fn of(teller: &Teller, scope: &str, found: Option<&WhyNot>) -> Self {
        let scope = [("scope", FluentValue::from(Visible(scope).to_string()))];
        let language = teller.language;
        let mut shown =
            Self { sentences: Vec::new(), evidence: Vec::new(), occurrences: Vec::new() };
        let Some(WhyNot { version, nearest, occurrences }) = found else {
            shown.sentences.push(text(language, key!("why-not-out-of-force")));
            return shown;
        };
        // Another one may be on trial beside it, and shown.
        let version = [("version", FluentValue::from(Visible(version).to_string()))];
        shown.sentences.push(text_with(language, key!("why-not-version"), version));
        match nearest {
            None => shown.sentences.push(text_with(language, key!("why-not-never"), scope)),
            Some(near) => {
                shown.sentences.push(progress(teller, near));
                if let Some(until) = near.quiet_until {
                    let until = [("at", FluentValue::from(teller.in_sentence(until)))];
                    shown.sentences.push(text_with(language, key!("why-not-quiet"), until));
                }
                let events = near.progress.evidence.iter().filter_map(Witness::whole);
                let newest: Vec<_> = events.rev().take(EVIDENCE_MAX).collect();
                shown.evidence =
                    newest.iter().rev().map(|event| event_shown(teller, event)).collect();
            }
        }
        let newest = occurrences.iter().rev().take(OCCURRENCES_MAX);
        shown.occurrences = newest.map(|occurrence| occurrence_shown(teller, occurrence)).collect();
        shown
    }
}

fn progress(teller: &Teller, near: &NearMiss) -> String {
    let number = |number: f64| {
        let text = format!("{number:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let values = [
        ("have", FluentValue::from(number(near.progress.have))),
        ("need", FluentValue::from(number(near.progress.need))),
    ];
    let key = match near.progress.unit {
        Unit::Events => key!("why-not-events"),
        Unit::Steps => key!("why-not-steps"),
        Unit::Seconds => key!("why-not-seconds"),
        Unit::Value => key!("why-not-value"),
    };
    text_with(teller.language, key, values)
}

fn event_shown(teller: &Teller, event: &Event) -> EventShown {
    EventShown {
        when: teller.when(event.occurred_at),
        kind: Visible(&event.kind).to_string(),
        id: Visible(event.id.as_str()).to_string(),
    }
}

fn occurrence_shown(teller: &Teller, occurrence: &Occurrence) -> OccurrenceShown {
    let language = teller.language;
    let opened = FluentValue::from(teller.in_sentence(occurrence.opened_at));
    let span = match occurrence.closed_at {
        Some(closed) if closed == occurrence.opened_at => {
            text_with(language, key!("occurrence-at"), [("from", opened)])
        }
        Some(closed) => {
            let closed = FluentValue::from(teller.in_sentence(closed));
            text_with(language, key!("occurrence-closed"), [("from", opened), ("to", closed)])
        }
        None => text_with(language, key!("occurrence-open"), [("from", opened)]),
    };
    let (key, task) = match &occurrence.fate {
        Fate::Task(task) => (key!("fate-task"), Some(task)),
        Fate::Joined(task) => (key!("fate-joined"), task.as_ref()),
        Fate::Held(Hold::SevereTicket) => (key!("fate-severe-ticket"), None),
        Fate::Held(Hold::NoConsent) => (key!("fate-no-consent"), None),
        Fate::Held(Hold::Cap) => (key!("fate-cap"), None),
    };
    let words = format!("{span} {}", text(language, key));
    OccurrenceShown { words, task: task.map(link) }
}
