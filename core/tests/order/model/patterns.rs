//! Patterns: whether one holds at the last of some events, asked of all of them each time.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use upturn_core::event::Event;
use upturn_core::pattern::change::{self, Direction, Measure};
use upturn_core::pattern::sustained::{self, Side};
use upturn_core::pattern::{Pattern, absence, consecutive, count, sequence};
use upturn_core::rule::When;

use super::meets;
use crate::world::VALUE;

/// Returns what the pattern holds on at the last of `observed`, in event order.
pub(super) fn find_match<'e>(when: &When, observed: &[&'e Event]) -> Option<Vec<&'e Event>> {
    let events = since_reset(when, observed);
    match &when.pattern {
        Pattern::Consecutive(config) => run(config, when, events),
        Pattern::Count(config) => enough(config, when, events),
        Pattern::Sequence(config) => completed(config, when, events),
        Pattern::Absence(_) => None, // It holds by its deadline alone.
        Pattern::Sustained(config) => lasting(config, when, events),
        Pattern::Change(config) => changed(config, when, events),
    }
}

/// Returns when the pattern will hold after `observed` if nothing else comes, and on what.
pub(super) fn find_deadline<'e>(
    when: &When,
    observed: &[&'e Event],
) -> Option<(DateTime<Utc>, &'e Event)> {
    match &when.pattern {
        Pattern::Absence(config) => {
            let armed_by = armed(config, when, since_reset(when, observed))?;
            Some((armed_by.occurred_at + config.silence, armed_by))
        }
        Pattern::Consecutive(_)
        | Pattern::Count(_)
        | Pattern::Sequence(_)
        | Pattern::Sustained(_)
        | Pattern::Change(_) => None,
    }
}

/// Returns what may still be counted. An event that resets may count itself, as the first.
fn since_reset<'s, 'e>(when: &When, observed: &'s [&'e Event]) -> &'s [&'e Event] {
    let reset = observed.iter().rposition(|event| when.reset_by.contains(&event.kind));
    &observed[reset.unwrap_or(0)..]
}

fn meets_step(when: &When, number: usize, event: &Event) -> bool {
    when.steps.get(number).is_some_and(|step| meets(step, event))
}

fn run<'e>(
    config: &consecutive::Config,
    when: &When,
    events: &[&'e Event],
) -> Option<Vec<&'e Event>> {
    let last = events.last().filter(|last| meets_step(when, 0, last))?;
    let met: Vec<&Event> =
        events.iter().copied().filter(|event| meets_step(when, 0, event)).collect();
    let newest = &met[met.len().checked_sub(config.times.get())?..];
    let is_within = last.occurred_at - newest[0].occurred_at <= config.within;
    is_within.then(|| newest.to_vec())
}

fn enough<'e>(config: &count::Config, when: &When, events: &[&'e Event]) -> Option<Vec<&'e Event>> {
    let last = events.last()?;
    if !(0..config.steps.get()).any(|number| meets_step(when, number, last)) {
        return None;
    }
    let mut evidence: BTreeSet<usize> = BTreeSet::new();
    for number in 0..config.steps.get() {
        let is_met = |place: &usize| {
            last.occurred_at - events[*place].occurred_at <= config.within
                && meets_step(when, number, events[*place])
        };
        let met: Vec<usize> = (0..events.len()).filter(is_met).collect();
        evidence.extend(&met[met.len().checked_sub(config.times.get())?..]);
    }
    Some(evidence.into_iter().map(|place| events[place]).collect())
}

/// Of all runs that end at the last event, the one whose every event is the newest that it can be:
/// if any is fast enough, that one is.
fn completed<'e>(
    config: &sequence::Config,
    when: &When,
    events: &[&'e Event],
) -> Option<Vec<&'e Event>> {
    let is_forbidden = |event: &&Event| when.forbidden.iter().any(|test| test.event == event.kind);
    // What is forbidden may begin a run, but nothing before it can be of one.
    let forbidden = events.iter().rposition(is_forbidden);
    let mut before = &events[forbidden.unwrap_or(0)..];
    let last = before.last().filter(|last| meets_step(when, config.steps.get() - 1, last))?;
    let mut run = Vec::new();
    for number in (0..config.steps.get()).rev() {
        let place = before.iter().rposition(|event| meets_step(when, number, event))?;
        run.insert(0, before[place]);
        before = &before[..place];
    }
    (last.occurred_at - run[0].occurred_at <= config.within).then_some(run)
}

/// Returns what armed the silence that is still awaited after the last of `events`.
fn armed<'e>(config: &absence::Config, when: &When, events: &[&'e Event]) -> Option<&'e Event> {
    let mut armed_by: Option<&Event> = None;
    for event in events {
        // It held by its deadline, and waits for nothing since.
        armed_by.take_if(|armed_by| armed_by.occurred_at + config.silence < event.occurred_at);
        let is_answer = meets_step(when, 0, event);
        if !config.is_armed_by_second {
            if is_answer {
                armed_by = Some(event);
            }
            continue;
        }
        if is_answer {
            armed_by = None;
        }
        if meets_step(when, 1, event) && armed_by.is_none() {
            armed_by = Some(event);
        }
    }
    armed_by
}

fn readings<'e>(when: &When, events: &[&'e Event]) -> Vec<(f64, &'e Event)> {
    let value = |event: &Event| event.attributes.find(VALUE)?.as_f64();
    let reading = |event: &&'e Event| Some((value(event)?, *event));
    events.iter().filter(|event| meets_step(when, 0, event)).filter_map(reading).collect()
}

fn lasting<'e>(
    config: &sustained::Config,
    when: &When,
    events: &[&'e Event],
) -> Option<Vec<&'e Event>> {
    // Mirrored, so that more is worse.
    let sign = match config.side {
        Side::Above => 1.0,
        Side::Below => -1.0,
    };
    let (set, clear) = (sign * config.set, sign * config.clear);
    let mut bad: Vec<(f64, &Event)> = Vec::new();
    for (value, event) in readings(when, events) {
        let value = sign * value;
        if set <= value || (clear < value && !bad.is_empty()) {
            bad.push((value, event));
        } else if value <= clear || set == clear {
            bad.clear();
        }
    }
    let ((_, first), (_, last)) = (bad.first()?, bad.last()?);
    let is_current = std::ptr::eq(*last, *events.last()?);
    if !is_current || last.occurred_at - first.occurred_at < config.lasts {
        return None;
    }
    let most = bad.iter().map(|(value, _)| *value).fold(f64::NEG_INFINITY, f64::max);
    let (_, worst) = bad.iter().find(|(value, _)| *value == most)?;
    Some(each_once(vec![*first, *worst, *last]))
}

fn changed<'e>(
    config: &change::Config,
    when: &When,
    events: &[&'e Event],
) -> Option<Vec<&'e Event>> {
    let readings = readings(when, events);
    let (newest, last) = *readings.last()?;
    if !std::ptr::eq(last, *events.last()?) {
        return None;
    }
    let is_within =
        |(_, event): &&(f64, &Event)| last.occurred_at - event.occurred_at <= config.within;
    // How much it changed in the direction that is asked for, and from what.
    let of = |direction, (value, event): &(f64, &'e Event)| {
        let change = newest - value;
        let change = match direction {
            Direction::Rise => change,
            Direction::Fall => -change,
            Direction::Either => change.abs(),
        };
        (change, *event)
    };
    let (change, from) = match config.measure {
        Measure::Difference => {
            let ways = match config.direction {
                Direction::Rise => [Direction::Rise].as_slice(),
                Direction::Fall => &[Direction::Fall],
                Direction::Either => &[Direction::Fall, Direction::Rise],
            };
            // The most; the newest of the same; a rise before a fall.
            let all = ways.iter().flat_map(|way| {
                readings.iter().filter(is_within).map(move |reading| of(*way, reading))
            });
            all.max_by(|one, next| one.0.total_cmp(&next.0))?
        }
        Measure::Rate => {
            let before = readings.iter().rev().nth(1).filter(is_within)?;
            let (change, from) = of(config.direction, before);
            let hours = (last.occurred_at - from.occurred_at).as_seconds_f64() / 3600.0;
            (change / hours, from)
        }
        Measure::Slope => unreachable!("the reference knows no lines"),
    };
    let is_enough = config.by <= change && change.is_finite();
    is_enough.then(|| each_once(vec![from, last]))
}

/// Leaves out what an event repeats that it stands beside.
fn each_once(mut evidence: Vec<&Event>) -> Vec<&Event> {
    evidence.dedup_by(|one, other| std::ptr::eq(*one, *other));
    evidence
}
