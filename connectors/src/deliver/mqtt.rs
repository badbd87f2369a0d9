//! Letters over MQTT: to the device a task is about, or to whoever subscribes.
//!
//! **What it does** publishes each letter as JSON, QoS 1, not retained.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `topic = "upturn/devices/{device}/tasks"`
//! **Settings** the topic; `{device}` stands for the task's device.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::channel::{Channel, Receipt};
use super::failure::Failure;
use super::kind::{self, Kind, Proof, Publisher, SettingsError};
use super::letter::Letter;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "mqtt",
    about: "Publishes letters on the broker that devices are connected to.",
    proof: Proof::Real("Mosquitto 2.0 and the embedded broker"),
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| {
        let settings: Settings = kind::read(settings)?;
        if settings.topic.is_empty() || settings.topic.contains(['+', '#', '\0']) {
            let why = "'topic' is no topic to publish to; write levels without '+' and '#'";
            return Err(SettingsError(why.to_owned()));
        }
        let publisher = around.publisher.clone().ok_or_else(|| {
            SettingsError(
                "there is no broker to publish on; set [mqtt] listen or connect".to_owned(),
            )
        })?;
        Ok(Box::new(Mqtt { settings, publisher }))
    },
};

/// Where letters are published.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The topic, with `{device}` for the task's device.
    pub topic: String,
}

/// Letters over the devices' broker.
#[derive(Debug)]
struct Mqtt {
    settings: Settings,
    publisher: Arc<dyn Publisher>,
}

#[async_trait]
impl Channel for Mqtt {
    async fn send(&self, letter: &Letter, _now: DateTime<Utc>) -> Result<Receipt, Failure> {
        let sent = compose(&self.settings, letter);
        self.publisher.publish(&sent.topic, sent.payload).await?;
        Ok(Receipt::default())
    }

    fn preview(&self, letter: &Letter, _now: DateTime<Utc>) -> Option<String> {
        let sent = compose(&self.settings, letter);
        Some(format!("{}\n{}", sent.topic, String::from_utf8_lossy(&sent.payload)))
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        Ok("nothing was published; letters go out by the broker that devices use".to_owned())
    }
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
    let device = letter.field("device").unwrap_or("unknown");
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
    use serde_json::Value;

    use super::*;
    use crate::deliver::letter::Text;

    #[test]
    fn a_letter_goes_to_its_device_and_names_its_key() {
        let settings = Settings { topic: "upturn/devices/{device}/tasks".to_owned() };
        let letter = Letter {
            key: "k1".to_owned(),
            kind: "task-withdrawn".to_owned(),
            subject: "t1".to_owned(),
            body: json!({"device": "evse-1", "reason": "late-evidence"}),
            text: Text::default(),
            recipient: None,
            remote: None,
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
