//! One scope's history, which all rules that count by it share, and their keys.
//!
//! An event is kept once, as long as it is recent; each rule's key keeps what the history before
//! folds to. A key that knows nothing is not kept, and a scope of which nothing is recent and no
//! key is left costs its name and a time.

use std::collections::BTreeSet;
use std::collections::vec_deque::Iter;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::ActiveRule;
use super::episode::{Change, Number};
use super::judge::{Group, Judge};
use super::key::{Key, Work};
use super::maintenance::Maintenance;
use super::recent::{Placed, Recent};
use super::registries::Registries;
use super::track::Role;
use crate::condition::Facts;
use crate::effect::{Effect, Fault};
use crate::event::EventRef;

/// So many keys of one scope get no room for more: most scopes have few.
const KEYS_FEW: usize = 4;
/// How far the clock of a device that is believed can be ahead.
const CLOCK_AHEAD_MAX: TimeDelta = TimeDelta::days(1);

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

/// What follows from an input.
#[derive(Debug)]
pub(super) struct Outcome<'o> {
    /// The last number that was given to an episode.
    pub(super) numbers: &'o mut Number,
    /// Keys that were changed, by the places of their rules, and what that changes.
    pub(super) changed: &'o mut Vec<Changed>,
    pub(super) effects: &'o mut Vec<Effect>,
}

/// What became of a key.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub(super) rule: usize,
    pub(super) changes: Vec<Change>,
    /// Its deadline before.
    pub(super) old_deadline: Option<DateTime<Utc>>,
    /// Its deadline now.
    pub(super) deadline: Option<DateTime<Utc>>,
}

/// Where a history can be taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Restart {
    /// No episode stood open then: what opened before is over.
    calm_at: DateTime<Utc>,
    /// No event before matters to what happened after that.
    pub(super) since: DateTime<Utc>,
}

/// A scope that events were counted under.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct History {
    recent: Recent,
    /// By the places of their rules.
    keys: Vec<(usize, Key)>,
}

/// What is recent, in event order, and what it is to one rule.
#[derive(Clone, Debug)]
pub(super) struct Recents<'r> {
    events: Iter<'r, EventRef>,
    context: Context<'r>,
    rule: usize,
}

impl<'r> Iterator for Recents<'r> {
    type Item = (&'r EventRef, Role);

    fn next(&mut self) -> Option<Self::Item> {
        let Self { events, context, rule } = self;
        events.find_map(|event| Some((event, context.role(*rule, event)?)))
    }
}

impl<'c> Context<'c> {
    fn active(&self, rule: usize) -> Option<&'c ActiveRule> {
        self.rules.get(rule)?.as_ref()
    }

    /// Returns what `event` is to the rule at `rule`, `None` for nothing.
    pub(super) fn role(&self, rule: usize, event: &EventRef) -> Option<Role> {
        let active = self.active(rule)?;
        let question = self.judge.question(&event.kind, rule)?;
        let registry = self.registries.at(event.position);
        if active.rule.when.not_while_maintenance && self.maintenance.leaves_out(event, registry) {
            return None;
        }
        question.ask(active, &Facts::new(event, registry)).0
    }
}

impl History {
    /// Returns a history of which all was settled that happened up to `settled_at`, and nothing is
    /// left to know of it.
    pub(super) fn behind(settled_at: Option<DateTime<Utc>>) -> Self {
        Self { recent: Recent::behind(settled_at), keys: Vec::new() }
    }

    pub(super) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Returns whether nothing is left to know but how far it was settled.
    pub(super) fn is_spent(&self) -> bool {
        self.recent.is_empty() && self.keys.is_empty()
    }

    pub(super) fn key(&self, rule: usize) -> Option<&Key> {
        self.find(rule).ok().and_then(|at| self.keys.get(at)).map(|(_, key)| key)
    }

    /// Returns the keys, by the places of their rules.
    pub(super) fn keys(&self) -> impl Iterator<Item = (usize, &Key)> {
        self.keys.iter().map(|(rule, key)| (*rule, key))
    }

    pub(super) fn remove_key(&mut self, rule: usize) -> Option<Key> {
        self.find(rule).ok().map(|at| self.keys.remove(at).1)
    }

    pub(super) fn insert_key(&mut self, rule: usize, key: Key) {
        match self.find(rule) {
            Ok(at) => {
                if let Some(place) = self.keys.get_mut(at) {
                    place.1 = key;
                }
            }
            Err(at) => self.keys.insert(at, (rule, key)),
        }
    }

    /// Gives `event` to the rules of `group`; returns what became of it.
    pub(super) fn take(
        &mut self,
        context: Context<'_>,
        group: &Group,
        event: &EventRef,
        outcome: &mut Outcome<'_>,
    ) -> Placed {
        if self.keys.is_empty()
            && group.counting.is_empty()
            && self.recent.is_settled(event.occurred_at)
        {
            // What only breaks means nothing where nothing is known.
            return Placed::Again;
        }
        let placed = self.recent.place(event);
        let is_last = match placed {
            Placed::Last => true,
            Placed::Amid => false,
            Placed::Again | Placed::Before => return placed,
        };
        let registry = context.registries.at(event.position);
        let facts = Facts::new(event, registry);
        let mut is_trial = None;
        let mut is_left_out = |active: &ActiveRule| {
            active.rule.when.not_while_maintenance
                && *is_trial.get_or_insert_with(|| context.maintenance.leaves_out(event, registry))
        };
        for question in &group.counting {
            let Some(active) = context.active(question.rule) else { continue };
            if is_left_out(active) {
                continue;
            }
            let (found, has_failed) = question.ask(active, &facts);
            if has_failed {
                outcome.effects.push(Effect::Fault(Box::new(Fault::of(active, event))));
            }
            let Some(role) = found else { continue };
            self.give(context, (question.rule, active), (event, role, is_last), outcome);
        }
        // What only breaks means nothing to a key that knows nothing.
        let mut at = 0;
        while let Some((rule, _)) = self.keys.get(at).filter(|_| group.breaks()) {
            let rule = *rule;
            let question = group.breaking(rule).zip(context.active(rule));
            if let Some((question, active)) = question.filter(|(_, active)| !is_left_out(active))
                && let Some(role) = question.ask(active, &facts).0
            {
                self.give(context, (rule, active), (event, role, is_last), outcome);
            }
            // It may have been the last that was known of that key.
            at += usize::from(self.keys.get(at).is_some_and(|(still, _)| *still == rule));
        }
        placed
    }

    /// Gives `event` to one key, which is made where there is none.
    fn give(
        &mut self,
        context: Context<'_>,
        (rule, active): (usize, &ActiveRule),
        (event, part, is_last): (&EventRef, Role, bool),
        outcome: &mut Outcome<'_>,
    ) {
        let at = self.find_or_make(rule, active);
        let Some((_, key)) = self.keys.get_mut(at) else { return };
        let mut work = Work { active, log_time: context.log_time, numbers: &mut *outcome.numbers };
        let taken = is_last.then(|| key.take(&mut work, (event, part))).flatten();
        let changes = taken.unwrap_or_else(|| {
            let recent = Recents { events: self.recent.iter(), context, rule };
            key.fold_again(&mut work, recent)
        });
        self.note(at, active, changes, outcome);
    }

    /// Takes `gone` out and puts `new` in, and folds once what depends on them; `false` where one
    /// of them lies before what is recent.
    pub(super) fn edit(
        &mut self,
        (context, family): (Context<'_>, usize),
        (gone, new): (&[EventRef], &[EventRef]),
        outcome: &mut Outcome<'_>,
    ) -> bool {
        if gone.iter().chain(new).any(|event| self.recent.is_settled(event.occurred_at)) {
            return false;
        }
        for event in gone {
            self.recent.remove(event.order());
        }
        for event in new {
            self.recent.place(event);
        }
        let mut rules = BTreeSet::new();
        for event in gone.iter().chain(new) {
            rules.extend(context.judge.rules(&event.kind, family));
        }
        self.fold_again(context, rules, outcome);
        true
    }

    /// Returns from where on what follows `at` can be folded again without the events before;
    /// `None` where all of them are needed.
    pub(super) fn restart_at(
        &self,
        (context, family): (Context<'_>, usize),
        at: DateTime<Utc>,
    ) -> Option<Restart> {
        let mut calm_at = at - TimeDelta::milliseconds(1);
        loop {
            let before = calm_at;
            for (rule, key) in &self.keys {
                let active = context.active(*rule);
                calm_at = active.map_or(calm_at, |active| key.calm_at(active, calm_at));
            }
            if before == calm_at {
                break;
            }
        }
        let mut since = calm_at;
        for rule in context.judge.rules_of(family) {
            let Some(active) = context.active(rule) else { continue };
            let from = calm_at.checked_sub_signed(active.rule.when.pattern.lookback()?)?;
            // What came in before the rule was in force must not be taken for news.
            let is_old = active.since == 0 || active.since_at + CLOCK_AHEAD_MAX < from;
            since = since.min(is_old.then_some(from)?);
        }
        let is_whole = context.horizon.is_none_or(|horizon| horizon <= since);
        is_whole.then_some(Restart { calm_at, since })
    }

    /// Folds the history again: `events` in event order, which is all of it, or all that is needed
    /// from `restart` on.
    pub(super) fn rebuild(
        &mut self,
        (context, family): (Context<'_>, usize),
        (events, restart): (&[EventRef], Option<Restart>),
        outcome: &mut Outcome<'_>,
    ) {
        let calm_at = restart.map(|restart| restart.calm_at);
        self.recent = Recent::behind(calm_at);
        for event in events {
            self.recent.place(event);
        }
        let mut rules: BTreeSet<usize> = self.keys.iter().map(|(rule, _)| *rule).collect();
        for event in events {
            rules.extend(context.judge.rules(&event.kind, family));
        }
        for rule in &rules {
            let Some(active) = context.active(*rule) else { continue };
            let at = self.find_or_make(*rule, active);
            let Some((_, key)) = self.keys.get_mut(at) else { continue };
            match calm_at {
                None => key.unsettle(active, context.horizon),
                Some(calm_at) => {
                    let before = events.iter().take_while(|event| event.occurred_at <= calm_at);
                    let asked = |event| Some((event, context.role(*rule, event)?));
                    key.go_back(active, calm_at, before.filter_map(asked));
                }
            }
        }
        self.fold_again(context, rules, outcome);
    }

    /// Folds what is recent again for each of `rules`.
    fn fold_again(
        &mut self,
        context: Context<'_>,
        rules: BTreeSet<usize>,
        outcome: &mut Outcome<'_>,
    ) {
        for rule in rules {
            self.change(context, rule, outcome, Key::fold_again);
        }
    }

    /// Lets `act` change one key, which is made where there is none.
    pub(super) fn change(
        &mut self,
        context: Context<'_>,
        rule: usize,
        outcome: &mut Outcome<'_>,
        act: impl FnOnce(&mut Key, &mut Work<'_>, Recents<'_>) -> Vec<Change>,
    ) {
        let Some(active) = context.active(rule) else { return };
        let at = self.find_or_make(rule, active);
        let Some((_, key)) = self.keys.get_mut(at) else { return };
        let mut work = Work { active, log_time: context.log_time, numbers: &mut *outcome.numbers };
        let recent = Recents { events: self.recent.iter(), context, rule };
        let changes = act(key, &mut work, recent);
        self.note(at, active, changes, outcome);
    }

    /// Settles the oldest of what is recent.
    pub(super) fn settle_oldest(&mut self, context: Context<'_>, family: usize) {
        let Some(at) = self.recent.oldest_at() else { return };
        while let Some(event) = self.recent.settle_next(at) {
            // What follows may have undone what it did to a key that knows nothing now.
            if !self.recent.is_empty() {
                let groups = context.judge.groups(&event.kind).iter();
                let counting = groups.filter(|group| group.family == family);
                for question in counting.flat_map(|group| &group.counting) {
                    let Some(active) = context.active(question.rule) else { continue };
                    self.find_or_make(question.rule, active);
                }
            }
            for (rule, key) in &mut self.keys {
                let Some(active) = context.active(*rule) else { continue };
                if let Some(role) = context.role(*rule, &event) {
                    key.settle(active, (&event, role));
                }
            }
        }
        if self.recent.is_empty() {
            self.keys.iter_mut().for_each(|(_, key)| key.rest());
        }
        self.drop_spent(context);
    }

    /// Settles what happened before `at`.
    pub(super) fn settle_before(&mut self, context: Context<'_>, family: usize, at: DateTime<Utc>) {
        while self.recent.oldest_at().is_some_and(|oldest| oldest < at) {
            self.settle_oldest(context, family);
        }
    }

    /// Settles what happened up to `at`, or may yet be said to have.
    fn settle_until(&mut self, context: Context<'_>, family: usize, at: DateTime<Utc>) {
        while self.recent.oldest_at().is_some_and(|oldest| oldest <= at) {
            self.settle_oldest(context, family);
        }
        self.recent.settle_until(at);
    }

    /// Forgets what cannot matter to any event after `at`, if all is settled that is before.
    pub(super) fn expire(&mut self, context: Context<'_>, at: DateTime<Utc>) {
        let is_spent = |rule: usize, key: &Key| {
            context.active(rule).is_none_or(|active| key.is_spent(active, at, at))
        };
        let count = self.keys.len();
        if self.recent.is_empty() {
            self.keys.retain(|(rule, key)| !is_spent(*rule, key));
        }
        if self.keys.len() < count {
            self.recent.settle_until(at);
        }
    }

    /// Takes over the recent part of `other`, and its keys under the places that `place_of` says.
    pub(super) fn join(
        &mut self,
        (context, family): (Context<'_>, usize),
        other: Self,
        place_of: impl Fn(usize) -> Option<usize>,
    ) {
        let keys = other.keys.into_iter().filter_map(|(rule, key)| Some((place_of(rule)?, key)));
        let mut other = Self { keys: keys.collect(), recent: other.recent };
        other.keys.sort_by_key(|(rule, _)| *rule);
        // Both are settled equally far before they are one.
        if let Some(at) = self.recent.settled_at().max(other.recent.settled_at()) {
            self.settle_until(context, family, at);
            other.settle_until(context, family, at);
        }
        for event in other.recent.iter() {
            self.recent.place(event);
        }
        for (rule, mut key) in other.keys {
            key.deadline = context.active(rule).and_then(|active| key.next_deadline(active));
            self.insert_key(rule, key);
        }
    }

    /// Hands what stood in a key of the old version of the rule at `rule` to the new one.
    pub(super) fn adopt(
        &mut self,
        (context, active): (Context<'_>, &ActiveRule),
        (rule, old): (usize, &Key),
        outcome: &mut Outcome<'_>,
    ) {
        let settled_at = self.recent.settled_at();
        let is_settled = |at| settled_at.is_some_and(|settled| at <= settled);
        self.change(context, rule, outcome, |key, work, recent| {
            key.adopt(active, old, is_settled);
            key.fold_again(work, recent)
        });
    }

    /// Notes what became of the key at `at`, and drops it where it knows nothing.
    fn note(
        &mut self,
        at: usize,
        active: &ActiveRule,
        changes: Vec<Change>,
        outcome: &mut Outcome<'_>,
    ) {
        let Some((rule, key)) = self.keys.get_mut(at) else { return };
        let (old_deadline, deadline) = (key.deadline, key.next_deadline(active));
        key.deadline = deadline;
        if !changes.is_empty() || old_deadline != deadline {
            let rule = *rule;
            outcome.changed.push(Changed { rule, changes, old_deadline, deadline });
        }
        if is_spent(&self.recent, active, key) {
            self.keys.remove(at);
        }
    }

    fn drop_spent(&mut self, context: Context<'_>) {
        let recent = &self.recent;
        self.keys.retain(|(rule, key)| {
            context.active(*rule).is_some_and(|active| !is_spent(recent, active, key))
        });
    }

    fn find(&self, rule: usize) -> Result<usize, usize> {
        self.keys.binary_search_by_key(&rule, |(rule, _)| *rule)
    }

    fn find_or_make(&mut self, rule: usize, active: &ActiveRule) -> usize {
        self.find(rule).unwrap_or_else(|at| {
            if self.keys.len() < KEYS_FEW {
                self.keys.reserve_exact(1);
            }
            self.keys.insert(at, (rule, Key::new(active)));
            at
        })
    }
}

/// Returns whether `key` is as one that was just made, to whatever comes in later.
fn is_spent(recent: &Recent, active: &ActiveRule, key: &Key) -> bool {
    let newest = recent.iter().next_back().map(|event| event.occurred_at);
    let settled_at = recent.settled_at().unwrap_or(DateTime::<Utc>::MIN_UTC);
    let newest_at = newest.unwrap_or(settled_at);
    key.is_spent(active, settled_at, newest_at)
        && (!key.has_settled_news() || recent.is_since(active.since))
}
