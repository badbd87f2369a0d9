//! What a broker announces about its limits, and what that means for telemetry.

use upturn_core::decode::PAYLOAD_MAX;

use crate::ingest::mqtt::{Announced, SESSION_EXPIRY_S, Welcome};

/// A broker that takes in fewer messages at a time has the limits of a small one: Mosquitto
/// announces 20 unless it is told otherwise, and then queues no more than 1,000.
const RECEIVE_MIN: u16 = 1_000;

/// Returns what a person should know about the broker at `address`, each in one line.
///
/// Brokers do not announce how many messages they queue; that they were given no thought shows in
/// what they do announce. MQTT 3.1.1 announces nothing.
pub(crate) fn check(address: &str, welcome: &Welcome) -> Vec<String> {
    let Some(Announced { receive_max, packet_max, session_expiry_s, .. }) = welcome.limits else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    if let Some(max) = receive_max.filter(|max| *max < RECEIVE_MIN) {
        warnings.push(format!(
            "broker {address} has at most {max} messages in flight, so its queue is likely short \
             as well: it drops telemetry while Upturn is away. Raise the limits of both (Mosquitto: \
             max_inflight_messages, max_queued_messages; see deploy/mosquitto.conf)"
        ));
    }
    let payload_max = u32::try_from(PAYLOAD_MAX).unwrap_or(u32::MAX);
    if let Some(max) = packet_max.filter(|max| *max < payload_max) {
        warnings.push(format!(
            "broker {address} takes packets of at most {max} bytes; larger messages of devices \
             never arrive. Raise the limit to 1 MiB (Mosquitto: max_packet_size)"
        ));
    }
    if let Some(seconds) = session_expiry_s.filter(|seconds| *seconds < SESSION_EXPIRY_S) {
        warnings.push(format!(
            "broker {address} keeps our session for {seconds} s only; what comes while Upturn is \
             away for longer is lost. Let it keep sessions for {SESSION_EXPIRY_S} s"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_limits_that_lose_telemetry_are_named() {
        let none = Announced::default();
        let cases = [
            ("none announced", none, ""),
            ("enough", Announced { receive_max: Some(4_000), ..none }, ""),
            ("Mosquitto's default", Announced { receive_max: Some(20), ..none }, "at most 20"),
            ("small packets", Announced { packet_max: Some(1_000), ..none }, "of at most 1000 "),
            ("short sessions", Announced { session_expiry_s: Some(60), ..none }, "for 60 s only"),
        ];
        for (name, limits, expected) in cases {
            let welcome = Welcome { session_present: true, limits: Some(limits) };
            let found = check("mqtt://b", &welcome).join("\n");
            assert_eq!(found.is_empty(), expected.is_empty(), "case: {name}: {found}");
            assert!(found.contains(expected), "case: {name}: {found}");
        }
        assert!(check("mqtt://b", &Welcome::default()).is_empty(), "MQTT 3.1.1 says nothing");
    }
}
