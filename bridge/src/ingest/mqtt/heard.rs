//! What comes from a broker, the same for each version of MQTT.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::v5 as packets5;
use rumqttc::{mqttbytes::v4 as packets3, v5};

use super::PACKET_MAX;
use crate::config::mqtt::Qos;

/// What came from the broker.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The broker lets us in.
    Connected(Welcome),
    /// For each filter of a subscription, whether it was granted.
    Subscribed(Vec<bool>),
    /// A message.
    Message(Message),
    /// What we published was accepted, or why not.
    Published(Result<(), String>),
    /// Nothing of interest.
    Other,
}

/// What the broker says when it lets us in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Welcome {
    /// Whether it knows our session.
    pub(crate) session_present: bool,
    /// Where it speaks MQTT 5: what it announces.
    pub(crate) limits: Option<Announced>,
}

/// Limits that a broker of MQTT 5 announces; what it does not name is unlimited, or as we asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    /// Messages that it takes in ahead of its acknowledgements.
    pub(crate) receive_max: Option<u16>,
    /// Bytes of the largest packet.
    pub(crate) packet_max: Option<u32>,
    /// Seconds for which it keeps our session.
    pub(crate) session_expiry_s: Option<u32>,
}

/// A message from the broker.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its topic.
    pub(crate) topic: String,
    /// Its bytes.
    pub(crate) payload: Bytes,
    /// Whether it is a state from before our subscription.
    pub(crate) retained: bool,
    /// How it is acknowledged.
    pub(crate) qos: Qos,
    /// What its acknowledgement has to name.
    pub(crate) packet_id: u16,
}

/// Reads a packet of MQTT 3.1.1.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
pub(super) fn of_v3(packet: packets3::Packet) -> Heard {
    match packet {
        packets3::Packet::ConnAck(answer) => {
            Heard::Connected(Welcome { session_present: answer.session_present, limits: None })
        }
        packets3::Packet::SubAck(answer) => {
            let is_granted = |code: &packets3::SubscribeReasonCode| {
                matches!(code, packets3::SubscribeReasonCode::Success(_))
            };
            Heard::Subscribed(answer.return_codes.iter().map(is_granted).collect())
        }
        packets3::Packet::PubAck(_) => Heard::Published(Ok(())),
        packets3::Packet::Publish(publish) => Heard::Message(Message {
            topic: publish.topic,
            payload: bounded(publish.payload),
            retained: publish.retain,
            qos: match publish.qos {
                rumqttc::QoS::AtMostOnce => Qos::AtMostOnce,
                rumqttc::QoS::AtLeastOnce => Qos::AtLeastOnce,
                rumqttc::QoS::ExactlyOnce => Qos::ExactlyOnce,
            },
            packet_id: publish.pkid,
        }),
        _ => Heard::Other,
    }
}

/// Reads a packet of MQTT 5.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
pub(super) fn of_v5(packet: packets5::Packet) -> Heard {
    match packet {
        packets5::Packet::ConnAck(answer) => {
            let announced = answer.properties.map(|properties| Announced {
                receive_max: properties.receive_max,
                packet_max: properties.max_packet_size,
                session_expiry_s: properties.session_expiry_interval,
            });
            let limits = Some(announced.unwrap_or_default());
            Heard::Connected(Welcome { session_present: answer.session_present, limits })
        }
        packets5::Packet::SubAck(answer) => {
            let is_granted = |code: &packets5::SubscribeReasonCode| {
                matches!(code, packets5::SubscribeReasonCode::Success(_))
            };
            Heard::Subscribed(answer.return_codes.iter().map(is_granted).collect())
        }
        packets5::Packet::PubAck(answer) => Heard::Published(match answer.reason {
            packets5::PubAckReason::Success | packets5::PubAckReason::NoMatchingSubscribers => {
                Ok(())
            }
            refused => Err(format!("{refused:?}")),
        }),
        packets5::Packet::Publish(publish) => Heard::Message(Message {
            topic: String::from_utf8_lossy(&publish.topic).into_owned(),
            payload: publish.payload,
            retained: publish.retain,
            qos: match publish.qos {
                v5::mqttbytes::QoS::AtMostOnce => Qos::AtMostOnce,
                v5::mqttbytes::QoS::AtLeastOnce => Qos::AtLeastOnce,
                v5::mqttbytes::QoS::ExactlyOnce => Qos::ExactlyOnce,
            },
            packet_id: publish.pkid,
        }),
        _ => Heard::Other,
    }
}

/// Returns `payload`, or its beginning where it is larger than any packet ought to be: enough for a
/// dead letter, without the rest in memory.
fn bounded(payload: Bytes) -> Bytes {
    let max = usize::try_from(PACKET_MAX).unwrap_or(usize::MAX);
    match payload.get(..max) {
        Some(beginning) => Bytes::copy_from_slice(beginning),
        None => payload,
    }
}
