//! No event for some time: holds by a deadline, not by the next event.
//!
//! The first step is what should come. Each arms the silence anew; where the rule says after what
//! it should come, that is the second step, and only that arms it. Once the silence was too long,
//! it is over until something arms it again: one silence holds once.
//!
//! The deadline must be handed in before any event that comes after it. An event at that very time
//! still comes in time, and is handed in first.

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::{Machine, Progress, Signal, Steps, Unit};
use crate::event::witness::Witness;

/// What arms the silence, where it is not what should come.
const ARMING: usize = 1;

/// What should come, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The longest silence; an event exactly so long after the last one still comes in time.
    pub silence: TimeDelta,
    /// Whether the second step arms the silence, and the first only ends it. The first one that
    /// is unanswered counts: asking again grants no more time. An event that meets both answers
    /// what came before and asks anew.
    pub is_armed_by_second: bool,
}

/// What one key's silence is counted from: at most one event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Absence {
    /// What armed the newest silence that was not answered.
    armed_by: Option<Witness>,
    /// Whether that silence was too long, so that it is over.
    is_over: bool,
}

impl Absence {
    fn armed_by(&self) -> Option<&Witness> {
        self.armed_by.as_ref().filter(|_| !self.is_over)
    }
}

impl Machine for Absence {
    type Config = Config;

    fn observe(&mut self, config: &Config, signal: Signal<'_>) -> bool {
        let comes = signal.steps.meets(Steps::FIRST);
        if signal.resets {
            *self = Self::default();
        }
        if comes || self.is_over {
            *self = Self::default();
        }
        let arms =
            if config.is_armed_by_second { signal.steps.meets(Steps::of(ARMING)) } else { comes };
        if arms {
            self.armed_by.get_or_insert_with(|| Witness::of(signal.event));
        }
        false
    }

    fn evidence(&self) -> Vec<Witness> {
        self.armed_by.iter().filter(|_| self.is_over).cloned().collect()
    }

    fn settle(&mut self) {
        if self.is_over {
            *self = Self::default();
        }
        self.armed_by.as_mut().map(Witness::settle);
    }

    fn next_deadline(&self, config: &Config) -> Option<DateTime<Utc>> {
        let armed_by = self.armed_by()?;
        armed_by.occurred_at().checked_add_signed(config.silence)
    }

    fn handle_deadline(&mut self, config: &Config, at: DateTime<Utc>) -> bool {
        if self.next_deadline(config) != Some(at) {
            return false;
        }
        self.is_over = true;
        true
    }

    fn lookback(config: &Config) -> Option<TimeDelta> {
        // Which of several unanswered ones counts hangs on those before them.
        (!config.is_armed_by_second).then_some(config.silence)
    }

    fn is_spent(&self, _config: &Config, _at: DateTime<Utc>) -> bool {
        self.armed_by().is_none()
    }

    /// Counts the seconds of the silence so far; none, where nothing is waited for.
    fn progress(&self, config: &Config, at: DateTime<Utc>) -> Progress {
        let since = |armed_by: &Witness| (at - armed_by.occurred_at()).as_seconds_f64();
        Progress {
            have: self.armed_by().map_or(0.0, since),
            need: config.silence.as_seconds_f64(),
            unit: Unit::Seconds,
            evidence: self.armed_by().cloned().into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{Feed, evidence_at, holds_at, progress_at};
    use super::*;
    use crate::event::EventRef;

    struct Case(&'static str, &'static [(i64, Feed)], &'static [i64]);

    const COMES: Feed = Feed::Step(0);
    const ASKS: Feed = Feed::Step(1);
    const BOTH: Feed = Feed::Meets(Steps(0b11));

    fn config(is_armed_by_second: bool) -> Config {
        Config { silence: TimeDelta::minutes(10), is_armed_by_second }
    }

    #[test]
    fn holds_where_nothing_comes_for_too_long() {
        use Feed::{Resets, ResetsAt, Stray};
        let cases = [
            Case("nothing was ever there", &[], &[]),
            Case("nothing follows", &[(0, COMES)], &[10]),
            Case("it comes in time", &[(0, COMES), (9, COMES)], &[19]),
            Case("it comes at the last moment", &[(0, COMES), (10, COMES)], &[20]),
            Case("it comes too late", &[(0, COMES), (11, COMES)], &[10, 21]),
            Case("one silence holds once", &[(0, COMES), (50, Stray(0.0))], &[10]),
            Case("others do not count", &[(0, COMES), (5, Stray(0.0)), (6, ASKS)], &[10]),
            Case("twice at one time", &[(0, COMES), (0, COMES)], &[10]),
            Case("a reset ends it", &[(0, COMES), (5, Resets)], &[]),
            Case("and may begin it", &[(0, COMES), (5, ResetsAt(0.0))], &[15]),
            Case("a reset at the last moment", &[(0, COMES), (10, Resets)], &[]),
            Case("a reset too late", &[(0, COMES), (11, Resets)], &[10]),
            Case("it has not come yet", &[(995, COMES)], &[]),
        ];
        for Case(name, feed, expected) in cases {
            assert_eq!(holds_at::<Absence>(&config(false), feed, 1_000), expected, "case: {name}");
        }
    }

    #[test]
    fn holds_where_what_was_asked_for_does_not_come() {
        use Feed::Resets;
        let cases = [
            Case("nobody asked", &[(0, COMES)], &[]),
            Case("no answer", &[(0, ASKS)], &[10]),
            Case("an answer", &[(0, ASKS), (9, COMES)], &[]),
            Case("an answer at the last moment", &[(0, ASKS), (10, COMES)], &[]),
            Case("an answer too late", &[(0, ASKS), (11, COMES)], &[10]),
            Case("asking again grants no time", &[(0, ASKS), (5, ASKS)], &[10]),
            Case("asking after it held", &[(0, ASKS), (11, ASKS)], &[10, 21]),
            Case("asking at the last moment", &[(0, ASKS), (10, ASKS)], &[10]),
            Case("asking after the answer", &[(0, ASKS), (5, COMES), (6, ASKS)], &[16]),
            Case("one answer for all", &[(0, ASKS), (5, ASKS), (6, COMES)], &[]),
            Case("answers and asks", &[(0, ASKS), (5, BOTH)], &[15]),
            Case("an answer before", &[(0, COMES), (0, ASKS)], &[10]),
            Case("a reset ends it", &[(0, ASKS), (5, Resets)], &[]),
        ];
        for Case(name, feed, expected) in cases {
            assert_eq!(holds_at::<Absence>(&config(true), feed, 1_000), expected, "case: {name}");
        }
    }

    #[test]
    fn is_proved_by_what_armed_it() {
        let feed = [(0, COMES), (3, COMES), (20, COMES)];
        assert_eq!(evidence_at::<Absence>(&config(false), &feed, 1_000), [[3], [20]]);
        let feed = [(0, ASKS), (3, ASKS)];
        assert_eq!(evidence_at::<Absence>(&config(true), &feed, 1_000), [[0]]);
    }

    #[test]
    fn another_time_than_the_deadline_proves_nothing() {
        let event = EventRef::new(crate::engine::testing::event_at("d", "k", 0));
        let signal = Signal { steps: Steps::FIRST, resets: false, value: None, event: &event };
        let mut machine = Absence::default();
        machine.observe(&config(false), signal);
        let before = event.occurred_at + TimeDelta::minutes(9);
        assert!(!machine.handle_deadline(&config(false), before));
    }

    #[test]
    fn a_silence_beyond_all_time_has_no_deadline() {
        let config = Config { silence: TimeDelta::MAX, is_armed_by_second: false };
        assert!(holds_at::<Absence>(&config, &[(0, COMES)], 1_000).is_empty());
    }

    #[test]
    fn says_how_long_it_has_been_silent() {
        let feed = [(0, COMES), (3, COMES)];
        assert_eq!(progress_at::<Absence>(&config(false), &feed, 8), (300.0, 600.0, vec![3]));
        assert_eq!(progress_at::<Absence>(&config(false), &feed, 50), (0.0, 600.0, vec![]));
        assert_eq!(progress_at::<Absence>(&config(true), &feed, 8), (0.0, 600.0, vec![]));
    }

    proptest! {
        #[test]
        fn holds_after_each_gap_that_is_too_long(
            mut minutes in prop::collection::vec(0_i64..200, 0..20),
        ) {
            minutes.sort_unstable();
            let feed: Vec<_> = minutes.iter().map(|minute| (*minute, COMES)).collect();
            let next = minutes.iter().skip(1).copied().chain([i64::MAX]);
            let gaps = minutes.iter().zip(next).filter(|(at, next)| **at + 10 < *next);
            let expected: Vec<_> = gaps.map(|(at, _)| at + 10).collect();
            prop_assert_eq!(holds_at::<Absence>(&config(false), &feed, 1_000), expected);
        }
    }
}
