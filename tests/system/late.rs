//! Late evidence against a real database.

use upturn_tests::fleet::{self, Message};
use upturn_tests::site::{Database, Plan, Site};

/// Too hot for ten minutes; one occurrence at a time, until all is well.
const HOT: &str = r#"
id = "hot"
kind = "trigger"
title = { en = "Too hot" }
[when]
pattern = "sustained"
event = "reading"
value = "event.celsius"
above = 50
clear = 40
for = "10m"
[episode]
close = { on = ["well"] }
[[then]]
task = "care"
"#;

fn readings() -> Vec<Message> {
    // In the order of arrival; the last one happened first of all, so that it moves what the
    // standing occurrence is based on, closes that one, and opens another.
    let happened = [
        (10, "reading", 60),
        (15, "well", 0),
        (43, "reading", 45),
        (44, "reading", 70),
        (45, "reading", 71),
        (0, "reading", 70),
    ];
    let message = |(hour, kind, celsius): (u64, &str, u64)| {
        let at = 1_767_600_000_000 + hour * 3_600_000;
        let payload =
            format!(r#"{{"id":"h{hour}","ts":{at},"kind":"{kind}","celsius":{celsius}}}"#);
        Message::new("devices/d0/events", payload)
    };
    happened.into_iter().map(message).collect()
}

/// Publishes one after the other, so that each is a batch of its own; returns the standing tasks.
fn tasks_after(site: &Site, messages: &[Message]) -> Vec<(String, String)> {
    for message in messages {
        fleet::publish(site.mqtt, std::slice::from_ref(message), 1, |_| {});
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let tasks = site.tasks();
    let mut told: Vec<_> =
        tasks.iter().map(|t| (text(&t["first_at"]), text(&t["episode"]))).collect();
    told.sort();
    told
}

fn late_and_in_order(databases: &[Option<Database>; 2]) {
    let start = |database: &Option<Database>| {
        Site::start(&Plan {
            database: database.as_ref().map(|database| database.url.clone()),
            rules: vec![HOT.to_owned()],
            accept_past: Some("36500d".to_owned()),
            ..Plan::default()
        })
    };
    let [one, other] = databases;
    let late = tasks_after(&start(one), &readings());
    let mut sorted = readings();
    sorted.rotate_right(1);
    let in_order = tasks_after(&start(other), &sorted);
    assert_eq!(late, in_order);
    assert_eq!(late.len(), 2, "{late:?}");
}

#[test]
fn one_fold_may_close_an_episode_and_open_the_next_in_sqlite() {
    late_and_in_order(&[None, None]);
}

#[test]
fn and_in_postgresql() {
    let databases = [Database::create(), Database::create()];
    if databases.iter().all(Option::is_some) {
        late_and_in_order(&databases);
    }
}

#[test]
fn a_name_that_no_table_takes_counts_under_nothing_and_harms_nobody() {
    let Some(database) = Database::create() else { return };
    let rule = HOT
        .replace("pattern = \"sustained\"", "pattern = \"count\"\ntimes = 1\nper = \"event.code\"")
        .replace("value = \"event.celsius\"\nabove = 50\nclear = 40\nfor = \"10m\"\n", "");
    let site = Site::start(&Plan {
        database: Some(database.url.clone()),
        rules: vec![rule],
        accept_past: Some("36500d".to_owned()),
        ..Plan::default()
    });
    let long = "x".repeat(20_000);
    let codes = ["\\u0000", long.as_str(), "good"];
    let message = |(number, code): (usize, &&str)| {
        let payload =
            format!(r#"{{"id":"n{number}","kind":"reading","code":"{code}","account":"a\u0000"}}"#);
        Message::new("devices/d0/events", payload)
    };
    let messages: Vec<Message> = codes.iter().enumerate().map(message).collect();
    fleet::publish(site.mqtt, &messages, 3, |_| {});
    assert_eq!(site.until_tasks(1)[0]["scope"], "good");
}
