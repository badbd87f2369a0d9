//! Stories and rules to judge. All of it is composed, so that a failure shrinks to a small one.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::num::NonZeroUsize;

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use upturn_core::event::Event;
use upturn_core::id::RuleId;
use upturn_core::pattern::change::{Direction, Measure};
use upturn_core::pattern::sustained::Side;
use upturn_core::pattern::{Pattern, absence, change, consecutive, count, sequence, sustained};
use upturn_core::rule::{Cap, Close, EpisodePolicy, Group, Guard, Rule, Scope};

use crate::world::{Happening, READING, Setting, Ticket, event, identity, rule, test};

/// The kinds that rules count, besides readings.
const KINDS: [&str; 5] = ["fail", "start", "stop", "ok", "beat"];
/// What says that a device is being worked on; rules ask about these, too, if seldom.
const MARKERS: [&str; 2] = ["maintenance_started", "maintenance_ended"];
/// The grid of the story, in minutes: coarse, so that things happen at the same time.
const SLOT: i64 = 5;
/// How long the story is, in slots.
const SLOTS: i64 = 72;

/// How much happens at most.
const STORY_MAX: usize = 100;

/// The shape of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Consecutive,
    Count,
    Sequence,
    Absence,
    Sustained,
    Change,
}

impl Shape {
    pub(crate) const ALL: [Self; 6] = [
        Self::Consecutive,
        Self::Count,
        Self::Sequence,
        Self::Absence,
        Self::Sustained,
        Self::Change,
    ];
}

/// How what happens arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// All of it at one time, so long after the story's end.
    AtOnce {
        /// In minutes.
        tail: i64,
    },
    /// One every so often, from a minute on; some of it before it happens, since clocks lie.
    Steady {
        /// The first minute.
        from: i64,
        /// In minutes.
        gap: i64,
    },
    /// Each so long after it happens as its own delay says.
    Delayed,
}

/// One case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) rules: Vec<Rule>,
    pub(crate) setting: Setting,
    /// What arrives, in the order in which it does, some of it twice.
    pub(crate) arrival: Vec<Event>,
}

/// Something that happens, how late it is and how late it is repeated, in minutes.
///
/// The order of arrival comes from the delays and not from a shuffle, so that a story can lose a
/// happening, or one its delay, and the rest stays as it is.
type Sent = (Happening, i64, Option<i64>);

/// Cases with one to three rules, of which the first is of `shape`.
pub(crate) fn cases(
    shape: Shape,
    pace: impl Strategy<Value = Pace>,
) -> impl Strategy<Value = Case> {
    let rules = (rules_of(shape), vec(rules_of_any_shape(), 0..=2)).prop_map(|(first, more)| {
        let mut rules = vec![first];
        rules.extend(more);
        numbered(rules)
    });
    let is_about_numbers = shape == Shape::Sustained || shape == Shape::Change;
    let story = vec(sent(if is_about_numbers { 20 } else { 2 }), 0..STORY_MAX);
    (rules, settings(), story, pace).prop_map(|(rules, setting, story, pace)| Case {
        rules,
        setting,
        arrival: arrival(&story, pace),
    })
}

/// Cases with two or three rules that look at each other's tasks: each counts by what several
/// devices have in common, and most join.
pub(crate) fn crossing_cases(pace: impl Strategy<Value = Pace>) -> impl Strategy<Value = Case> {
    let scopes = select(&[Scope::Account, Scope::Site, Scope::Contact]);
    let rule = (rules_of_any_shape(), scopes, proptest::bool::weighted(0.7)).prop_map(
        |(mut rule, per, joins)| {
            rule.when.per = per;
            rule.guard.join_open_task_of_account = joins;
            rule
        },
    );
    let rules = vec(rule, 2..=3).prop_map(numbered);
    (rules, settings(), vec(sent(5), 0..STORY_MAX), pace).prop_map(
        |(rules, setting, story, pace)| Case { rules, setting, arrival: arrival(&story, pace) },
    )
}

/// Gives each rule an id of its own.
fn numbered(mut rules: Vec<Rule>) -> Vec<Rule> {
    for (rule, number) in rules.iter_mut().zip(0..) {
        rule.id = RuleId::new(&format!("r{number}")).unwrap();
    }
    rules
}

/// Minutes at which log time goes on without an event.
pub(crate) fn ticks() -> impl Strategy<Value = BTreeSet<i64>> {
    proptest::collection::btree_set(0..4 * SLOTS * SLOT, 0..20)
}

/// At once, after the end.
pub(crate) fn at_once() -> impl Strategy<Value = Pace> {
    (0..SLOTS).prop_map(|tail| Pace::AtOnce { tail: tail * SLOT })
}

/// One after the other, over log time.
pub(crate) fn spread() -> impl Strategy<Value = Pace> {
    let steady = |from| (1..=8_i64).prop_map(move |gap| Pace::Steady { from, gap: gap * SLOT });
    prop_oneof![Just(Pace::Delayed), steady(0), steady(SLOTS * SLOT)]
}

/// Orders what is sent by when it arrives.
fn arrival(story: &[Sent], pace: Pace) -> Vec<Event> {
    // What has the same identity is the same; its order of arrival must not decide what it says.
    let mut identities = BTreeSet::new();
    let mut arrivals: Vec<(i64, &Happening)> = Vec::new();
    for (happening, delay, again) in story {
        if identities.insert(identity(&event(happening, 0))) {
            let sent_at = match pace {
                Pace::Delayed => happening.minute,
                Pace::AtOnce { .. } | Pace::Steady { .. } => 0,
            };
            let times = [Some(*delay), again.map(|again| delay + again)];
            arrivals.extend(times.into_iter().flatten().map(|delay| (sent_at + delay, happening)));
        }
    }
    arrivals.sort_by_key(|(arrived_at, _)| *arrived_at);
    let received = |number: i64, arrived_at: i64| match pace {
        Pace::AtOnce { tail } => SLOTS * SLOT + tail,
        Pace::Steady { from, gap } => from + number * gap,
        Pace::Delayed => arrived_at,
    };
    let numbered = (0..).zip(arrivals);
    numbered.map(|(number, (at, happening))| event(happening, received(number, at))).collect()
}

fn sent(weight_of_readings: u32) -> impl Strategy<Value = Sent> {
    let delay = || {
        (0..5_u8, 0..3 * SLOT, 0..2 * SLOTS * SLOT)
            .prop_map(|(die, short, long)| if die < 2 { short } else { long })
    };
    (happenings(weight_of_readings), delay(), often(2, delay()))
}

// A story is long, so its parts are thrown by dice: the unions and options of proptest, each of
// which has a generator of its own, would take longer than all the rest.
fn happenings(weight_of_readings: u32) -> impl Strategy<Value = Happening> {
    // Of plain kinds, tickets, repairs and readings.
    let die = 0..19 + weight_of_readings;
    let ticket = (0..2_u8, 0..2_u8, any::<bool>())
        .prop_map(|(account, number, is_severe)| Ticket { account, number, is_severe });
    let what = (die, 0..KINDS.len(), often(9, 0..10_i64), ticket, any::<bool>());
    // Most on one device, or too little would ever come together.
    let device = (0..5_u8).prop_map(|die| die.saturating_sub(2));
    let place = (0..SLOTS, device, often(5, 1..3_u8), often(2, 0..2_u8));
    let order = (often(3, 0..3_i64), 0..3_u8);
    let person = (often(5, 0..5_u8), often(5, 0..2_u8));
    (what, place, order, person).prop_map(
        |(what, (slot, device, channel, site), (seq, salt), (tag, code))| {
            let (die, plain, value, ticket, is_first) = what;
            let (kind, value, ticket) = match die {
                0..15 => (KINDS[plain], None, None),
                15 | 16 if is_first => ("ticket_opened", None, Some(ticket)),
                15 | 16 => ("ticket_closed", None, Some(ticket)),
                17 | 18 => (MARKERS[usize::from(!is_first)], None, None),
                _ => (READING, value, None),
            };
            let minute = slot * SLOT;
            Happening { minute, device, channel, kind, seq, salt, value, tag, code, site, ticket }
        },
    )
}

/// In so many of ten cases, one of `some`.
fn often<T: Debug>(tenths: u8, some: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    (0..10_u8, some).prop_map(move |(die, some)| (10 - tenths <= die).then_some(some))
}

/// A kind that a rule asks about.
fn kinds() -> impl Strategy<Value = &'static str> {
    (0..20_usize).prop_map(|die| *MARKERS.get(die).unwrap_or(&KINDS[die % KINDS.len()]))
}

fn settings() -> impl Strategy<Value = Setting> {
    let consent = || select(&[None, Some(true), Some(true), Some(false)]);
    (consent(), consent(), any::<bool>()).prop_map(|(of_a0, of_a1, is_d2_on_trial)| Setting {
        consents: [of_a0, of_a1],
        is_d2_on_trial,
    })
}

fn rules_of_any_shape() -> impl Strategy<Value = Rule> {
    select(&Shape::ALL).prop_flat_map(rules_of)
}

fn rules_of(shape: Shape) -> impl Strategy<Value = Rule> {
    let resets = option::weighted(0.25, kinds());
    let group = option::weighted(0.3, (scopes(), slots(0..24)));
    let rest = (resets, scopes(), any::<bool>(), episodes(), guards(), group);
    (bodies(shape), rest).prop_map(|(body, (resets, per, is_careful, episode, guard, group))| {
        let steps: Vec<&[&str]> = body.steps.iter().map(Vec::as_slice).collect();
        let mut rule = rule("r", body.pattern, &steps);
        rule.when.forbidden = body.forbidden.into_iter().map(test).collect();
        rule.when.reset_by = resets.into_iter().map(Into::into).collect();
        rule.when.per = per;
        rule.when.not_while_maintenance = is_careful;
        rule.episode = episode;
        rule.guard = guard;
        rule.then.group = group.map(|(by, within)| Group { by, within });
        rule
    })
}

/// What a rule's pattern says.
#[derive(Clone, Debug)]
struct Body {
    pattern: Pattern,
    steps: Vec<Vec<&'static str>>,
    forbidden: Option<&'static str>,
}

fn bodies(shape: Shape) -> BoxedStrategy<Body> {
    let within = || slots(0..36);
    let times = || (1..=3_usize).prop_map(|times| NonZeroUsize::new(times).unwrap());
    let body = |(pattern, steps)| Body { pattern, steps, forbidden: None };
    match shape {
        Shape::Consecutive => (times(), within(), vec(steps(), 1))
            .prop_map(|(times, within, steps)| {
                (Pattern::Consecutive(consecutive::Config { times, within }), steps)
            })
            .prop_map(body)
            .boxed(),
        Shape::Count => (times(), within(), vec(steps(), 1..=3))
            .prop_map(|(times, within, steps)| {
                let number = NonZeroUsize::new(steps.len()).unwrap();
                (Pattern::Count(count::Config { times, within, steps: number }), steps)
            })
            .prop_map(body)
            .boxed(),
        Shape::Sequence => (slots(0..60), vec(steps(), 2..=4), option::weighted(0.3, kinds()))
            .prop_map(|(within, steps, forbidden)| {
                let number = NonZeroUsize::new(steps.len()).unwrap();
                let pattern = Pattern::Sequence(sequence::Config { steps: number, within });
                Body { pattern, steps, forbidden }
            })
            .boxed(),
        Shape::Absence => (slots(1..24), vec(steps(), 1..=2))
            .prop_map(|(silence, steps)| {
                let is_armed_by_second = steps.len() == 2;
                (Pattern::Absence(absence::Config { silence, is_armed_by_second }), steps)
            })
            .prop_map(body)
            .boxed(),
        Shape::Sustained => sustained_patterns().prop_map(readings).prop_map(body).boxed(),
        Shape::Change => change_patterns().prop_map(readings).prop_map(body).boxed(),
    }
}

fn readings(pattern: Pattern) -> (Pattern, Vec<Vec<&'static str>>) {
    (pattern, vec![vec![READING]])
}

/// A step: any of one or two kinds.
fn steps() -> impl Strategy<Value = Vec<&'static str>> {
    vec(kinds(), 1..=2)
}

fn sustained_patterns() -> impl Strategy<Value = Pattern> {
    let levels = (select(&[Side::Above, Side::Below]), 3..7_i32, 0..3_i32);
    (levels, slots(0..12)).prop_map(|((side, set, apart), lasts)| {
        let clear = match side {
            Side::Above => set - apart,
            Side::Below => set + apart,
        };
        let (set, clear) = (f64::from(set), f64::from(clear));
        Pattern::Sustained(sustained::Config { side, set, clear, lasts })
    })
}

fn change_patterns() -> impl Strategy<Value = Pattern> {
    let directions = select(&[Direction::Rise, Direction::Fall, Direction::Either]);
    let measures = select(&[Measure::Difference, Measure::Difference, Measure::Rate]);
    (directions, measures, 1..7_i32, slots(0..36)).prop_map(|(direction, measure, by, within)| {
        let by = f64::from(by);
        Pattern::Change(change::Config { direction, measure, by, within })
    })
}

fn scopes() -> impl Strategy<Value = Scope> {
    prop_oneof![
        3 => Just(Scope::Device),
        1 => Just(Scope::Channel),
        2 => Just(Scope::Site),
        2 => Just(Scope::Account),
        1 => Just(Scope::Contact),
        1 => Just(Scope::Attribute("code".into())),
    ]
}

fn episodes() -> impl Strategy<Value = EpisodePolicy> {
    let on = option::weighted(0.4, kinds());
    let close = (on, option::weighted(0.4, slots(1..24)), proptest::bool::weighted(0.1));
    let seldom = |most| prop_oneof![Just(TimeDelta::zero()), slots(1..most)];
    (close, seldom(36), seldom(24)).prop_map(
        |((on, after_quiet, on_task_done), cooldown, reopen_within)| {
            let on = on.into_iter().map(Into::into).collect();
            let close = Close { on, after_quiet, on_task_done };
            // A document can only say so where something closes the episode.
            let reopen_within = if close.is_awaited() { reopen_within } else { TimeDelta::zero() };
            EpisodePolicy { cooldown, close, reopen_within }
        },
    )
}

fn guards() -> impl Strategy<Value = Guard> {
    let seldom = || proptest::bool::weighted(0.25);
    let cap = (1..=2_usize, slots(6..SLOTS)).prop_map(|(tasks, every)| Cap { tasks, every });
    (seldom(), seldom(), option::weighted(0.3, cap), seldom()).prop_map(
        |(joins, not_while_severe_ticket, max_per_account, needs_consent)| Guard {
            join_open_task_of_account: joins,
            not_while_severe_ticket,
            max_per_account,
            needs_consent,
        },
    )
}

fn slots(range: std::ops::Range<i64>) -> impl Strategy<Value = TimeDelta> {
    range.prop_map(|slots| TimeDelta::minutes(slots * SLOT))
}
