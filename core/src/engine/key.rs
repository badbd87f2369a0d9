//! One (rule, scope): its recent history, and the matches that stand in it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::ActiveRule;
use super::pairing::{self, Change};
use super::standing::{Match, Standing};
use super::timeline::{Fold, Ordered, Placed, Timeline};
use crate::event::{Event, Order, Position};
use crate::id::TaskId;
use crate::pattern::Pattern;
use crate::pattern::consecutive::{Consecutive, Role};

/// An event as a key sees it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) position: Position,
    pub(super) role: Role,
    pub(super) event: Arc<Event>,
}

impl Ordered for Entry {
    fn order(&self) -> Order<'_> {
        self.event.order()
    }
}

/// What changes in a key's history with one input.
#[derive(Debug, Default)]
pub(super) struct Edit {
    pub(super) gone: Vec<Arc<Event>>,
    pub(super) new: Vec<Entry>,
}

/// The pattern's state and the time of the last match that was acted on.
#[derive(Clone, Debug, Default)]
struct Track {
    pattern: Consecutive,
    last_at: Option<DateTime<Utc>>,
}

impl Fold for Track {
    type Context = ActiveRule;
    type Item = Entry;
    type Output = Match;

    fn step(&mut self, active: &ActiveRule, entry: &Entry) -> Vec<Match> {
        let Pattern::Consecutive(config) = &active.rule.when.pattern;
        let held = self.pattern.observe(config, entry.role, &entry.event);
        let now = entry.event.occurred_at;
        let is_quiet = |last_at| now - last_at < active.rule.cooldown;
        match held {
            Some(evidence) if !self.last_at.is_some_and(is_quiet) => {
                self.last_at = Some(now);
                vec![Match::on(evidence, Arc::clone(&entry.event))]
            }
            Some(_) | None => Vec::new(),
        }
    }
}

/// The state of one (rule, scope).
#[derive(Debug)]
pub(super) struct Key {
    timeline: Timeline<Track>,
    /// In event order.
    standing: Vec<Standing>,
    /// The newest place in the log of anything in the history.
    newest: Position,
}

impl Default for Key {
    fn default() -> Self {
        Self { timeline: Timeline::new(Track::default()), standing: Vec::new(), newest: 0 }
    }
}

impl Key {
    /// Takes an entry and returns what changes; `None` where it lies before what is kept.
    pub(super) fn take(&mut self, active: &ActiveRule, entry: Entry) -> Option<Vec<Change>> {
        self.newest = self.newest.max(entry.position);
        match self.timeline.place(active, entry) {
            Placed::Last(found) => Some(self.stand(active, found)),
            Placed::Amid => Some(self.fold_again(active)),
            Placed::Again => Some(Vec::new()),
            Placed::Before => None,
        }
    }

    /// Takes entries out and others in, and folds once; `None` where one of them lies before what
    /// is kept.
    pub(super) fn edit(&mut self, active: &ActiveRule, edit: Edit) -> Option<Vec<Change>> {
        let Edit { gone, mut new } = edit;
        if gone.is_empty() && new.len() == 1 {
            return self.take(active, new.pop()?);
        }
        if gone.iter().any(|event| self.timeline.is_settled(event.occurred_at)) {
            return None;
        }
        for event in gone {
            self.timeline.remove(event.order());
        }
        for entry in new {
            self.newest = self.newest.max(entry.position);
            if matches!(self.timeline.place(active, entry), Placed::Before) {
                return None;
            }
        }
        Some(self.fold_again(active))
    }

    /// Folds the whole history, in event order, from nothing.
    pub(super) fn rebuild(&mut self, active: &ActiveRule, entries: Vec<Entry>) -> Vec<Change> {
        self.timeline = Timeline::new(Track::default());
        let newest = entries.iter().map(|entry| entry.position).max();
        self.newest = self.newest.max(newest.unwrap_or_default());
        let mut found = Vec::new();
        for entry in entries {
            if let Placed::Last(matches) = self.timeline.place(active, entry) {
                found.extend(matches);
            }
        }
        let old = std::mem::take(&mut self.standing);
        self.pair(active, old, found)
    }

    /// Settles what lies further back than anybody needs.
    pub(super) fn settle(
        &mut self,
        active: &ActiveRule,
        log_time: DateTime<Utc>,
        recent: TimeDelta,
    ) {
        let horizon = log_time - recent;
        if self.timeline.first_at().is_some_and(|first_at| first_at < horizon) {
            self.timeline.settle(active, horizon);
        }
    }

    /// Notes the task that was made for `found`.
    pub(super) fn name(&mut self, found: &Match, task: TaskId) {
        let mut newest = self.standing.iter_mut().rev();
        if let Some(standing) = newest.find(|standing| standing.found.is_same(found)) {
            standing.task = Some(task);
        }
    }

    fn stand(&mut self, active: &ActiveRule, found: Vec<Match>) -> Vec<Change> {
        let mut changes = Vec::new();
        for found in found {
            self.standing.push(Standing { found: found.clone(), task: None });
            if active.since <= self.newest {
                changes.push(Change::New(found));
            }
        }
        changes
    }

    fn fold_again(&mut self, active: &ActiveRule) -> Vec<Change> {
        let found = self.timeline.replay(active);
        let settled = |s: &Standing| self.timeline.is_settled(s.found.last().occurred_at);
        let recent = self.standing.partition_point(settled);
        let old = self.standing.split_off(recent);
        self.pair(active, old, found)
    }

    fn pair(&mut self, active: &ActiveRule, old: Vec<Standing>, found: Vec<Match>) -> Vec<Change> {
        let (standing, mut changes) = pairing::pair(old, found);
        self.standing.extend(standing);
        if self.newest < active.since {
            changes.retain(|change| !matches!(change, Change::New(_)));
        }
        changes
    }
}
