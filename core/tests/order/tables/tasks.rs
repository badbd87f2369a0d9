//! Which episodes become tasks. What stands is written `r0 d0 5`: rule, scope, minute.

use std::num::NonZeroUsize;

use upturn_core::pattern::{Pattern, consecutive};
use upturn_core::rule::{Cap, Group, Rule, Scope};

use super::{LOG_MINUTE, Told, judged, minutes};
use crate::world::{Setting, minute_of, rule};

/// A rule that holds at each event of `kind`.
fn each(id: &str, kind: &str) -> Rule {
    let pattern = consecutive::Config { times: NonZeroUsize::MIN, within: minutes(0) };
    rule(id, Pattern::Consecutive(pattern), &[&[kind]])
}

fn check_all(rules: &[Rule], cases: &[Told]) {
    let setting = Setting { consents: [Some(true), None], is_d2_on_trial: false };
    for (name, story, expected) in cases {
        let standing = judged(rules, &setting, story, LOG_MINUTE);
        let written: Vec<_> = standing
            .iter()
            .map(|task| format!("{} {} {}", task.rule, task.scope, minute_of(task.opened_at)))
            .collect();
        assert_eq!(written, *expected, "case: {name}");
    }
}

#[test]
fn a_severe_ticket_holds_all_that_asks() {
    let mut rule = each("r", "fail");
    rule.guard.not_while_severe_ticket = true;
    check_all(
        &[rule],
        &[
            ("no ticket", "5 fail", &["r d0 5"]),
            ("a severe one", "0 ticket_opened severe-a0, 5 fail", &[]),
            ("a minor one", "0 ticket_opened minor-a0, 5 fail", &["r d0 5"]),
            ("another's", "0 ticket_opened severe-a1, 5 fail", &["r d0 5"]),
            ("nobody's device", "0 ticket_opened severe-a0, 5 fail d2", &["r d2 5"]),
            ("at the same time", "5 ticket_opened severe-a0, 5 fail", &[]),
            ("later", "6 ticket_opened severe-a0, 5 fail", &["r d0 5"]),
            ("closed", "0 ticket_opened severe-a0, 5 ticket_closed minor-a0, 5 fail", &["r d0 5"]),
            ("closed later", "0 ticket_opened severe-a0, 6 ticket_closed minor-a0, 5 fail", &[]),
            ("closed before", "0 ticket_closed minor-a0, 1 ticket_opened severe-a0, 5 fail", &[]),
        ],
    );
}

#[test]
fn who_has_not_agreed_is_not_asked() {
    let mut rule = each("r", "fail");
    rule.guard.needs_consent = true;
    check_all(
        &[rule],
        &[
            ("agreed", "5 fail", &["r d0 5"]),
            ("never asked", "5 fail d1", &[]),
            ("by whose card it is", "5 fail d1 t0", &["r d1 5"]),
            ("nobody's", "5 fail d2", &["r d2 5"]),
        ],
    );
}

#[test]
fn an_account_gets_so_many_tasks() {
    let (mut care, sale) = (each("r0", "fail"), each("r1", "ok"));
    care.guard.max_per_account = Some(Cap { tasks: 2, every: minutes(10) });
    check_all(
        &[care.clone(), sale.clone()],
        &[
            ("two", "0 fail, 1 fail, 2 fail", &["r0 d0 0", "r0 d0 1"]),
            ("of all rules", "0 ok, 1 ok, 2 fail", &["r1 d0 0", "r1 d0 1"]),
            (
                "what has no limit is made",
                "0 fail, 1 fail, 2 ok",
                &["r0 d0 0", "r0 d0 1", "r1 d0 2"],
            ),
            (
                "at the end of the time",
                "0 fail, 1 fail, 10 fail",
                &["r0 d0 0", "r0 d0 1", "r0 d0 10"],
            ),
            (
                "what was held does not count",
                "0 fail, 1 fail, 9 fail, 11 fail, 12 fail",
                &["r0 d0 0", "r0 d0 1", "r0 d0 11", "r0 d0 12"],
            ),
            (
                "each account by itself",
                "0 fail, 1 fail, 2 fail d1",
                &["r0 d0 0", "r0 d0 1", "r0 d1 2"],
            ),
            (
                "nobody's device has no limit",
                "0 fail d2, 1 fail d2, 2 fail d2",
                &["r0 d2 0", "r0 d2 1", "r0 d2 2"],
            ),
        ],
    );
    care.guard.join_open_task_of_account = true;
    check_all(
        &[care, sale],
        &[
            ("the first stands, the rest joins", "0 fail, 20 fail", &["r0 d0 0"]),
            ("whatever rule's it is", "0 ok, 20 fail, 30 ok", &["r1 d0 0", "r1 d0 30"]),
            ("at one time, by the rule's id", "0 ok, 0 fail", &["r0 d0 0", "r1 d0 0"]),
            ("nobody's joins nothing", "0 fail d2, 20 fail d2", &["r0 d2 0", "r0 d2 20"]),
        ],
    );
}

#[test]
fn what_fails_together_is_one_incident() {
    let grouped = |by| {
        let mut rule = each("r", "fail");
        rule.then.group = Some(Group { by, within: minutes(10) });
        rule
    };
    check_all(
        &[grouped(Scope::Site)],
        &[
            ("one incident", "0 fail, 10 fail", &["r d0 0"]),
            ("counted from the newest", "0 fail, 10 fail, 20 fail", &["r d0 0"]),
            ("too late", "0 fail, 11 fail", &["r d0 0", "r d0 11"]),
            ("of an account", "0 fail, 1 fail d1, 2 fail d1 t0", &["r d0 0", "r d1 1"]),
            ("of nobody", "0 fail d2, 1 fail d2", &["r d2 0"]),
            ("another site", "0 fail, 1 fail s1", &["r d0 0", "r d0 1"]),
        ],
    );
    check_all(
        &[grouped(Scope::Attribute("code".into()))],
        &[
            ("the same code", "0 fail c1, 1 fail c1", &["r d0 0"]),
            ("no code is nothing in common", "0 fail, 1 fail", &["r d0 0", "r d0 1"]),
        ],
    );
    let mut careful = grouped(Scope::Site);
    careful.guard.not_while_severe_ticket = true;
    careful.guard.max_per_account = Some(Cap { tasks: 1, every: minutes(100) });
    check_all(
        &[careful, each("s", "ok")],
        &[
            ("what joins is not held", "0 fail, 1 ticket_opened severe-a0, 2 fail", &["r d0 0"]),
            ("what was held is no incident", "0 ok, 1 fail, 101 fail", &["r d0 101", "s d0 0"]),
            ("what joined is not counted", "0 fail, 5 fail, 100 fail", &["r d0 0", "r d0 100"]),
        ],
    );
}
