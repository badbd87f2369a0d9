//! What one key's history folds to: the pattern's state and the newest episode's.

use chrono::{DateTime, Utc};

use serde::{Deserialize, Serialize};

use super::ActiveRule;
use super::episode::Episode;
use crate::event::{EventRef, Order, Position};
use crate::pattern::{Signal, State, Steps};

/// Something in a key's history that is no event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Extra {
    /// A person closed the task.
    Done { at: DateTime<Utc>, task: Box<str> },
    /// An episode that an older version of the rule opened.
    Adopted(Episode),
}

/// What an event is to a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Role {
    /// The steps it meets.
    pub(super) steps: Steps,
    /// Whether it breaks what was gathered.
    pub(super) resets: bool,
    /// Whether it closes an episode.
    pub(super) closes: bool,
    /// The number the rule watches.
    pub(super) value: Option<f64>,
}

impl Extra {
    /// Returns its place among the events.
    pub(super) fn order(&self) -> Order<'_> {
        match self {
            Self::Done { at, task } => {
                Order { occurred_at: *at, seq: Some(i64::MAX), id: task, device: "" }
            }
            Self::Adopted(episode) => {
                let id = episode.newest().map_or("", |event| event.id.as_str());
                Order { occurred_at: episode.opened_at, seq: Some(i64::MAX), id, device: "" }
            }
        }
    }
}

/// What a step does to the list of episodes.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// One opens.
    Open(Episode),
    /// The newest is joined by another match.
    Join(DateTime<Utc>),
    /// The newest, which was closed, is joined and open again.
    Reopen(DateTime<Utc>),
    /// The newest closes.
    Close(DateTime<Utc>),
}

impl Op {
    /// Does it to the newest episode, `None` if there is none; returns a new one.
    pub(super) fn apply(self, newest: Option<&mut Episode>) -> Option<Episode> {
        match (self, newest) {
            (Self::Open(episode), _) => return Some(episode),
            (Self::Join(at), Some(newest)) => {
                newest.joined += 1;
                newest.joined_at = Some(at);
            }
            (Self::Reopen(at), Some(newest)) => {
                newest.joined += 1;
                newest.joined_at = Some(at);
                newest.closed_at = None;
            }
            (Self::Close(at), Some(newest)) => newest.closed_at = Some(at),
            (Self::Join(_) | Self::Reopen(_) | Self::Close(_), None) => {}
        }
        None
    }
}

/// The newest episode, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// There was none yet.
    Idle,
    /// It is open; the newest event that met a step was then.
    Open { opened_at: DateTime<Utc>, heard_at: DateTime<Utc> },
    /// It closed.
    Closed { opened_at: DateTime<Utc>, at: DateTime<Utc> },
}

/// The fold's state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Track {
    pattern: State,
    phase: Phase,
    /// Whether anything came in since the rule is in force.
    has_news: bool,
}

impl Track {
    /// Returns the state before any history.
    pub(super) fn start(active: &ActiveRule) -> Self {
        let pattern = active.rule.when.pattern.start();
        Self { pattern, phase: Phase::Idle, has_news: false }
    }

    /// Returns the state of a key that never had an episode.
    pub(super) fn idle(pattern: State, has_news: bool) -> Self {
        Self { pattern, phase: Phase::Idle, has_news }
    }

    /// Returns whether there never was an episode.
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// Returns the pattern's state.
    pub(super) fn into_pattern(self) -> State {
        self.pattern
    }

    /// Keeps of events that can be found again only their places.
    pub(super) fn settle(&mut self) {
        self.pattern.settle();
    }

    /// Returns the state with `newest` as the newest episode, which is over.
    pub(super) fn behind(active: &ActiveRule, newest: Option<&Episode>) -> Self {
        let closed = newest.and_then(|newest| Some((newest.opened_at, newest.closed_at?)));
        let phase = closed.map(|(opened_at, at)| Phase::Closed { opened_at, at });
        Self { phase: phase.unwrap_or(Phase::Idle), ..Self::start(active) }
    }

    /// Takes an event of which everybody knows what followed.
    pub(super) fn rehearse(&mut self, active: &ActiveRule, (event, role): (&EventRef, Role)) {
        self.rehearse_until(active, event.occurred_at);
        let Role { steps, resets, value, .. } = role;
        if steps != Steps::NONE || resets {
            let signal = Signal { steps, resets, value, event };
            active.rule.when.pattern.observe(&mut self.pattern, signal);
        }
    }

    /// Lets deadlines before `limit` pass of which everybody knows what followed.
    pub(super) fn rehearse_until(&mut self, active: &ActiveRule, limit: DateTime<Utc>) {
        let pattern = &active.rule.when.pattern;
        while let Some(at) = pattern.next_deadline(&self.pattern).filter(|at| *at < limit) {
            pattern.handle_deadline(&mut self.pattern, at);
        }
    }

    /// Returns the pattern's state.
    pub(super) fn pattern(&self) -> &State {
        &self.pattern
    }

    /// Returns whether a match at `at` would open an episode, and else until when it would not.
    pub(super) fn quiet_until(&self, active: &ActiveRule) -> Option<DateTime<Utc>> {
        match self.phase {
            Phase::Idle => None,
            Phase::Open { opened_at, .. } | Phase::Closed { opened_at, .. } => {
                Some(opened_at + active.rule.episode.cooldown)
            }
        }
    }

    /// Takes over an episode that stands already.
    pub(super) fn adopt(&mut self, active: &ActiveRule, episode: &Episode) -> Option<Op> {
        let opened_at = episode.opened_at;
        let heard_at = episode.joined_at.unwrap_or(opened_at);
        self.phase = match episode.closed_at {
            Some(at) => Phase::Closed { opened_at, at },
            None if active.rule.episode.close.is_awaited() => Phase::Open { opened_at, heard_at },
            None => Phase::Closed { opened_at, at: heard_at },
        };
        match (self.phase, episode.closed_at) {
            (Phase::Closed { at, .. }, None) => Some(Op::Close(at)),
            (Phase::Closed { .. } | Phase::Open { .. } | Phase::Idle, _) => None,
        }
    }

    fn close(&mut self, at: DateTime<Utc>, out: &mut Vec<Op>) {
        if let Phase::Open { opened_at, .. } = self.phase {
            self.phase = Phase::Closed { opened_at, at };
            out.push(Op::Close(at));
        }
    }

    /// The rule holds at `at`.
    fn hold(&mut self, active: &ActiveRule, at: DateTime<Utc>, out: &mut Vec<Op>) {
        let policy = &active.rule.episode;
        match self.phase {
            Phase::Open { .. } => out.push(Op::Join(at)),
            Phase::Closed { opened_at, at: closed_at }
                if !policy.reopen_within.is_zero() && at - closed_at <= policy.reopen_within =>
            {
                self.phase = Phase::Open { opened_at, heard_at: at };
                out.push(Op::Reopen(at));
            }
            Phase::Closed { opened_at, .. } if at - opened_at < policy.cooldown => {}
            Phase::Idle | Phase::Closed { .. } => {
                let Some(mut episode) = Episode::open(self.pattern.evidence(), at) else { return };
                if policy.close.is_awaited() {
                    self.phase = Phase::Open { opened_at: at, heard_at: at };
                } else {
                    self.phase = Phase::Closed { opened_at: at, at };
                    episode.closed_at = Some(at);
                }
                out.push(Op::Open(episode));
            }
        }
    }

    fn quiet_deadline(&self, active: &ActiveRule) -> Option<DateTime<Utc>> {
        let Phase::Open { heard_at, .. } = self.phase else { return None };
        active.rule.episode.close.after_quiet.map(|quiet| heard_at + quiet)
    }

    fn observe(&mut self, active: &ActiveRule, event: &EventRef, role: Role, out: &mut Vec<Op>) {
        let at = event.occurred_at;
        if role.closes {
            self.close(at, out);
        }
        if role.steps == Steps::NONE && !role.resets {
            return;
        }
        let Role { steps, resets, value, .. } = role;
        let signal = Signal { steps, resets, value, event };
        let holds = active.rule.when.pattern.observe(&mut self.pattern, signal);
        if let Phase::Open { heard_at, .. } = &mut self.phase
            && steps != Steps::NONE
            && steps != Steps::FORBIDDEN
        {
            *heard_at = at;
        }
        if holds && self.has_news {
            self.hold(active, at, out);
        }
    }
}

impl Track {
    /// Takes the next event in event order, and what it is to the rule.
    pub(super) fn take(
        &mut self,
        active: &ActiveRule,
        (event, role): (&EventRef, Role),
        out: &mut Vec<Op>,
    ) {
        self.has_news |= is_news(active, event.position);
        self.observe(active, event, role, out);
    }

    /// Takes what comes next besides events.
    pub(super) fn take_extra(&mut self, active: &ActiveRule, extra: &Extra, out: &mut Vec<Op>) {
        match extra {
            Extra::Done { at, .. } => {
                if active.rule.episode.close.on_task_done {
                    self.close(*at, out);
                }
            }
            Extra::Adopted(episode) => {
                out.push(Op::Open(episode.clone()));
                out.extend(self.adopt(active, episode));
            }
        }
    }

    /// Returns the event time at which something follows if no event comes before.
    pub(super) fn next_deadline(&self, active: &ActiveRule) -> Option<DateTime<Utc>> {
        let quiet = self.quiet_deadline(active);
        let pattern = active.rule.when.pattern.next_deadline(&self.pattern);
        match (quiet, pattern) {
            (Some(quiet), Some(pattern)) => Some(quiet.min(pattern)),
            (one, other) => one.or(other),
        }
    }

    /// Lets the deadlines before `limit` pass; returns the newest of them.
    pub(super) fn pass_until(
        &mut self,
        active: &ActiveRule,
        limit: DateTime<Utc>,
        out: &mut Vec<Op>,
    ) -> Option<DateTime<Utc>> {
        let mut newest = None;
        while let Some(at) = self.next_deadline(active).filter(|at| *at < limit) {
            self.pass(active, at, out);
            newest = Some(at);
        }
        newest
    }

    fn pass(&mut self, active: &ActiveRule, at: DateTime<Utc>, out: &mut Vec<Op>) {
        if self.quiet_deadline(active) == Some(at) {
            self.close(at, out);
        }
        let pattern = &active.rule.when.pattern;
        if pattern.next_deadline(&self.pattern) == Some(at)
            && pattern.handle_deadline(&mut self.pattern, at)
            && active.since_at <= at
        {
            self.hold(active, at, out);
        }
    }

    /// Returns whether it knows nothing that can matter to an event after `at`.
    pub(super) fn is_spent(&self, active: &ActiveRule, at: DateTime<Utc>) -> bool {
        self.is_idle() && active.rule.when.pattern.is_spent(&self.pattern, at)
    }

    /// Returns whether anything came in since the rule is in force.
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }
}

fn is_news(active: &ActiveRule, position: Position) -> bool {
    active.since <= position
}
