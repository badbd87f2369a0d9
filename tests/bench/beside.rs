//! What events wait for beside other work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use serde_json::json;
use upturn_tests::http;

use super::figures::say;

/// How often an event is handed in.
const EVENT_EVERY: Duration = Duration::from_millis(200);

/// Hands events in until `is_over`; returns the longest time that one took, however it was answered.
#[expect(clippy::disallowed_methods, reason = "the program under test reads the machine's clock")]
pub(super) fn slowest_event(port: u16, is_over: &AtomicBool) -> Duration {
    let mut slowest = Duration::ZERO;
    let mut number = 0;
    while !is_over.load(Ordering::Relaxed) {
        number += 1;
        let now = Utc::now();
        let event = json!([{
            "id": format!("beside-{}-{number}", now.timestamp_micros()),
            "device": "BENCH", "kind": "repair_recorded",
            "ts": now.to_rfc3339_opts(SecondsFormat::Millis, true),
        }]);
        let began = Instant::now();
        let answer = http::post(port, "/api/v1/events", &event);
        slowest = slowest.max(began.elapsed());
        if answer.is_none_or(|(status, _)| status != 200) {
            say("an event was not taken");
        }
        std::thread::sleep(EVENT_EVERY);
    }
    slowest
}
