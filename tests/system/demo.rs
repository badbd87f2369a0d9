//! The demo: a day through the real door, in a table, in JSON, and on the pages.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};
use upturn_tests::binary::{Running, run, upturn};
use upturn_tests::http::get_as;

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
        ["EVSE-0099", "pool:operations", 3],
    ]);
    assert_eq!(Value::from(rows), expected);
    assert!(tasks.iter().all(|task| task["due_at"].is_string()), "{document}");
    assert!(tasks.iter().all(|task| task["rule"] == "charger-care"), "{document}");
    check_quotes(&document["quotes"]);
    check_advice(&document["advice"]);
}

/// Two per cent below the floor goes out; four names the rule and who may approve.
fn check_quotes(quotes: &Value) {
    let quotes = quotes.as_array().unwrap();
    assert_eq!(quotes.len(), 2, "{quotes:?}");
    let (two, four) = (&quotes[0], &quotes[1]);
    let offers = |quote: &Value| -> Vec<Value> {
        let offers = quote["offers"].as_array().unwrap().iter();
        offers.map(|offer| json!([offer["term"], offer["status"], offer["total"]])).collect()
    };
    let expected = json!([
        ["FCA", "priced", "51555.04"],
        ["FOB", "priced", "51681.02"],
        ["DDP", "priced", "70170.82"],
    ]);
    assert_eq!(Value::from(offers(two)), expected, "{two:#}");
    assert_eq!(two["rates"][0]["legs"][0]["rate"]["value"], "7.6204");
    assert!(offers(four).iter().all(|offer| offer[1] == "blocked"), "{four:#}");
    let text = four.to_string();
    for part in ["price-bands", "regional-director", "d.lin"] {
        assert!(text.contains(part), "{part}: {four:#}");
    }
}

/// Eight by the make-up workday, twelve where a missing unit costs more; the tender after the window
/// adds nothing.
fn check_advice(advice: &Value) {
    let advice = advice.as_array().unwrap();
    assert_eq!(advice.len(), 1, "{advice:?}");
    let one = &advice[0];
    let plan = &one["plan"];
    for (key, expected) in [
        ("item", json!("VENT-700")),
        ("quantity", json!(8)),
        ("from", json!("A")),
        ("to", json!("B")),
        ("latest_ship_on", json!("2025-01-26")),
        ("next_arrival_on", json!("2025-02-06")),
        ("closed_from", json!("2025-01-28")),
    ] {
        assert_eq!(plan[key], expected, "{key}: {plan:#}");
    }
    let steps: Vec<_> = plan["break_even"].as_array().unwrap().iter().collect();
    let below = steps.iter().find(|step| step["quantity"] == 8).unwrap()["below"].as_f64().unwrap();
    assert!((2.13..2.15).contains(&below), "{steps:?}");
    let last = steps.last().unwrap();
    assert_eq!((&last["quantity"], &last["below"]), (&json!(12), &Value::Null));
    assert!(one["headline"]["zh"].as_str().unwrap().contains("最迟 2025-01-26"), "{one:#}");
}

/// Both quotes can be looked at, and the seller asks for the one that is blocked.
#[test]
fn it_keeps_its_quotes_and_asks_for_the_blocked_one() {
    let mut command = upturn(["demo", "--web", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut demo = Running(child);
    let lines = BufReader::new(demo.0.stdout.take().unwrap()).lines();
    let lines: Vec<String> =
        lines.map(Result::unwrap).take_while(|line| !line.starts_with("Advice on stock")).collect();
    let after = |mark: &str| -> String {
        let found = lines.iter().find_map(|line| line.split_once(mark));
        found.unwrap_or_else(|| panic!("no '{mark}' in {lines:?}")).1.trim().to_owned()
    };
    let port = after("http://127.0.0.1:").parse().unwrap();
    let token = after("Authorization: Bearer ");
    let read = |path: &str| -> Value {
        let (status, body) = get_as(port, path, &token).expect("the demo answers");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    };
    let quotes = read("/api/v1/quotes");
    let mut clear: Vec<_> = quotes["quotes"].as_array().unwrap().iter().collect();
    clear.sort_by_key(|quote| quote["number"].to_string());
    let clear: Vec<_> = clear.iter().map(|quote| (&quote["number"], &quote["is_clear"])).collect();
    let expected =
        [("Q-2024-1121", true), ("Q-2024-1122", false)].map(|(n, is)| (json!(n), json!(is)));
    assert_eq!(clear, expected.iter().map(|(n, is)| (n, is)).collect::<Vec<_>>(), "{quotes:#}");
    let cases = read("/api/v1/approvals");
    let case = &cases["approvals"][0];
    assert_eq!(case["state"], "open", "{cases:#}");
    assert!(case["reason"].as_str().unwrap().contains("4 % below the floor"), "{cases:#}");
    assert_eq!(demo.terminate(), Some(0));
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
