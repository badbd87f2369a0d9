//! What comes from a broker, the same for each version of MQTT.

use bytes::Bytes;

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
    /// Seconds within which it wants to hear from us.
    pub(crate) keep_alive_s: Option<u16>,
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
