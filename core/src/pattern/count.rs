//! N events within a sliding window; or each of several conditions that often, in any order.
//!
//! Windows overlap: once it holds, it goes on holding at each further event that counts for as
//! long as the newest ones lie close enough together. One event may count for several conditions.

use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::run::Run;
use super::{Machine, Progress, Signal, Steps, Unit};
use crate::event::witness::Witness;

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
    met: Met,
}

/// The events that met each step.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Met {
    /// Of the only step that there is, or that was met.
    First(Run),
    Each(Box<[Run]>),
}

impl Default for Met {
    fn default() -> Self {
        Self::First(Run::Empty)
    }
}

impl Met {
    fn all(&self) -> &[Run] {
        match self {
            Self::First(run) => std::slice::from_ref(run),
            Self::Each(runs) => runs,
        }
    }

    /// Returns the runs of `steps`.
    fn all_of(&mut self, steps: usize) -> &mut [Run] {
        if let Self::First(run) = self
            && 1 < steps
        {
            let mut runs = vec![Run::Empty; steps];
            runs.first_mut().into_iter().for_each(|first| *first = std::mem::take(run));
            *self = Self::Each(runs.into_boxed_slice());
        }
        match self {
            Self::First(run) => std::slice::from_mut(run),
            Self::Each(runs) => runs,
        }
    }
}

impl Machine for Count {
    type Config = Config;

    fn observe(&mut self, config: &Config, signal: Signal<'_>) -> bool {
        if signal.resets {
            *self = Self::default();
        }
        let steps = config.steps.get().min(Steps::MAX);
        let is_met = |number| signal.steps.meets(Steps::of(number));
        if !(0..steps).any(is_met) {
            return false;
        }
        let at = signal.event.occurred_at;
        let runs = self.met.all_of(steps);
        for (number, run) in runs.iter_mut().enumerate() {
            run.drop_while(|first| config.within < at - first);
            if is_met(number) {
                run.push(signal.event, config.times.get());
            }
        }
        let is_full = |run: &Run| run.len() == config.times.get();
        steps == config.steps.get() && runs.iter().all(is_full)
    }

    fn evidence(&self) -> Vec<Witness> {
        merged(self.met.all().iter().flat_map(Run::iter))
    }

    fn settle(&mut self) {
        let steps = self.met.all().len();
        self.met.all_of(steps).iter_mut().for_each(Run::settle);
    }

    fn lookback(config: &Config) -> Option<TimeDelta> {
        Some(config.within)
    }

    fn is_spent(&self, config: &Config, at: DateTime<Utc>) -> bool {
        let is_past = |newest| config.within < at - newest;
        self.met.all().iter().all(|run| run.last_at().is_none_or(is_past))
    }

    /// Counts events where there is one step, and otherwise the steps that were met often enough.
    fn progress(&self, config: &Config, at: DateTime<Utc>) -> Progress {
        // Only what could still count at an event that comes now.
        let is_within = |event: &Witness| at - event.occurred_at() <= config.within;
        let met = self.met.all().iter().map(|run| run.iter().filter(is_within).count());
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
            evidence: merged(self.met.all().iter().flat_map(Run::iter).filter(is_within)),
        }
    }
}

/// Returns `events` in event order, each once.
fn merged(events: impl Iterator<Item = Witness>) -> Vec<Witness> {
    let mut merged: Vec<_> = events.collect();
    merged.sort_by(Witness::by_time);
    merged.dedup_by(|one, other| one.is_one_with(other));
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{Feed, evidence_at, holds_at, progress_at};
    use super::*;
    use crate::event::EventRef;

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
        assert_eq!(machine.met.all().iter().map(Run::len).sum::<usize>(), 6);
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
