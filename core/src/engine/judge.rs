//! Which rules ask about an event, and what it is to each of them.

use std::collections::BTreeMap;

use super::ActiveRule;
use super::track::Role;
use crate::condition::{Condition, Term};
use crate::event::{Event, EventRef};
use crate::pattern::Steps;
use crate::registry::Registry;

/// What a rule asks of one kind of event.
#[derive(Clone, Debug, Default)]
pub(super) struct Question {
    /// The rule's place in the list.
    pub(super) rule: usize,
    /// The steps, and what must hold for each.
    steps: Vec<(Steps, Option<Condition>)>,
    resets: bool,
    closes: bool,
}

/// The questions of all rules, by kind of event.
#[derive(Clone, Debug, Default)]
pub(super) struct Judge {
    by_kind: BTreeMap<Box<str>, Vec<Question>>,
}

impl Judge {
    /// Returns what `rules` ask; their places are those in the list.
    pub(super) fn of<'r>(rules: impl Iterator<Item = (usize, &'r ActiveRule)>) -> Self {
        let mut judge = Self::default();
        for (number, active) in rules {
            let when = &active.rule.when;
            for (at, step) in when.steps.iter().enumerate() {
                for test in &step.any {
                    let question = judge.question(&test.event, number);
                    question.steps.push((Steps::of(at), test.condition.clone()));
                }
            }
            for test in &when.forbidden {
                let question = judge.question(&test.event, number);
                question.steps.push((Steps::FORBIDDEN, test.condition.clone()));
            }
            for kind in &when.reset_by {
                judge.question(kind, number).resets = true;
            }
            for kind in &active.rule.episode.close.on {
                judge.question(kind, number).closes = true;
            }
        }
        judge
    }

    fn question(&mut self, kind: &str, rule: usize) -> &mut Question {
        let questions = self.by_kind.entry(kind.into()).or_default();
        let at = questions.iter().position(|question| question.rule == rule);
        let at = at.unwrap_or_else(|| {
            questions.push(Question { rule, ..Question::default() });
            questions.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found or just put there")]
        &mut questions[at]
    }

    /// Returns the kinds that are asked about.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.by_kind.keys().map(|kind| &**kind)
    }

    /// Returns whether any rule asks about `kind`.
    pub(super) fn asks_about(&self, kind: &str) -> bool {
        self.by_kind.contains_key(kind)
    }

    /// Returns who asks about `kind`.
    pub(super) fn questions(&self, kind: &str) -> &[Question] {
        self.by_kind.get(kind).map_or(&[], |questions| questions)
    }
}

impl Question {
    /// Returns what `event` is to the rule, `None` for nothing, and whether a condition could not
    /// be judged.
    pub(super) fn ask(
        &self,
        active: &ActiveRule,
        event: &EventRef,
        registry: &Registry,
    ) -> (Option<Role>, bool) {
        let mut role = Role { resets: self.resets, closes: self.closes, ..Role::default() };
        let mut has_failed = false;
        for (steps, condition) in &self.steps {
            let outcome = condition.as_ref().map(|condition| condition.judge(event, registry));
            match outcome {
                None | Some(Some(true)) => role.steps = role.steps.and(*steps),
                Some(Some(false)) => {}
                Some(None) => has_failed = true,
            }
        }
        if role.steps == Steps::NONE && !role.resets && !role.closes {
            return (None, has_failed);
        }
        let reading = active.rule.when.value.as_ref();
        role.value = reading.and_then(|reading| reading.of(event, registry));
        (Some(role), has_failed)
    }

    /// Returns the parts of the conditions, and how each came out.
    pub(super) fn explain(&self, event: &Event, registry: &Registry) -> Vec<Term> {
        let conditions = self.steps.iter().filter_map(|(_, condition)| condition.as_ref());
        conditions.flat_map(|condition| condition.explain(event, registry)).collect()
    }
}
