//! The demo: a day through the real door, in a table, in JSON, and on the pages.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};
use upturn_tests::binary::{Running, run, upturn};

#[test]
fn once_prints_the_tasks_of_the_day() {
    let output = run(upturn(["demo", "--once", "--json"]), "");
    assert!(output.status.success(), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let tasks = document["tasks"].as_array().unwrap();
    let row = |task: &Value| {
        json!([task["device"], task["owner"], task["evidence"].as_array().unwrap().len()])
    };
    let rows: Vec<Value> = tasks.iter().map(row).collect();
    let expected = json!([
        ["EVSE-0042", "advisor-east", 3],
        ["EVSE-0043", "advisor-eu", 3],
        ["EVSE-0046", "advisor-east", 3],
        ["EVSE-0099", "pool:ev-advisors", 3],
    ]);
    assert_eq!(Value::from(rows), expected);
    assert!(tasks.iter().all(|task| task["due_at"].is_string()), "{document}");
    assert!(tasks.iter().all(|task| task["rule"] == "charger-care"), "{document}");
}

#[test]
fn it_stops_cleanly_and_starts_again() {
    for start in 1..=2 {
        let mut command = upturn(["demo", "--web", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut demo = Running(child);
        let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.contains("http://127.0.0.1:"), "start {start}: {first}");
        let second = lines.next().unwrap().unwrap();
        assert!(second.contains("demo"), "start {start}: {second}");
        assert_eq!(demo.terminate(), Some(0), "start {start}");
    }
}
