//! Letters over MQTT: to the device a task is about, or to whoever subscribes.
//!
//! **What it does** publishes each letter as JSON, QoS 1, not retained.
//! **When it fires** as soon as the task and its letter are committed.
//! **Example** `mqtt_topic = "upturn/devices/{device}/tasks"`
//! **Settings** the topic; `{device}` stands for the task's device.

use serde_json::{Value, json};

use super::Letter;

/// Where letters are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The topic, with `{device}` for the task's device.
    pub topic: String,
}

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The topic.
    pub topic: String,
    /// JSON text.
    pub payload: Vec<u8>,
}

/// Returns the publication that carries `letter`.
///
/// The device's id is checked where it came in, so it cannot add a level to the topic.
pub fn compose(settings: &Settings, letter: &Letter) -> Publication {
    let device = letter.body.get("device").and_then(Value::as_str).unwrap_or("unknown");
    let mut payload = letter.body.clone();
    if let Some(object) = payload.as_object_mut() {
        object.insert("key".into(), json!(letter.key));
        object.insert("event".into(), json!(letter.kind));
        object.insert("task".into(), json!(letter.subject));
    }
    let topic = settings.topic.replace("{device}", device);
    Publication { topic, payload: payload.to_string().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_goes_to_its_device_and_names_its_key() {
        let settings = Settings { topic: "upturn/devices/{device}/tasks".to_owned() };
        let letter = Letter {
            key: "k1".to_owned(),
            kind: "task-withdrawn".to_owned(),
            subject: "t1".to_owned(),
            body: json!({"device": "evse-1", "reason": "late-evidence"}),
        };
        let sent = compose(&settings, &letter);
        assert_eq!(sent.topic, "upturn/devices/evse-1/tasks");
        let payload: Value = serde_json::from_slice(&sent.payload).unwrap();
        let expected = json!({
            "device": "evse-1", "reason": "late-evidence",
            "key": "k1", "event": "task-withdrawn", "task": "t1",
        });
        assert_eq!(payload, expected);
    }
}
