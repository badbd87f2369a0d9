//! Letters on their way: MQTT in, a letter out, over an outage of the broker, exactly once.

use std::path::Path;

use serde_json::{Value, json};
use upturn_tests::binary::{run, wait_for};
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES};

const DESTINATION: &str = "id = \"devices\"\nkind = \"mqtt\"\ntitle = { en = \"Devices\" }\n\
    [settings]\ntopic = \"told/{device}\"\n";
const ROUTE: &str = "id = \"all\"\nto = \"devices\"\n\
    on = [\"task-created\", \"task-accepted\", \"task-done\"]\n";

/// Adds documents to an installation that does not run yet.
fn with_documents(site: &Site, route: &str) {
    let folder = site.folder.path();
    write(&folder.join("delivery/destinations/devices.toml"), DESTINATION);
    write(&folder.join("delivery/routes/all.toml"), route);
    let settings = folder.join("upturn.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let dir = folder.join("delivery").display().to_string();
    std::fs::write(&settings, format!("{text}[delivery]\ndir = \"{dir}\"\n")).unwrap();
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn failures(device: &str) -> Vec<Message> {
    let message = |number: u32| {
        let event = json!({"id": number.to_string(), "kind": "charge_failed"});
        Message::new(format!("devices/{device}/events"), event.to_string())
    };
    (0..3).map(message).collect()
}

fn letters(site: &Site) -> Vec<Value> {
    http::json(site.web, "/api/v1/letters")["letters"].as_array().unwrap().clone()
}

#[test]
fn a_letter_waits_for_a_broker_that_is_away_and_then_arrives_once() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let plan = Plan {
        broker: Some(broker.port),
        rules: vec![THREE_FAILURES.to_owned()],
        ..Plan::default()
    };
    let mut site = Site::install(&plan);
    with_documents(&site, &format!("{ROUTE}hold = \"2s\"\n"));
    site.start_again();
    fleet::publish(broker.port, &failures("evse-1"), 20, |_| {});
    site.until_tasks(1);
    broker.stop();
    // Late enough that the next try leaves time to listen.
    wait_for("some tries", || {
        letters(&site).first().filter(|letter| letter["attempts"].as_u64() >= Some(4)).cloned()
    });
    let why = letters(&site)[0]["last_error"].clone();
    assert!(why.as_str().is_some_and(|why| !why.is_empty()), "{why}");
    broker.start_again();
    let heard = fleet::listen(broker.port, "told/#", 1, || {});
    let sent = wait_for("the letter's arrival", || {
        letters(&site).into_iter().find(|letter| letter["state"] == "sent")
    });
    let told: Value = serde_json::from_slice(&heard[0].payload).unwrap();
    assert_eq!(heard[0].topic, "told/evse-1");
    assert_eq!((&told["key"], &told["event"]), (&sent["key"], &json!("task-created")));
    assert_eq!((&told["rule"], &told["kind"]), (&json!("three-failures"), &json!("care")));
    assert_eq!(letters(&site).len(), 1);

    let listed = run(site.command(["outbox", "list", "--json"]), "");
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["letters"][0]["key"], told["key"]);
}

#[test]
fn what_happens_to_a_task_is_told_in_order_and_what_is_wrong_is_not_put_in_force() {
    let plan = Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() };
    let mut site = Site::install(&plan);
    with_documents(&site, &format!("{ROUTE}hold = \"500ms\"\n"));
    let checked = run(site.command(["check"]), "");
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(said.contains("3 files checked: nothing wrong"), "{said}");
    site.start_again();
    let heard = fleet::listen(site.mqtt, "told/#", 3, || {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                fleet::publish(site.mqtt, &failures("evse-1"), 20, |_| {});
                let id = site.until_tasks(1)[0]["id"].as_str().unwrap().to_owned();
                for (verb, said) in [("accept", json!({})), ("done", json!({"outcome": "solved"}))]
                {
                    let path = format!("/api/v1/tasks/{id}/{verb}");
                    assert_eq!(http::post(site.web, &path, &said).unwrap().0, 200);
                }
            });
        });
    });
    let events: Vec<Value> = heard
        .iter()
        .map(|message| serde_json::from_slice::<Value>(&message.payload).unwrap()["event"].clone())
        .collect();
    assert_eq!(events, ["task-created", "task-accepted", "task-done"]);

    let routes = site.folder.path().join("delivery/routes/all.toml");
    std::fs::write(&routes, ROUTE.replace("devices", "nobody")).unwrap();
    let (status, problem) = http::post(site.web, "/api/v1/rules/reload", &json!({})).unwrap();
    assert_eq!((status, &problem["errors"][0]["code"]), (422, &json!("unknown-destination")));
    assert_eq!(problem["errors"][0]["line"], 2);
    std::fs::write(&routes, ROUTE).unwrap();
    let (status, changes) = http::post(site.web, "/api/v1/rules/reload", &json!({})).unwrap();
    assert_eq!((status, &changes["delivery"]), (200, &json!(true)));
}

#[test]
fn a_letter_is_looked_at_with_the_templates_as_they_are_now() {
    let plan = Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() };
    let mut site = Site::install(&plan);
    with_documents(&site, ROUTE);
    let templates = site.folder.path().join("delivery/templates");
    write(&templates.join("letter.en.txt"), "For all\n");
    write(&templates.join("channels/mqtt/task-done.zh.txt"), "做完了 {{ device }}\n\n好\n");
    write(
        &templates.join("destinations/devices/task-created.en.txt"),
        "Mine: {{ device }}\n\nNow.\n",
    );
    let shown = run(site.command(["outbox", "preview", "devices"]), "");
    let said = String::from_utf8(shown.stdout).unwrap();
    assert!(said.starts_with("subject: Mine: EVSE-0042\n\n--- text\nNow.\n"), "{said}");
    assert!(said.contains("--- sent\ntold/EVSE-0042\n{"), "{said}");
    let chinese = ["outbox", "preview", "devices", "--kind", "task-done", "--language", "zh"];
    let shown = run(site.command(chinese), "");
    assert!(shown.stdout.starts_with("subject: 做完了 EVSE-0042\n".as_bytes()), "{shown:?}");

    site.start_again();
    fleet::publish(site.mqtt, &failures("evse-7"), 20, |_| {});
    let id = site.until_tasks(1)[0]["id"].as_str().unwrap().to_owned();
    let shown = run(site.command(["outbox", "preview", "devices", "--json", "--task", &id]), "");
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["title"], "Mine: evse-7");

    write(&templates.join("destinations/devices/task-created.en.txt"), "Mine\n{{ devise }}\n");
    let refused = run(site.command(["outbox", "preview", "devices"]), "");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("templates/destinations/devices/task-created.en.txt:2:1: "), "{said}");
    let unknown = run(site.command(["outbox", "preview", "nobody"]), "");
    assert_eq!((refused.status.code(), unknown.status.code()), (Some(78), Some(78)));
}

#[test]
fn a_hang_up_puts_other_documents_in_force_and_nothing_where_one_is_wrong() {
    let plan = Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() };
    let mut site = Site::install(&plan);
    with_documents(&site, &format!("{ROUTE}hold = \"1ms\"\n"));
    site.start_again();
    let folder = site.folder.path().join("delivery");
    let devices = folder.join("destinations/devices.toml");
    // A wrong document beside a changed one: both stay out.
    write(&devices, &DESTINATION.replace("told/", "elsewhere/"));
    write(&folder.join("routes/wrong.toml"), &ROUTE.replace("devices", "nobody"));
    site.running().hang_up();
    wait_for("a refusal", || site.log().contains("nothing was reloaded").then_some(()));
    let heard = fleet::listen(site.mqtt, "+/+", 1, || {
        fleet::publish(site.mqtt, &failures("evse-1"), 20, |_| {});
    });
    assert_eq!(heard[0].topic, "told/evse-1");

    std::fs::remove_file(folder.join("routes/wrong.toml")).unwrap();
    write(&folder.join("templates/letter.en.txt"), "Other words\n");
    site.running().hang_up();
    wait_for("the new words", || {
        let shown = http::json(site.web, "/api/v1/destinations/devices/preview");
        (shown["title"] == "Other words").then_some(())
    });
    let heard = fleet::listen(site.mqtt, "+/+", 1, || {
        fleet::publish(site.mqtt, &failures("evse-2"), 20, |_| {});
    });
    assert_eq!(heard[0].topic, "elsewhere/evse-2");
}
