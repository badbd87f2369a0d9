//! Order of arrival does not matter: for any history, any permutation and any duplicates, the
//! standing tasks are those of the sorted history. A plain reference judges.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where something is missing"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::{Just, Strategy, prop, prop_assert_eq, proptest};
use proptest::test_runner::Config as TestConfig;
use upturn_core::board::Board;
use upturn_core::effect::Effect;
use upturn_core::engine::{ActiveRule, Engine, Memory};
use upturn_core::event::{Attributes, Event, Position};
use upturn_core::id::{DeviceId, EventId, RuleId};
use upturn_core::pattern::{Pattern, consecutive};
use upturn_core::registry::Registry;
use upturn_core::rule::{Route, Rule, Scope, TaskTemplate, When};
use upturn_core::task::Title;

const TIMES: usize = 3;
const WITHIN_H: i64 = 6;
const COOLDOWN_H: i64 = 20;

/// A device, an hour, and whether it failed, did well or merely lived.
type Happening = (u8, i64, u8);

fn event((device, hour, kind): Happening, received_h: i64) -> Event {
    let kind = ["fail", "fail", "ok", "beat"][usize::from(kind)];
    let at = |hour: i64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(500_000 + hour);
    Event {
        id: EventId::new(&format!("{kind}-{hour}")).unwrap(),
        device: DeviceId::new(&format!("d{device}")).unwrap(),
        channel: None,
        kind: kind.into(),
        stated_at: Some(at(hour)),
        occurred_at: at(hour),
        received_at: at(received_h),
        seq: None,
        clock_suspect: false,
        attributes: Attributes::none(),
    }
}

fn rule() -> ActiveRule {
    let pattern = Pattern::Consecutive(consecutive::Config {
        event: "fail".into(),
        reset_by: vec!["ok".into()],
        times: NonZeroUsize::new(TIMES).unwrap(),
        within: TimeDelta::hours(WITHIN_H),
    });
    let rule = Rule {
        id: RuleId::new("r").unwrap(),
        title: Title::default(),
        when: When { pattern, per: Scope::Device, condition: None },
        cooldown: TimeDelta::hours(COOLDOWN_H),
        then: TaskTemplate {
            kind: "care".into(),
            title: Title::default(),
            steps: Vec::new(),
            due: None,
            route: Route::default(),
        },
    };
    ActiveRule { rule, since: 0 }
}

/// Device and evidence of each task that ought to stand.
type Standing = Vec<(String, Vec<String>)>;

/// Says what ought to stand, in the plainest way: sort, drop duplicates, walk.
fn reference(history: &[Event]) -> Standing {
    let mut by_device: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in history {
        by_device.entry(event.device.as_str()).or_default().push(event);
    }
    let mut standing = Vec::new();
    for (device, mut events) in by_device {
        events.sort_by_key(|event| (event.occurred_at, event.id.clone()));
        events.dedup_by_key(|event| event.id.clone());
        let (mut run, mut last_at) = (Vec::<&Event>::new(), None);
        for event in events {
            match &*event.kind {
                "ok" => run.clear(),
                "fail" => {
                    run.push(event);
                    let newest = &run[run.len().saturating_sub(TIMES)..];
                    let is_run = newest.len() == TIMES
                        && event.occurred_at - newest[0].occurred_at <= TimeDelta::hours(WITHIN_H);
                    let is_free = last_at.is_none_or(|last_at| {
                        TimeDelta::hours(COOLDOWN_H) <= event.occurred_at - last_at
                    });
                    if is_run && is_free {
                        last_at = Some(event.occurred_at);
                        let ids = newest.iter().map(|event| event.id.to_string()).collect();
                        standing.push((device.to_owned(), ids));
                    }
                }
                _ => {}
            }
        }
    }
    standing
}

/// Folds what arrives, as the runtime does: new events only, history supplied when asked for.
fn folded(arrival: &[Event], memory: Memory) -> (Standing, Vec<Effect>) {
    let mut engine = Engine::new(vec![rule()], Registry::default(), memory);
    let (mut board, mut all) = (Board::default(), Vec::new());
    let mut log: Vec<(Position, Event)> = Vec::new();
    let mut seen = BTreeSet::new();
    for event in arrival {
        if !seen.insert((event.device.clone(), event.id.clone())) {
            continue;
        }
        let position = Position::try_from(log.len()).unwrap() + 1;
        log.push((position, event.clone()));
        let mut effects = Vec::new();
        if let Some(need) = engine.handle(position, event.clone(), &mut effects) {
            let of_device = |(_, event): &&(_, Event)| event.device == need.device;
            let history = log.iter().filter(of_device).cloned().collect();
            engine.supply(&need.device, history, &mut effects);
        }
        all.extend(effects.iter().cloned());
        for effect in effects {
            board.apply(effect);
        }
    }
    let standing = board.by_device_and_time().into_iter().map(|task| {
        let ids = task.occasion.evidence.iter().map(|each| each.id.to_string()).collect();
        (task.device.to_string(), ids)
    });
    (standing.collect(), all)
}

/// A history, and an order in which it arrives, with some of it twice.
fn histories() -> impl Strategy<Value = Vec<Happening>> {
    let happening = (0..2_u8, 0..60_i64, 0..4_u8);
    prop::collection::vec(happening, 0..40).prop_flat_map(|mut history| {
        let twice: Vec<_> = history.iter().step_by(5).copied().collect();
        history.extend(twice);
        Just(history).prop_shuffle()
    })
}

proptest! {
    #![proptest_config(TestConfig { cases: 10_000, ..TestConfig::default() })]

    #[test]
    fn the_standing_tasks_are_those_of_the_sorted_history(happenings in histories()) {
        // Everything arrives at once, later than all of it happened.
        let arrival: Vec<Event> = happenings.iter().map(|h| event(*h, 60)).collect();
        prop_assert_eq!(folded(&arrival, Memory::All).0, reference(&arrival));
    }

    #[test]
    fn nor_does_it_matter_how_little_is_kept_in_memory(happenings in histories()) {
        // One arrives every two hours, so most lies before what four hours of memory keep.
        let arrival: Vec<Event> =
            (0..).step_by(2).zip(&happenings).map(|(hour, h)| event(*h, hour)).collect();
        let memory = Memory::Recent(TimeDelta::hours(4));
        prop_assert_eq!(folded(&arrival, memory).0, reference(&arrival));
    }

    #[test]
    fn the_same_log_gives_the_same_effects(happenings in histories()) {
        let arrival: Vec<Event> = happenings.iter().map(|h| event(*h, 60)).collect();
        prop_assert_eq!(folded(&arrival, Memory::All), folded(&arrival, Memory::All));
    }
}
