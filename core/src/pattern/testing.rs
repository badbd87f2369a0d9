//! Feeds machines from tables.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Machine, Progress, Signal, Steps};
use crate::engine::testing::{event_at, midnight};
use crate::event::witness::Witness;
use crate::event::{Event, EventRef};

/// What happens at a minute of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Feed {
    /// An event that meets this step.
    Step(usize),
    /// An event that meets all of these.
    Meets(Steps),
    /// An event that meets the first step, with this number.
    Value(f64),
    /// An event that is nothing to the rule, with this number.
    Stray(f64),
    /// An event that must not come in between.
    Forbidden,
    /// An event that resets.
    Resets,
    /// An event that resets and meets the first step, with this number.
    ResetsAt(f64),
}

/// Feeds a fresh machine and returns the minutes at which it holds, deadlines up to minute
/// `until` included.
pub(super) fn holds_at<M: Machine>(
    config: &M::Config,
    feed: &[(i64, Feed)],
    until: i64,
) -> Vec<i64> {
    run::<M>(config, feed, until).1.into_iter().map(|held| held.minute).collect()
}

/// As [`holds_at`], but returns the minutes of each one's evidence.
pub(super) fn evidence_at<M: Machine>(
    config: &M::Config,
    feed: &[(i64, Feed)],
    until: i64,
) -> Vec<Vec<i64>> {
    run::<M>(config, feed, until).1.into_iter().map(|held| held.evidence).collect()
}

/// Feeds a fresh machine and returns how near it is to holding at minute `at`: what it has, what
/// it needs, and the minutes of the evidence.
pub(super) fn progress_at<M: Machine>(
    config: &M::Config,
    feed: &[(i64, Feed)],
    at: i64,
) -> (f64, f64, Vec<i64>) {
    let (machine, _) = run::<M>(config, feed, at);
    let Progress { have, need, unit: _, evidence } = machine.progress(config, time_of(at));
    (have, need, minutes(&evidence))
}

/// A minute at which a machine held.
struct Held {
    minute: i64,
    evidence: Vec<i64>,
}

fn run<M: Machine>(config: &M::Config, feed: &[(i64, Feed)], until: i64) -> (M, Vec<Held>) {
    let (mut machine, mut held) = (M::default(), Vec::new());
    for (number, (minute, what)) in (0..).zip(feed) {
        held.extend(pass(&mut machine, config, |deadline| deadline < time_of(*minute)));
        let (steps, resets, value) = match what {
            Feed::Step(number) => (Steps::of(*number), false, None),
            Feed::Meets(steps) => (*steps, false, None),
            Feed::Value(value) => (Steps::FIRST, false, Some(*value)),
            Feed::Stray(value) => (Steps::NONE, false, Some(*value)),
            Feed::Forbidden => (Steps::FORBIDDEN, false, None),
            Feed::Resets => (Steps::NONE, true, None),
            Feed::ResetsAt(value) => (Steps::FIRST, true, Some(*value)),
        };
        // The counter tells events of the same minute apart.
        let event = EventRef::new(Event { seq: Some(number), ..event_at("d", "k", *minute) });
        if machine.observe(config, Signal { steps, resets, value, event: &event }) {
            held.push(note(&machine, *minute));
        }
    }
    held.extend(pass(&mut machine, config, |deadline| deadline <= time_of(until)));
    (machine, held)
}

fn pass<M: Machine>(
    machine: &mut M,
    config: &M::Config,
    is_due: impl Fn(DateTime<Utc>) -> bool,
) -> Vec<Held> {
    let mut held = Vec::new();
    while let Some(deadline) = machine.next_deadline(config).filter(|at| is_due(*at)) {
        if machine.handle_deadline(config, deadline) {
            held.push(note(machine, minute_of(deadline)));
        }
        let next = machine.next_deadline(config);
        assert!(next.is_none_or(|next| deadline < next), "a deadline passes once");
    }
    held
}

fn note<M: Machine>(machine: &M, minute: i64) -> Held {
    let evidence = machine.evidence();
    assert!(!evidence.is_empty(), "what holds has evidence");
    let is_ordered = evidence.is_sorted_by(|one, next| one.by_time(next).is_lt());
    assert!(is_ordered, "evidence is in event order, each event once");
    Held { minute, evidence: minutes(&evidence) }
}

fn minutes(witnesses: &[Witness]) -> Vec<i64> {
    witnesses.iter().map(|witness| minute_of(witness.occurred_at())).collect()
}

fn time_of(minute: i64) -> DateTime<Utc> {
    midnight() + TimeDelta::minutes(minute)
}

fn minute_of(at: DateTime<Utc>) -> i64 {
    (at - midnight()).num_minutes()
}
