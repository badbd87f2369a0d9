//! Job J1: the tasks that stand are those of the sorted, deduplicated history, from a file as
//! over MQTT, in any order of arrival.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use upturn_tests::binary::{run, upturn, wait_for};
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::shared;
use upturn_tests::site::{Plan, Site};

fn small() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/j1")
}

/// Returns device, first, last and evidence of each task the generator expects.
fn expected(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("expected_event_time.json")).unwrap();
    let tasks: Vec<Value> = serde_json::from_str(&text).unwrap();
    let row =
        |task: &Value| json!([task["device"], task["first_ts"], task["last_ts"], task["evidence"]]);
    tasks.iter().map(row).collect()
}

fn backtest(rule: &Path, events: &Path) -> Vec<Value> {
    let mut command = upturn(["backtest", "--json", "--rules"]);
    command.arg(rule).arg("--events").arg(events);
    let output = run(command, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| {
        let task: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&task["rule"], &task["status"]), (&json!("J1"), &json!("closed")));
        assert_eq!(task["scope"], task["device"]);
        json!([task["device"], task["first_at"], task["last_at"], task["evidence"]])
    };
    text.lines().map(row).collect()
}

#[test]
fn a_file_gives_the_tasks_of_its_sorted_history() {
    let small = small();
    let found = backtest(&small.join("rule.toml"), &small.join("events.jsonl"));
    assert_eq!(found, expected(&small));
}

#[test]
fn so_does_the_whole_job() {
    let Some(generator) = shared::find("j1/gen_j1.py") else { return };
    let folder = TempDir::new().unwrap();
    let made = Command::new("python3").arg(generator).arg(folder.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let found = backtest(&small().join("rule.toml"), &folder.path().join("events.jsonl"));
    assert_eq!(found.len(), 1_671);
    assert_eq!(found, expected(folder.path()));
}

#[test]
fn standard_input_and_native_lines_do_as_well() {
    let events = "\
        {\"device\":\"a\",\"id\":\"1\",\"ts\":\"2026-01-05T08:00:00Z\",\"kind\":\"charge_failed\"}\n\
        {\"device\":\"a\",\"id\":\"3\",\"ts\":\"2026-01-05T10:00:00Z\",\"kind\":\"charge_failed\"}\n\
        this is no event\n\
        {\"device\":\"a\",\"id\":\"2\",\"ts\":1767603600000,\"kind\":\"charge_failed\"}\n";
    let mut command = upturn(["backtest", "--json", "--events", "-", "--rules"]);
    command.arg(small().join("rule.toml"));
    let output = run(command, events);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("line 3: payload is not what the format says"), "{said}");
    let out = String::from_utf8(output.stdout).unwrap();
    let begin = "{\"rule\":\"J1\",\"scope\":\"a\",\"device\":\"a\",\
         \"first_at\":\"2026-01-05T08:00:00.000Z\",\"last_at\":\"2026-01-05T10:00:00.000Z\",\
         \"evidence\":[\"1\",\"2\",\"3\"],\"status\":\"closed\",\"version\":\"";
    let end = "\"stage\":\"live\",\"joined\":0,\"account\":null,\
         \"owner\":\"pool:operations\",\"created_at\":\"2026-01-05T10:00:00.000Z\",\
         \"contradicted\":false}\n";
    assert!(out.starts_with(begin) && out.ends_with(end), "{out}");
}

/// Returns the publishes of the small job, in the generator's order.
fn publishes() -> Vec<Message> {
    let text = std::fs::read_to_string(small().join("events.jsonl")).unwrap();
    let message = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        Message::new(line["topic"].as_str().unwrap(), line["payload"].to_string())
    };
    text.lines().map(message).collect()
}

/// Returns `messages` in an order in which each may come up to twenty hours late.
fn shuffled(messages: Vec<Message>) -> Vec<Message> {
    let mut state = 20_260_105_u64;
    let mut late_by = || {
        // A linear congruential generator: the same order in every run.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 40).unwrap() % (20 * 3_600)
    };
    let mut arrivals: Vec<(i64, Message)> = Vec::new();
    for message in messages {
        let payload: Value = serde_json::from_slice(&message.payload).unwrap();
        let at = payload["ts"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        arrivals.push((at.timestamp() + late_by(), message));
    }
    arrivals.sort_by_key(|(arrival, _)| *arrival);
    arrivals.into_iter().map(|(_, message)| message).collect()
}

fn over_mqtt(messages: &[Message]) {
    let Some(broker) = Mosquitto::start() else { return };
    let rule = std::fs::read_to_string(small().join("rule.toml")).unwrap();
    let plan = Plan {
        broker: Some(broker.port),
        rules: vec![rule],
        // The job is of January 2026, which grows old.
        accept_past: Some("36500d".to_owned()),
        ..Plan::default()
    };
    let site = Site::start(&plan);
    fleet::publish(broker.port, messages, 1_000, |_| {});
    let row =
        |task: &Value| json!([task["device"], task["first_at"], task["last_at"], task["evidence"]]);
    let expected = expected(&small());
    let mut found = Vec::new();
    let settled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_for("the expected tasks", || {
            found = site.tasks().iter().map(row).collect();
            (found == expected).then_some(())
        });
    }));
    if settled.is_err() {
        assert_eq!(found, expected);
    }
}

#[test]
fn mosquitto_gives_the_same_in_the_order_of_arrival() {
    over_mqtt(&publishes());
}

#[test]
fn and_shuffled_by_up_to_twenty_hours() {
    over_mqtt(&shuffled(publishes()));
}
