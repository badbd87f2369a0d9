//! Each pattern, read with all of its keys and with those that it must have.

use std::num::NonZeroUsize;

use chrono::TimeDelta;

use super::*;
use crate::pattern::change::{self, Direction, Measure};
use crate::pattern::sustained::{self, Side};
use crate::pattern::{absence, consecutive, count, sequence};

/// The examples that stand beside the sample.
pub(super) const EXAMPLES: &[(&str, &str)] = &[
    ("consecutive", include_str!("../../../../../deploy/rules/examples/consecutive.toml")),
    ("count", include_str!("../../../../../deploy/rules/examples/count.toml")),
    ("sequence", include_str!("../../../../../deploy/rules/examples/sequence.toml")),
    ("absence", include_str!("../../../../../deploy/rules/examples/absence.toml")),
    ("sustained", include_str!("../../../../../deploy/rules/examples/sustained.toml")),
    ("change", include_str!("../../../../../deploy/rules/examples/change.toml")),
];

#[test]
fn each_pattern_has_an_example_without_a_mistake() {
    for (pattern, text) in EXAMPLES {
        // A fleet's own firmware sends what no catalogue lists.
        let errors: Vec<_> = parse(text, &both()).1.into_iter().filter(Finding::is_error).collect();
        assert_eq!(errors, [], "case: {pattern}");
        let rule = parse(text, &both()).0.unwrap();
        assert!(text.contains(&format!("\npattern = \"{pattern}\"")), "case: {pattern}");
        assert!(rule.title.en.is_some() && rule.title.zh.is_some(), "case: {pattern}");
    }
}

fn times(times: usize) -> NonZeroUsize {
    NonZeroUsize::new(times).unwrap()
}

fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

fn sustained(side: Side, set: f64, clear: f64, lasts: TimeDelta) -> Pattern {
    Pattern::Sustained(sustained::Config { side, set, clear, lasts })
}

fn change(direction: Direction, measure: Measure, by: f64) -> Pattern {
    Pattern::Change(change::Config { direction, measure, by, within: hours(2) })
}

fn absence(silence: TimeDelta, is_armed_by_second: bool) -> Pattern {
    Pattern::Absence(absence::Config { silence, is_armed_by_second })
}

/// Lines of `[when]`, the pattern they say, and its steps and what is forbidden (after `!`).
struct Case(&'static str, Pattern, &'static [&'static str]);

fn counting() -> Vec<Case> {
    let consecutive =
        |n, within| Pattern::Consecutive(consecutive::Config { times: times(n), within });
    let count = |n, within, steps| {
        Pattern::Count(count::Config { times: times(n), within, steps: times(steps) })
    };
    let sequence =
        |steps, within| Pattern::Sequence(sequence::Config { steps: times(steps), within });
    vec![
        Case(
            "pattern = \"consecutive\"\nevent = \"charge_failed\"\ntimes = 5\nwithin = \"1h\"",
            consecutive(5, hours(1)),
            &["charge_failed"],
        ),
        Case(
            "pattern = \"consecutive\"\nany = [{ event = \"charge_failed\", where = 'event.code == \"GroundFailure\"' }, { event = \"ticket_opened\" }]",
            consecutive(3, hours(24)),
            &["charge_failed where event.code == \"GroundFailure\" | ticket_opened"],
        ),
        Case(
            "pattern = \"count\"\nevent = \"repair_recorded\"\nwhere = 'event.cost > 100'\nwithin = \"400d\"",
            count(3, hours(24 * 400), 1),
            &["repair_recorded where event.cost > 100"],
        ),
        Case(
            "pattern = \"count\"\nany = [{ event = \"charge_failed\" }, { event = \"ticket_opened\" }]\ntimes = 1_000",
            count(1000, hours(24), 1),
            &["charge_failed | ticket_opened"],
        ),
        Case(
            "pattern = \"count\"\nall = [{ event = \"charge_failed\" }, { any = [{ event = \"ticket_opened\" }, { event = \"visit_recorded\" }] }]",
            count(1, hours(24), 2),
            &["charge_failed", "ticket_opened | visit_recorded"],
        ),
        Case(
            "pattern = \"count\"\ntimes = 2\n[[when.all]]\nevent = \"charge_failed\"\n[[when.all]]\nevent = \"ticket_opened\"",
            count(2, hours(24), 2),
            &["charge_failed", "ticket_opened"],
        ),
        Case(
            "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }, { event = \"charge_failed\" }]",
            sequence(3, hours(24)),
            &["visit_recorded", "charge_failed", "charge_failed"],
        ),
        Case(
            "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { any = [{ event = \"charge_failed\" }] }]\nnot = [{ event = \"charge_ok\", where = 'event.energy_wh > 0' }]\nwithin = \"2h\"",
            sequence(2, hours(2)),
            &["visit_recorded", "charge_failed", "!charge_ok where event.energy_wh > 0"],
        ),
    ]
}

fn watching() -> Vec<Case> {
    use Direction::{Either, Fall, Rise};
    use Measure::{Difference, Rate, Slope};
    vec![
        Case(
            "pattern = \"absence\"\nevent = \"heartbeat\"\nfor = \"1h\"",
            absence(hours(1), false),
            &["heartbeat"],
        ),
        Case(
            "pattern = \"absence\"\nany = [{ event = \"heartbeat\" }, { event = \"status\" }]\nfor = \"1s\"\nafter = { event = \"boot\", where = 'has(event.model)' }",
            absence(TimeDelta::seconds(1), true),
            &["heartbeat | status", "boot where has(event.model)"],
        ),
        Case(
            "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabove = 80\nfor = \"1h\"",
            sustained(Side::Above, 80.0, 80.0, hours(1)),
            &["meter"],
        ),
        Case(
            "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabove = 8e1\nclear = 75.5\nfor = \"1h\"",
            sustained(Side::Above, 80.0, 75.5, hours(1)),
            &["meter"],
        ),
        Case(
            "pattern = \"sustained\"\nany = [{ event = \"meter\" }, { event = \"status\" }]\nvalue = \"event.meter_wh\"\nbelow = -1_0\nclear = -5\nfor = \"1h\"",
            sustained(Side::Below, -10.0, -5.0, hours(1)),
            &["meter | status"],
        ),
        Case(
            "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nbelow = 0x10\nclear = 16.0\nfor = \"1h\"",
            sustained(Side::Below, 16.0, 16.0, hours(1)),
            &["meter"],
        ),
        Case(
            "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nrise = 10\nwithin = \"2h\"",
            change(Rise, Difference, 10.0),
            &["meter"],
        ),
        Case(
            "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nfall = 0.5\nmeasure = \"slope\"\nwithin = \"2h\"",
            change(Fall, Slope, 0.5),
            &["meter"],
        ),
        Case(
            "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nchange = 10\nmeasure = \"rate\"\nwithin = \"2h\"",
            change(Either, Rate, 10.0),
            &["meter"],
        ),
    ]
}

#[test]
fn reads_each_pattern() {
    for Case(lines, pattern, expected) in counting().into_iter().chain(watching()) {
        let (rule, findings) = parse(&with_when(lines), &both());
        assert_eq!(findings, [], "case: {lines}");
        let when = rule.unwrap().when;
        assert_eq!(when.pattern, pattern, "case: {lines}");
        let forbidden = Step { any: when.forbidden };
        let forbidden = steps(&[forbidden]).into_iter().filter(|step| !step.is_empty());
        let forbidden = forbidden.map(|step| format!("!{step}"));
        let read: Vec<_> = steps(&when.steps).into_iter().chain(forbidden).collect();
        assert_eq!(read, expected, "case: {lines}");
        assert_eq!(when.value.is_some(), lines.contains("\nvalue ="), "case: {lines}");
    }
}

#[test]
fn a_rule_keeps_so_many_events_and_no_more() {
    let all = |steps| vec!["{ event = \"charge_failed\" }"; steps].join(", ");
    let cases = [
        (15, 666, None),
        (
            15,
            667,
            Some(
                "7:9 error[too-much-memory] 'times' and 'all' make the rule keep 10005 events for each scope, more than 10000 (lower 'times', or shorten 'all')",
            ),
        ),
        (10, 1000, None),
        (
            16,
            1,
            Some(
                "6:7 error[out-of-range] 'all' lists 16, not 1 to 15 (write all = [{ event = \"charge_failed\" }, { event = \"ticket_opened\" }])",
            ),
        ),
    ];
    for (steps, times, expected) in cases {
        let lines = format!("pattern = \"count\"\nall = [{}]\ntimes = {times}", all(steps));
        let said = said(&with_when(&lines), &both());
        assert_eq!(said.first().map(String::as_str), expected, "case: {steps} times {times}");
    }
}

#[test]
fn what_no_closed_source_sends_is_an_error_in_each_test() {
    let closed = Catalogue::of(&[Format::Ocpp16]);
    let cases = [
        (
            "pattern = \"sequence\"\nsteps = [{ event = \"ticket_opened\", where = 'event.severity == \"sever\"' }, { event = \"bot\" }]",
            &[
                "6:64 error[unknown-literal] no source is known to send 'sever' here (did you mean 'severe'?)",
                "6:86 error[unknown-kind] no source is known to send 'bot' (did you mean 'boot'?)",
            ][..],
        ),
        (
            "pattern = \"sustained\"\nany = [{ event = \"meter\" }, { event = \"charge_ok\" }]\nvalue = \"event.meter_hw\"\nabove = 3\nfor = \"1h\"",
            &[
                "7:16 error[unknown-attribute] no source is known to send 'meter_hw' with meter (did you mean 'event.meter_wh'?)",
                "7:16 error[unknown-attribute] no source is known to send 'meter_hw' with charge_ok (use one of: code, cause, reason, vendor_code, info, energy_wh, session, id_tag, id, device, channel, kind, seq, occurred_at)",
            ],
        ),
        (
            "pattern = \"consecutive\"\nevent = \"charge_failed\"\nreset_by = [\"boot\"]\nper = \"event.id_tag\"",
            &[
                "8:14 error[unknown-attribute] no source is known to send 'id_tag' with boot (use one of: action, model, vendor, id, device, channel, kind, seq, occurred_at)",
            ],
        ),
    ];
    for (lines, expected) in cases {
        assert_eq!(said(&with_when(lines), &closed), expected, "case: {lines}");
    }
}
