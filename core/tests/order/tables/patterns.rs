//! Where each pattern holds.

use std::num::NonZeroUsize;

use upturn_core::pattern::change::{Direction, Measure};
use upturn_core::pattern::sustained::Side;
use upturn_core::pattern::{Pattern, absence, change, consecutive, count, sequence, sustained};
use upturn_core::rule::Rule;

use super::{check, minutes};
use crate::world::{READING, rule, test};

fn number(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

#[test]
fn consecutive_holds_at_an_unbroken_run() {
    let pattern = consecutive::Config { times: number(3), within: minutes(60) };
    let mut rule = rule("r", Pattern::Consecutive(pattern), &[&["fail"]]);
    rule.when.reset_by = vec!["ok".into()];
    check(
        &rule,
        &[
            ("nothing", "", &[]),
            ("three in a row", "0 fail, 5 fail, 9 fail", &["9: fail@0 fail@5 fail@9"]),
            ("a success breaks the run", "0 fail, 5 fail, 6 ok, 9 fail", &[]),
            (
                "a success at the same time goes by its id",
                "0 fail, 5 fail, 9 fail, 9 ok",
                &["9: fail@0 fail@5 fail@9"],
            ),
            ("or by its counter", "0 fail, 5 fail, 9 fail #2, 9 ok #1", &[]),
            ("one told twice counts once", "0 fail, 5 fail, 5 fail", &[]),
            ("another id counts", "0 fail, 5 fail, 5 fail !1", &["5: fail@0 fail@5 1-fail@5"]),
            ("the last minute counts", "0 fail, 5 fail, 60 fail", &["60: fail@0 fail@5 fail@60"]),
            ("the minute after does not", "0 fail, 5 fail, 61 fail", &[]),
            (
                "it goes on holding",
                "0 fail, 5 fail, 9 fail, 12 fail",
                &["9: fail@0 fail@5 fail@9", "12: fail@5 fail@9 fail@12"],
            ),
            ("each device has its own", "0 fail, 5 fail d1, 9 fail", &[]),
        ],
    );
}

#[test]
fn what_resets_may_count_itself() {
    let pattern = consecutive::Config { times: number(2), within: minutes(60) };
    let mut rule = rule("r", Pattern::Consecutive(pattern), &[&["fail", "ok"]]);
    rule.when.reset_by = vec!["ok".into()];
    check(
        &rule,
        &[
            ("as the first", "0 fail, 5 ok, 9 fail", &["9: ok@5 fail@9"]),
            ("and nothing before it does", "0 ok, 5 ok", &[]),
        ],
    );
}

#[test]
fn count_holds_at_enough_of_each_step() {
    let config = |steps| {
        Pattern::Count(count::Config {
            times: number(2),
            within: minutes(30),
            steps: number(steps),
        })
    };
    let mut one = rule("r", config(1), &[&["fail"]]);
    one.when.reset_by = vec!["ok".into()];
    check(
        &one,
        &[
            ("twice", "0 fail, 30 fail", &["30: fail@0 fail@30"]),
            ("too late", "0 fail, 31 fail", &[]),
            ("a reset clears", "0 fail, 10 ok, 30 fail", &[]),
            ("what resets does not count", "0 fail, 10 fail, 20 ok", &["10: fail@0 fail@10"]),
        ],
    );
    let two = rule("r", config(2), &[&["fail", "beat"], &["stop", "beat"]]);
    check(
        &two,
        &[
            ("each twice", "0 stop, 1 fail, 2 fail, 3 stop", &["3: stop@0 fail@1 fail@2 stop@3"]),
            ("not one of them only", "0 stop, 1 fail, 2 fail, 3 fail", &[]),
            (
                "the newest of each",
                "0 fail, 1 stop, 2 fail, 3 fail, 4 stop",
                &["4: stop@1 fail@2 fail@3 stop@4"],
            ),
            ("one that meets both counts for both", "0 beat, 5 beat", &["5: beat@0 beat@5"]),
            ("all within the window that ends", "0 stop, 1 fail, 2 fail, 31 stop", &[]),
        ],
    );
}

fn sequence(steps: &[&[&str]]) -> Rule {
    let config = sequence::Config { steps: number(steps.len()), within: minutes(30) };
    rule("r", Pattern::Sequence(config), steps)
}

#[test]
fn sequence_holds_at_its_last_step() {
    let mut rule = sequence(&[&["start"], &["fail"], &["stop"]]);
    rule.when.reset_by = vec!["ok".into()];
    rule.when.forbidden = vec![test("beat")];
    check(
        &rule,
        &[
            ("in order", "0 start, 1 fail, 30 stop", &["30: start@0 fail@1 stop@30"]),
            ("too slow", "0 start, 1 fail, 31 stop", &[]),
            ("out of order", "0 fail, 1 start, 2 stop", &[]),
            (
                "the newest start",
                "0 start, 20 start, 21 fail, 40 stop",
                &["40: start@20 fail@21 stop@40"],
            ),
            (
                "a start without more does not end what began",
                "0 start, 1 fail, 2 start, 3 stop",
                &["3: start@0 fail@1 stop@3"],
            ),
            (
                "the newest that goes on",
                "0 start, 1 fail, 2 fail, 3 stop",
                &["3: start@0 fail@2 stop@3"],
            ),
            (
                "what led to the end stays",
                "0 start, 1 fail, 2 stop, 3 stop, 4 fail, 5 stop",
                &[
                    "2: start@0 fail@1 stop@2",
                    "3: start@0 fail@1 stop@3",
                    "5: start@0 fail@4 stop@5",
                ],
            ),
            ("a reset ends it", "0 start, 1 ok, 2 fail, 3 stop", &[]),
            ("so does what is forbidden", "0 start, 1 fail, 2 beat, 3 stop", &[]),
            (
                "but not before it",
                "0 beat, 1 start, 2 fail, 3 stop, 4 beat",
                &["3: start@1 fail@2 stop@3"],
            ),
        ],
    );
}

#[test]
fn an_event_meets_one_step_of_one_run() {
    check(
        &sequence(&[&["fail"], &["fail"]]),
        &[
            ("two are two", "0 fail, 1 fail", &["1: fail@0 fail@1"]),
            (
                "three are two and two",
                "0 fail, 1 fail, 2 fail",
                &["1: fail@0 fail@1", "2: fail@1 fail@2"],
            ),
            (
                "one that is too late begins anew",
                "0 fail, 31 fail, 32 fail",
                &["32: fail@31 fail@32"],
            ),
        ],
    );
    check(
        &sequence(&[&["fail"], &["fail"], &["stop"]]),
        &[
            ("the newest two", "0 fail, 1 fail, 2 fail, 3 stop", &["3: fail@1 fail@2 stop@3"]),
            (
                "and again the newest",
                "0 fail, 1 fail, 2 fail, 3 stop, 4 fail, 5 stop",
                &["3: fail@1 fail@2 stop@3", "5: fail@2 fail@4 stop@5"],
            ),
        ],
    );
}

#[test]
fn what_is_forbidden_may_begin_but_not_end() {
    let mut rule = sequence(&[&["fail"], &["stop", "ok"]]);
    rule.when.forbidden = vec![test("fail"), test("stop")];
    check(
        &rule,
        &[
            ("a first step is its own", "0 fail, 1 fail, 2 ok", &["2: fail@1 ok@2"]),
            ("a last one ends what began", "0 fail, 2 stop", &[]),
            ("for good", "0 fail, 2 stop, 3 ok", &[]),
        ],
    );
}

#[test]
fn absence_holds_by_its_deadline() {
    let config = |is_armed_by_second| absence::Config { silence: minutes(10), is_armed_by_second };
    let mut one = rule("r", Pattern::Absence(config(false)), &[&["beat"]]);
    one.when.reset_by = vec!["stop".into()];
    check(
        &one,
        &[
            ("silence", "0 beat", &["10: beat@0"]),
            ("nothing to miss", "0 ok", &[]),
            ("each arms it anew", "0 beat, 9 beat", &["19: beat@9"]),
            ("the last minute is in time", "0 beat, 10 beat", &["20: beat@10"]),
            ("the next is not", "0 beat, 11 beat", &["10: beat@0", "21: beat@11"]),
            ("a reset disarms it", "0 beat, 10 stop", &[]),
            ("a later one does not", "0 beat, 11 stop", &["10: beat@0"]),
            ("the log goes on beyond it", "989 beat", &["999: beat@989"]),
            ("but not before", "990 beat", &[]),
        ],
    );
    let two = rule("r", Pattern::Absence(config(true)), &[&["stop", "ok"], &["start", "ok"]]);
    check(
        &two,
        &[
            ("no answer", "0 start", &["10: start@0"]),
            ("an answer", "0 start, 10 stop", &[]),
            ("the first that has none", "0 start, 5 start", &["10: start@0"]),
            ("even at its deadline", "0 start, 10 start", &["10: start@0"]),
            ("the answer alone", "0 stop", &[]),
            ("one that is both answers and asks", "0 start, 5 ok", &["15: ok@5"]),
            ("it asks again after it held", "0 start, 11 start", &["10: start@0", "21: start@11"]),
        ],
    );
}

#[test]
fn sustained_holds_at_a_bad_reading_that_is_late_enough() {
    let config = |side, set, clear| sustained::Config { side, set, clear, lasts: minutes(10) };
    let above = Pattern::Sustained(config(Side::Above, 5.0, 3.0));
    let mut rule = rule("r", above, &[&[READING]]);
    rule.when.reset_by = vec!["ok".into()];
    rule.episode.cooldown = minutes(100);
    let told: &[super::Told] = &[
        ("long enough", "0 reading =5, 10 reading =5", &["10: reading@0 reading@10"]),
        ("not long enough", "0 reading =5, 9 reading =5", &[]),
        (
            "between the levels it stands",
            "0 reading =5, 5 reading =4, 11 reading =4",
            &["11: reading@0 reading@11"],
        ),
        ("and does not begin", "0 reading =4, 20 reading =4", &[]),
        ("it ends at the lower level", "0 reading =5, 5 reading =3, 10 reading =5", &[]),
        (
            "and begins again",
            "0 reading =5, 5 reading =3, 10 reading =5, 20 reading =6",
            &["20: reading@10 reading@20"],
        ),
        ("a reset ends it", "0 reading =5, 5 ok, 12 reading =5", &[]),
        ("what has no number is no reading", "0 reading =5, 15 reading", &[]),
        ("silence proves nothing", "0 reading =5, 900 reading =1", &[]),
        (
            "the first of the worst proves it too",
            "0 reading =5, 1 reading =6, 2 reading =6, 10 reading =5",
            &["10: reading@0 reading@1 reading@10"],
        ),
    ];
    check(&rule, told);
    rule.when.pattern = Pattern::Sustained(config(Side::Above, 5.0, 5.0));
    check(
        &rule,
        &[
            (
                "one level: there it stands",
                "0 reading =5, 10 reading =5",
                &["10: reading@0 reading@10"],
            ),
            ("below it ends", "0 reading =5, 5 reading =4, 10 reading =5", &[]),
        ],
    );
    rule.when.pattern = Pattern::Sustained(config(Side::Below, 3.0, 5.0));
    check(
        &rule,
        &[
            (
                "too little",
                "0 reading =3, 5 reading =4, 10 reading =2",
                &["10: reading@0 reading@10"],
            ),
            ("it ends at the upper level", "0 reading =3, 5 reading =5, 10 reading =2", &[]),
        ],
    );
}

fn changing(direction: Direction, measure: Measure, by: f64) -> Rule {
    let config = change::Config { direction, measure, by, within: minutes(10) };
    let mut rule = rule("r", Pattern::Change(config), &[&[READING]]);
    rule.when.reset_by = vec!["ok".into()];
    rule
}

#[test]
fn change_holds_at_a_reading_far_from_another() {
    let of = |direction| changing(direction, Measure::Difference, 3.0);
    check(
        &of(Direction::Rise),
        &[
            ("enough", "0 reading =1, 10 reading =4", &["10: reading@0 reading@10"]),
            ("too little", "0 reading =1, 10 reading =3", &[]),
            ("too slow", "0 reading =1, 11 reading =4", &[]),
            (
                "from the lowest",
                "0 reading =3, 1 reading =1, 2 reading =4",
                &["2: reading@1 reading@2"],
            ),
            (
                "the newest of these",
                "0 reading =1, 1 reading =1, 2 reading =4",
                &["2: reading@1 reading@2"],
            ),
            ("a fall is none", "0 reading =9, 1 reading =1", &[]),
            ("nothing is before a reset", "0 reading =1, 1 ok, 2 reading =9", &[]),
        ],
    );
    let fall: &[super::Told] = &[
        ("a fall", "0 reading =9, 1 reading =6", &["1: reading@0 reading@1"]),
        (
            "from the highest",
            "0 reading =9, 1 reading =7, 2 reading =6",
            &["2: reading@0 reading@2"],
        ),
    ];
    check(&of(Direction::Fall), fall);
    check(&of(Direction::Fall), &[("a rise is none", "0 reading =1, 1 reading =9", &[])]);
    check(&of(Direction::Either), fall);
    check(
        &of(Direction::Either),
        &[
            ("or a rise", "0 reading =1, 1 reading =9", &["1: reading@0 reading@1"]),
            (
                "a rise before a fall",
                "0 reading =1, 0 reading =7 !1, 1 reading =4",
                &["0: reading@0 1-reading@0", "1: reading@0 reading@1"],
            ),
        ],
    );
}

#[test]
fn change_holds_at_a_reading_that_comes_fast() {
    check(
        &changing(Direction::Rise, Measure::Rate, 30.0),
        &[
            ("so much per hour", "0 reading =1, 10 reading =6", &["10: reading@0 reading@10"]),
            ("too little", "0 reading =1, 10 reading =5", &[]),
            (
                "from the reading before",
                "0 reading =1, 5 reading =5, 10 reading =6",
                &["5: reading@0 reading@5"],
            ),
            ("too slow", "0 reading =1, 11 reading =9", &[]),
            ("no time between", "0 reading =1, 0 reading =9 !1", &[]),
        ],
    );
}
