//! A number that rises or falls within a window.
//!
//! It is measured at each reading, over the readings in the window that ends there, and holds at
//! each reading at which it changed enough. An event without the number, or with one that is not
//! finite, is no reading.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::{Machine, Progress, Signal, Steps, Unit};
use crate::event::witness::Witness;

/// How many readings of a window are looked at. Where more would have to be kept, the oldest are
/// dropped, as if the window were shorter.
const READINGS_MAX: usize = 1_024;
/// How many readings the slope of a line is worth anything with.
const SLOPE_READINGS_MIN: usize = 3;
const SECONDS_PER_HOUR: f64 = 3_600.0;

/// Which change.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which way.
    pub direction: Direction,
    /// What is measured.
    pub measure: Measure,
    /// How much, at least: in the number's own unit, or in that unit per hour. Positive.
    pub by: f64,
    /// The stretch of time that is looked at, up to the newest reading; a reading exactly so long
    /// before that one is in it.
    pub within: TimeDelta,
}

/// A direction of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Upwards.
    Rise,
    /// Downwards.
    Fall,
    /// Either way.
    Either,
}

/// How change is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The newest reading less the lowest (highest) one in the window.
    Difference,
    /// The slope of the least-squares line through the readings of the window, per hour; needs
    /// three, not all at one time.
    Slope,
    /// The change from the reading before, per hour of the time between. Nothing, where no time
    /// lies between, or more than the window.
    Rate,
}

/// The readings of one key that can still matter.
///
/// For a difference, those that are the lowest (highest) from their time on, which are few unless
/// the number keeps rising (falling); for a slope, all of the window. In either case at most
/// 1,024, or twice that for a difference either way; for a rate, two.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Change {
    // Invariants: each in event order and not longer than `READINGS_MAX`. The lows rise and the
    // highs fall from front to back, so the front is the lowest or highest of the window. The
    // newest reading is the last of each that the measure needs.
    readings: VecDeque<Reading>,
    lows: VecDeque<Reading>,
    highs: VecDeque<Reading>,
    held: Vec<Witness>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reading {
    value: f64,
    event: Witness,
}

/// How much the number changed, towards the direction that is asked for, between which readings.
#[derive(Clone, Copy)]
struct Measured<'r> {
    change: f64,
    from: &'r Reading,
    to: &'r Reading,
}

impl Machine for Change {
    type Config = Config;

    fn observe(&mut self, config: &Config, signal: Signal<'_>) -> bool {
        if signal.resets {
            *self = Self::default();
        }
        if !signal.steps.meets(Steps::FIRST) {
            return false;
        }
        let Some(value) = signal.value.filter(|value| value.is_finite()) else { return false };
        let reading = Reading { value, event: Witness::of(signal.event) };
        self.take(config, &reading);
        let measured = self.measure(config, signal.event.occurred_at);
        let enough = measured.filter(|measured| config.by <= measured.change);
        self.held = enough.map(Measured::evidence).unwrap_or_default();
        !self.held.is_empty()
    }

    fn evidence(&self) -> Vec<Witness> {
        self.held.clone()
    }

    fn settle(&mut self) {
        self.held = Vec::new();
        for readings in [&mut self.readings, &mut self.lows, &mut self.highs] {
            Witness::settle_all(readings.iter_mut().map(|reading| &mut reading.event));
        }
    }

    fn lookback(config: &Config) -> Option<TimeDelta> {
        Some(config.within)
    }

    fn is_spent(&self, config: &Config, at: DateTime<Utc>) -> bool {
        let kept = [&self.readings, &self.lows, &self.highs];
        kept.iter().all(|readings| readings.back().is_none_or(|last| !last.is_within(config, at)))
    }

    /// Says how much the number changed, over the readings that the window has now; a change the
    /// other way is none.
    fn progress(&self, config: &Config, at: DateTime<Utc>) -> Progress {
        let measured = self.measure(config, at);
        Progress {
            have: measured.map_or(0.0, |measured| measured.change.max(0.0)),
            need: config.by,
            unit: Unit::Value,
            evidence: measured.map(Measured::evidence).unwrap_or_default(),
        }
    }
}

impl Change {
    /// Keeps `reading`, and of the others only what can still matter.
    fn take(&mut self, config: &Config, reading: &Reading) {
        match config.measure {
            Measure::Difference => {
                if config.direction != Direction::Fall {
                    drop_back(&mut self.lows, |low| reading.value <= low.value);
                    push(&mut self.lows, config, reading, READINGS_MAX);
                }
                if config.direction != Direction::Rise {
                    drop_back(&mut self.highs, |high| high.value <= reading.value);
                    push(&mut self.highs, config, reading, READINGS_MAX);
                }
            }
            Measure::Slope => push(&mut self.readings, config, reading, READINGS_MAX),
            Measure::Rate => push(&mut self.readings, config, reading, 2),
        }
    }

    /// Returns what is measured in the window that ends `at`; `None` where there is too little to
    /// measure, or it is too much for a number.
    fn measure(&self, config: &Config, at: DateTime<Utc>) -> Option<Measured<'_>> {
        let is_within = |reading: &&Reading| reading.is_within(config, at);
        let live = || self.readings.iter().skip_while(move |reading| !is_within(reading));
        let measured = match config.measure {
            Measure::Difference => {
                let rise = difference(self.lows.iter().find(is_within), self.lows.back());
                let fall = difference(self.highs.iter().find(is_within), self.highs.back());
                let fall = fall.map(|fall| fall.towards(Direction::Fall));
                // Whichever is more, and the rise where they are the same.
                fall.into_iter().chain(rise).max_by(|one, next| one.change.total_cmp(&next.change))
            }
            Measure::Slope => slope(live()).map(|slope| slope.towards(config.direction)),
            Measure::Rate => rate(live()).map(|rate| rate.towards(config.direction)),
        };
        measured.filter(|measured| measured.change.is_finite())
    }
}

impl Reading {
    fn is_within(&self, config: &Config, at: DateTime<Utc>) -> bool {
        at - self.event.occurred_at() <= config.within
    }

    /// Returns the hours from this reading to `later`.
    #[expect(clippy::float_arithmetic, reason = "a measurement")]
    fn hours_to(&self, later: &Self) -> f64 {
        (later.event.occurred_at() - self.event.occurred_at()).as_seconds_f64() / SECONDS_PER_HOUR
    }
}

impl Measured<'_> {
    /// Turns a change that is positive where it rises into one that is positive where it goes
    /// the way asked for.
    #[expect(clippy::float_arithmetic, reason = "a measurement")]
    fn towards(self, direction: Direction) -> Self {
        let change = match direction {
            Direction::Rise => self.change,
            Direction::Fall => -self.change,
            Direction::Either => self.change.abs(),
        };
        Self { change, ..self }
    }

    fn evidence(self) -> Vec<Witness> {
        super::distinct([&self.from.event, &self.to.event])
    }
}

fn drop_back(readings: &mut VecDeque<Reading>, is_past: impl Fn(&Reading) -> bool) {
    while readings.back().is_some_and(&is_past) {
        readings.pop_back();
    }
}

/// Adds the newest reading and drops what lies before its window, or is one too many.
fn push(readings: &mut VecDeque<Reading>, config: &Config, newest: &Reading, kept_max: usize) {
    let at = newest.event.occurred_at();
    while readings.front().is_some_and(|first| !first.is_within(config, at)) {
        readings.pop_front();
    }
    if readings.len() == kept_max {
        readings.pop_front();
    }
    readings.push_back(newest.clone());
}

#[expect(clippy::float_arithmetic, reason = "a measurement")]
fn difference<'r>(from: Option<&'r Reading>, to: Option<&'r Reading>) -> Option<Measured<'r>> {
    let (from, to) = (from?, to?);
    Some(Measured { change: to.value - from.value, from, to })
}

/// Returns the slope of the least-squares line, in one pass for the means and one for the sums
/// about them: exact enough however far the numbers lie from zero, and the same for the same
/// readings whatever came before them.
#[expect(clippy::float_arithmetic, reason = "a statistic")]
fn slope<'r>(readings: impl Iterator<Item = &'r Reading> + Clone) -> Option<Measured<'r>> {
    let (from, to) = (readings.clone().next()?, readings.clone().last()?);
    let count = readings.clone().count();
    if count < SLOPE_READINGS_MIN || from.event.occurred_at() == to.event.occurred_at() {
        return None;
    }
    // Hours from the newest reading are small numbers, which lose nothing.
    let points = readings.map(|reading| (-reading.hours_to(to), reading.value));
    let (x_sum, y_sum) = points.clone().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
    let count = super::as_number(count);
    let (x_mean, y_mean) = (x_sum / count, y_sum / count);
    let (xy, xx) = points.fold((0.0, 0.0), |(xy, xx), (x, y)| {
        let (x, y) = (x - x_mean, y - y_mean);
        (xy + x * y, xx + x * x)
    });
    Some(Measured { change: xy / xx, from, to })
}

#[expect(clippy::float_arithmetic, reason = "a measurement")]
fn rate<'r>(mut readings: impl Iterator<Item = &'r Reading>) -> Option<Measured<'r>> {
    let (from, to) = (readings.next()?, readings.next()?);
    // No time between gives no finite rate.
    Some(Measured { change: (to.value - from.value) / from.hours_to(to), from, to })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::Feed::{Resets, ResetsAt, Step, Stray, Value as V};
    use super::super::testing::{Feed, evidence_at, holds_at, progress_at};
    use super::Direction::{Either, Fall, Rise};
    use super::Measure::{Difference, Rate, Slope};
    use super::*;
    use crate::event::EventRef;

    struct Case(&'static str, Direction, &'static [(i64, Feed)], &'static [i64]);

    fn config(measure: Measure, direction: Direction) -> Config {
        Config { direction, measure, by: 10.0, within: TimeDelta::minutes(60) }
    }

    fn check(measure: Measure, cases: &[Case]) {
        for Case(name, direction, feed, expected) in cases {
            let held = holds_at::<Change>(&config(measure, *direction), feed, 1_000);
            assert_eq!(held, *expected, "case: {name}");
        }
    }

    #[test]
    fn a_difference_is_from_the_extreme_of_the_window() {
        const DOWN_UP: &[(i64, Feed)] = &[(0, V(20.0)), (10, V(8.0)), (20, V(18.0))];
        check(
            Difference,
            &[
                Case("a rise", Rise, DOWN_UP, &[20]),
                Case("a fall", Fall, DOWN_UP, &[10]),
                Case("either", Either, DOWN_UP, &[10, 20]),
                Case("not enough", Rise, &[(0, V(0.0)), (10, V(9.9))], &[]),
                Case("not at once", Rise, &[(0, V(0.0)), (5, V(6.0)), (10, V(12.0))], &[10]),
                Case("the last minute counts", Rise, &[(0, V(0.0)), (60, V(10.0))], &[60]),
                Case("the minute after does not", Rise, &[(0, V(0.0)), (61, V(10.0))], &[]),
                Case("the next lowest", Rise, &[(0, V(0.0)), (9, V(1.0)), (61, V(11.0))], &[61]),
                Case("it goes on", Rise, &[(0, V(0.0)), (1, V(10.0)), (2, V(11.0))], &[1, 2]),
                Case("at one time", Rise, &[(0, V(0.0)), (0, V(10.0))], &[0]),
                Case("one reading", Either, &[(0, V(50.0))], &[]),
                Case("a reset", Rise, &[(0, V(0.0)), (1, Resets), (2, V(10.0))], &[]),
                Case("counts itself", Rise, &[(0, V(0.0)), (1, ResetsAt(1.0)), (2, V(11.0))], &[2]),
                Case("no reading", Rise, &[(0, V(0.0)), (1, Step(0)), (2, Stray(10.0))], &[]),
                Case("no number", Either, &[(0, V(0.0)), (1, V(f64::NAN)), (2, V(10.0))], &[2]),
                Case("no bound", Either, &[(0, V(0.0)), (1, V(f64::INFINITY))], &[]),
                Case("too much for one", Either, &[(0, V(f64::MIN)), (1, V(f64::MAX))], &[]),
            ],
        );
    }

    #[test]
    fn a_slope_is_that_of_the_line_through_the_window() {
        const LINE: &[(i64, Feed)] = &[(0, V(0.0)), (30, V(5.0)), (60, V(10.0))];
        check(
            Slope,
            &[
                Case("a line of ten an hour", Rise, LINE, &[60]),
                Case("which is no fall", Fall, LINE, &[]),
                Case("but either", Either, LINE, &[60]),
                Case("two readings", Rise, &[(0, V(0.0)), (30, V(50.0))], &[]),
                Case(
                    "three, but one too old",
                    Rise,
                    &[(0, V(0.0)), (30, V(0.0)), (61, V(90.0))],
                    &[],
                ),
                Case("at one time", Rise, &[(0, V(0.0)), (0, V(50.0)), (0, V(90.0))], &[]),
                Case("one outlier", Rise, &[(0, V(0.0)), (30, V(90.0)), (60, V(0.0))], &[]),
                Case(
                    "two of them at one time",
                    Rise,
                    &[(0, V(0.0)), (0, V(0.0)), (9, V(9.0))],
                    &[9],
                ),
                Case("a fall", Fall, &[(0, V(9.0)), (30, V(3.0)), (60, V(-3.0))], &[60]),
                Case(
                    "a reset",
                    Rise,
                    &[(0, V(0.0)), (1, Resets), (30, V(5.0)), (60, V(10.0))],
                    &[],
                ),
                Case("too much", Rise, &[(0, V(f64::MIN)), (1, V(0.0)), (2, V(f64::MAX))], &[]),
            ],
        );
    }

    #[test]
    fn a_slope_is_right_far_from_zero() {
        let config = config(Slope, Rise);
        let feed = [(0, V(1e9)), (1, V(1e9 + 1.0)), (2, V(1e9 + 2.0))];
        let (slope, _, _) = progress_at::<Change>(&config, &feed, 2);
        assert!((slope - 60.0).abs() < 1e-9, "{slope} is not 60 an hour");
    }

    #[test]
    fn a_rate_is_from_the_reading_before() {
        check(
            Rate,
            &[
                Case("ten in an hour", Rise, &[(0, V(0.0)), (60, V(10.0))], &[60]),
                Case("one in a minute", Rise, &[(0, V(0.0)), (1, V(1.0))], &[1]),
                Case("too slow", Rise, &[(0, V(0.0)), (60, V(9.9))], &[]),
                Case("only the one before", Rise, &[(0, V(0.0)), (1, V(9.0)), (2, V(9.0))], &[1]),
                Case("too long ago", Rise, &[(0, V(0.0)), (61, V(90.0))], &[]),
                Case("at one time", Either, &[(0, V(0.0)), (0, V(90.0))], &[]),
                Case("nothing at one time", Either, &[(0, V(5.0)), (0, V(5.0))], &[]),
                Case("a fall", Fall, &[(0, V(9.0)), (1, V(8.0))], &[1]),
                Case("which is no rise", Rise, &[(0, V(9.0)), (1, V(8.0))], &[]),
                Case("but either", Either, &[(0, V(9.0)), (1, V(8.0))], &[1]),
                Case("a reset", Rise, &[(0, V(0.0)), (1, Resets), (2, V(9.0))], &[]),
            ],
        );
    }

    #[test]
    fn is_proved_by_where_the_change_began_and_the_newest() {
        let feed = [(0, V(0.0)), (10, V(-5.0)), (20, V(-5.0)), (30, V(-1.0)), (40, V(20.0))];
        let evidence = |measure| evidence_at::<Change>(&config(measure, Rise), &feed, 1_000);
        assert_eq!(evidence(Difference), [[20, 40]], "the newest of the lowest");
        assert_eq!(evidence(Slope), [[0, 40]], "the ends of the line");
        assert_eq!(evidence(Rate), [[20, 30], [30, 40]], "the one before");
    }

    #[test]
    fn a_difference_either_way_is_the_greater() {
        let feed = [(0, V(0.0)), (10, V(9.0)), (20, V(-9.0)), (30, V(0.0))];
        let config = Config { by: 9.0, ..config(Difference, Either) };
        let expected = [[0, 10], [10, 20], [20, 30]];
        assert_eq!(evidence_at::<Change>(&config, &feed, 1_000), expected, "a rise, where equal");
    }

    #[test]
    fn says_how_much_it_changed() {
        let feed = [(0, V(0.0)), (6, V(2.0)), (12, V(4.0))];
        let progress =
            |measure, direction, at| progress_at::<Change>(&config(measure, direction), &feed, at);
        assert_eq!(progress(Difference, Rise, 12), (4.0, 10.0, vec![0, 12]));
        assert_eq!(progress(Difference, Rise, 61), (2.0, 10.0, vec![6, 12]));
        assert_eq!(progress(Difference, Rise, 73), (0.0, 10.0, vec![]));
        assert_eq!(progress(Difference, Fall, 12), (0.0, 10.0, vec![12]));
        assert_eq!(progress(Rate, Fall, 12), (0.0, 10.0, vec![6, 12]));
        assert_eq!(progress(Slope, Rise, 61), (0.0, 10.0, vec![]));
    }

    #[test]
    fn keeps_no_more_readings_than_its_bound() {
        let event = EventRef::new(crate::engine::testing::event_at("d", "k", 0));
        for measure in [Difference, Slope, Rate] {
            let mut machine = Change::default();
            for value in 0..3_000_u32 {
                let value = Some(f64::from(value));
                let signal = Signal { steps: Steps::FIRST, resets: false, value, event: &event };
                machine.observe(&config(measure, Either), signal);
            }
            let kept = machine.readings.len() + machine.lows.len() + machine.highs.len();
            assert!(kept <= READINGS_MAX + 1, "{measure:?} keeps {kept}");
        }
    }

    proptest! {
        #[test]
        fn a_difference_is_that_of_the_newest_and_any_other_in_the_window(
            mut readings in prop::collection::vec((0_i64..300, -20_i32..20), 0..60),
        ) {
            readings.sort_unstable_by_key(|(at, _)| *at);
            let feed: Vec<_> =
                readings.iter().map(|(at, value)| (*at, V(f64::from(*value)))).collect();
            let held = |is_enough: fn(i32) -> bool| -> Vec<i64> {
                let ends = readings.iter().enumerate().filter(|(index, (at, value))| {
                    let window = readings[..*index].iter().filter(|(before, _)| at - before <= 60);
                    window.into_iter().any(|(_, before)| is_enough(value - before))
                });
                ends.map(|(_, (at, _))| *at).collect()
            };
            let holds = |direction| holds_at::<Change>(&config(Difference, direction), &feed, 1_000);
            prop_assert_eq!(holds(Rise), held(|rise| 10 <= rise));
            prop_assert_eq!(holds(Fall), held(|rise| rise <= -10));
            prop_assert_eq!(holds(Either), held(|rise| 10 <= rise.abs()));
        }
    }
}
