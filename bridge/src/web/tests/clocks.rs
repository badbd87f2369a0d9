//! The clocks of tasks: superiors are told once, in time, whatever happens to the program in between.

use std::fs;
use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::site::{SHANGHAI, Site, bearer};
use super::writer::with_writer;
use crate::auth::person::{EVERYWHERE, Profile};
use crate::auth::role::Role;
use crate::delivery::testing::{Recorder, destination, routing};
use crate::store::outbox_view;

const PEOPLE: &str = "id,name,manager,team\nlin,Lin,meng,ev\nmeng,Meng,dai,\ndai,Dai,,\n";
const RULE: &str = r#"
    id = "care"
    kind = "trigger"
    title = { en = "Care" }
    [when]
    pattern = "count"
    event = "charge_failed"
    times = 1
    within = "1h"
    per = "device"
    [[then]]
    task = "care"
    title = { en = "Charging failed" }
    steps = ["send_coupon"]
    due = "2 business hours"
    route = "account-owner, else pool:ev"
"#;

/// A site whose time is `at`, with the rule and the calendar in force and a system that is told.
async fn site(at: &str, team_calendar: Option<&str>) -> Site {
    let site = Site::new().await;
    let at: DateTime<Utc> = at.parse().unwrap();
    site.advance(at - site.now());
    let roles = [Role::Operations, Role::SalesManager].into();
    let profile = Profile { roles, regions: [EVERYWHERE.to_owned()].into(), ..Profile::default() };
    for id in ["lin", "meng"] {
        site.add_person(id, profile.clone(), "$argon2id$none").await;
    }
    let folder = site.folder();
    let files = [
        ("rules/care.toml", RULE),
        ("registry/people.csv", PEOPLE),
        ("registry/accounts.csv", "id,name,owner\nacme,Acme,lin\n"),
        ("registry/devices.csv", "id,model,account\nd1,X7,acme\nd2,X7,acme\n"),
        ("registry/calendar.toml", SHANGHAI),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    if let Some(calendar) = team_calendar {
        fs::create_dir(folder.join("registry/calendars")).unwrap();
        fs::write(folder.join("registry/calendars/ev.toml"), calendar).unwrap();
    }
    post(&site, "/api/v1/rules/reload", &json!({})).await;
    site.delivery.send_replace(routing(vec![destination("crm", Arc::<Recorder>::default())]));
    site
}

async fn post(site: &Site, path: &str, body: &Value) -> Value {
    let headers = [("authorization", &*bearer("lin"))];
    let body = body.to_string();
    let answer = with_writer(site, site.call("POST", path, &headers, &body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

/// Lets the device fail, and returns the task.
async fn fail(site: &Site) -> Value {
    let event = json!([{"id": "e1", "device": "d1", "kind": "charge_failed",
        "occurred_at": site.now()}]);
    post(site, "/api/v1/events", &event).await;
    let listed = site.get("/api/v1/tasks", &[("authorization", &bearer("lin"))]).await;
    listed.json()["tasks"][0].clone()
}

/// Starts the program at `at`, twice, and has something happen that has nothing to do with the task.
async fn pass(site: &Site, at: &str) {
    site.advance(at.parse::<DateTime<Utc>>().unwrap() - site.now());
    for n in 0..2 {
        let event = json!([{"id": format!("x{n}"), "device": "d2", "kind": "heartbeat",
            "occurred_at": site.now()}]);
        post(site, "/api/v1/events", &event).await;
    }
}

/// What was told of the task by a clock: what, when it was due, to whom.
async fn told(site: &Site, task: &Value) -> Vec<(String, String, Value)> {
    let id = task["id"].as_str().unwrap();
    let path = format!("/api/v1/tasks/{id}");
    let found = site.get(&path, &[("authorization", &bearer("lin"))]).await.json();
    let history = found["history"].as_array().unwrap().iter();
    let clocks = history.filter(|entry| entry["actor"] == "upturn");
    let clocks = clocks.filter(|entry| entry["action"] != "task-created");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    clocks.map(|e| (text(&e["action"]), text(&e["done_at"]), e["detail"]["told"].clone())).collect()
}

fn told_of(action: &str, at: &str, people: &[&str]) -> (String, String, Value) {
    (action.to_owned(), format!("{at}.000Z"), json!(people))
}

#[tokio::test]
async fn due_times_are_working_time_of_the_acting_team() {
    let cases = [
        ("2025-01-24T09:30:00Z", None, "2025-01-26T02:30:00.000Z"),
        ("2025-01-27T09:30:00Z", None, "2025-02-05T02:30:00.000Z"),
        (
            "2025-01-27T09:30:00Z",
            Some("zone = \"UTC\"\nrevision = \"1\"\n[week]\nmon = [\"09:00-18:00\"]\n"),
            "2025-01-27T11:30:00.000Z",
        ),
    ];
    for (at, team, due_at) in cases {
        let site = site(at, team).await;
        assert_eq!(fail(&site).await["due_at"], due_at, "case: {at} {team:?}");
    }
}

#[tokio::test]
async fn both_superiors_are_told_once_when_the_time_is_over_and_once_more_a_working_day_later() {
    let site = site("2025-01-27T09:30:00Z", None).await;
    let task = fail(&site).await;
    let accept = format!("/api/v1/tasks/{}/accept", task["id"].as_str().unwrap());
    post(&site, &accept, &json!({})).await;
    pass(&site, "2025-02-05T02:29:59Z").await;
    assert_eq!(told(&site, &task).await, [], "not early");
    let superiors: &[&str] = &["meng", "dai"];
    let first = told_of("task-escalated", "2025-02-05T02:30:00", superiors);
    pass(&site, "2025-02-05T02:30:00Z").await;
    assert_eq!(told(&site, &task).await, vec![first.clone()]);
    let silent = told_of("task-silent", "2025-02-05T09:30:00", &["lin", "meng"]);
    let second = told_of("task-escalated", "2025-02-06T02:30:00", superiors);
    pass(&site, "2025-02-27T12:00:00Z").await;
    assert_eq!(told(&site, &task).await, [first, silent, second]);

    let letters = outbox_view::of_subject(&site.store, task["id"].as_str().unwrap(), 50).await;
    let kinds: Vec<_> = letters.unwrap().into_iter().map(|letter| letter.kind).collect();
    let count = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
    assert_eq!((count("task-escalated"), count("task-silent")), (4, 2), "{kinds:?}");
}

#[tokio::test]
async fn a_logged_contact_stops_the_clock_and_a_try_that_reached_nobody_does_not() {
    for (result, expected) in [("reached", 0), ("call-again", 0), ("not-reached", 1)] {
        let site = site("2025-01-27T02:00:00Z", None).await;
        let task = fail(&site).await;
        site.advance(TimeDelta::minutes(5));
        let contact = format!("/api/v1/tasks/{}/contact", task["id"].as_str().unwrap());
        post(&site, &contact, &json!({"channel": "phone", "result": result})).await;
        pass(&site, "2025-01-27T09:00:00Z").await;
        assert_eq!(told(&site, &task).await.len(), expected, "case: {result}");
    }
}

#[tokio::test]
async fn silence_is_a_working_day_without_movement() {
    // Monday noon before the holiday, in Shanghai.
    let site = site("2025-01-27T04:00:00Z", None).await;
    let task = fail(&site).await;
    let contact = format!("/api/v1/tasks/{}/contact", task["id"].as_str().unwrap());
    post(&site, &contact, &json!({"channel": "phone", "result": "reached"})).await;
    pass(&site, "2025-02-05T03:59:59Z").await;
    assert_eq!(told(&site, &task).await, []);
    pass(&site, "2025-02-05T04:00:00Z").await;
    let silent = told_of("task-silent", "2025-02-05T04:00:00", &["lin", "meng"]);
    assert_eq!(told(&site, &task).await, vec![silent.clone()]);

    // What moves is watched again; what is closed is not.
    let path = |verb: &str| format!("/api/v1/tasks/{}/{verb}", task["id"].as_str().unwrap());
    post(&site, &path("comment"), &json!({"text": "waits for a part"})).await;
    pass(&site, "2025-02-06T04:00:00Z").await;
    let again = told_of("task-silent", "2025-02-06T04:00:00", &["lin", "meng"]);
    assert_eq!(told(&site, &task).await, [silent.clone(), again.clone()]);
    post(&site, &path("done"), &json!({"outcome": "solved"})).await;
    pass(&site, "2025-03-05T04:00:00Z").await;
    assert_eq!(told(&site, &task).await, [silent, again]);
}
