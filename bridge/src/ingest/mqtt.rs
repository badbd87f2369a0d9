//! The MQTT client library behind one face, whichever version of MQTT is spoken.

use rumqttc::v5::mqttbytes::v5 as packets5;
use rumqttc::{mqttbytes::v4 as packets3, v5};

use crate::config::mqtt::Qos;

mod heard;
mod options;

pub(crate) use self::heard::{Announced, Heard, Message, Welcome};
pub(crate) use self::options::{Host, Options, SESSION_EXPIRY_S};

/// Larger packets are refused by the broker on our behalf, where it can be told. Payloads over the
/// decoder's limit but below this still arrive, and become dead letters.
pub(crate) const PACKET_MAX: u32 = 1024 * 1024;
/// How many messages the broker may send ahead of our acknowledgements.
pub(crate) const IN_FLIGHT_MAX: u16 = 4_000;

/// What the library may be asked to send; a clone asks the same connection. Never waits.
#[derive(Clone, Debug)]
pub(crate) enum Requests {
    /// MQTT 3.1.1.
    V3(rumqttc::AsyncClient),
    /// MQTT 5.
    V5(v5::AsyncClient),
}

/// There is no room for one more request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests to the broker wait to be sent")]
pub(crate) struct Full;

/// The connection: it is there as long as it is polled.
pub(crate) struct Events {
    line: Line,
    /// The broker has released a publish of before this connection, so more of these may come.
    has_old_releases: bool,
}

enum Line {
    V3(Box<rumqttc::EventLoop>),
    V5(Box<v5::EventLoop>),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// MQTT 3.1.1.
    #[error(transparent)]
    V3(#[from] rumqttc::ConnectionError),
    /// MQTT 5.
    #[error(transparent)]
    V5(#[from] v5::ConnectionError),
    /// The broker released a message of before this connection; the next connection knows of it.
    #[error("the broker released a message of the connection before")]
    OldRelease,
    /// Somebody else came under our name.
    #[error("another program has logged in under our client id; give each [mqtt.connect] its own")]
    TakenOver,
}

impl Requests {
    /// Acknowledges a message: PUBACK, or PUBREC.
    pub(crate) fn acknowledge(&self, packet_id: u16, qos: Qos) -> Result<(), Full> {
        match self {
            Self::V3(client) => {
                let mut publish = packets3::Publish::new("", qos3(qos), "");
                publish.pkid = packet_id;
                client.try_ack(&publish).map_err(|_| Full)
            }
            Self::V5(client) => {
                let mut publish = packets5::Publish::new("", qos5(qos), "", None);
                publish.pkid = packet_id;
                client.try_ack(&publish).map_err(|_| Full)
            }
        }
    }

    /// Subscribes to all of `filters`.
    pub(crate) fn subscribe(&self, filters: &[String], qos: Qos) -> Result<(), Full> {
        match self {
            Self::V3(client) => {
                let filters = filters.iter();
                let filters =
                    filters.map(|path| packets3::SubscribeFilter::new(path.clone(), qos3(qos)));
                client.try_subscribe_many(filters).map_err(|_| Full)
            }
            Self::V5(client) => {
                let filters = filters.iter().map(|path| packets5::Filter {
                    path: path.clone(),
                    qos: qos5(qos),
                    nolocal: false,
                    preserve_retain: false,
                    retain_forward_rule: packets5::RetainForwardRule::OnNewSubscribe,
                });
                client.try_subscribe_many(filters).map_err(|_| Full)
            }
        }
    }

    /// Publishes at QoS 1; the answer is [`Heard::Published`].
    pub(crate) fn publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), Full> {
        match self {
            Self::V3(client) => client
                .try_publish(topic, rumqttc::QoS::AtLeastOnce, false, payload)
                .map_err(|_| Full),
            Self::V5(client) => client
                .try_publish(topic, v5::mqttbytes::QoS::AtLeastOnce, false, payload)
                .map_err(|_| Full),
        }
    }

    /// Says good-bye.
    pub(crate) fn disconnect(&self) -> Result<(), Full> {
        match self {
            Self::V3(client) => client.try_disconnect().map_err(|_| Full),
            Self::V5(client) => client.try_disconnect().map_err(|_| Full),
        }
    }
}

impl Events {
    /// Connects, reads and writes, until there is something to tell.
    pub(crate) async fn poll(&mut self) -> Result<Heard, LinkError> {
        let error = match &mut self.line {
            Line::V3(events) => match events.poll().await {
                Ok(rumqttc::Event::Incoming(packet)) => return Ok(heard::of_v3(packet)),
                Ok(rumqttc::Event::Outgoing(_)) => return Ok(Heard::Other),
                Err(error) => LinkError::V3(error),
            },
            Line::V5(events) => match events.poll().await {
                Ok(v5::Event::Incoming(packet)) => return Ok(heard::of_v5(packet)),
                Ok(v5::Event::Outgoing(_)) => return Ok(Heard::Other),
                Err(error) => LinkError::V5(error),
            },
        };
        if error.is_old_release() && !self.has_old_releases {
            self.has_old_releases = true;
            return Err(LinkError::OldRelease);
        }
        Err(if error.is_take_over() { LinkError::TakenOver } else { error })
    }

    /// Ends the connection and forgets what waits to be sent on it. Nobody may ask for something
    /// to be sent meanwhile.
    pub(crate) fn forget(&mut self) {
        match &mut self.line {
            Line::V3(events) => {
                events.clean();
                events.pending.clear();
                events.state.events.clear();
            }
            Line::V5(events) => {
                events.clean();
                events.pending.clear();
                events.state.events.clear();
            }
        }
        if self.has_old_releases {
            self.expect_releases();
        }
    }

    /// Makes the library answer whatever release comes.
    ///
    /// We committed a message of QoS 2 and said so (PUBREC); the broker releases it (PUBREL), if
    /// need be on the next connection. The library knows nothing of the one before, takes the
    /// release for a fault and connects again, for ever. So it is told of every packet id there is.
    fn expect_releases(&mut self) {
        for packet_id in 1..=u16::MAX {
            let is_known = match &mut self.line {
                Line::V3(events) => {
                    let mut publish = packets3::Publish::new("", rumqttc::QoS::ExactlyOnce, "");
                    publish.pkid = packet_id;
                    let packet = packets3::Packet::Publish(publish);
                    let is_known = events.state.handle_incoming_packet(packet).is_ok();
                    events.state.events.clear();
                    is_known
                }
                Line::V5(events) => {
                    let qos = v5::mqttbytes::QoS::ExactlyOnce;
                    let mut publish = packets5::Publish::new("", qos, "", None);
                    publish.pkid = packet_id;
                    let packet = packets5::Packet::Publish(publish);
                    let is_known = events.state.handle_incoming_packet(packet).is_ok();
                    events.state.events.clear();
                    is_known
                }
            };
            if !is_known {
                return;
            }
        }
    }
}

impl LinkError {
    /// Whether the broker released a message that the library does not know.
    fn is_old_release(&self) -> bool {
        matches!(
            self,
            Self::V3(rumqttc::ConnectionError::MqttState(rumqttc::StateError::Unsolicited(_)))
                | Self::V5(v5::ConnectionError::MqttState(v5::StateError::Unsolicited(_)))
        )
    }

    /// Whether the broker ended the connection without a word.
    pub(crate) fn is_hang_up(&self) -> bool {
        matches!(
            self,
            Self::V3(rumqttc::ConnectionError::MqttState(rumqttc::StateError::ConnectionAborted))
                | Self::V5(v5::ConnectionError::MqttState(v5::StateError::ConnectionAborted))
        )
    }

    /// Whether the broker says that somebody else came under our name; MQTT 3.1.1 has no word.
    fn is_take_over(&self) -> bool {
        let Self::V5(v5::ConnectionError::MqttState(v5::StateError::ServerDisconnect {
            reason_code,
            ..
        })) = self
        else {
            return false;
        };
        *reason_code == packets5::DisconnectReasonCode::SessionTakenOver
    }
}

fn qos3(qos: Qos) -> rumqttc::QoS {
    match qos {
        Qos::AtMostOnce => rumqttc::QoS::AtMostOnce,
        Qos::AtLeastOnce => rumqttc::QoS::AtLeastOnce,
        Qos::ExactlyOnce => rumqttc::QoS::ExactlyOnce,
    }
}

fn qos5(qos: Qos) -> v5::mqttbytes::QoS {
    match qos {
        Qos::AtMostOnce => v5::mqttbytes::QoS::AtMostOnce,
        Qos::AtLeastOnce => v5::mqttbytes::QoS::AtLeastOnce,
        Qos::ExactlyOnce => v5::mqttbytes::QoS::ExactlyOnce,
    }
}
