//! Exports: what is written is what the log holds, word for word.

use serde_json::{Value, json};
use upturn_tests::binary::run;
use upturn_tests::fleet::{self, Message};
use upturn_tests::site::{Plan, Site, THREE_FAILURES, each_database};

const DEVICES: usize = 20;

/// Clocks that are right, long ago, far ahead and not there; breaks between the parts of a payload.
fn messages() -> Vec<Message> {
    let mut messages = Vec::new();
    for number in 0..4_u64 {
        for device in 0..DEVICES {
            let ts = 1_700_000_000_000_u64 + 60_000 * number + 5_000 * device as u64;
            let kind = if number == 1 && device % 4 == 0 { "charge_ok" } else { "charge_failed" };
            let payload = match device % 5 {
                0 => format!("{{\r\n \"id\": \"{number}\",\n \"ts\": {ts}, \"kind\": \"{kind}\"}}"),
                1 => json!({"id": number.to_string(), "ts": ts, "kind": kind, "seq": number, "channel": 2}).to_string(),
                2 => json!({"ts": ts, "kind": kind, "received_at": "never"}).to_string(),
                3 => json!({"id": number.to_string(), "kind": kind, "upturn_event": 1}).to_string(),
                _ => json!({"id": number.to_string(), "ts": "3000-01-01T00:00:00Z", "kind": kind}).to_string(),
            };
            messages.push(Message::new(format!("devices/d{device:02}/events"), payload));
        }
    }
    messages.push(Message::new("devices/d00/events", r#"{"id":"h","kind":"heartbeat"}"#));
    messages
}

fn backtest(site: &Site, events: Option<&str>) -> Vec<Value> {
    let mut command = site.command(["backtest", "--json", "--rules", "rules"]);
    if let Some(events) = events {
        command.args(["--events", events]);
    }
    let output = run(command, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn export<const N: usize>(site: &Site, arguments: [&str; N]) -> Vec<u8> {
    let mut command = site.command(["export", "events"]);
    command.args(arguments);
    let output = run(command, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_back_test_of_what_was_exported_is_that_of_the_log() {
    each_database(|database| {
        let accept_past = Some("36500d".to_owned());
        let rules = vec![THREE_FAILURES.to_owned()];
        let site = Site::start(&Plan { database, rules, accept_past, ..Plan::default() });
        let messages = messages();
        fleet::publish(site.mqtt, &messages, 100, |_| {});
        let expected = backtest(&site, None);
        assert!(3 < expected.len(), "{expected:?}");

        export(&site, ["all.jsonl"]);
        export(&site, ["all.parquet", "--format", "parquet"]);
        let lines = std::fs::read_to_string(site.folder.path().join("all.jsonl")).unwrap();
        assert_eq!(lines.lines().count(), messages.len());
        assert_eq!(backtest(&site, Some("all.jsonl")), expected);
        assert_eq!(backtest(&site, Some("all.parquet")), expected);
        assert_eq!(export(&site, ["-"]), lines.as_bytes(), "the same on standard output");

        let some =
            export(&site, ["-", "--kind", "charge_ok", "--device", "d04", "--device", "d08"]);
        let some = String::from_utf8(some).unwrap();
        assert_eq!(some.lines().count(), 2, "{some}");
        assert!(export(&site, ["-", "--to", "2001-01-01"]).is_empty());
        assert!(export(&site, ["-", "--from", "2999-01-01"]).is_empty());
        assert_eq!(
            export(&site, ["-", "--from", "2001-01-01", "--to", "2999-01-01"]),
            lines.as_bytes()
        );

        let again = run(site.command(["export", "events", "all.jsonl"]), "");
        assert_eq!(again.status.code(), Some(74), "never over another file: {again:?}");
    });
}

#[test]
fn a_torn_parquet_file_is_refused() {
    let site = Site::start(&Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() });
    fleet::publish(site.mqtt, &messages(), 100, |_| {});
    export(&site, ["all.parquet", "--format", "parquet"]);
    let whole = std::fs::read(site.folder.path().join("all.parquet")).unwrap();
    std::fs::write(site.folder.path().join("torn.parquet"), &whole[..whole.len() / 2]).unwrap();
    let command = site.command(["backtest", "--rules", "rules", "--events", "torn.parquet"]);
    let output = run(command, "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(65), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
