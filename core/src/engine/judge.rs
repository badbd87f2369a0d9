//! Which rules ask about an event, and what it is to each of them.

use std::collections::{BTreeMap, BTreeSet};

use super::ActiveRule;
use super::track::Role;
use crate::condition::{Condition, Facts, Term};
use crate::pattern::Steps;

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

/// What the rules that count by one kind of scope ask of one kind of event.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// The place of the kind of scope among the families.
    pub(super) family: usize,
    /// Those to which the event may count, by the places of their rules.
    pub(super) counting: Vec<Question>,
    /// Those which it can only break or close, by the places of their rules.
    pub(super) breaking: Vec<Question>,
}

/// The questions of all rules, by kind of event.
#[derive(Clone, Debug, Default)]
pub(super) struct Judge {
    /// Where each kind's are.
    kinds: BTreeMap<Box<str>, Kind>,
    groups: Vec<Vec<Group>>,
}

/// A kind of event that is asked about: its place in a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind(usize);

impl Judge {
    /// Returns what `rules` ask: each with its place in the list, and its family's.
    pub(super) fn of<'r>(rules: impl Iterator<Item = (usize, usize, &'r ActiveRule)>) -> Self {
        let mut judge = Self::default();
        for (rule, family, active) in rules {
            for (kind, question) in Question::all_of(rule, active) {
                judge.group(&kind, family).add(question);
            }
        }
        judge
    }

    fn group(&mut self, kind: &str, family: usize) -> &mut Group {
        let next = Kind(self.groups.len());
        let Kind(of) = *self.kinds.entry(kind.into()).or_insert(next);
        if of == self.groups.len() {
            self.groups.push(Vec::new());
        }
        #[expect(clippy::indexing_slicing, reason = "it was there or just put there")]
        let groups = &mut self.groups[of];
        let at = groups.iter().position(|group| group.family == family);
        let at = at.unwrap_or_else(|| {
            groups.push(Group { family, ..Group::default() });
            groups.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found or just put there")]
        &mut groups[at]
    }

    /// Returns the kinds that are asked about.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(|kind| &**kind)
    }

    /// Returns who asks about `kind`.
    pub(super) fn groups(&self, kind: &str) -> &[Group] {
        self.find(kind).map_or(&[], |kind| self.groups_of(kind))
    }

    /// Returns `kind`, if anybody asks about it.
    pub(super) fn find(&self, kind: &str) -> Option<Kind> {
        self.kinds.get(kind).copied()
    }

    /// Returns who asks about a kind.
    pub(super) fn groups_of(&self, Kind(kind): Kind) -> &[Group] {
        self.groups.get(kind).map_or(&[], |groups| groups)
    }

    /// Returns what the rules of `family` ask about `kind`.
    pub(super) fn group_of(&self, kind: &str, family: usize) -> Option<&Group> {
        self.groups(kind).iter().find(|group| group.family == family)
    }

    /// Returns what the rule at `rule` asks about `kind`.
    pub(super) fn question(&self, kind: &str, rule: usize) -> Option<&Question> {
        self.groups(kind).iter().find_map(|group| group.question(rule))
    }

    /// Returns the rules of `family` that ask about anything.
    pub(super) fn rules_of(&self, family: usize) -> BTreeSet<usize> {
        self.kinds().flat_map(|kind| self.rules(kind, family)).collect()
    }

    /// Returns whether rules of `family` ask about kinds that `test` says.
    pub(super) fn asks(&self, family: usize, test: impl Fn(&str) -> bool) -> bool {
        self.kinds().any(|kind| test(kind) && self.group_of(kind, family).is_some())
    }

    /// Returns the rules of `family` that ask about `kind`.
    pub(super) fn rules(&self, kind: &str, family: usize) -> impl Iterator<Item = usize> {
        let groups = self.groups(kind).iter().filter(move |group| group.family == family);
        groups.flat_map(|group| group.counting.iter().chain(&group.breaking)).map(|q| q.rule)
    }
}

impl Group {
    fn add(&mut self, question: Question) {
        if question.steps.is_empty() {
            self.breaking.push(question);
        } else {
            self.counting.push(question);
        }
    }

    fn question(&self, rule: usize) -> Option<&Question> {
        find(&self.counting, rule).or_else(|| find(&self.breaking, rule))
    }
}

fn find(questions: &[Question], rule: usize) -> Option<&Question> {
    let at = questions.binary_search_by_key(&rule, |question| question.rule);
    at.ok().and_then(|at| questions.get(at))
}

impl Question {
    /// Returns what the rule at `rule` asks, by kind of event.
    fn all_of(rule: usize, active: &ActiveRule) -> BTreeMap<Box<str>, Self> {
        let mut all: BTreeMap<Box<str>, Self> = BTreeMap::new();
        let mut of = |kind: &str, act: &dyn Fn(&mut Self)| {
            act(all.entry(kind.into()).or_insert_with(|| Self { rule, ..Self::default() }));
        };
        let when = &active.rule.when;
        for (at, step) in when.steps.iter().enumerate() {
            for test in &step.any {
                of(&test.event, &|q| q.steps.push((Steps::of(at), test.condition.clone())));
            }
        }
        for test in &when.forbidden {
            of(&test.event, &|q| q.steps.push((Steps::FORBIDDEN, test.condition.clone())));
        }
        for kind in &when.reset_by {
            of(kind, &|q| q.resets = true);
        }
        for kind in &active.rule.episode.close.on {
            of(kind, &|q| q.closes = true);
        }
        all
    }

    /// Returns what the event is to the rule, `None` for nothing, and whether a condition could not
    /// be judged.
    pub(super) fn ask(&self, active: &ActiveRule, facts: &Facts<'_>) -> (Option<Role>, bool) {
        let mut role = Role { resets: self.resets, closes: self.closes, ..Role::default() };
        let mut has_failed = false;
        for (steps, condition) in &self.steps {
            let outcome = condition.as_ref().map(|condition| condition.judge(facts));
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
        role.value = reading.and_then(|reading| reading.of(facts));
        (Some(role), has_failed)
    }

    /// Returns the parts of the conditions, and how each came out.
    pub(super) fn explain(&self, facts: &Facts<'_>) -> Vec<Term> {
        let conditions = self.steps.iter().filter_map(|(_, condition)| condition.as_ref());
        conditions.flat_map(|condition| condition.explain(facts)).collect()
    }
}
