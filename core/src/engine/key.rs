//! One (rule, scope): its recent history, and the episodes that stand in it.

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::ActiveRule;
use super::episode::{Change, Episode, Number};
use super::pairing::{self, Standing};
use super::retention::reach;
use super::timeline::{Ordered as _, Placed, Timeline};
use super::track::{Entry, Op, Track};
use crate::event::EventRef;
use crate::intern::Symbol;

/// What changes in a key's history with one input.
#[derive(Debug, Default)]
pub(super) struct Edit {
    pub(super) gone: Vec<EventRef>,
    pub(super) new: Vec<Entry>,
}

/// What a key works with.
#[derive(Debug)]
pub(super) struct Work<'w> {
    /// The rule.
    pub(super) active: &'w ActiveRule,
    /// Deadlines before this have passed.
    pub(super) log_time: DateTime<Utc>,
    /// From where on, in event time, a history that is loaded is whole.
    pub(super) horizon: Option<DateTime<Utc>>,
    /// The last number that was given to an episode.
    pub(super) numbers: &'w mut Number,
}

/// The state of one (rule, scope).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Key {
    timeline: Timeline<Track>,
    /// The episode that is newest in the settled part of the history.
    settled: Option<Episode>,
    /// What stands, in event order.
    standing: Vec<Standing>,
    /// What an older version of the rule left standing.
    adopted: Option<Episode>,
    /// What people did with its tasks.
    done: Vec<Entry>,
    /// Whose events are in the history, in order.
    devices: Vec<Symbol>,
    /// Where the engine has it among its deadlines.
    #[serde(with = "crate::snapshot::time_if_any")]
    pub(super) deadline: Option<DateTime<Utc>>,
}

impl Key {
    /// Returns a key without history.
    pub(super) fn new(active: &ActiveRule) -> Self {
        Self {
            timeline: Timeline::new(Track::start(active)),
            settled: None,
            standing: Vec::new(),
            adopted: None,
            done: Vec::new(),
            devices: Vec::new(),
            deadline: None,
        }
    }

    /// Notes that events of `device` are in the history.
    pub(super) fn belongs_to(&mut self, device: Symbol) {
        if let Err(at) = self.devices.binary_search(&device) {
            self.devices.insert(at, device);
        }
    }

    /// Gives the devices other numbers.
    pub(super) fn rename_devices(&mut self, rename: impl FnMut(Symbol) -> Symbol) {
        self.devices = self.devices.iter().copied().map(rename).collect();
        self.devices.sort_unstable();
    }

    /// Returns whose events are in the history.
    pub(super) fn devices(&self) -> &[Symbol] {
        &self.devices
    }

    /// Returns the state after everything.
    pub(super) fn track(&self) -> &Track {
        self.timeline.head()
    }

    /// Returns the event time of the earliest evidence of the episode that is open, if one is.
    pub(super) fn open_since(&self) -> Option<DateTime<Utc>> {
        let newest = &self.standing.last()?.episode;
        let first = newest.evidence().first()?;
        newest.closed_at.is_none().then_some(first.occurred_at)
    }

    /// Returns the next deadline.
    pub(super) fn next_deadline(&self, active: &ActiveRule) -> Option<DateTime<Utc>> {
        self.timeline.next_deadline(active)
    }

    /// Takes an entry and returns what changes; `None` where it lies before what is kept.
    pub(super) fn take(&mut self, work: &mut Work<'_>, entry: Entry) -> Option<Vec<Change>> {
        let mut ops = Vec::new();
        if let Entry::Done { .. } = &entry {
            self.done.push(entry.clone());
        }
        match self.timeline.place(work.active, entry, &mut ops) {
            Placed::Last => {
                self.timeline.pass_until(work.active, work.log_time, &mut ops);
                Some(self.go_on(work, ops))
            }
            Placed::Amid => Some(self.fold_again(work)),
            Placed::Again => Some(Vec::new()),
            Placed::Before => None,
        }
    }

    /// Takes entries out and others in, and folds once; `None` where one of them lies before what
    /// is kept.
    pub(super) fn edit(&mut self, work: &mut Work<'_>, edit: Edit) -> Option<Vec<Change>> {
        let Edit { gone, mut new } = edit;
        if gone.is_empty() && new.len() == 1 {
            return self.take(work, new.pop()?);
        }
        let is_settled = |at| self.timeline.is_settled(at);
        if gone.iter().any(|event| is_settled(event.occurred_at))
            || new.iter().any(|entry| is_settled(entry.order().occurred_at))
        {
            return None;
        }
        for event in gone {
            self.timeline.remove(event.order());
        }
        for entry in new {
            // What follows is found when everything is folded again.
            self.timeline.place(work.active, entry, &mut Vec::new());
        }
        Some(self.fold_again(work))
    }

    /// Lets deadlines before `limit` pass and returns what changes.
    pub(super) fn pass_until(&mut self, work: &mut Work<'_>, limit: DateTime<Utc>) -> Vec<Change> {
        let mut ops = Vec::new();
        self.timeline.pass_until(work.active, limit, &mut ops);
        self.go_on(work, ops)
    }

    /// Folds the whole history, in event order, from nothing. What people did, and what was
    /// adopted, stays.
    pub(super) fn rebuild(&mut self, work: &mut Work<'_>, mut entries: Vec<Entry>) -> Vec<Change> {
        if let Some(horizon) = work.horizon {
            let from = self.leave_before(work, horizon);
            entries.retain(|entry| from <= entry.order().occurred_at);
        }
        self.timeline = Timeline::new(Track::start(work.active));
        self.settled = None;
        let adopted = self.adopted.clone().map(Entry::Adopted);
        for entry in entries.into_iter().chain(self.done.iter().cloned()).chain(adopted) {
            self.timeline.place(work.active, entry, &mut Vec::new());
        }
        self.fold_again(work)
    }

    /// Leaves episodes as they are whose evidence may be older than `horizon`; the newest of them
    /// goes on counting. Returns from where on events are judged again.
    fn leave_before(&mut self, work: &Work<'_>, horizon: DateTime<Utc>) -> DateTime<Utc> {
        let whole = horizon + reach(&work.active.rule);
        let left = self.standing.partition_point(|s| s.episode.opened_at < whole);
        let newest = left.checked_sub(1).and_then(|at| self.standing.get(at));
        let Some(newest) = newest.map(|standing| standing.episode.clone()) else { return horizon };
        self.standing.drain(..left - 1);
        // What happened up to its end is in it already.
        let end = newest.closed_at.max(newest.joined_at).unwrap_or(newest.opened_at);
        self.adopted = Some(newest);
        horizon.max(end + TimeDelta::milliseconds(1))
    }

    /// Takes over what an older version of the rule left standing.
    pub(super) fn adopt(&mut self, work: &mut Work<'_>, old: &Self) -> Vec<Change> {
        let Some(newest) = old.standing.last() else { return Vec::new() };
        self.standing.clone_from(&old.standing);
        self.adopted = Some(newest.episode.clone());
        if self.timeline.is_settled(newest.episode.opened_at) {
            let mut episode = newest.episode.clone();
            if let Some(op) = self.timeline.base_mut().adopt(work.active, &episode) {
                op.apply(Some(&mut episode));
            }
            self.settled = Some(episode);
        } else {
            let entry = Entry::Adopted(newest.episode.clone());
            self.timeline.place(work.active, entry, &mut Vec::new());
        }
        // Those before the newest stay as they are: no version judges them any more.
        let earlier = self.standing.len().saturating_sub(1);
        self.standing.drain(..earlier);
        self.fold_again(work)
    }

    /// Settles what lies further back than anybody needs.
    pub(super) fn settle(&mut self, work: &Work<'_>, recent: TimeDelta) {
        let horizon = work.log_time - recent;
        if self.timeline.first_at().is_none_or(|first_at| horizon <= first_at) {
            return;
        }
        let mut ops = Vec::new();
        self.timeline.settle(work.active, horizon, &mut ops);
        for op in ops {
            if let Some(next) = op.apply(self.settled.as_mut()) {
                self.settled = Some(next);
            }
        }
    }

    /// Applies what followed from the newest entry.
    fn go_on(&mut self, work: &mut Work<'_>, ops: Vec<Op>) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for op in ops {
            let newest = self.standing.last_mut();
            let number = newest.as_ref().map(|newest| newest.number);
            let opened = op.apply(newest.map(|newest| &mut newest.episode));
            if let Some(episode) = opened {
                work.numbers.0 += 1;
                let number = *work.numbers;
                self.standing.push(Standing { number, episode: episode.clone() });
                changes.push(Change::New(number, episode));
            } else if let (Some(number), Some(newest)) = (number, self.standing.last()) {
                changes.push(Change::Changed(number, newest.episode.clone()));
            }
        }
        changes
    }

    fn fold_again(&mut self, work: &mut Work<'_>) -> Vec<Change> {
        let ops = self.timeline.replay(work.active, work.log_time);
        let mut found: Vec<Episode> = self.settled.iter().cloned().collect();
        for op in ops {
            if let Some(next) = op.apply(found.last_mut()) {
                found.push(next);
            }
        }
        // Of those that are settled only the newest can still change.
        let settled = self.settled.as_ref().map(Episode::place);
        let is_earlier = |s: &Standing| settled.is_some_and(|settled| s.episode.place() < settled);
        let old = self.standing.split_off(self.standing.partition_point(is_earlier));
        let (standing, changes) = pairing::pair(old, found, work.numbers);
        self.standing.extend(standing);
        changes
    }
}
