//! A number beyond a level for some time, with a level of its own to clear it.
//!
//! Times of events are compared with times of events only: a device that falls silent proves
//! nothing, so the rule holds at the first reading that is late enough, and at each further one
//! until the state ends. An event without the number, or with one that is not finite, says nothing
//! about the state.

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::{Machine, Progress, Signal, Steps, Unit};
use crate::event::EventRef;
use crate::event::witness::Witness;

/// Which level, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which side of the levels is the bad one.
    pub side: Side,
    /// Beyond this, or exactly there, the bad state begins.
    pub set: f64,
    /// Back at this, or on its good side, the bad state ends, but never at a reading that would
    /// begin it: equal to `set`, the state ends as soon as a reading is on the good side of both.
    /// A reading between the two levels leaves things as they are.
    pub clear: f64,
    /// How long from the first bad reading to the one at which the rule holds, at least.
    pub lasts: TimeDelta,
}

/// A side of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Too much.
    Above,
    /// Too little.
    Below,
}

impl Side {
    /// Returns whether `value` is on this side of `level`, or exactly there.
    fn has(self, value: f64, level: f64) -> bool {
        match self {
            Self::Above => level <= value,
            Self::Below => value <= level,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::Below => Self::Above,
        }
    }
}

/// One key's bad state; at most three events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sustained {
    state: Option<Bad>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bad {
    first: Witness,
    /// The first of those that lie furthest beyond the level.
    worst: Witness,
    worst_value: f64,
    newest: Witness,
}

impl Machine for Sustained {
    type Config = Config;

    fn observe(&mut self, config: &Config, signal: Signal<'_>) -> bool {
        if signal.resets {
            self.state = None;
        }
        if !signal.steps.meets(Steps::FIRST) {
            return false;
        }
        let Some(value) = signal.value.filter(|value| value.is_finite()) else { return false };
        let begins = config.side.has(value, config.set);
        if !begins && config.side.other().has(value, config.clear) {
            self.state = None;
        }
        match &mut self.state {
            Some(bad) => bad.take(config.side, value, signal.event),
            None if begins => self.state = Some(Bad::new(value, signal.event)),
            None => {}
        }
        self.state.as_ref().is_some_and(|bad| config.lasts <= bad.lasted())
    }

    fn evidence(&self) -> Vec<Witness> {
        self.state.as_ref().map(Bad::evidence).unwrap_or_default()
    }

    fn settle(&mut self) {
        // What is bad may have been so for longer than the log is kept.
    }

    fn lookback(_config: &Config) -> Option<TimeDelta> {
        // What is bad may have been so for ever.
        None
    }

    fn is_spent(&self, _config: &Config, _at: DateTime<Utc>) -> bool {
        self.state.is_none()
    }

    /// Counts the seconds from the first bad reading to the newest: what came after that one,
    /// nobody knows.
    fn progress(&self, config: &Config, _at: DateTime<Utc>) -> Progress {
        let lasted = self.state.as_ref().map(Bad::lasted).unwrap_or_default();
        Progress {
            have: lasted.as_seconds_f64(),
            need: config.lasts.as_seconds_f64(),
            unit: Unit::Seconds,
            evidence: self.evidence(),
        }
    }
}

impl Bad {
    fn new(value: f64, event: &EventRef) -> Self {
        Self {
            first: Witness::of(event),
            worst: Witness::of(event),
            worst_value: value,
            newest: Witness::of(event),
        }
    }

    fn take(&mut self, side: Side, value: f64, event: &EventRef) {
        if !side.has(self.worst_value, value) {
            self.worst = Witness::of(event);
            self.worst_value = value;
        }
        self.newest = Witness::of(event);
    }

    fn lasted(&self) -> TimeDelta {
        self.newest.occurred_at() - self.first.occurred_at()
    }

    fn evidence(&self) -> Vec<Witness> {
        super::distinct([&self.first, &self.worst, &self.newest])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Feed::{Resets, ResetsAt, Step, Stray, Value as V};
    use super::super::testing::{Feed, evidence_at, holds_at, progress_at};
    use super::*;

    struct Case(&'static str, &'static [(i64, Feed)], &'static [i64]);

    fn above(set: f64, clear: f64) -> Config {
        Config { side: Side::Above, set, clear, lasts: TimeDelta::minutes(10) }
    }

    #[test]
    fn holds_where_it_lasts_long_enough() {
        let cases = [
            Case("long enough", &[(0, V(80.0)), (5, V(80.0)), (11, V(80.0))], &[11]),
            Case("exactly so long", &[(0, V(80.0)), (10, V(80.0))], &[10]),
            Case("not long enough", &[(0, V(80.0)), (9, V(80.0))], &[]),
            Case("silence proves nothing", &[(0, V(80.0))], &[]),
            Case("it goes on holding", &[(0, V(80.0)), (10, V(80.0)), (12, V(80.0))], &[10, 12]),
            Case("one good reading ends it", &[(0, V(80.0)), (5, V(60.0)), (11, V(80.0))], &[]),
            Case("at the very time too", &[(0, V(80.0)), (10, V(60.0)), (10, V(80.0))], &[]),
            Case("it never began", &[(0, V(60.0)), (10, V(60.0))], &[]),
            Case("no reading", &[(0, V(80.0)), (5, Step(0)), (10, Step(0)), (11, V(80.0))], &[11]),
            Case("not a number", &[(0, V(80.0)), (5, V(f64::NAN)), (11, V(80.0))], &[11]),
            Case("no bound", &[(0, V(f64::INFINITY)), (10, V(80.0))], &[]),
            Case("another's reading", &[(0, V(80.0)), (5, Stray(1.0)), (10, Stray(80.0))], &[]),
            Case("a reset ends it", &[(0, V(80.0)), (5, Resets), (10, V(80.0))], &[]),
            Case("and may begin it", &[(0, V(80.0)), (5, ResetsAt(80.0)), (15, V(80.0))], &[15]),
        ];
        for Case(name, feed, expected) in cases {
            let held = holds_at::<Sustained>(&above(80.0, 70.0), feed, 1_000);
            assert_eq!(held, expected, "case: {name}");
        }
    }

    #[test]
    fn begins_at_one_level_and_ends_at_another() {
        let cases = [
            Case("between does not begin", &[(0, V(79.9)), (10, V(79.9))], &[]),
            Case("nor bring forward", &[(0, V(79.9)), (5, V(80.0)), (10, V(80.0))], &[]),
            Case("nor end", &[(0, V(80.0)), (5, V(70.1)), (10, V(80.0))], &[10]),
            Case("so it holds there", &[(0, V(80.0)), (10, V(70.1))], &[10]),
            Case("clear ends", &[(0, V(80.0)), (5, V(70.0)), (10, V(80.0))], &[]),
            Case(
                "flapping above clear",
                &[(0, V(80.0)), (4, V(71.0)), (8, V(85.0)), (12, V(71.0))],
                &[12],
            ),
            Case(
                "flapping below it",
                &[(0, V(80.0)), (4, V(69.0)), (8, V(85.0)), (12, V(71.0))],
                &[],
            ),
            Case(
                "and back between",
                &[(0, V(80.0)), (4, V(69.0)), (8, V(75.0)), (18, V(75.0))],
                &[],
            ),
        ];
        for Case(name, feed, expected) in cases {
            let held = holds_at::<Sustained>(&above(80.0, 70.0), feed, 1_000);
            assert_eq!(held, expected, "case: {name}");
        }
    }

    #[test]
    fn ends_on_the_good_side_of_a_single_level() {
        let cases = [
            Case("exactly there stays", &[(0, V(80.0)), (5, V(80.0)), (10, V(80.0))], &[10]),
            Case("a little under ends", &[(0, V(80.0)), (5, V(79.9)), (10, V(80.0))], &[]),
        ];
        for Case(name, feed, expected) in cases {
            let held = holds_at::<Sustained>(&above(80.0, 80.0), feed, 1_000);
            assert_eq!(held, expected, "case: {name}");
        }
    }

    #[test]
    fn too_little_is_the_mirror_of_too_much() {
        let cases = [
            Case("long enough", &[(0, V(5.0)), (10, V(4.0))], &[10]),
            Case("between stays", &[(0, V(5.0)), (5, V(7.9)), (10, V(5.0))], &[10]),
            Case("clear ends", &[(0, V(5.0)), (5, V(8.0)), (10, V(5.0))], &[]),
            Case("it never began", &[(0, V(5.1)), (10, V(5.1))], &[]),
        ];
        let config =
            Config { side: Side::Below, set: 5.0, clear: 8.0, lasts: TimeDelta::minutes(10) };
        for Case(name, feed, expected) in cases {
            assert_eq!(holds_at::<Sustained>(&config, feed, 1_000), expected, "case: {name}");
        }
    }

    #[test]
    fn holds_at_once_where_it_need_not_last() {
        let config = Config { lasts: TimeDelta::zero(), ..above(80.0, 70.0) };
        assert_eq!(holds_at::<Sustained>(&config, &[(3, V(80.0))], 1_000), [3]);
    }

    #[test]
    fn is_proved_by_the_first_the_worst_and_the_newest() {
        struct Case(&'static str, &'static [(i64, Feed)], &'static [i64]);
        let cases = [
            Case(
                "all three",
                &[(0, V(80.0)), (3, V(90.0)), (6, V(85.0)), (10, V(81.0))],
                &[0, 3, 10],
            ),
            Case(
                "the first of equals",
                &[(0, V(80.0)), (3, V(90.0)), (6, V(90.0)), (10, V(80.0))],
                &[0, 3, 10],
            ),
            Case("the first is worst", &[(0, V(90.0)), (6, V(85.0)), (10, V(81.0))], &[0, 10]),
            Case("the newest is worst", &[(0, V(80.0)), (6, V(85.0)), (10, V(91.0))], &[0, 10]),
        ];
        for Case(name, feed, expected) in cases {
            let evidence = evidence_at::<Sustained>(&above(80.0, 70.0), feed, 1_000);
            assert_eq!(evidence, [expected], "case: {name}");
        }
    }

    #[test]
    fn says_how_long_it_lasted_by_the_newest_reading() {
        let config = above(80.0, 70.0);
        let feed = [(0, V(80.0)), (4, V(75.0))];
        assert_eq!(progress_at::<Sustained>(&config, &feed, 50), (240.0, 600.0, vec![0, 4]));
        assert_eq!(progress_at::<Sustained>(&config, &[(0, V(75.0))], 50), (0.0, 600.0, vec![]));
    }
}
