//! N events of a kind in a row, unbroken by an event of the kinds that reset it.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::event::Event;

/// What a run is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The kind that counts.
    pub event: Box<str>,
    /// The kinds that break a run; events of other kinds do not.
    pub reset_by: Vec<Box<str>>,
    /// How many in a row.
    pub times: NonZeroUsize,
    /// The longest time from the first to the last of them; exactly so long is within.
    pub within: TimeDelta,
}

/// What an event is to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It counts.
    Counts,
    /// It breaks the run.
    Resets,
}

/// The newest counted events of one key since its last reset.
///
/// Fed in event order and never asked to undo: when an event comes late, the key's history is
/// fed to a fresh machine and what comes out is compared.
#[derive(Clone, Debug, Default)]
pub struct Consecutive {
    // Invariant: in event order, at most `times` long, nothing in it precedes the last reset.
    run: VecDeque<Arc<Event>>,
}

impl Consecutive {
    /// Takes the key's next event and returns the evidence, if the rule holds at it.
    pub fn observe(
        &mut self,
        config: &Config,
        role: Role,
        event: &Arc<Event>,
    ) -> Option<Vec<Arc<Event>>> {
        match role {
            Role::Resets => {
                self.run.clear();
                None
            }
            Role::Counts => {
                if self.run.len() == config.times.get() {
                    self.run.pop_front();
                }
                self.run.push_back(Arc::clone(event));
                let first_at = self.run.front()?.occurred_at;
                let holds = self.run.len() == config.times.get()
                    && event.occurred_at - first_at <= config.within;
                holds.then(|| self.run.iter().cloned().collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::event_at;

    struct Case(&'static str, &'static [(i64, Role)], &'static [i64]);

    #[test]
    fn holds_at_an_unbroken_run_inside_the_window() {
        use Role::{Counts, Resets};
        let config = Config {
            event: "fail".into(),
            reset_by: vec!["ok".into()],
            times: NonZeroUsize::new(3).unwrap(),
            within: TimeDelta::minutes(60),
        };
        let cases = [
            Case("three in a row", &[(0, Counts), (5, Counts), (9, Counts)], &[9]),
            Case("a reset breaks it", &[(0, Counts), (5, Counts), (6, Resets), (9, Counts)], &[]),
            Case(
                "a reset before does not",
                &[(0, Resets), (1, Counts), (5, Counts), (9, Counts)],
                &[9],
            ),
            Case("the last minute counts", &[(0, Counts), (5, Counts), (60, Counts)], &[60]),
            Case("the minute after does not", &[(0, Counts), (5, Counts), (61, Counts)], &[]),
            Case(
                "it goes on holding",
                &[(0, Counts), (5, Counts), (9, Counts), (12, Counts)],
                &[9, 12],
            ),
            Case("two are not three", &[(0, Counts), (5, Counts)], &[]),
        ];
        for Case(name, events, expected) in cases {
            let mut machine = Consecutive::default();
            let held = events.iter().filter(|(minute, role)| {
                let event = Arc::new(event_at("d", "fail", *minute));
                machine.observe(&config, *role, &event).is_some()
            });
            let held: Vec<i64> = held.map(|(minute, _)| *minute).collect();
            assert_eq!(held, expected, "case: {name}");
        }
    }
}
