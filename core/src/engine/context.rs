//! What a history is folded with, and what its events are to the rules.

use std::cell::OnceCell;
use std::iter::Chain;
use std::slice::Iter;

use chrono::{DateTime, Utc};

use super::ActiveRule;
use super::judge::{Judge, Question};
use super::maintenance::Maintenance;
use super::registries::Registries;
use super::track::Role;
use crate::condition::Facts;
use crate::event::EventRef;

/// What a history is folded with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'c> {
    pub(super) rules: &'c [Option<ActiveRule>],
    pub(super) judge: &'c Judge,
    pub(super) registries: &'c Registries,
    pub(super) maintenance: &'c Maintenance,
    pub(super) log_time: DateTime<Utc>,
    /// What happened before is deleted.
    pub(super) horizon: Option<DateTime<Utc>>,
}

/// What is recent, in event order, and what it is to one rule.
#[derive(Clone, Debug)]
pub(super) struct Recents<'r> {
    pub(super) events: Chain<Iter<'r, EventRef>, Iter<'r, EventRef>>,
    pub(super) context: Context<'r>,
    pub(super) rule: usize,
}

impl<'r> Iterator for Recents<'r> {
    type Item = (&'r EventRef, Role);

    fn next(&mut self) -> Option<Self::Item> {
        let Self { events, context, rule } = self;
        events.find_map(|event| Some((event, context.role(*rule, event)?)))
    }
}

/// Asks on behalf of rules what one event is to them.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    facts: &'a Facts<'a>,
    /// Whether rules that mind maintenance leave it out, once one of them has asked.
    is_trial: OnceCell<bool>,
    context: Context<'a>,
    event: &'a EventRef,
}

impl<'a> Asker<'a> {
    pub(super) fn new(context: Context<'a>, event: &'a EventRef, facts: &'a Facts<'a>) -> Self {
        Self { facts, is_trial: OnceCell::new(), context, event }
    }

    /// Returns what the event is to the rule, `None` for nothing, and whether a condition could not
    /// be judged.
    pub(super) fn ask(&self, question: &Question, active: &ActiveRule) -> (Option<Role>, bool) {
        let Self { context, event, .. } = self;
        let leaves_out =
            || context.maintenance.leaves_out(event, context.registries.at(event.position));
        if active.rule.when.not_while_maintenance && *self.is_trial.get_or_init(leaves_out) {
            return (None, false);
        }
        question.ask(active, self.facts)
    }
}

impl<'c> Context<'c> {
    pub(super) fn active(&self, rule: usize) -> Option<&'c ActiveRule> {
        self.rules.get(rule)?.as_ref()
    }

    /// Returns what `event` is to the rule at `rule`, `None` for nothing.
    pub(super) fn role(self, rule: usize, event: &EventRef) -> Option<Role> {
        let active = self.active(rule)?;
        let question = self.judge.question(&event.kind, rule)?;
        let facts = Facts::new(event, self.registries.at(event.position));
        Asker::new(self, event, &facts).ask(question, active).0
    }
}
