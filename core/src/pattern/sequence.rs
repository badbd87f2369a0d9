//! One step after another within a window, with nothing forbidden in between.
//!
//! Other events may come in between. It holds at each event that completes a run, so where the
//! last step comes twice, it holds twice: a completed run is dropped, what led to it stays. What is
//! forbidden ends every run under way, and may itself begin one.

use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::{Machine, Progress, Signal, Steps, Unit};
use crate::event::witness::Witness;

/// What follows what. An event meets at most one step of one run: `A then A` needs two events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many steps there are, at least two. More than [`Steps::MAX`] can never all be met.
    pub steps: NonZeroUsize,
    /// The longest time from the first step to the last; exactly so long is within.
    pub within: TimeDelta,
}

/// The runs of one key that are under way: at most one of each length, so at most
/// `steps` × (`steps` + 1) / 2 events.
///
/// Of all runs of a length the one that started last is enough: wherever any of them is completed
/// within the window, so is that one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sequence {
    // Invariant: the run at index k is empty or has k + 1 events, in event order; none of them
    // precedes what was last forbidden.
    runs: Vec<Vec<Witness>>,
    completed: Vec<Witness>,
}

impl Machine for Sequence {
    type Config = Config;

    fn observe(&mut self, config: &Config, signal: Signal<'_>) -> bool {
        self.completed.clear();
        if signal.resets || signal.steps.meets(Steps::FORBIDDEN) {
            self.runs.clear();
        }
        let at = signal.event.occurred_at;
        let lengths = config.steps.get().saturating_sub(1).min(Steps::MAX);
        self.runs.resize_with(lengths, Vec::new);
        // From the last step to the first, so that no run takes the event twice.
        for step in (0..=lengths).rev() {
            if !signal.steps.meets(Steps::of(step)) {
                continue;
            }
            let mut run = match step.checked_sub(1) {
                None => Vec::new(),
                Some(before) => match self.runs.get(before) {
                    Some(run) if is_live(run, config, at) => run.clone(),
                    Some(_) | None => continue,
                },
            };
            run.push(Witness::of(signal.event));
            match self.runs.get_mut(step) {
                Some(slot) => *slot = run,
                None => self.completed = run,
            }
        }
        !self.completed.is_empty()
    }

    fn evidence(&self) -> Vec<Witness> {
        self.completed.clone()
    }

    fn settle(&mut self) {
        self.completed = Vec::new();
        for run in &mut self.runs {
            Witness::settle_all(run.iter_mut());
        }
    }

    fn lookback(config: &Config) -> Option<TimeDelta> {
        Some(config.within)
    }

    fn is_spent(&self, config: &Config, at: DateTime<Utc>) -> bool {
        !self.runs.iter().any(|run| is_live(run, config, at))
    }

    /// Counts the steps of the longest run that can still be completed.
    fn progress(&self, config: &Config, at: DateTime<Utc>) -> Progress {
        let longest = self.runs.iter().rev().find(|run| is_live(run, config, at));
        let evidence = longest.cloned().unwrap_or_default();
        Progress {
            have: super::as_number(evidence.len()),
            need: super::as_number(config.steps.get()),
            unit: Unit::Steps,
            evidence,
        }
    }
}

/// Returns whether `run` has begun and can take an event `at` that time.
fn is_live(run: &[Witness], config: &Config, at: DateTime<Utc>) -> bool {
    run.first().is_some_and(|first| at - first.occurred_at() <= config.within)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{Feed, evidence_at, holds_at, progress_at};
    use super::*;

    struct Case(&'static str, &'static [(i64, Feed)], &'static [i64]);

    const A: Feed = Feed::Step(0);
    const B: Feed = Feed::Step(1);
    const C: Feed = Feed::Step(2);
    const AB: Feed = Feed::Meets(Steps(0b11));
    const ABC: Feed = Feed::Meets(Steps(0b111));
    const FORBIDDEN_A: Feed = Feed::Meets(Steps(Steps::FORBIDDEN.0 | 0b1));
    const FORBIDDEN_C: Feed = Feed::Meets(Steps(Steps::FORBIDDEN.0 | 0b100));

    fn config(steps: usize) -> Config {
        Config { steps: NonZeroUsize::new(steps).unwrap(), within: TimeDelta::minutes(60) }
    }

    #[test]
    fn holds_where_one_step_follows_the_other() {
        use Feed::{Resets, ResetsAt, Stray};
        let cases = [
            Case("in order", &[(0, A), (1, B), (2, C)], &[2]),
            Case("not in order", &[(0, B), (1, A), (2, C)], &[]),
            Case("others may come between", &[(0, A), (1, Stray(0.0)), (2, B), (3, C)], &[3]),
            Case("steps may come again", &[(0, A), (1, B), (2, A), (3, B), (4, C)], &[4]),
            Case("a step of nobody's", &[(0, A), (1, B), (2, Feed::Step(3)), (3, C)], &[3]),
            Case("the last minute counts", &[(0, A), (1, B), (60, C)], &[60]),
            Case("the minute after does not", &[(0, A), (1, B), (61, C)], &[]),
            Case("a later start is enough", &[(0, A), (30, A), (40, B), (61, C)], &[61]),
            Case("but not for an earlier step", &[(0, A), (30, B), (40, A), (61, C)], &[]),
            Case("at one time", &[(5, A), (5, B), (5, C)], &[5]),
            Case("one event is one step", &[(0, ABC), (1, ABC), (2, ABC)], &[2]),
            Case("the last step again", &[(0, A), (1, B), (2, C), (3, C)], &[2, 3]),
            Case("a reset breaks it", &[(0, A), (1, B), (2, Resets), (3, C)], &[]),
            Case("and may begin it", &[(0, A), (1, ResetsAt(0.0)), (2, B), (3, C)], &[3]),
        ];
        for Case(name, feed, expected) in cases {
            assert_eq!(holds_at::<Sequence>(&config(3), feed, 1_000), expected, "case: {name}");
        }
    }

    #[test]
    fn does_not_hold_with_something_forbidden_in_between() {
        use Feed::Forbidden;
        let cases = [
            Case("after the first", &[(0, A), (1, Forbidden), (2, B), (3, C)], &[]),
            Case("before the last", &[(0, A), (1, B), (2, Forbidden), (3, C)], &[]),
            Case("at the time of the last", &[(0, A), (1, B), (3, Forbidden), (3, C)], &[]),
            Case("after the last", &[(0, A), (1, B), (3, C), (3, Forbidden)], &[3]),
            Case("before the first", &[(0, Forbidden), (0, A), (1, B), (2, C)], &[2]),
            Case("which kills every run", &[(0, A), (1, A), (2, B), (3, Forbidden), (4, C)], &[]),
            Case("a last step itself", &[(0, A), (1, B), (2, FORBIDDEN_C)], &[]),
            Case("a first step itself", &[(0, A), (1, FORBIDDEN_A), (2, B), (3, C)], &[3]),
        ];
        for Case(name, feed, expected) in cases {
            assert_eq!(holds_at::<Sequence>(&config(3), feed, 1_000), expected, "case: {name}");
        }
    }

    #[test]
    fn the_same_step_twice_needs_two_events() {
        let cases = [
            Case("one", &[(0, AB)], &[]),
            Case("two", &[(0, AB), (1, AB)], &[1]),
            Case("three", &[(0, AB), (1, AB), (2, AB)], &[1, 2]),
        ];
        for Case(name, feed, expected) in cases {
            assert_eq!(holds_at::<Sequence>(&config(2), feed, 1_000), expected, "case: {name}");
        }
    }

    #[test]
    fn is_proved_by_one_event_of_each_step() {
        let feed = [(0, A), (1, B), (2, A), (3, C), (4, B), (5, C)];
        assert_eq!(evidence_at::<Sequence>(&config(3), &feed, 1_000), [[0, 1, 3], [2, 4, 5]]);
    }

    #[test]
    fn says_how_far_the_longest_run_came() {
        let feed = [(0, A), (1, B), (30, A)];
        assert_eq!(progress_at::<Sequence>(&config(3), &[], 0), (0.0, 3.0, vec![]));
        assert_eq!(progress_at::<Sequence>(&config(3), &feed, 60), (2.0, 3.0, vec![0, 1]));
        assert_eq!(progress_at::<Sequence>(&config(3), &feed, 61), (1.0, 3.0, vec![30]));
        assert_eq!(progress_at::<Sequence>(&config(3), &feed, 91), (0.0, 3.0, vec![]));
    }

    /// Returns whether the events up to `index` have a run that begins with `step` at or after
    /// `from`, completes at `index` and has nothing forbidden after its first event.
    fn has_run(met: &[(i64, u16)], from: usize, index: usize, step: usize) -> bool {
        let is_met = |at: usize, step: usize| met[at].1 & (1 << step) != 0;
        if step == 2 {
            return from <= index && is_met(index, step);
        }
        (from..index).any(|at| is_met(at, step) && has_run(met, at + 1, index, step + 1))
    }

    proptest! {
        #[test]
        fn holds_where_a_run_ends(
            mut met in prop::collection::vec((0_i64..200, 0_u16..8, 0_u8..8), 0..24),
        ) {
            met.sort_unstable();
            // One in eight is forbidden.
            let bits = |bits, luck| if luck == 0 { bits | Steps::FORBIDDEN.0 } else { bits };
            let met: Vec<_> = met.iter().map(|(at, b, luck)| (*at, bits(*b, *luck))).collect();
            let feed: Vec<_> = met.iter().map(|(at, b)| (*at, Feed::Meets(Steps(*b)))).collect();
            let is_run = |index: usize| (0..index).any(|first| {
                let is_free = |(_, bits): &(i64, u16)| bits & Steps::FORBIDDEN.0 == 0;
                met[first].1 & 1 != 0
                    && met[index].0 - met[first].0 <= 60
                    && met[first + 1..=index].iter().all(is_free)
                    && has_run(&met, first + 1, index, 1)
            });
            let ends = (0..met.len()).filter(|index| is_run(*index));
            let expected: Vec<_> = ends.map(|index| met[index].0).collect();
            prop_assert_eq!(holds_at::<Sequence>(&config(3), &feed, 1_000), expected);
        }
    }
}
