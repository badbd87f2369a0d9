//! A program that dies after a letter was sent and before that was written down.
//!
//! MQTT cannot be asked whether a letter is there, so it comes again: with the same key, by which a
//! receiver knows it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES};

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
    let failures: Vec<Message> = (0..3)
        .map(|number: u32| {
            let event = json!({"id": number.to_string(), "kind": "charge_failed"});
            Message::new("devices/evse-1/events", event.to_string())
        })
        .collect();
    let heard = fleet::listen(broker.port, "told/#", 2, || {
        std::thread::scope(|scope| {
            scope.spawn(|| fleet::publish(broker.port, &failures, 20, |_| {}));
            while site.running().is_alive() {
                std::thread::yield_now();
            }
        });
        site.heal();
        site.start_again();
    });
    let key = |message: &Message| {
        serde_json::from_slice::<Value>(&message.payload).unwrap()["key"].to_string()
    };
    let keys: BTreeSet<String> = heard.iter().map(key).collect();
    assert_eq!((heard.len(), keys.len()), (2, 1));
    let letters = upturn_tests::binary::wait_for("the letter's arrival", || {
        let letters = http::json(site.web, "/api/v1/letters?state=sent")["letters"].clone();
        letters.as_array().filter(|letters| !letters.is_empty()).cloned()
    });
    assert_eq!(letters.len(), 1);
}
