//! Replays of the stored log: a back-test of it is what was live, and tasks explain themselves.

use serde_json::{Value, json};
use tempfile::TempDir;
use upturn_tests::binary::{run, upturn};
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES};

/// Another rule over the same events: two failures are enough, and nothing of the first rule stays.
const TWO_FAILURES: &str = r#"
id = "two-failures"
kind = "trigger"
title = { en = "Failed twice" }

[when]
pattern = "count"
event = "charge_failed"
times = 2
within = "24h"

[episode]
cooldown = "7d"

[[then]]
task = "care"
"#;

/// Returns a time some minutes ago.
#[expect(clippy::disallowed_methods, reason = "the program under test reads the machine's clock")]
fn minutes_ago(minutes: i64) -> String {
    (chrono::Utc::now() - chrono::TimeDelta::minutes(minutes)).to_rfc3339()
}

fn failure(device: &str, number: i64) -> Value {
    json!({
        "id": format!("{device}-{number}"), "ts": minutes_ago(70 - 10 * number), "kind": "charge_failed",
        "device": device, "cause": "charger",
    })
}

/// Posts one event at a time, so that each has a commit of its own.
fn post(site: &Site, events: &[Value]) {
    for event in events {
        let (status, answer) = http::post(site.web, "/api/v1/events", event).unwrap();
        assert_eq!(status, 200, "{answer}");
    }
}

fn printed<const N: usize>(site: &Site, arguments: [&str; N]) -> String {
    let output = run(site.command(arguments), "");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn id_of(site: &Site, device: &str) -> String {
    let tasks = site.tasks();
    let task = tasks.iter().find(|task| task["device"] == device).unwrap();
    task["id"].as_str().unwrap().to_owned()
}

fn site() -> Site {
    let site = Site::start(&Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() });
    // In and out of order; a success that comes late withdraws the task of cp-2.
    let failures = |device| (1..=3).map(move |number| failure(device, number));
    let between = || minutes_ago(45);
    let mut events: Vec<Value> = failures("cp-1").chain(failures("cp-2")).collect();
    events.swap(0, 2);
    events.push(json!({
        "id": "ok", "ts": between(), "kind": "charge_ok", "device": "cp-2",
    }));
    events.push(failure("cp-3", 1));
    post(&site, &events);
    // Somebody has taken on the task of cp-4 when the success comes late.
    post(&site, &failures("cp-4").collect::<Vec<_>>());
    let accept = format!("/api/v1/tasks/{}/accept", id_of(&site, "cp-4"));
    let (status, answer) = http::post(site.web, &accept, &json!({})).unwrap();
    assert_eq!(status, 200, "{answer}");
    post(&site, &[json!({ "id": "late", "ts": between(), "kind": "charge_ok", "device": "cp-4" })]);
    site
}

#[test]
fn a_back_test_of_the_log_is_what_was_live_task_for_task() {
    let site = site();
    let row = |task: &Value| {
        json!([
            task["rule"],
            task["device"],
            task["first_at"],
            task["last_at"],
            task["evidence"],
            task["contradicted"],
        ])
    };
    let live: Vec<Value> = site.tasks().iter().map(row).collect();
    assert_eq!(live.iter().filter(|task| task[5] == true).count(), 1, "{live:?}");

    let lines = printed(&site, ["backtest", "--json"]);
    let tested: Vec<Value> =
        lines.lines().map(|line| row(&serde_json::from_str(line).unwrap())).collect();
    assert_eq!(tested, live);

    let before = printed(&site, ["backtest", "--json", "--to", "2026-01-01"]);
    assert_eq!(before, "", "nothing was there yet");
    let after = printed(&site, ["backtest", "--json", "--from", "2999-01-01"]);
    assert_eq!(after, "");
    let summary = printed(&site, ["backtest", "--summary"]);
    assert!(summary.contains("of these contradicted:  1"), "{summary}");
    let backward = ["backtest", "--from", "2026-02-01", "--to", "2026-01-01"];
    let output = run(site.command(backward), "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is not after --from"), "{said}");

    // The rules of the folder over the stored log find the same; another rule finds other things.
    let same = printed(
        &site,
        ["backtest", "--summary", "--json", "--rules", "rules", "--against", "live"],
    );
    let same: Value = serde_json::from_str(&same).unwrap();
    assert_eq!(same["against"], json!({"new": 0, "gone": 0, "same": live.len()}), "{same}");
    std::fs::write(site.folder.path().join("two.toml"), TWO_FAILURES).unwrap();
    let other = printed(
        &site,
        ["backtest", "--summary", "--json", "--rules", "two.toml", "--against", "live"],
    );
    let other: Value = serde_json::from_str(&other).unwrap();
    assert_eq!(other["against"]["gone"], json!(live.len()), "{other}");
    assert_eq!((&other["against"]["new"], &other["tasks"]), (&json!(3), &json!(3)), "{other}");
}

#[test]
fn a_task_explains_itself_and_so_does_the_lack_of_one() {
    let site = site();
    let id = site.tasks()[0]["id"].as_str().unwrap().to_owned();
    let text = printed(&site, ["explain", "task", &id, "--json"]);
    let task: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&task["rule"], &task["replays"]),
        (&json!("three-failures"), &json!(true)),
        "{text}"
    );
    assert_eq!(task["evidence"].as_array().unwrap().len(), 3);
    assert_eq!(task["evidence"][0]["attributes"]["cause"], "charger");
    let text = printed(&site, ["explain", "task", &id]);
    assert!(
        text.contains("The rule, given these events alone, makes the same task again."),
        "{text}"
    );

    let contradicted = id_of(&site, "cp-4");
    let text = printed(&site, ["explain", "task", &contradicted]);
    for said in
        ["by the late event late (charge_ok) of cp-4", "It stood on 3 events", "in force since"]
    {
        assert!(text.contains(said), "{said} is missing in {text}");
    }

    let why = ["explain", "why-not", "--rule", "three-failures", "--scope", "cp-3"];
    let text = printed(&site, why);
    assert!(text.contains("1 of 3 events in a row within"), "{text}");
    let mut command = site.command(why);
    command.arg("--json");
    let text = String::from_utf8(run(command, "").stdout).unwrap();
    let why: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&why["nearest"]["have"], &why["nearest"]["need"]), (&json!(1.0), &json!(3.0)));
    assert_eq!(why["events"][0]["attempt"], "counts", "{text}");

    for (arguments, said) in [
        (["explain", "task", "nothing", "--json"].as_slice(), "there is no task 'nothing'"),
        (
            &["explain", "why-not", "--rule", "x", "--scope", "y"],
            "there are: three-failures (live)",
        ),
    ] {
        let mut command = site.command([]);
        command.args(arguments);
        let output = run(command, "");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn scenarios_hold_or_say_what_differs() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("rule"), THREE_FAILURES).unwrap();
    let three = "[given]\nrules = [\"rule\"]\n[[when]]\nat = 2026-01-05T08:00:00Z\n\
        device = \"cp-1\"\nkind = \"charge_failed\"\nrepeat = 3\nevery = \"1m\"\n";
    let task = "[[then]]\nrule = \"three-failures\"\nscope = \"cp-1\"\n";
    let cases = [
        ("holds", format!("{three}{task}"), 0, "1 of 1 scenarios hold"),
        ("differs", format!("{three}{task}joined = 7\n"), 1, "expected 7"),
        (
            "unknown",
            format!("{three}{}", task.replace("three-failures", "two-failures")),
            65,
            "scenario.toml:10:8: error[unknown-rule]",
        ),
        (
            "wrong",
            format!("{three}[[then]]\nscop = 1\n"),
            65,
            "scenario.toml:10:1: error[bad-scenario]",
        ),
    ];
    let path = folder.path().join("scenario.toml");
    for (name, text, code, said) in cases {
        std::fs::write(&path, text).unwrap();
        let mut command = upturn(["rules", "test"]);
        command.arg(folder.path());
        let output = run(command, "");
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "case: {name}: {out}");
        assert!(out.contains(said), "case: {name}: {out}");
    }
}

#[test]
fn the_whole_of_our_own_scenarios_holds() {
    let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/scenarios");
    let output = run(upturn(["rules", "test", "--json", scenarios]), "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(20 < told["scenarios"].as_array().unwrap().len());
}
