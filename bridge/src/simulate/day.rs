//! The script of a day: what a small fleet publishes, good and bad, in order and late.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

/// How long the day is.
pub(crate) const MINUTES: u32 = 600;

/// One message of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    /// When it arrives, in minutes from the beginning of the day.
    pub(crate) minute: u32,
    /// Where it is published.
    pub(crate) topic: String,
    /// What it says.
    pub(crate) payload: Vec<u8>,
}

/// Returns the messages of the day that began at `begin`, in order of arrival.
///
/// Three chargers earn a task by themselves (0042, 0043, 0046), one of an unknown owner does too
/// (0099). 0044 recovers in time, 0045 only rejects cards, 0047 loses its task again when a late
/// message shows a good session in the middle, and one message is no JSON at all.
pub(crate) fn script(begin: DateTime<Utc>) -> Vec<Publication> {
    let mut day = Day { begin, messages: Vec::new() };
    for minute in [5, 22, 41] {
        day.lock_failure("EVSE-0042", minute);
    }
    for minute in [60, 95, 140] {
        day.ground_failure("EVSE-0043", minute);
    }
    day.lock_failure("EVSE-0044", 70);
    day.lock_failure("EVSE-0044", 110);
    day.good_session("EVSE-0044", 150);
    day.lock_failure("EVSE-0044", 190);
    for minute in [80, 84, 88] {
        day.rejected_card("EVSE-0045", minute);
    }
    // Offline while it failed; then everything comes at once, newest first.
    for (arrival, minute) in [(260, 250), (260, 225), (261, 200)] {
        day.native("EVSE-0046", arrival, minute, "charge_failed");
    }
    for (arrival, minute) in [(300, 300), (330, 330), (360, 360)] {
        day.native("EVSE-0047", arrival, minute, "charge_failed");
    }
    day.native("EVSE-0047", 420, 345, "charge_ok");
    for minute in [380, 400, 430] {
        day.native("EVSE-0099", minute, minute, "charge_failed");
    }
    day.message(450, "devices/EVSE-0048/events".to_owned(), b"{\"kind\": oops".to_vec());
    for (number, charger) in ["EVSE-0048", "EVSE-0049", "EVSE-0050"].into_iter().enumerate() {
        let offset = u32::try_from(number).unwrap_or_default() * 17;
        for hour in 0..9 {
            day.good_session(charger, 10 + offset + hour * 60);
        }
    }
    for minute in (0..MINUTES).step_by(30) {
        for number in 42..=50 {
            day.gateway(&format!("EVSE-00{number}"), minute, "Heartbeat", json!({}));
        }
    }
    day.messages.sort_by_key(|message| message.minute);
    day.messages
}

struct Day {
    begin: DateTime<Utc>,
    messages: Vec<Publication>,
}

impl Day {
    fn message(&mut self, minute: u32, topic: String, payload: Vec<u8>) {
        self.messages.push(Publication { minute, topic, payload });
    }

    fn time(&self, minute: u32, second: i64) -> String {
        let at = self.begin + TimeDelta::minutes(minute.into()) + TimeDelta::seconds(second);
        at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// Publishes an event in Upturn's own format.
    fn native(&mut self, device: &str, arrival: u32, minute: u32, kind: &str) {
        let mut body = json!({
            "id": format!("{device}-{minute}"),
            "ts": self.time(minute, 0),
            "kind": kind,
            "channel": "1",
        });
        if let (Some(object), "charge_failed") = (body.as_object_mut(), kind) {
            object.insert("code".into(), json!("HighTemperature"));
            object.insert("cause".into(), json!("charger"));
            object.insert("info".into(), json!("inlet 91 °C"));
        }
        let topic = format!("devices/{device}/events");
        self.message(arrival, topic, body.to_string().into_bytes());
    }

    /// Publishes an OCPP 1.6 call as a gateway does, in the given second of the minute.
    fn call(&mut self, device: &str, (minute, second): (u32, i64), action: &str, fields: Value) {
        let mut body = fields;
        if let Some(object) = body.as_object_mut() {
            object.insert("ts".into(), json!(self.time(minute, second)));
            object.insert("action".into(), json!(action));
        }
        let topic = format!("ocpp/1.6/{device}/{action}");
        self.message(minute, topic, body.to_string().into_bytes());
    }

    fn gateway(&mut self, device: &str, minute: u32, action: &str, fields: Value) {
        self.call(device, (minute, 0), action, fields);
    }

    fn status(&mut self, device: &str, at: (u32, i64), status: &str, code: &str) {
        let info = match code {
            "ConnectorLockFailure" => "latch could not engage",
            "GroundFailure" => "isolation 40 kΩ",
            _ => "",
        };
        let fields = json!({"connector_id": 1, "status": status, "error_code": code, "info": info});
        self.call(device, at, "StatusNotification", fields);
    }

    fn start(&mut self, device: &str, minute: u32, status: &str) {
        let fields = json!({
            "connector_id": 1,
            "id_tag": "DEMO",
            "meter_start": 1000,
            "transaction_id": minute,
            "id_tag_info": {"status": status},
        });
        self.call(device, (minute, 2), "StartTransaction", fields);
    }

    fn stop(&mut self, device: &str, at: (u32, i64), meter: i64, reason: &str) {
        let fields = json!({"transaction_id": at.0, "meter_stop": meter, "reason": reason});
        self.call(device, at, "StopTransaction", fields);
    }

    /// The car is plugged in, and the latch does not engage.
    fn lock_failure(&mut self, device: &str, minute: u32) {
        self.status(device, (minute, 0), "Preparing", "NoError");
        self.status(device, (minute, 4), "Faulted", "ConnectorLockFailure");
        self.status(device, (minute, 40), "Available", "NoError");
    }

    /// The session begins, the insulation fails, and the charger stops it: one failed attempt.
    fn ground_failure(&mut self, device: &str, minute: u32) {
        self.start(device, minute, "Accepted");
        self.status(device, (minute, 9), "Faulted", "GroundFailure");
        self.stop(device, (minute, 11), 1000, "EmergencyStop");
        self.status(device, (minute, 50), "Available", "NoError");
    }

    fn rejected_card(&mut self, device: &str, minute: u32) {
        self.status(device, (minute, 0), "Preparing", "NoError");
        self.start(device, minute, "Blocked");
        self.status(device, (minute, 20), "Available", "NoError");
    }

    fn good_session(&mut self, device: &str, minute: u32) {
        self.status(device, (minute, 0), "Preparing", "NoError");
        self.start(device, minute, "Accepted");
        self.status(device, (minute, 5), "Charging", "NoError");
        self.stop(device, (minute, 55), 19_400, "Local");
        self.status(device, (minute, 58), "Available", "NoError");
    }
}
