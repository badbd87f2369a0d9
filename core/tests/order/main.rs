//! Order of arrival does not matter: for any history, any permutation and any duplicates, the
//! standing tasks are those of the sorted history. A plain reference judges.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::float_cmp,
    reason = "a test fails where something is missing, and the reference is about measurements"
)]

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use proptest::prelude::{Just, Strategy, prop_assert_eq};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use upturn_core::engine::Memory;

use self::model::{Fate, judge};
use self::strategy::{Case, Shape, at_once, cases, crossing_cases, spread, ticks};
use self::world::{folded, folded_by_snapshots, registry};

mod model;
mod strategy;
mod tables;
mod world;

/// Of each shape, for each property; with [`CROSSING_CASES`], more than 10,000 in all.
const STANDING_CASES: u32 = 800;
const MEMORY_CASES: u32 = 500;
const TICK_CASES: u32 = 200;
const REPEAT_CASES: u32 = 100;
/// Of rules that look at each other's tasks.
const CROSSING_CASES: u32 = 800;

/// Of each shape, to see what they reach.
const REACH_CASES: usize = 300;

/// How much a machine with little memory remembers at most, in hours: less than a story.
const LITTLE_MAX: i64 = 4;

/// Checks that what stands after the arrival is what the reference says.
fn check_standing(
    cases: impl Strategy<Value = Case>,
    memory: impl Strategy<Value = Memory>,
    cases_max: u32,
) {
    runner(cases_max)
        .run(&(cases, memory), |(case, memory)| {
            let registry = registry(&case.setting);
            let folded = folded(&case.rules, &registry, &case.arrival, memory, None);
            let judgement = judge(&case.rules, &registry, &case.arrival);
            prop_assert_eq!(folded.standing, judgement.standing);
            Ok(())
        })
        .unwrap();
}

/// Checks that log time may go on in any steps between the events.
fn check_ticks(cases: impl Strategy<Value = Case>, cases_max: u32) {
    runner(cases_max)
        .run(&(cases, little(), ticks()), |(case, memory, ticks)| {
            let registry = registry(&case.setting);
            let fold = |ticks| folded(&case.rules, &registry, &case.arrival, memory, ticks);
            prop_assert_eq!(fold(Some(&ticks)).standing, fold(None).standing);
            Ok(())
        })
        .unwrap();
}

/// Little memory.
fn little() -> impl Strategy<Value = Memory> {
    (0..=LITTLE_MAX).prop_map(|hours| Memory::Recent(TimeDelta::hours(hours)))
}

fn runner(cases: u32) -> TestRunner {
    // Making up the cases costs more than judging them; the default generator, twice that.
    let rng_algorithm = RngAlgorithm::XorShift;
    TestRunner::new(Config { cases, failure_persistence: None, rng_algorithm, ..Config::default() })
}

/// One test for each shape, so that they run side by side and fail by name.
macro_rules! for_each_shape {
    ($($name:ident: $shape:ident,)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn the_standing_tasks_are_those_of_the_sorted_history() {
                check_standing(cases(Shape::$shape, at_once()), Just(Memory::All), STANDING_CASES);
            }

            #[test]
            fn nor_does_it_matter_how_little_is_kept_in_memory() {
                check_standing(cases(Shape::$shape, spread()), little(), MEMORY_CASES);
            }

            #[test]
            fn nor_at_which_times_the_log_goes_on() {
                check_ticks(cases(Shape::$shape, spread()), TICK_CASES);
            }

            #[test]
            fn the_same_log_gives_the_same_effects() {
                runner(REPEAT_CASES)
                    .run(&(cases(Shape::$shape, spread()), little()), |(case, memory)| {
                        let registry = registry(&case.setting);
                        let fold = || folded(&case.rules, &registry, &case.arrival, memory, None);
                        prop_assert_eq!(fold(), fold());
                        Ok(())
                    })
                    .unwrap();
            }

            #[test]
            fn nor_how_often_the_engine_is_written_down_and_read_again() {
                runner(REPEAT_CASES)
                    .run(&(cases(Shape::$shape, spread()), little()), |(case, memory)| {
                        let registry = registry(&case.setting);
                        let (rules, arrival) = (&case.rules, &case.arrival);
                        let at_once = folded(rules, &registry, arrival, memory, None);
                        let in_pieces = folded_by_snapshots(rules, &registry, arrival, memory);
                        prop_assert_eq!(in_pieces, at_once);
                        Ok(())
                    })
                    .unwrap();
            }
        }
    )*};
}

for_each_shape! {
    consecutive: Consecutive,
    count: Count,
    sequence: Sequence,
    absence: Absence,
    sustained: Sustained,
    change: Change,
}

#[test]
fn rules_that_join_each_other_stand_as_in_the_sorted_history() {
    check_standing(crossing_cases(at_once()), Just(Memory::All), CROSSING_CASES);
}

#[test]
fn nor_does_it_matter_for_them_how_little_is_kept_in_memory() {
    check_standing(crossing_cases(spread()), little(), CROSSING_CASES);
}

#[test]
fn nor_for_them_at_which_times_the_log_goes_on() {
    check_ticks(crossing_cases(spread()), TICK_CASES);
}

#[test]
fn the_cases_reach_all_that_can_become_of_a_match() {
    for shape in Shape::ALL {
        let opened = match shape {
            Shape::Absence => Fate::OpenedByDeadline,
            Shape::Consecutive
            | Shape::Count
            | Shape::Sequence
            | Shape::Sustained
            | Shape::Change => Fate::Opened,
        };
        let expected = BTreeSet::from([
            opened,
            Fate::LeftOut,
            Fate::Joined,
            Fate::Reopened,
            Fate::Cooled,
            Fate::ClosedByEvent,
            Fate::ClosedByQuiet,
            Fate::Grouped,
            Fate::HeldByTicket,
            Fate::HeldForConsent,
            Fate::JoinedAccount,
            Fate::Capped,
            Fate::Stood,
            Fate::StoodAlone,
        ]);
        let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let strategy = cases(shape, spread());
        let (mut reached, mut standing) = (BTreeSet::new(), 0);
        for _ in 0..REACH_CASES {
            let case = strategy.new_tree(&mut runner).unwrap().current();
            let rule = case.rules.get(..1).unwrap();
            let judgement = judge(rule, &registry(&case.setting), &case.arrival);
            standing += usize::from(!judgement.standing.is_empty());
            reached.extend(judgement.fates);
        }
        assert_eq!(reached, expected, "{shape:?}");
        assert!(REACH_CASES / 3 < standing, "{shape:?}: tasks stand in {standing} cases only");
    }
}

#[test]
fn little_memory_has_the_history_of_several_devices_asked_for() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = (crossing_cases(spread()), little());
    let mut asked = BTreeMap::new();
    for _ in 0..REACH_CASES {
        let (case, memory) = strategy.new_tree(&mut runner).unwrap().current();
        let folded = folded(&case.rules, &registry(&case.setting), &case.arrival, memory, None);
        *asked.entry(folded.asked_max).or_insert(0) += 1;
    }
    for devices in 1..=3 {
        assert!(asked.get(&devices).is_some_and(|cases| REACH_CASES / 20 < *cases), "{asked:?}");
    }
}
