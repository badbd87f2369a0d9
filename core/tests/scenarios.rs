//! Golden scenarios: what operations write for their own rules, we write for ours.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

use std::path::{Path, PathBuf};

use upturn_core::catalogue::Catalogue;
use upturn_core::decode::topic::TopicPattern;
use upturn_core::decode::{Format, Source, Sources};
use upturn_core::scenario::{Loader, Scenario, Setting};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn sources() -> Sources {
    let source = |name: &str, topic: &str, format| Source {
        name: name.into(),
        topic: TopicPattern::parse(topic).unwrap(),
        format,
        accept_past: Source::ACCEPT_PAST,
        accept_future: Source::ACCEPT_FUTURE,
    };
    Sources(vec![
        source("native", "devices/{device}/events", Format::Native),
        source("ocpp16", "ocpp/1.6/{device}/{action}", Format::Ocpp16),
    ])
}

struct Files(PathBuf);

impl Loader for Files {
    fn text(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }

    fn rules(&self, path: &str) -> Result<Vec<String>, String> {
        Ok(vec![self.text(path)?])
    }
}

fn read(text: &str) -> Result<Scenario, String> {
    let setting = Setting {
        catalogue: &Catalogue::of(&[Format::Native, Format::Ocpp16]),
        sources: &sources(),
        loader: &Files(folder()),
    };
    Scenario::read(text, &setting).map_err(|findings| {
        let line = |f: &upturn_core::rule::finding::Finding| {
            format!("{}:{}: {}: {}; {}\n", f.line, f.column, f.code, f.message, f.cure)
        };
        findings.iter().map(line).collect()
    })
}

fn differences(text: &str) -> Result<Vec<String>, String> {
    let scenario = read(text)?;
    Ok(scenario.run(&sources()).iter().map(ToString::to_string).collect())
}

#[test]
fn every_golden_scenario_holds() {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    let mut failed = Vec::new();
    for path in &paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        match differences(&std::fs::read_to_string(path).unwrap()) {
            Ok(differences) if differences.is_empty() => {}
            Ok(differences) => failed.push(format!("{name}:\n{}", differences.join("\n"))),
            Err(wrong) => failed.push(format!("{name} cannot be read:\n{wrong}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(3 <= paths.len(), "the scenarios are there");
}

/// A scenario up to what is expected.
const THREE: &str = r#"
[given]
rules = ["rules/three-failures.toml"]
[[when]]
at = "2026-01-05T08:00:00Z"
device = "cp-1"
kind = "charge_failed"
repeat = 3
every = "10m"
"#;

#[test]
fn what_stands_is_compared_with_what_is_expected() {
    let task = "[[then]]\nrule = \"three-failures\"\nscope = \"cp-1\"\n";
    let cases = [
        ("all is well", task.to_owned(), vec![]),
        (
            "other evidence, and another owner",
            format!("{task}evidence = [\"e1\"]\nowner = \"anna\"\njoined = 0\n"),
            vec![
                "differs: evidence of the task of 'three-failures' for 'cp-1'\n  expected e1\n  \
                 actual   e1, e2, e3",
                "differs: owner of the task of 'three-failures' for 'cp-1'\n  expected anna\n  \
                 actual   pool:ev-advisors",
            ],
        ),
        (
            "another scope",
            task.replace("cp-1", "cp-9"),
            vec![
                "missing: a task of 'three-failures' for 'cp-9'",
                "unexpected: a task of 'three-failures' for 'cp-1' on e1, e2, e3",
            ],
        ),
        (
            "none",
            "then_none = true".to_owned(),
            vec!["unexpected: a task of 'three-failures' for 'cp-1' on e1, e2, e3"],
        ),
        (
            "somebody closes what is not there",
            format!(
                "[[when]]\nat = 2026-01-05T09:00:00Z\n\
                 done = {{ rule = \"three-failures\", scope = \"cp-9\" }}\n{task}"
            ),
            vec![
                "nothing to close: no task of 'three-failures' for 'cp-9' stands at 2026-01-05 \
                 09:00:00 UTC",
            ],
        ),
    ];
    for (name, then, expected) in cases {
        // Top-level keys stand before the tables.
        let text = if then.starts_with("then_none") {
            format!("{then}\n{THREE}")
        } else {
            format!("{THREE}\n{then}")
        };
        assert_eq!(
            differences(&text),
            Ok(expected.iter().map(ToString::to_string).collect()),
            "case: {name}"
        );
    }
}

#[test]
fn says_what_is_wrong_with_a_scenario_and_where() {
    let then = "[[then]]\nrule = \"r\"\nscope = \"s\"\n";
    let sound = format!("{THREE}{then}");
    let rule = std::fs::read_to_string(folder().join("rules/three-failures.toml")).unwrap();
    let inline = format!("[given]\n[[given.rule]]\ntext = '''\n{rule}'''\n{then}");
    let cases = [
        ("no TOML", sound.replace("[given]", "[given"), "2:"),
        (
            "an unknown key",
            sound.replace("scope =", "skope ="),
            "12:1: bad-scenario: unknown field `skope`",
        ),
        ("a time without a zone", sound.replace("00Z", "00"), "5:6: bad-time: "),
        ("no number", sound.replace("repeat = 3", "repeat = 0"), "8:10: bad-number: "),
        ("no duration", sound.replace("10m", "10 min"), "9:9: bad-duration: "),
        (
            "no device",
            sound.replace("device =", "gerat ="),
            "4:1: bad-event: device, account or contact is missing",
        ),
        ("no time", sound.replace("at =", "an ="), "4:1: missing-key: the event has no time"),
        ("no file", sound.replace("three", "four"), "3:10: unreadable: "),
        ("nothing expected", THREE.to_owned(), "1:1: missing-key: the scenario does not say"),
        ("both", format!("then_none = true\n{sound}"), "1:13: contradiction: "),
        (
            "a rule nobody knows",
            sound.replace("\"r\"", "\"three-failure\""),
            "11:8: unknown-rule: 'three-failure' is none of the scenario's rules",
        ),
        (
            "a task of a rule nobody knows",
            format!(
                "{THREE}[[when]]\nat = 2026-01-05T09:00:00Z\ndone = {{ rule = \"x\", scope = \"s\" }}\n\
                 [[then]]\nrule = \"three-failures\"\nscope = \"cp-1\"\n"
            ),
            "12:8: unknown-rule: 'x' is none",
        ),
        (
            "an account nobody knows",
            sound.replace("[[when]]", "devices = [{ id = \"d\", account = \"x\" }]\n[[when]]"),
            "4:34: unknown-row: 'x' is not among the accounts",
        ),
        (
            "a wrong rule in the scenario",
            inline.replace("charge_failed\"", "charge_failed\"\ncolour = 7"),
            "11:1: unknown-key: [when] has no key 'colour'",
        ),
    ];
    for (name, text, expected) in cases {
        let found = read(&text).map(drop).unwrap_err();
        assert!(found.starts_with(expected), "case: {name}: {found}");
    }
}
