//! Rules that change while telemetry comes in: every task is of one version or the other, and none
//! is lost or made twice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use upturn_tests::binary::{run, upturn, wait_for};
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES};

/// Devices that fail: each three times, and once more within the cooldown.
const DEVICES: usize = 1_200;
/// How far the devices' failures lie apart in the order of events, in devices.
const STRIDE: usize = 40;
/// Swaps that make the test worth its name.
const SWAPS_MIN: usize = 6;

fn rule_file(site: &Site) -> PathBuf {
    site.folder.path().join("rules/rule-0.toml")
}

/// The same rule with another step to do.
fn second_version() -> String {
    THREE_FAILURES.replace("\"book_consultant\"", "\"call_back\"")
}

#[expect(clippy::disallowed_methods, reason = "the program under test reads the machine's clock")]
fn an_hour_ago() -> DateTime<Utc> {
    Utc::now() - TimeDelta::hours(1)
}

fn failure(device: &str, id: usize, at: DateTime<Utc>) -> Message {
    let ts = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let event = json!({"id": id.to_string(), "ts": ts, "kind": "charge_failed"});
    Message::new(format!("devices/{device}/events"), event.to_string())
}

/// Returns the failures of all devices, in the order of events: while one is at its first, others
/// are at their second, third and fourth.
fn failures() -> Vec<Message> {
    let begin = an_hour_ago();
    let mut slots: Vec<(usize, usize, usize)> = Vec::new();
    for device in 0..DEVICES {
        slots.extend((0..4).map(|number| (device + number * STRIDE, device, number)));
    }
    slots.sort_unstable();
    let message = |(place, (_, device, number)): (i64, (usize, usize, usize))| {
        failure(&format!("d{device:04}"), number, begin + TimeDelta::milliseconds(place * 100))
    };
    (0..).zip(slots).map(message).collect()
}

/// Returns device and evidence of each task that the same messages make in a back-test.
fn expected(rule: &Path, messages: &[Message]) -> Vec<Value> {
    let line = |message: &Message| {
        let payload: Value = serde_json::from_slice(&message.payload).unwrap();
        let device = message.topic.split('/').nth(1).unwrap();
        let mut event = payload;
        event.as_object_mut().unwrap().insert("device".to_owned(), json!(device));
        event.to_string()
    };
    let lines: Vec<String> = messages.iter().map(line).collect();
    let mut command = upturn(["backtest", "--json", "--events", "-", "--rules"]);
    command.arg(rule);
    let output = run(command, &lines.join("\n"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| {
        let task: Value = serde_json::from_str(line).unwrap();
        json!([task["device"], task["evidence"]])
    };
    let mut rows: Vec<Value> = rows.lines().map(row).collect();
    rows.sort_by_key(Value::to_string);
    rows
}

fn version_in_force(site: &Site) -> String {
    let rules = http::json(site.web, "/api/v1/rules");
    rules["rules"][0]["version"].as_str().unwrap().to_owned()
}

/// Writes `text` as the rule, has it read, and returns its version once it is in force.
fn swap(site: &Site, text: &str) -> String {
    let before = version_in_force(site);
    std::fs::write(rule_file(site), text).unwrap();
    site.process.as_ref().unwrap().hang_up();
    wait_for("the other version", || {
        Some(version_in_force(site)).filter(|version| *version != before)
    })
}

/// Swaps the versions back and forth until `is_over`; returns how often. Between two swaps half a
/// file is read, which changes nothing.
fn swap_until(site: &Site, is_over: &AtomicBool) -> usize {
    let texts = [second_version(), THREE_FAILURES.to_owned()];
    let mut swaps = 0;
    for text in texts.iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let (half, _) = text.split_once("[[then]]").unwrap();
        std::fs::write(rule_file(site), half).unwrap();
        site.process.as_ref().unwrap().hang_up();
        swap(site, text);
        swaps += 1;
    }
    swaps
}

#[test]
fn rules_swap_under_load_and_no_task_is_lost_or_doubled() {
    let site = Site::start(&Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() });
    let messages = failures();
    let expected = expected(&rule_file(&site), &messages);
    assert_eq!(expected.len(), DEVICES);

    let is_over = AtomicBool::new(false);
    let swaps = std::thread::scope(|scope| {
        let swapping = scope.spawn(|| swap_until(&site, &is_over));
        fleet::publish(site.mqtt, &messages, 4, |_| {});
        is_over.store(true, Ordering::Relaxed);
        swapping.join().unwrap()
    });
    assert!(SWAPS_MIN <= swaps, "only {swaps} swaps");

    let tasks = site.until_tasks(DEVICES);
    let mut found: Vec<Value> =
        tasks.iter().map(|task| json!([task["device"], task["evidence"]])).collect();
    found.sort_by_key(Value::to_string);
    assert_eq!(found, expected);
    let versions: BTreeSet<String> =
        tasks.iter().map(|task| task["version"].as_str().unwrap().to_owned()).collect();
    assert_eq!(versions.len(), 2, "both versions made tasks, and no third");
    for task in tasks.iter().step_by(DEVICES / 20) {
        let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
        let steps = &http::json(site.web, &path)["steps"][1];
        let twin = tasks.iter().find(|other| other["version"] == task["version"]).unwrap();
        let path = format!("/api/v1/tasks/{}", twin["id"].as_str().unwrap());
        assert_eq!(*steps, http::json(site.web, &path)["steps"][1], "a version is all of its text");
    }
    assert!(site.log().contains("nothing was reloaded"), "half a file was read now and then");
}

#[test]
fn an_edit_keeps_counts_and_a_roll_back_goes_through_the_folder() {
    let site = Site::start(&Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() });
    let first = version_in_force(&site);
    let begin = an_hour_ago();
    let fail = |number: usize| {
        let at = begin + TimeDelta::minutes(i64::try_from(number).unwrap());
        fleet::publish(site.mqtt, &[failure("d1", number, at)], 1, |_| {});
    };
    fail(1);
    fail(2);
    let second = swap(&site, &second_version());
    fail(3);
    let tasks = site.until_tasks(1);
    assert_eq!(tasks[0]["evidence"], json!(["1", "2", "3"]));
    assert_eq!(tasks[0]["version"], second);

    let said = |arguments: [&str; 3]| {
        let output = run(site.command(arguments), "");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let told = said(["rules", "rollback", "three-failures"]);
    assert!(told.contains(&format!("holds version {first} of 'three-failures' again")), "{told}");
    assert_eq!(std::fs::read_to_string(rule_file(&site)).unwrap(), THREE_FAILURES);
    assert_eq!(version_in_force(&site), second, "the folder changes nothing by itself");
    let (status, changes) = http::post(site.web, "/api/v1/rules/reload", &json!({})).unwrap();
    assert_eq!((status, &changes["rules"][0]["now"][0]["version"]), (200, &json!(first)));

    let listed: Value = serde_json::from_str(&said(["rules", "list", "--json"])).unwrap();
    assert_eq!(listed["rules"][0]["version"], first);
    assert_eq!(listed["rules"][0]["open_tasks"], 1);
    let history = said(["rules", "history", "three-failures"]);
    assert_eq!((history.matches(&first).count(), history.matches(&second).count()), (2, 1));
    let start: String = second.chars().take(6).collect();
    let named = format!("three-failures@{start}");
    assert_eq!(said(["rules", "show", &named]), second_version());
    let output = run(site.command(["rules", "show", "nobody"]), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(site.tasks().len() == 1, "going back makes nothing again");
}
