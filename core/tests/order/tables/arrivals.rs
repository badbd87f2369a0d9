//! What the engine makes of orders of arrival that it once got wrong. Each story is told in the
//! order in which it arrives.

use std::num::NonZeroUsize;

use chrono::TimeDelta;
use upturn_core::engine::Memory;
use upturn_core::pattern::{Pattern, consecutive};
use upturn_core::rule::{Cap, Rule, Scope};

use super::{LOG_MINUTE, minutes, told, written};
use crate::model::judge;
use crate::world::{Setting, Standing, folded, minute_of, registry, rule};

/// A rule that holds at each event of `kind`.
fn each(id: &str, kind: &str) -> Rule {
    let pattern = consecutive::Config { times: NonZeroUsize::MIN, within: minutes(0) };
    rule(id, Pattern::Consecutive(pattern), &[&[kind]])
}

/// Returns what stands after parts of a story that arrive at a minute each, and checks that the
/// reference says the same.
fn stands(rules: &[Rule], parts: &[(i64, &str)], memory: Memory) -> Vec<Standing> {
    let arrival: Vec<_> = parts.iter().flat_map(|(minute, part)| told(part, *minute)).collect();
    let registry = registry(&Setting::default());
    let standing = folded(rules, &registry, &arrival, memory, None).standing;
    assert_eq!(standing, judge(rules, &registry, &arrival).standing, "{parts:?}");
    standing
}

fn all_written(standing: &[Standing]) -> Vec<String> {
    standing.iter().map(written).collect()
}

#[test]
fn of_one_instant_the_first_in_event_order_is_judged_first() {
    let mut rule = each("r", "fail");
    rule.guard.max_per_account = Some(Cap { tasks: 1, every: minutes(10) });
    for story in ["5 fail, 5 fail !1", "5 fail !1, 5 fail"] {
        let standing = stands(std::slice::from_ref(&rule), &[(LOG_MINUTE, story)], Memory::All);
        assert_eq!(all_written(&standing), ["5: fail@5"], "case: {story}");
    }
}

#[test]
fn of_one_instant_all_stay_when_it_is_settled() {
    let memory = Memory::Recent(TimeDelta::minutes(30));
    let parts = [(0, "0 fail, 0 fail !1, 20 fail"), (40, "40 fail"), (41, "35 fail")];
    let standing = stands(&[each("r", "fail")], &parts, memory);
    let expected = ["0: fail@0", "0: 1-fail@0", "20: fail@20", "35: fail@35", "40: fail@40"];
    assert_eq!(all_written(&standing), expected);
}

#[test]
fn what_joined_no_longer_leaves_no_trace() {
    let mut care = each("r0", "ok");
    care.guard.join_open_task_of_account = true;
    care.when.not_while_maintenance = true;
    // That the device was being worked on is told too late.
    let rules = [each("r1", "fail"), care];
    let parts = [(1, "0 fail"), (9, "8 ok"), (10, "7 maintenance_started")];
    for (told, expected) in [(2, (1, Some(8))), (3, (0, None))] {
        let standing = stands(&rules, &parts[..told], Memory::All);
        let joins: Vec<_> =
            standing.iter().map(|task| (task.joined, task.joined_at.map(minute_of))).collect();
        assert_eq!(joins, [expected], "case: {told} told");
    }
}

#[test]
fn tasks_of_one_input_are_told_apart_though_ids_come_again() {
    let mut rule = each("r", "fail");
    rule.when.not_while_maintenance = true;
    let story = "0 maintenance_started, 5 fail, 9 fail, 1 maintenance_ended";
    let standing = stands(&[rule], &[(LOG_MINUTE, story)], Memory::All);
    assert_eq!(all_written(&standing), ["5: fail@5", "9: fail@9"]);
}

#[test]
fn devices_that_count_alike_are_told_apart() {
    let mut rule = each("r", "fail");
    let pattern =
        consecutive::Config { times: NonZeroUsize::MIN.saturating_add(1), within: minutes(0) };
    rule.when.pattern = Pattern::Consecutive(pattern);
    rule.when.per = Scope::Site;
    for story in ["5 fail, 5 fail d1", "5 fail d1, 5 fail"] {
        let standing = stands(std::slice::from_ref(&rule), &[(LOG_MINUTE, story)], Memory::All);
        assert_eq!(all_written(&standing), ["5: fail@5 fail-d1@5"], "case: {story}");
    }
}
