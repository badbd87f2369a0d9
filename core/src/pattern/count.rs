//! N events within a sliding window; or each of several conditions that often, in any order.
//!
//! Windows overlap: once it holds, it goes on holding at each further event that counts for as
//! long as the newest ones lie close enough together. One event may count for several conditions.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::{Machine, Progress, Signal, Steps, Unit};
use crate::event::{self, EventRef};

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many of each of the steps.
    pub times: NonZeroUsize,
    /// The longest time from the first to the last of them; exactly so long is within.
    pub within: TimeDelta,
    /// How many steps there are, each of which must be met that often; with one, that one. More
    /// than [`Steps::MAX`] can never all be met.
    pub steps: NonZeroUsize,
}

/// The newest events of one key that met each step; at most `times` × `steps` of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Count {
    // Invariant: each in event order, at most `times` long, and within the window that ends at
    // the newest event that met any step.
    met: Vec<VecDeque<EventRef>>,
}

impl Machine for Count {
    type Config = Config;

    fn observe(&mut self, config: &Config, signal: Signal<'_>) -> bool {
        if signal.resets {
            self.met.clear();
        }
        self.met.resize_with(config.steps.get().min(Steps::MAX), VecDeque::new);
        let at = signal.event.occurred_at;
        let mut is_counted = false;
        for (number, met) in self.met.iter_mut().enumerate() {
            if signal.steps.meets(Steps::of(number)) {
                is_counted = true;
                if met.len() == config.times.get() {
                    met.pop_front();
                }
                met.push_back(EventRef::clone(signal.event));
            }
        }
        if !is_counted {
            return false;
        }
        for met in &mut self.met {
            while met.front().is_some_and(|first| config.within < at - first.occurred_at) {
                met.pop_front();
            }
        }
        let is_full = |met: &VecDeque<_>| met.len() == config.times.get();
        self.met.len() == config.steps.get() && self.met.iter().all(is_full)
    }

    fn evidence(&self) -> Vec<EventRef> {
        merged(self.met.iter().flatten())
    }

    fn lookback(config: &Config) -> Option<TimeDelta> {
        Some(config.within)
    }

    fn is_spent(&self, config: &Config, at: DateTime<Utc>) -> bool {
        let is_past = |newest: &EventRef| config.within < at - newest.occurred_at;
        self.met.iter().all(|met| met.back().is_none_or(is_past))
    }

    /// Counts events where there is one step, and otherwise the steps that were met often enough.
    fn progress(&self, config: &Config, at: DateTime<Utc>) -> Progress {
        // Only what could still count at an event that comes now.
        let is_within = |event: &&EventRef| at - event.occurred_at <= config.within;
        let met = self.met.iter().map(|met| met.iter().filter(is_within).count());
        let (have, need, unit) = if config.steps == NonZeroUsize::MIN {
            (met.sum(), config.times, Unit::Events)
        } else {
            let is_full = |count: &usize| *count == config.times.get();
            (met.filter(is_full).count(), config.steps, Unit::Steps)
        };
        Progress {
            have: super::as_number(have),
            need: super::as_number(need.get()),
            unit,
            evidence: merged(self.met.iter().flatten().filter(is_within)),
        }
    }
}

/// Returns `events` in event order, each once.
fn merged<'e>(events: impl Iterator<Item = &'e EventRef>) -> Vec<EventRef> {
    let mut merged: Vec<_> = events.cloned().collect();
    merged.sort_by(|one, other| event::by_order(one, other));
    merged.dedup_by(|one, other| one.is_same(other));
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{Feed, evidence_at, holds_at, progress_at};
    use super::*;

    struct Case(&'static str, &'static [(i64, Feed)], &'static [i64]);

    const A: Feed = Feed::Step(0);
    const B: Feed = Feed::Step(1);
    const AB: Feed = Feed::Meets(Steps(0b11));

    fn config(times: usize, steps: usize) -> Config {
        Config {
            times: NonZeroUsize::new(times).unwrap(),
            within: TimeDelta::minutes(60),
            steps: NonZeroUsize::new(steps).unwrap(),
        }
    }

    #[test]
    fn holds_where_the_newest_lie_within_the_window() {
        use Feed::{Forbidden, Resets, ResetsAt, Stray};
        let cases = [
            Case("three of them", &[(0, A), (30, A), (59, A)], &[59]),
            Case("two are not three", &[(0, A), (30, A)], &[]),
            Case("the last minute counts", &[(0, A), (5, A), (60, A)], &[60]),
            Case("the minute after does not", &[(0, A), (5, A), (61, A)], &[]),
            Case("it goes on holding", &[(0, A), (5, A), (9, A), (12, A)], &[9, 12]),
            Case("the window slides", &[(0, A), (50, A), (70, A), (80, A), (140, A)], &[80]),
            Case("all at once", &[(7, A), (7, A), (7, A)], &[7]),
            Case("a reset forgets them", &[(0, A), (5, A), (6, Resets), (9, A)], &[]),
            Case("which itself may count", &[(0, A), (6, ResetsAt(0.0)), (7, A), (8, A)], &[8]),
            Case("others neither count", &[(0, A), (5, A), (6, Stray(0.0)), (7, B)], &[]),
            Case("nor hold", &[(0, A), (5, A), (9, A), (10, Stray(0.0)), (11, Forbidden)], &[9]),
        ];
        for Case(name, feed, expected) in cases {
            assert_eq!(holds_at::<Count>(&config(3, 1), feed, 1_000), expected, "case: {name}");
        }
    }

    #[test]
    fn holds_where_each_of_several_was_met_often_enough() {
        let cases = [
            Case("in order", &[(0, A), (1, A), (2, B), (3, B)], &[3]),
            Case("in any order", &[(0, B), (1, A), (2, B), (3, A)], &[3]),
            Case("one of them too seldom", &[(0, A), (1, A), (2, A), (3, B)], &[]),
            Case("an event that meets both", &[(0, A), (1, AB), (2, B)], &[2]),
            Case("twice both", &[(0, AB), (1, AB)], &[1]),
            Case("the last minute counts", &[(0, A), (1, A), (2, B), (60, B)], &[60]),
            Case("the minute after does not", &[(0, A), (1, A), (2, B), (61, B)], &[]),
            Case(
                "it goes on holding",
                &[(0, AB), (1, AB), (60, B), (61, A), (62, A)],
                &[1, 60, 61],
            ),
        ];
        for Case(name, feed, expected) in cases {
            assert_eq!(holds_at::<Count>(&config(2, 2), feed, 1_000), expected, "case: {name}");
        }
    }

    #[test]
    fn is_proved_by_the_newest_of_each() {
        let feed = [(0, A), (1, A), (2, B), (3, A), (4, AB)];
        assert_eq!(evidence_at::<Count>(&config(2, 2), &feed, 1_000), [[2, 3, 4]]);
        assert_eq!(evidence_at::<Count>(&config(3, 1), &feed, 1_000), [[0, 1, 3], [1, 3, 4]]);
    }

    #[test]
    fn keeps_no_more_than_it_needs() {
        let event = EventRef::new(crate::engine::testing::event_at("d", "k", 0));
        let mut machine = Count::default();
        for _ in 0..100 {
            let signal = Signal { steps: Steps(0b11), resets: false, value: None, event: &event };
            machine.observe(&config(3, 2), signal);
        }
        assert_eq!(machine.met.iter().map(VecDeque::len).sum::<usize>(), 6);
    }

    #[test]
    fn says_what_is_in_the_window() {
        let feed = [(0, A), (30, A), (40, B)];
        assert_eq!(progress_at::<Count>(&config(3, 1), &feed, 40), (2.0, 3.0, vec![0, 30]));
        assert_eq!(progress_at::<Count>(&config(3, 1), &feed, 61), (1.0, 3.0, vec![30]));
        assert_eq!(progress_at::<Count>(&config(2, 2), &feed, 40), (1.0, 2.0, vec![0, 30, 40]));
    }

    proptest! {
        #[test]
        fn holds_where_the_window_has_enough_of_each(
            mut met in prop::collection::vec((0_i64..300, 1_u16..8), 0..60),
            times in 1_usize..4, steps in 1_usize..4,
        ) {
            met.sort_unstable();
            let feed: Vec<_> = met.iter().map(|(at, bits)| (*at, Feed::Meets(Steps(*bits)))).collect();
            let mut expected = Vec::new();
            for (index, (at, bits)) in met.iter().enumerate() {
                let count = |step: usize| {
                    let is_met = |(met_at, bits): &&(i64, u16)| {
                        at - met_at <= 60 && bits & (1 << step) != 0
                    };
                    met[..=index].iter().filter(is_met).count()
                };
                let is_counted = usize::from(*bits).trailing_zeros() < u32::try_from(steps).unwrap();
                if is_counted && (0..steps).all(|step| times <= count(step)) {
                    expected.push(*at);
                }
            }
            prop_assert_eq!(holds_at::<Count>(&config(times, steps), &feed, 1_000), expected);
        }
    }
}
