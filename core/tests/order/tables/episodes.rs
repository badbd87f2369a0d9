//! How matches become episodes, and what is counted at all.

use std::num::NonZeroUsize;

use upturn_core::pattern::{Pattern, absence, consecutive};
use upturn_core::rule::{Rule, Scope};

use super::{LOG_MINUTE, check, judged, minutes};
use crate::world::{Setting, rule, test};

/// A rule that holds at each failure.
fn each() -> Rule {
    let times = NonZeroUsize::MIN;
    let pattern = consecutive::Config { times, within: minutes(0) };
    rule("r", Pattern::Consecutive(pattern), &[&["fail"]])
}

#[test]
fn what_awaits_no_close_closes_as_it_opens() {
    let mut rule = each();
    check(&rule, &[("two", "0 fail, 1 fail", &["0: fail@0", "1: fail@1"])]);
    rule.episode.cooldown = minutes(10);
    check(
        &rule,
        &[
            ("within the cooldown", "0 fail, 9 fail", &["0: fail@0"]),
            ("at its end", "0 fail, 10 fail", &["0: fail@0", "10: fail@10"]),
            (
                "counted from the one that opened",
                "0 fail, 9 fail, 10 fail",
                &["0: fail@0", "10: fail@10"],
            ),
        ],
    );
}

#[test]
fn an_open_episode_takes_what_comes() {
    let mut rule = each();
    rule.episode.close.on_task_done = true;
    check(&rule, &[("for ever", "0 fail, 900 fail", &["0: fail@0 open"])]);
    rule.episode.close.on_task_done = false;
    rule.episode.close.on = vec!["ok".into()];
    check(
        &rule,
        &[
            ("it stands", "0 fail, 5 fail", &["0: fail@0 open"]),
            ("an event closes it", "0 fail, 5 ok", &["0: fail@0"]),
            ("and the next opens", "0 fail, 5 ok, 6 fail", &["0: fail@0", "6: fail@6 open"]),
        ],
    );
    rule.episode.reopen_within = minutes(10);
    rule.episode.cooldown = minutes(100);
    check(
        &rule,
        &[
            ("it opens again", "0 fail, 5 ok, 15 fail", &["0: fail@0 open"]),
            ("too late, and too soon", "0 fail, 5 ok, 16 fail", &["0: fail@0"]),
            ("late enough", "0 fail, 5 ok, 100 fail", &["0: fail@0", "100: fail@100 open"]),
            (
                "the cooldown counts from the opening",
                "0 fail, 5 ok, 15 fail, 80 ok, 100 fail",
                &["0: fail@0", "100: fail@100 open"],
            ),
        ],
    );
}

#[test]
fn what_closes_may_open() {
    let mut rule = each();
    rule.episode.close.on = vec!["fail".into()];
    check(&rule, &[("each closes the last", "0 fail, 5 fail", &["0: fail@0", "5: fail@5 open"])]);
    rule.episode.reopen_within = minutes(1);
    check(&rule, &[("or opens it again", "0 fail, 5 fail", &["0: fail@0 open"])]);
}

#[test]
fn quiet_closes() {
    let mut rule = each();
    rule.episode.close.after_quiet = Some(minutes(10));
    check(
        &rule,
        &[
            ("so long after the opening", "0 fail", &["0: fail@0"]),
            ("not before the log is beyond it", "990 fail", &["990: fail@990 open"]),
            ("but then", "989 fail", &["989: fail@989"]),
            ("what comes at that time is no quiet", "0 fail, 10 fail", &["0: fail@0"]),
            ("what comes after is new", "0 fail, 11 fail", &["0: fail@0", "11: fail@11"]),
            ("each puts it off", "0 fail, 9 fail, 18 fail", &["0: fail@0"]),
            ("another kind does not", "0 fail, 9 ok, 18 fail", &["0: fail@0", "18: fail@18"]),
        ],
    );
    rule.episode.reopen_within = minutes(5);
    check(
        &rule,
        &[
            ("again, from the time of the quiet", "0 fail, 15 fail", &["0: fail@0"]),
            ("too late for that", "0 fail, 16 fail", &["0: fail@0", "16: fail@16"]),
            (
                "opened again, quiet counts anew",
                "0 fail, 15 fail, 25 fail, 40 fail",
                &["0: fail@0"],
            ),
        ],
    );
}

#[test]
fn quiet_comes_before_silence() {
    let silence = absence::Config { silence: minutes(10), is_armed_by_second: false };
    let mut rule = rule("r", Pattern::Absence(silence), &[&["beat"]]);
    rule.episode.close.after_quiet = Some(minutes(5));
    check(
        &rule,
        &[
            ("a silence opens at its deadline", "989 beat", &["999: beat@989 open"]),
            ("quiet is counted from there", "984 beat", &["994: beat@984"]),
            ("what comes again puts it off", "0 beat, 12 beat", &["10: beat@0", "22: beat@12"]),
        ],
    );
    rule.episode.close.after_quiet = Some(minutes(10));
    check(
        &rule,
        &[(
            "at one time, the old one closes and the next opens",
            "0 beat, 12 beat",
            &["10: beat@0", "22: beat@12"],
        )],
    );
    rule.episode.close.after_quiet = Some(minutes(11));
    check(&rule, &[("else it joins", "0 beat, 12 beat", &["10: beat@0"])]);
}

#[test]
fn maintenance_and_trials_are_left_out() {
    let mut rule = each();
    rule.when.not_while_maintenance = true;
    check(
        &rule,
        &[
            (
                "maintenance",
                "0 maintenance_started, 1 fail, 2 maintenance_ended, 3 fail",
                &["3: fail@3"],
            ),
            ("of that device", "0 maintenance_started d1, 1 fail", &["1: fail@1"]),
            (
                "told by its counter",
                "1 maintenance_started #2, 1 fail #1, 1 fail #3 !1",
                &["1: fail@1"],
            ),
            ("the newest decides", "0 maintenance_ended, 1 maintenance_started, 2 fail", &[]),
            ("a test card", "0 fail t3, 1 fail t1", &["1: fail@1"]),
        ],
    );
    rule.when.per = Scope::Contact;
    check(
        &rule,
        &[(
            "maintenance is nobody's",
            "0 maintenance_started, 1 fail t0, 2 fail d1 t0",
            &["2: fail-d1@2"],
        )],
    );
    rule.when.per = Scope::Device;
    rule.when.steps[0].any.push(test("maintenance_ended"));
    check(
        &rule,
        &[
            ("an end is left out too", "0 maintenance_started, 1 maintenance_ended", &[]),
            ("unless nothing was begun", "1 maintenance_ended", &["1: maintenance_ended@1"]),
        ],
    );
    rule.when.steps[0].any.pop();
    rule.episode.close.on = vec!["ok".into()];
    check(&rule, &[("closes too", "0 fail, 1 maintenance_started, 2 ok", &["0: fail@0 open"])]);
    rule.when.not_while_maintenance = false;
    check(&rule, &[("unless nobody asked", "0 maintenance_started, 1 fail", &["1: fail@1 open"])]);
    let setting = Setting { is_d2_on_trial: true, ..Setting::default() };
    for (is_careful, expected) in [(false, 1), (true, 0)] {
        rule.when.not_while_maintenance = is_careful;
        let rules = std::slice::from_ref(&rule);
        assert_eq!(judged(rules, &setting, "0 fail d2", LOG_MINUTE).len(), expected);
    }
}

#[test]
fn each_scope_counts_its_own() {
    const STORY: &str = "0 fail /1, 1 fail d1 t0 c0, 2 fail d2 /1 t1 c0, 3 fail d2 s0 t4";
    let cases: [(Scope, &[&str]); 6] = [
        (Scope::Device, &["d0", "d1", "d2"]),
        (Scope::Channel, &["d0/1", "d1/-", "d2/-", "d2/1"]),
        (Scope::Site, &["s0", "s1"]),
        (Scope::Account, &["a0", "a1"]),
        (Scope::Contact, &["p0", "p1"]),
        (Scope::Attribute("code".into()), &["c0"]),
    ];
    for (per, expected) in cases {
        let mut rule = each();
        rule.when.per = per.clone();
        rule.episode.close.on_task_done = true;
        let standing = judged(&[rule], &Setting::default(), STORY, LOG_MINUTE);
        let scopes: Vec<_> = standing.iter().map(|task| task.scope.as_str()).collect();
        assert_eq!(scopes, expected, "case: {per:?}");
    }
}
