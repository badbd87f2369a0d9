//! Documents with every kind of mistake, and those that must be read without any.

use std::collections::BTreeSet;

use self::mistakes::{MISTAKES, OF_PATTERNS, OF_SECTIONS};
use super::super::document;
use super::super::{Cap, Due, EpisodePolicy, Guard, Route, Scope, Stage, Step, Test};
use super::*;
use crate::decode::Format;
use crate::pattern::Pattern;
use crate::rule::route::Target;

mod mistakes;
mod patterns;
mod sections;

const SOUND: &str = r#"id = "r-1"
kind = "trigger"
title = { en = "Failures" }
[when]
pattern = "consecutive"
event = "charge_failed"
[episode]
cooldown = "7d"
[[then]]
task = "care"
"#;

const J1: &str = r#"# The rule of job J1. It must run unchanged.
id = "J1"
kind = "trigger"
title = { en = "Three failed charges in a row" }

[when]
pattern = "consecutive"
event = "charge_failed"
reset_by = ["charge_ok"]
times = 3
within = "24h"
per = "device"

[episode]
cooldown = "7d"

[[then]]
task = "care"
title = { en = "Call the customer" }
"#;

fn both() -> Catalogue {
    Catalogue::of(&[Format::Native, Format::Ocpp16])
}

/// Returns each finding as `line:column severity[code] message (cure)`.
fn said(text: &str, catalogue: &Catalogue) -> Vec<String> {
    let (rule, findings) = parse(text, catalogue);
    assert_eq!(rule.is_none(), findings.iter().any(Finding::is_error), "{findings:#?}");
    let lines = findings.iter().map(|f| {
        let (severity, code) = (f.severity.as_str(), f.code);
        format!("{}:{} {severity}[{code}] {} ({})", f.line, f.column, f.message, f.cure)
    });
    lines.collect()
}

/// Returns each step as its tests, with ` | ` between them.
fn steps(steps: &[Step]) -> Vec<String> {
    let test = |test: &Test| match &test.condition {
        Some(condition) => format!("{} where {}", test.event, condition.as_str()),
        None => test.event.to_string(),
    };
    let step = |step: &Step| step.any.iter().map(test).collect::<Vec<_>>().join(" | ");
    steps.iter().map(step).collect()
}

#[test]
fn reads_a_rule_that_says_only_what_it_must() {
    let (rule, findings) = parse(SOUND, &both());
    assert_eq!(findings, []);
    let rule = rule.unwrap();
    assert_eq!(rule.id.as_str(), "r-1");
    let Pattern::Consecutive(config) = &rule.when.pattern else { panic!("{rule:?}") };
    assert_eq!((config.times.get(), config.within.num_hours()), (3, 24));
    assert!(rule.when.reset_by.is_empty());
    assert_eq!(steps(&rule.when.steps), ["charge_failed"]);
    assert_eq!(rule.when.per, Scope::Device);
    assert!(!rule.when.not_while_maintenance);
    assert_eq!(rule.stage, Stage::Live);
    let cooldown = TimeDelta::days(7);
    assert_eq!(rule.episode, EpisodePolicy { cooldown, ..EpisodePolicy::default() });
    assert_eq!(rule.guard, Guard::default());
    assert_eq!(rule.then.group, None);
    assert_eq!(rule.then.title.in_language("zh"), "Failures");
    assert_eq!(rule.then.due, None);
    assert_eq!(rule.then.route, Route(vec![Target::AccountOwner]));
}

#[test]
fn reads_the_rule_of_j1_and_the_sample_whatever_the_ends_of_their_lines() {
    let sample = include_str!("../../../../deploy/rules/charger-care.toml");
    for (name, text) in [("J1", J1), ("the sample", sample)] {
        for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            assert_eq!(said(&text, &both()), [""; 0], "case: {name}");
        }
    }
    let rule = parse(sample, &both()).0.unwrap();
    assert_eq!(rule.then.due, Some(Due::Business(TimeDelta::hours(2))));
    assert_eq!(rule.then.steps, ["send_coupon".into(), "book_consultant".into()]);
    assert_eq!(steps(&rule.when.steps), ["charge_failed where event.cause == \"charger\""]);
}

#[test]
fn says_where_each_mistake_is_and_what_would_be_right() {
    for (right, wrong, expected) in MISTAKES {
        assert!(SOUND.contains(*right), "case: {right}");
        let text = SOUND.replacen(*right, wrong, 1);
        let found = said(&text, &both());
        assert_eq!(found, [*expected], "case: {wrong}");
    }
}

/// Returns a document with these lines in `[when]`, from line 5 on.
fn with_when(lines: &str) -> String {
    let (head, rest) = SOUND.split_once("pattern").unwrap();
    let (_, tail) = rest.split_once("[episode]").unwrap();
    format!("{head}{lines}\n[episode]{tail}")
}

/// Returns a document with these lines after `[when]`, from line 7 on.
fn with_sections(lines: &str) -> String {
    let (head, _) = SOUND.split_once("[episode]").unwrap();
    format!("{head}{lines}\n")
}

#[test]
fn says_what_is_wrong_in_each_pattern_and_each_section() {
    for (wrong, expected) in OF_PATTERNS {
        assert_eq!(said(&with_when(wrong), &both()), *expected, "case: {wrong}");
    }
    for (wrong, expected) in OF_SECTIONS {
        assert_eq!(said(&with_sections(wrong), &both()), *expected, "case: {wrong}");
    }
}

#[test]
fn a_file_with_ten_mistakes_gets_ten_messages() {
    let text = r#"id = "charger care"
kind = trigger
titel = { en = "Failures" }
[when]
pattern = "consecutve"
event = "charge_failed"
times = "3"
within = "24 hours"
where = 'event.code == "X" and device.model == "X7"'
[episode
cooldown = "7d"
[[then]]
task = ""
due = "soon"
"#;
    insta::assert_snapshot!(said(text, &both()).join("\n"), @r#"
    1:6 error[bad-id] rule id contains ' ' (use letters, digits, '-' or '_', 1 to 64)
    2:8 error[syntax] trigger is a text without quotes (write "trigger")
    3:1 error[unknown-key] the rule has no key 'titel' (did you mean 'title'?)
    5:11 error[unknown-value] 'consecutve' is not known (did you mean 'consecutive'?)
    7:9 error[wrong-type] 'times' is a text, not a whole number (write times = 3)
    8:10 error[bad-duration] '24 hours' is no duration (write a whole number and one of the units s, m, h, d, w: "90s", "15m", "24h", "7d", "2w")
    9:28 error[condition-syntax] 'and' is not understood here (write && for 'and')
    10:9 error[syntax] a table's header is not closed (write ] after its name)
    13:8 error[bad-name] '' is no name (write 1 to 64 bytes without blanks: charge_failed)
    14:7 error[bad-due] 'soon' is no due time (write "2 business hours", "30 business minutes" (at most 2000 hours) or a duration such as "36h")
    "#);
}

#[test]
fn reads_the_rule_of_the_design() {
    let text = r#"#:schema ./rule.schema.json
id = "charger-care"
kind = "trigger"
title = { en = "Repeated charging failures", zh = "连续充电失败关怀" }

[when]
pattern = "consecutive"
event = "charge_failed"
reset_by = ["charge_ok"]
times = 3
within = "24h"
per = "device"
where = 'event.code != "EVCommunicationError" && device.model in ["X7", "X9"]'

[episode]
cooldown = "7d"                # no second task of this rule for this scope
close = { after_quiet = "24h", on = ["charge_ok"] }

[[then]]
task = "care"
title = { en = "Charging failed three times", zh = "连续三次充电失败" }
steps = ["send_coupon", "book_consultant"]
due = "2 business hours"
route = "account-owner, else pool:ev-advisors"

[guard]                        # care before sale
join_open_task_of = "account"
not_while_open = ["severe-ticket"]
max_per_account = { tasks = 2, every = "30d" }
"#;
    let (rule, findings) = parse(text, &both());
    assert_eq!(findings, []);
    let rule = rule.unwrap();
    let day = TimeDelta::days(1);
    assert_eq!(rule.episode.close.after_quiet, Some(day));
    assert_eq!(rule.guard.max_per_account, Some(Cap { tasks: 2, every: day * 30 }));
}

#[test]
fn what_no_source_can_send_is_an_error_where_all_sources_are_closed() {
    let closed = Catalogue::of(&[Format::Ocpp16]);
    let text = SOUND.replace("charge_failed", "charge_faild");
    assert_eq!(
        said(&text, &closed),
        [
            "6:9 error[unknown-kind] no source is known to send 'charge_faild' (did you mean 'charge_failed'?)"
        ]
    );
    let text = SOUND.replace("[episode]", "where = 'event.cause == \"chager\"'\n[episode]");
    assert_eq!(
        said(&text, &closed),
        [
            "7:25 error[unknown-literal] no source is known to send 'chager' here (did you mean 'charger'?)"
        ]
    );
}

#[test]
fn refuses_a_file_that_is_no_rule_without_reading_it() {
    let text = format!("{SOUND}# {}", "x".repeat(TEXT_MAX));
    assert_eq!(said(&text, &both()).len(), 1);
    for text in
        ["", "\u{feff}", "\r\n", "=", "[[[[", "\0", "'''", "a = [[[[[[[[", "]".repeat(999).as_str()]
    {
        assert!(!said(text, &both()).is_empty(), "case: {text:?}");
    }
}

#[test]
fn no_text_is_too_much_for_the_reader() {
    let cases = [
        ("lists in lists", format!("a = {}", "[".repeat(100_000))),
        ("tables in tables", format!("a = {}", "{a=".repeat(50_000))),
        ("a long name", format!("a{} = 1", ".a".repeat(100_000))),
        ("a long header", format!("[a{}]", ".a".repeat(100_000))),
        ("headers", "[a.a.a]\n[[b]]\n".repeat(2_000)),
        ("keys without values", "a b\n".repeat(10_000)),
        ("values without quotes", "a = b\n".repeat(10_000)),
        ("unknown keys", (0..5_000).map(|n| format!("k{n} = 1")).collect::<Vec<_>>().join("\n")),
        ("open texts", "a = '''\n".repeat(4_000)),
        ("lines that are not closed", "a = [\n".repeat(8_000)),
    ];
    for (case, text) in cases {
        let (rule, findings) = parse(&text, &both());
        assert!(rule.is_none(), "case: {case}");
        assert!((1..=300).contains(&findings.len()), "case: {case}: {}", findings.len());
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn a_damaged_document_is_a_rule_or_has_an_error(
        number in 0..=patterns::EXAMPLES.len(),
        cuts in proptest::collection::vec(
            (0..1_000_usize, 0..8_usize, "[\\[\\]'\"=.{}#\n\\\\a中-]{0,3}"),
            1..4,
        )
    ) {
        let mut text = patterns::EXAMPLES.get(number).map_or(J1, |(_, text)| *text).to_owned();
        for (at, length, put) in cuts {
            let at = at % text.len();
            let end = (at + length).min(text.len());
            if text.get(at..end).is_some() {
                text.replace_range(at..end, &put);
            }
        }
        let (rule, findings) = parse(&text, &both());
        proptest::prop_assert_eq!(rule.is_none(), findings.iter().any(Finding::is_error));
        for finding in findings {
            proptest::prop_assert!(text.get(finding.span.clone()).is_some(), "{:?}", finding);
        }
    }
}

#[test]
fn finds_the_id_of_a_document_with_other_mistakes() {
    assert_eq!(find_id("id = \"a\"\nkind = 7\n"), Some(("a".to_owned(), 5..8)));
    assert_eq!(find_id("kind = 7\n"), None);
}

/// Returns the keys that the reader takes in a table of `text` in which `zzzzzz` stands.
fn keys_in(text: &str) -> BTreeSet<String> {
    let findings = parse(text, &both()).1;
    let is_it = |finding: &&Finding| finding.message.ends_with("'zzzzzz'");
    let cure = &findings.iter().find(is_it).unwrap_or_else(|| panic!("{text}")).cure;
    cure.strip_prefix("use one of: ").unwrap().split(", ").map(str::to_owned).collect()
}

#[test]
fn the_schema_and_the_reader_know_the_same_keys() {
    let schema: serde_json::Value = serde_json::from_str(&document::schema()).unwrap();
    let definition = |name: &str| &schema["$defs"][name];
    let keys_of = |properties: &serde_json::Value| -> BTreeSet<String> {
        properties["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let with = |line: &str| SOUND.replace("[[then]]", &format!("{line}\n[[then]]"));
    let cases = [
        (&schema, "zzzzzz = 1\n".to_owned() + SOUND),
        (definition("EpisodeDocument"), SOUND.replace("[episode]", "[episode]\nzzzzzz = 1")),
        (definition("CloseDocument"), with("close = { zzzzzz = 1 }")),
        (definition("GuardDocument"), with("[guard]\nzzzzzz = 1")),
        (definition("CapDocument"), with("[guard]\nmax_per_account = { zzzzzz = 1 }")),
        (definition("ThenDocument"), SOUND.replace("[[then]]", "[[then]]\nzzzzzz = 1")),
        (definition("Title"), SOUND.replace("{ en", "{ zzzzzz = 1, en")),
        (definition("TestDocument"), SOUND.replace("event =", "any = [{ zzzzzz = 1 }]\n#")),
        (
            definition("StepDocument"),
            SOUND.replace("consecutive", "count").replace("event =", "all = [{ zzzzzz = 1 }]\n#"),
        ),
    ];
    for (properties, text) in cases {
        assert_eq!(keys_in(&text), keys_of(properties), "case: {text}");
    }
}

#[test]
fn the_schema_and_the_reader_know_the_same_keys_of_each_pattern() {
    let schema: serde_json::Value = serde_json::from_str(&document::schema()).unwrap();
    let when = &schema["$defs"]["WhenDocument"];
    let mut all: BTreeSet<_> = when["properties"].as_object().unwrap().keys().cloned().collect();
    for case in when["allOf"].as_array().unwrap() {
        let pattern = case["if"]["properties"]["pattern"]["const"].as_str().unwrap();
        let text = SOUND.replace("consecutive", pattern).replace("event =", "zzzzzz =");
        let refused = case["then"]["properties"].as_object().unwrap();
        let own = keys_in(&text);
        assert!(own.iter().all(|key| !refused.contains_key(key)), "case: {pattern}");
        let known = own.iter().chain(refused.keys()).cloned().collect::<BTreeSet<_>>();
        let expected = when["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(known, expected, "case: {pattern}");
        all = &all - &own;
    }
    assert_eq!(all, BTreeSet::new(), "every key belongs to a pattern");
}

#[test]
fn the_schema_takes_the_documents_that_the_reader_takes() {
    let sample = include_str!("../../../../deploy/rules/charger-care.toml");
    let examples = patterns::EXAMPLES.iter().map(|(_, text)| *text);
    for text in [SOUND, J1, sample].into_iter().chain(examples) {
        toml::from_str::<document::RuleDocument>(text).unwrap();
    }
}

#[test]
fn the_schema_beside_the_sample_is_fresh() {
    let kept = include_str!("../../../../deploy/rules/rule.schema.json");
    assert_eq!(
        kept,
        document::schema(),
        "write deploy/rules/rule.schema.json anew: upturn schema rule"
    );
}
