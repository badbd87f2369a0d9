//! A program that dies after a letter was sent and before that was written down.
//!
//! MQTT cannot be asked whether a letter is there, so it comes again: with the same key, by which a
//! receiver knows it. A calendar can, and has one item.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Once;

use serde_json::{Value, json};
use tempfile::TempDir;
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{self, Plan, Site, THREE_FAILURES};
use upturn_tests::target::Target;

use crate::sabotage::going_wrong;

#[test]
fn a_letter_that_is_sent_again_after_a_power_cut_has_the_same_key() {
    let Some(plan) = going_wrong("after-send-before-mark=return") else { return };
    let Some(broker) = Mosquitto::start() else { return };
    let plan = Plan {
        broker: Some(broker.port),
        rules: vec![THREE_FAILURES.to_owned()],
        letters: Some("told/{device}".to_owned()),
        ..plan
    };
    let mut site = Site::start(&plan);
    let heard = fleet::listen(broker.port, "told/#", 2, || {
        fail_until_it_dies(&mut site, broker.port);
    });
    let key = |message: &Message| {
        serde_json::from_slice::<Value>(&message.payload).unwrap()["key"].to_string()
    };
    let keys: BTreeSet<String> = heard.iter().map(key).collect();
    assert_eq!((heard.len(), keys.len()), (2, 1));
    until_sent(&site);
}

#[test]
fn a_letter_that_is_sent_again_after_a_power_cut_is_one_record() {
    static SAID: Once = Once::new();
    let Some(plan) = going_wrong("after-send-before-mark=return") else { return };
    let Some(broker) = Mosquitto::start() else { return };
    let Some(calendar) = Target::start("radicale", &[], &SAID) else { return };
    let folder = TempDir::new().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, calendar.get("PASSWORD")).unwrap();
    let documents = [
        (
            "destinations/calendar.toml",
            format!(
                "id = \"calendar\"\nkind = \"caldav\"\ntitle = {{ en = \"Calendar\" }}\n\
                 [settings]\ncollection = \"{}VTODO/\"\nuser = \"{}\"\npassword_file = \"{}\"\n",
                calendar.get("URL"),
                calendar.get("LOGIN"),
                password.display(),
            ),
        ),
        (
            "routes/all.toml",
            "id = \"all\"\non = [\"task-created\"]\nto = \"calendar\"\nhold = \"0s\"\n".to_owned(),
        ),
    ];
    for (name, text) in documents {
        let path = folder.path().join(name);
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let doors = format!(
        "{}[delivery]\ndir = \"{}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n",
        site::connect(broker.port, "").unwrap(),
        folder.path().display(),
    );
    let rules = vec![THREE_FAILURES.to_owned()];
    let mut site =
        Site::start(&Plan { broker: Some(broker.port), doors: Some(doors), rules, ..plan });
    fail_until_it_dies(&mut site, broker.port);
    let letter = until_sent(&site);
    let items = Path::new(calendar.get("DIR")).join("collections/collection-root/rep/VTODO");
    let items: Vec<_> = std::fs::read_dir(items)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(items, [letter["remote"].as_str().unwrap()]);
}

/// Lets a charger fail three times, waits until the program is dead, and starts it again, healed.
fn fail_until_it_dies(site: &mut Site, port: u16) {
    let failures: Vec<Message> = (0..3)
        .map(|number: u32| {
            let event = json!({"id": number.to_string(), "kind": "charge_failed"});
            Message::new("devices/evse-1/events", event.to_string())
        })
        .collect();
    std::thread::scope(|scope| {
        scope.spawn(|| fleet::publish(port, &failures, 20, |_| {}));
        while site.running().is_alive() {
            std::thread::yield_now();
        }
    });
    site.heal();
    site.start_again();
}

/// Waits for the only letter, and returns it.
fn until_sent(site: &Site) -> Value {
    let letters = upturn_tests::binary::wait_for("the letter's arrival", || {
        let letters = http::json(site.web, "/api/v1/letters?state=sent")["letters"].clone();
        letters.as_array().filter(|letters| !letters.is_empty()).cloned()
    });
    assert_eq!(letters.len(), 1);
    letters[0].clone()
}
