//! The whole way: a publish becomes a task on a page, on each pair of broker and database.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use upturn_tests::binary::wait_for;
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{Database, Plan, Site, THREE_FAILURES};

/// What a central system's gateway publishes of a charger that fails three sessions: in each the
/// fault and the stop tell of the same failure.
fn three_failed_sessions(charger: &str, sessions: u32) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut say = |second: u32, action: &str, mut fields: Value| {
        let object = fields.as_object_mut().unwrap();
        object.insert("ts".into(), json!(recent(second)));
        object.insert("action".into(), json!(action));
        let topic = format!("ocpp/1.6/{charger}/{action}");
        messages.push(Message::new(topic, fields.to_string()));
    };
    for session in 0..sessions {
        let begin = session * 60;
        say(
            begin,
            "StartTransaction",
            json!({
                "transaction_id": session, "connector_id": 1, "id_tag": "TAG1", "meter_start": 1000,
            }),
        );
        say(
            begin + 1,
            "StatusNotification",
            json!({
                "connector_id": 1, "error_code": "GroundFailure", "status": "Faulted",
                "info": "isolation <b>low</b>",
            }),
        );
        say(
            begin + 2,
            "StopTransaction",
            json!({
                "transaction_id": session, "meter_stop": 1000, "reason": "EmergencyStop",
            }),
        );
    }
    messages
}

/// Returns a time of the last hour, as a device writes it.
#[expect(clippy::disallowed_methods, reason = "the program under test reads the machine's clock")]
fn recent(second: u32) -> String {
    let at = Utc::now() - TimeDelta::hours(1) + TimeDelta::seconds(second.into());
    at.to_rfc3339()
}

fn travel(plan: &Plan) {
    let site = Site::start(plan);
    let mut messages = three_failed_sessions("evse-0042", 3);
    messages.extend(three_failed_sessions("evse-0043", 3));
    messages.extend(three_failed_sessions("evse-0044", 2));
    // Each message twice: what was taken in already says nothing new.
    messages.extend(messages.clone());
    messages.push(Message::new("ocpp/1.6/evse-0042/Heartbeat", "{\"ts\": oops"));
    fleet::publish(site.mqtt, &messages, 20, |_| {});

    let tasks = site.until_tasks(2);
    for (task, charger) in tasks.iter().zip(["evse-0042", "evse-0043"]) {
        assert_eq!(task["device"], charger);
        assert_eq!(task["rule"], "three-failures");
        assert_eq!(task["owner"], "pool:operations", "nobody has registered it");
        let evidence = task["evidence"].as_array().unwrap();
        let distinct: std::collections::BTreeSet<String> =
            evidence.iter().map(Value::to_string).collect();
        assert_eq!((evidence.len(), distinct.len()), (3, 3), "{task}");

        let path = format!("/tasks/{}", task["id"].as_str().unwrap());
        let (status, page) = http::page(site.web, &path);
        assert_eq!(status, 200, "{page}");
        assert_eq!(page.matches("GroundFailure").count() % 3, 0, "{page}");
        assert!(page.contains("GroundFailure") && page.contains(charger), "{page}");
        assert!(!page.contains("<b>low</b>"), "a device's text is not markup");
    }
    let dead = wait_for("the dead letter", || {
        let letters = http::json(site.web, "/api/v1/dead-letters");
        letters["dead_letters"].as_array().unwrap().first().cloned()
    });
    assert_eq!(dead["code"], "not-json");
    assert_eq!(dead["topic"], "ocpp/1.6/evse-0042/Heartbeat");
}

#[test]
fn by_the_embedded_broker_into_sqlite() {
    travel(&Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() });
}

#[test]
fn by_mosquitto_into_postgresql() {
    let Some(broker) = Mosquitto::start() else { return };
    let Some(database) = Database::create() else { return };
    travel(&Plan {
        broker: Some(broker.port),
        database: Some(database.url.clone()),
        rules: vec![THREE_FAILURES.to_owned()],
        ..Plan::default()
    });
}

/// A task's letter goes to whoever subscribed, and so to the device it is about.
fn letters_arrive(plan: Plan) {
    let letters = Some("devices/{device}/tasks".to_owned());
    let site = Site::start(&Plan { letters, rules: vec![THREE_FAILURES.to_owned()], ..plan });
    let messages = three_failed_sessions("evse-0042", 3);
    let port = site.mqtt;
    let heard = fleet::listen(port, "devices/evse-0042/tasks", 1, || {
        std::thread::scope(|scope| {
            scope.spawn(|| fleet::publish(port, &messages, 20, |_| {}));
        });
    });
    let letter: Value = serde_json::from_slice(&heard[0].payload).unwrap();
    let task = &site.until_tasks(1)[0];
    assert_eq!(letter["event"], "task-created");
    assert_eq!((&letter["task"], &letter["evidence"]), (&task["id"], &task["evidence"]));
    assert!(letter["key"].as_str().is_some_and(|key| key.len() == 64), "{letter}");
    let dead = http::json(site.web, "/api/v1/dead-letters");
    assert_eq!(dead["dead_letters"], json!([]), "our own letters are no telemetry");
}

#[test]
fn a_letter_reaches_the_device_on_the_embedded_broker() {
    letters_arrive(Plan::default());
}

#[test]
fn and_on_mosquitto() {
    let Some(broker) = Mosquitto::start() else { return };
    letters_arrive(Plan { broker: Some(broker.port), ..Plan::default() });
}
