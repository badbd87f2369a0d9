//! Reads the TOML of a scenario; what is wrong is found with its place, as in rule documents.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::compare::Expected;
use super::entry::{self, Entries};
use super::given::{self, Given};
use super::{Scenario, Setting, Step};
use crate::rule::finding::{Fault, Finding};
use crate::rule::{Rule, Stage, nearest};
use crate::task::EpisodeState;

/// The longest scenario, in bytes.
const TEXT_MAX: usize = 1024 * 1024;

/// A table whose keys are read one by one.
pub(super) type Entry = BTreeMap<String, Spanned<Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    title: Option<String>,
    given: Given,
    #[serde(default)]
    when: Vec<Spanned<Entry>>,
    #[serde(default)]
    then: Vec<Spanned<Then>>,
    then_none: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    rule: Spanned<String>,
    scope: String,
    evidence: Option<Vec<String>>,
    owner: Option<String>,
    account: Option<String>,
    device: Option<String>,
    due_at: Option<Spanned<Value>>,
    first_at: Option<Spanned<Value>>,
    last_at: Option<Spanned<Value>>,
    created_at: Option<Spanned<Value>>,
    joined: Option<u64>,
    episode: Option<EpisodeState>,
    stage: Option<Stage>,
    contradicted: Option<bool>,
}

/// What was found so far.
#[derive(Debug)]
pub(super) struct Notes<'t> {
    pub(super) text: &'t str,
    pub(super) findings: Vec<Finding>,
}

impl Notes<'_> {
    /// Notes what makes the scenario unusable.
    pub(super) fn error(
        &mut self,
        span: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) {
        let fault = Fault::new(code, message, cure);
        self.findings.push(Finding::error(self.text, span, fault));
    }
}

/// Returns the scenario `text` describes, or everything that is wrong with it.
pub(super) fn read(text: &str, setting: &Setting<'_>) -> Result<Scenario, Vec<Finding>> {
    let mut notes = Notes { text, findings: Vec::new() };
    if TEXT_MAX < text.len() {
        let message = format!("the file is longer than {TEXT_MAX} bytes");
        notes.error(0..0, "too-long", message, "put events into a file of their own");
        return Err(notes.findings);
    }
    let document: Document = match toml::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let message = error.message().trim().replace('\n', "; ");
            notes.error(
                span,
                "bad-scenario",
                message,
                "see what a scenario is made of in the guide",
            );
            return Err(notes.findings);
        }
    };
    let rules = given::rules(&document.given, setting, &mut notes);
    let registry = given::registry(&document.given, &mut notes);
    let (steps, mut named) = Entries::new(setting, &mut notes).read(document.when);
    named.extend(document.then.iter().map(|then| then.get_ref().rule.clone()));
    check_rules(&named, (&rules, &steps), &mut notes);
    if document.then.is_empty() && document.then_none.is_none() {
        let cure = "add a [[then]], or say then_none = true";
        notes.error(0..0, "missing-key", "the scenario does not say what comes of it", cure);
    }
    if let Some(none) = &document.then_none
        && *none.get_ref() != document.then.is_empty()
    {
        let message = "then_none and [[then]] contradict each other";
        notes.error(none.span(), "contradiction", message, "keep one of them");
    }
    let expected = document.then.into_iter().map(|then| expected(then, &mut notes)).collect();
    if notes.findings.is_empty() {
        return Ok(Scenario { title: document.title, rules, registry, steps, expected });
    }
    notes.findings.sort_by_key(|finding| finding.span.start);
    Err(notes.findings)
}

/// Notes rules that are named but stand nowhere; a task of theirs can never be there.
fn check_rules(
    named: &[Spanned<String>],
    (rules, steps): (&[Rule], &[Step]),
    notes: &mut Notes<'_>,
) {
    // A rule that could not be read is no unknown one.
    if !notes.findings.is_empty() {
        return;
    }
    let later = steps.iter().flat_map(|step| match step {
        Step::Rules(_, rules) => rules.as_slice(),
        Step::Line(_) | Step::Tick(_) | Step::Close { .. } => &[],
    });
    let known: Vec<&str> = rules.iter().chain(later).map(|rule| rule.id.as_str()).collect();
    for name in named.iter().filter(|name| !known.contains(&name.get_ref().as_str())) {
        let message = format!("'{}' is none of the scenario's rules", name.get_ref());
        let cure = nearest::cure(name.get_ref(), known.iter().copied());
        notes.error(name.span(), "unknown-rule", message, cure);
    }
}

fn expected(then: Spanned<Then>, notes: &mut Notes<'_>) -> Expected {
    let then = then.into_inner();
    let mut time =
        |value: Option<Spanned<Value>>| value.and_then(|value| entry::time(&value, notes));
    Expected {
        due_at: time(then.due_at),
        first_at: time(then.first_at),
        last_at: time(then.last_at),
        created_at: time(then.created_at),
        rule: then.rule.into_inner(),
        scope: then.scope,
        evidence: then.evidence,
        owner: then.owner,
        account: then.account,
        device: then.device,
        joined: then.joined,
        episode: then.episode,
        stage: then.stage,
        contradicted: then.contradicted,
    }
}
