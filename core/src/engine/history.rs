//! One scope's history, which all rules that count by it share, and their keys.
//!
//! An event is kept once, as long as it is recent; each rule's key keeps what the history before
//! folds to. A key that knows nothing is not kept, and a scope of which nothing is recent and no
//! key is left costs its name and a time.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::ActiveRule;
use super::context::{Asker, Context, Recents};
use super::episode::{Change, Number};
use super::judge::Group;
use super::key::{Key, Live, Work};
use super::recent::{Placed, Recent};
use super::track::Role;
use crate::condition::Facts;
use crate::effect::{Effect, Fault};
use crate::event::EventRef;

/// So many keys of one scope get no room for more: most scopes have few.
const KEYS_FEW: usize = 4;
/// How far the clock of a device that is believed can be ahead.
const CLOCK_AHEAD_MAX: TimeDelta = TimeDelta::days(1);

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
    keys: Vec<Key>,
}

impl History {
    /// Returns whether any event was ever counted under the scope.
    pub(super) fn was_seen(&self) -> bool {
        !self.is_spent() || self.recent.settled_at().is_some()
    }

    pub(super) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Returns whether nothing is left to know but how far it was settled.
    pub(super) fn is_spent(&self) -> bool {
        self.recent.is_empty() && self.keys.is_empty()
    }

    pub(super) fn key(&self, rule: usize) -> Option<&Key> {
        self.find(rule).ok().and_then(|at| self.keys.get(at))
    }

    /// Returns the keys, by the places of their rules.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    pub(super) fn remove_key(&mut self, rule: usize) -> Option<Key> {
        self.find(rule).ok().map(|at| self.keys.remove(at))
    }

    fn insert_key(&mut self, key: Key) {
        match self.find(key.rule()) {
            Ok(at) => {
                if let Some(place) = self.keys.get_mut(at) {
                    *place = key;
                }
            }
            Err(at) => self.keys.insert(at, key),
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
        let asker = Asker::new(context, event, &facts);
        let mut has_spent = false;
        // Both the questions and the keys are in the order of the rules.
        let mut at = 0;
        for question in &group.counting {
            let Some(active) = context.active(question.rule) else { continue };
            let (role, has_failed) = asker.ask(question, active);
            if has_failed {
                outcome.effects.push(Effect::Fault(Box::new(Fault::of(active, event))));
            }
            let Some(role) = role else { continue };
            at = self.find_or_make(at, question.rule, active);
            has_spent |= self.give((context, active), at, (event, role, is_last), outcome);
        }
        // What only breaks means nothing to a key that knows nothing.
        let mut at = 0;
        for question in &group.breaking {
            at = self.find_from(at, question.rule);
            let Some(key) = self.keys.get(at) else { break };
            if key.rule() != question.rule {
                continue;
            }
            let Some(active) = context.active(question.rule) else { continue };
            let Some(role) = asker.ask(question, active).0 else { continue };
            has_spent |= self.give((context, active), at, (event, role, is_last), outcome);
        }
        if has_spent {
            self.drop_spent(context);
        }
        placed
    }

    /// Gives `event` to the key at `at`; returns whether that knows nothing now.
    fn give(
        &mut self,
        (context, active): (Context<'_>, &ActiveRule),
        at: usize,
        (event, part, is_last): (&EventRef, Role, bool),
        outcome: &mut Outcome<'_>,
    ) -> bool {
        let Some(key) = self.keys.get_mut(at) else { return false };
        let mut work = Work { active, log_time: context.log_time, numbers: &mut *outcome.numbers };
        let rule = key.rule();
        let changed = key.change(active, |live| {
            let taken = is_last.then(|| live.take(&mut work, (event, part))).flatten();
            let changes = taken.unwrap_or_else(|| {
                let recent = Recents { events: self.recent.iter(), context, rule };
                live.fold_again(&mut work, recent)
            });
            note((rule, active), live, changes)
        });
        outcome.changed.extend(changed);
        is_spent(&self.recent, active, key)
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
            for key in &self.keys {
                let active = context.active(key.rule());
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
        let mut rules: BTreeSet<usize> = self.keys.iter().map(Key::rule).collect();
        for event in events {
            rules.extend(context.judge.rules(&event.kind, family));
        }
        for rule in &rules {
            let Some(active) = context.active(*rule) else { continue };
            let at = self.find_or_make(0, *rule, active);
            let Some(key) = self.keys.get_mut(at) else { continue };
            key.change(active, |live| match calm_at {
                None => live.unsettle(active, context.horizon),
                Some(calm_at) => {
                    let before = events.iter().take_while(|event| event.occurred_at <= calm_at);
                    let asked = |event| Some((event, context.role(*rule, event)?));
                    live.go_back(active, calm_at, before.filter_map(asked));
                }
            });
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
            self.change(context, rule, outcome, Live::fold_again);
        }
    }

    /// Lets `act` change one key, which is made where there is none.
    pub(super) fn change(
        &mut self,
        context: Context<'_>,
        rule: usize,
        outcome: &mut Outcome<'_>,
        act: impl FnOnce(&mut Live, &mut Work<'_>, Recents<'_>) -> Vec<Change>,
    ) {
        let Some(active) = context.active(rule) else { return };
        let at = self.find_or_make(0, rule, active);
        let Some(key) = self.keys.get_mut(at) else { return };
        let mut work = Work { active, log_time: context.log_time, numbers: &mut *outcome.numbers };
        let recent = Recents { events: self.recent.iter(), context, rule };
        let changed = key.change(active, |live| {
            let changes = act(live, &mut work, recent);
            note((rule, active), live, changes)
        });
        outcome.changed.extend(changed);
        if is_spent(&self.recent, active, key) {
            self.keys.remove(at);
        }
    }

    /// Settles the oldest of what is recent.
    pub(super) fn settle_oldest(&mut self, context: Context<'_>, family: usize) {
        let Some(at) = self.recent.oldest_at() else { return };
        while let Some(event) = self.recent.settle_next(at) {
            self.settle(context, family, &event);
        }
        if self.recent.is_empty() {
            for key in &mut self.keys {
                let Some(active) = context.active(key.rule()) else { continue };
                key.change(active, Live::rest);
            }
        }
        self.drop_spent(context);
    }

    /// Lets the keys settle `event`, which was the oldest.
    fn settle(&mut self, context: Context<'_>, family: usize, event: &EventRef) {
        if self.keys.is_empty() && self.recent.is_empty() {
            // Nobody knows anything, and nothing follows that it could matter to.
            return;
        }
        let Some(group) = context.judge.group_of(&event.kind, family) else { return };
        let registry = context.registries.at(event.position);
        let facts = Facts::new(event, registry);
        let asker = Asker::new(context, event, &facts);
        let mut at = 0;
        for question in &group.counting {
            at = self.find_from(at, question.rule);
            let is_known = self.keys.get(at).is_some_and(|key| key.rule() == question.rule);
            // What follows may have undone what it did to a key that knows nothing now.
            if !is_known && self.recent.is_empty() {
                continue;
            }
            let Some(active) = context.active(question.rule) else { continue };
            let Some(role) = asker.ask(question, active).0 else { continue };
            at = self.find_or_make(at, question.rule, active);
            let Some(key) = self.keys.get_mut(at) else { continue };
            key.change(active, |live| live.settle(active, (event, role)));
        }
        let mut at = 0;
        for question in &group.breaking {
            at = self.find_from(at, question.rule);
            let Some(key) = self.keys.get_mut(at) else { break };
            if key.rule() != question.rule {
                continue;
            }
            let Some(active) = context.active(question.rule) else { continue };
            let Some(role) = asker.ask(question, active).0 else { continue };
            key.change(active, |live| live.settle(active, (event, role)));
        }
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
        let is_spent = |key: &Key| {
            context.active(key.rule()).is_none_or(|active| key.is_spent(active, at, at))
        };
        let count = self.keys.len();
        if self.recent.is_empty() {
            self.keys.retain(|key| !is_spent(key));
        }
        if self.keys.is_empty() {
            self.keys = Vec::new();
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
        let keys = other.keys.into_iter().filter_map(|key| {
            let rule = place_of(key.rule())?;
            Some(key.moved_to(rule))
        });
        let mut other = Self { keys: keys.collect(), recent: other.recent };
        other.keys.sort_by_key(Key::rule);
        // Both are settled equally far before they are one.
        if let Some(at) = self.recent.settled_at().max(other.recent.settled_at()) {
            self.settle_until(context, family, at);
            other.settle_until(context, family, at);
        }
        for event in other.recent.iter() {
            self.recent.place(event);
        }
        for mut key in other.keys {
            if let Some(active) = context.active(key.rule()) {
                key.change(active, |live| live.deadline = live.next_deadline(active));
            }
            self.insert_key(key);
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
        let Some(old) = old.live() else { return };
        self.change(context, rule, outcome, |live, work, recent| {
            live.adopt(active, old, is_settled);
            live.fold_again(work, recent)
        });
    }

    fn drop_spent(&mut self, context: Context<'_>) {
        let recent = &self.recent;
        self.keys.retain(|key| {
            context.active(key.rule()).is_some_and(|active| !is_spent(recent, active, key))
        });
        if self.keys.is_empty() {
            // Most scopes are quiet most of the time.
            self.keys = Vec::new();
        }
    }

    fn find(&self, rule: usize) -> Result<usize, usize> {
        self.keys.binary_search_by_key(&rule, Key::rule)
    }

    /// Returns the place of the first key of `rule` or a later one, at `from` or behind.
    fn find_from(&self, from: usize, rule: usize) -> usize {
        let before = self.keys.iter().skip(from).take_while(|key| key.rule() < rule).count();
        from + before
    }

    /// Returns the place of the key of `rule`, at `from` or behind.
    fn find_or_make(&mut self, from: usize, rule: usize, active: &ActiveRule) -> usize {
        let at = self.find_from(from, rule);
        if self.keys.get(at).is_none_or(|key| key.rule() != rule) {
            if self.keys.len() < KEYS_FEW {
                self.keys.reserve_exact(1);
            }
            self.keys.insert(at, Key::new(rule, active));
        }
        at
    }
}

/// Notes what became of a key.
fn note(
    (rule, active): (usize, &ActiveRule),
    live: &mut Live,
    changes: Vec<Change>,
) -> Option<Changed> {
    let (old_deadline, deadline) = (live.deadline, live.next_deadline(active));
    live.deadline = deadline;
    let is_told = !changes.is_empty() || old_deadline != deadline;
    is_told.then_some(Changed { rule, changes, old_deadline, deadline })
}

/// Returns whether `key` is as one that was just made, to whatever comes in later.
fn is_spent(recent: &Recent, active: &ActiveRule, key: &Key) -> bool {
    let settled_at = recent.settled_at().unwrap_or(DateTime::<Utc>::MIN_UTC);
    let newest_at = recent.newest_at().unwrap_or(settled_at);
    key.is_spent(active, settled_at, newest_at)
        && (!key.has_settled_news() || recent.is_since(active.since))
}
