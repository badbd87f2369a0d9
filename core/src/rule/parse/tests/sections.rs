//! What a rule counts by, its stage, `[episode]`, `[guard]` and groups.

use chrono::TimeDelta;

use super::*;
use crate::rule::{Close, Group};

#[test]
fn reads_what_a_rule_counts_by() {
    let cases = [
        ("device", Scope::Device),
        ("channel", Scope::Channel),
        ("site", Scope::Site),
        ("account", Scope::Account),
        ("contact", Scope::Contact),
        ("event.id_tag", Scope::Attribute("id_tag".into())),
        ("event.co-de", Scope::Attribute("co-de".into())),
    ];
    for (per, expected) in cases {
        let text = SOUND.replace("[episode]", &format!("per = \"{per}\"\n[episode]"));
        let (rule, findings) = parse(&text, &both());
        assert!(!findings.iter().any(Finding::is_error), "case: {per}: {findings:?}");
        assert_eq!(rule.unwrap().when.per, expected, "case: {per}");
    }
}

#[test]
fn reads_where_a_rule_is_in_its_life_and_what_it_leaves_out() {
    let cases = [
        ("draft", Stage::Draft),
        ("shadow", Stage::Shadow),
        ("live", Stage::Live),
        ("retired", Stage::Retired),
    ];
    for (stage, expected) in cases {
        let text = format!("stage = \"{stage}\"\n{SOUND}");
        let text = text.replace("[episode]", "not_while = \"maintenance\"\n[episode]");
        let rule = parse(&text, &both()).0.unwrap();
        assert_eq!(rule.stage, expected, "case: {stage}");
        assert!(rule.when.not_while_maintenance, "case: {stage}");
    }
}

#[test]
fn reads_what_holds_for_an_episode() {
    let hour = TimeDelta::hours(1);
    let none = EpisodePolicy::default;
    let closing = |close: Close| EpisodePolicy { close, ..none() };
    let on_ok = Close { on: vec!["charge_ok".into()], ..Close::default() };
    let done = Close { on_task_done: true, ..Close::default() };
    let quiet = Close { after_quiet: Some(hour * 24), ..Close::default() };
    let cases = [
        ("cooldown = \"1h\"", EpisodePolicy { cooldown: hour, ..none() }),
        ("cooldown = \"0s\"", none()),
        ("close = { on = [\"charge_ok\"] }", closing(on_ok.clone())),
        ("close.on_task_done = true", closing(done.clone())),
        ("close = { after_quiet = \"24h\" }", closing(quiet)),
        (
            "cooldown = \"1h\"\nreopen_within = \"1h\"\n[episode.close]\non = [\"charge_ok\"]\nafter_quiet = \"1h\"\non_task_done = true",
            EpisodePolicy {
                cooldown: hour,
                close: Close { after_quiet: Some(hour), on_task_done: true, ..on_ok },
                reopen_within: hour,
            },
        ),
        ("close.on_task_done = true\nreopen_within = \"0s\"", closing(done)),
    ];
    for (lines, expected) in cases {
        let text = with_sections(&format!("[episode]\n{lines}\n[[then]]\ntask = \"care\""));
        let (rule, findings) = parse(&text, &both());
        assert_eq!(findings, [], "case: {lines}");
        assert_eq!(rule.unwrap().episode, expected, "case: {lines}");
    }
}

#[test]
fn reads_what_guards_a_customer() {
    let none = Guard::default;
    let cap = Cap { tasks: 2, every: TimeDelta::days(30) };
    let cases = [
        ("", none()),
        ("join_open_task_of = \"account\"", Guard { join_open_task_of_account: true, ..none() }),
        ("not_while_open = [\"severe-ticket\"]", Guard { not_while_severe_ticket: true, ..none() }),
        ("not_while_open = []", none()),
        (
            "max_per_account = { tasks = 2, every = \"30d\" }",
            Guard { max_per_account: Some(cap), ..none() },
        ),
        ("needs_consent = true", Guard { needs_consent: true, ..none() }),
        ("needs_consent = false", none()),
    ];
    for (lines, expected) in cases {
        let (rule, findings) = parse(&format!("{SOUND}[guard]\n{lines}\n"), &both());
        assert_eq!(findings, [], "case: {lines}");
        assert_eq!(rule.unwrap().guard, expected, "case: {lines}");
    }
}

#[test]
fn reads_what_makes_one_task_of_many_occurrences() {
    let group = |by, hours| Some(Group { by, within: TimeDelta::hours(hours) });
    let cases = [
        ("", None),
        ("group_by = \"site\"", group(Scope::Site, 1)),
        ("group_by = \"account\"\ngroup_within = \"2h\"", group(Scope::Account, 2)),
        ("group_by = \"event.code\"", group(Scope::Attribute("code".into()), 1)),
    ];
    for (lines, expected) in cases {
        let (rule, findings) = parse(&format!("{SOUND}{lines}\n"), &both());
        assert_eq!(findings, [], "case: {lines}");
        assert_eq!(rule.unwrap().then.group, expected, "case: {lines}");
    }
}
