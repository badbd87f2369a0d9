//! N events in a row, unbroken by an event that resets the run.

use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::run::Run;
use super::{Machine, Progress, Signal, Steps, Unit};
use crate::event::witness::Witness;

/// What a run is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many in a row.
    pub times: NonZeroUsize,
    /// The longest time from the first to the last of them; exactly so long is within.
    pub within: TimeDelta,
}

/// The newest counted events of one key since its last reset.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Consecutive {
    // Invariant: in event order, at most `times` long, nothing in it precedes the last reset.
    run: Run,
}

impl Machine for Consecutive {
    type Config = Config;

    fn observe(&mut self, config: &Config, signal: Signal<'_>) -> bool {
        if signal.resets {
            self.run = Run::Empty;
        }
        if !signal.steps.meets(Steps::FIRST) {
            return false;
        }
        self.run.push(signal.event, config.times.get());
        let at = signal.event.occurred_at;
        let is_within = |first| at - first <= config.within;
        self.run.len() == config.times.get() && self.run.first_at().is_some_and(is_within)
    }

    fn evidence(&self) -> Vec<Witness> {
        self.run.iter().collect()
    }

    fn settle(&mut self) {
        self.run.settle();
    }

    fn lookback(config: &Config) -> Option<TimeDelta> {
        Some(config.within)
    }

    fn is_spent(&self, config: &Config, at: DateTime<Utc>) -> bool {
        self.run.last_at().is_none_or(|newest| config.within < at - newest)
    }

    fn progress(&self, config: &Config, at: DateTime<Utc>) -> Progress {
        // Only what could still be part of a run that ends now.
        let is_within = |event: &Witness| at - event.occurred_at() <= config.within;
        let evidence: Vec<_> = self.run.iter().filter(is_within).collect();
        Progress {
            have: super::as_number(evidence.len()),
            need: super::as_number(config.times.get()),
            unit: Unit::Events,
            evidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Feed, holds_at};
    use super::*;

    struct Case(&'static str, &'static [(i64, Feed)], &'static [i64]);

    #[test]
    fn holds_at_an_unbroken_run_inside_the_window() {
        use Feed::{Resets, Step};
        const C: Feed = Step(0);
        let config =
            Config { times: NonZeroUsize::new(3).unwrap(), within: TimeDelta::minutes(60) };
        let cases = [
            Case("three in a row", &[(0, C), (5, C), (9, C)], &[9]),
            Case("a reset breaks it", &[(0, C), (5, C), (6, Resets), (9, C)], &[]),
            Case("a reset before does not", &[(0, Resets), (1, C), (5, C), (9, C)], &[9]),
            Case("the last minute counts", &[(0, C), (5, C), (60, C)], &[60]),
            Case("the minute after does not", &[(0, C), (5, C), (61, C)], &[]),
            Case("it goes on holding", &[(0, C), (5, C), (9, C), (12, C)], &[9, 12]),
            Case("two are not three", &[(0, C), (5, C)], &[]),
        ];
        for Case(name, feed, expected) in cases {
            let held = holds_at::<Consecutive>(&config, feed, 1_000);
            assert_eq!(held, expected, "case: {name}");
        }
    }
}
