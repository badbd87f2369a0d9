//! The MQTT client library behind one face, whichever version of MQTT is spoken.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::v5 as packets5;
use rumqttc::{Transport, mqttbytes::v4 as packets3, v5};

use crate::config::mqtt::{ConnectConfig, MqttVersion, Qos};
use crate::config::secret::Secret;

/// Larger packets are refused by the broker on our behalf, where it can be told. Payloads over the
/// decoder's limit but below this still arrive, and become dead letters.
pub(crate) const PACKET_MAX: u32 = 1024 * 1024;
/// The largest packet that MQTT allows. MQTT 3.1.1 cannot tell a broker of a smaller limit, and one
/// packet above the library's would be sent again at each connection, for ever.
const PACKET_MAX_OF_V3: usize = 256 * 1024 * 1024;
/// How many messages the broker may send ahead of our acknowledgements.
pub(crate) const IN_FLIGHT_MAX: u16 = 4_000;
/// How long the broker keeps our session, and what is sent meanwhile, while we are away.
pub(crate) const SESSION_EXPIRY_S: u32 = 7 * 24 * 3600;

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const CONNECT_LIMIT_S: u64 = 10;

/// How a broker is reached, and as whom.
#[derive(Clone, Debug)]
pub(crate) enum Options {
    /// MQTT 3.1.1.
    V3(Box<rumqttc::MqttOptions>),
    /// MQTT 5.
    V5(Box<v5::MqttOptions>),
}

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

impl Options {
    /// Takes what `connect` says; the broker, or our tunnel to it, is at `host`.
    pub(crate) fn new(connect: &ConnectConfig, host: &Host, password: Option<&Secret>) -> Self {
        let (id, port) = (connect.client_id.clone(), connect.url.port());
        let address = match host {
            Host::Name(name) | Host::Socket(name) => name,
        };
        let login = connect.username.as_deref();
        let login = login.map(|name| (name, password.map_or("", |password| password.expose())));
        match connect.version {
            MqttVersion::V3 => {
                let mut options = rumqttc::MqttOptions::new(id, address, port);
                if matches!(host, Host::Socket(_)) {
                    options.set_transport(Transport::Unix);
                }
                if let Some((name, password)) = login {
                    options.set_credentials(name, password);
                }
                options
                    .set_keep_alive(KEEP_ALIVE)
                    .set_max_packet_size(PACKET_MAX_OF_V3, PACKET_MAX_OF_V3);
                Self::V3(Box::new(options))
            }
            MqttVersion::V5 => {
                let mut options = v5::MqttOptions::new(id, address, port);
                if matches!(host, Host::Socket(_)) {
                    options.set_transport(Transport::Unix);
                }
                if let Some((name, password)) = login {
                    options.set_credentials(name, password);
                }
                options.set_keep_alive(KEEP_ALIVE).set_connection_timeout(CONNECT_LIMIT_S);
                let mut network = options.network_options();
                network.set_tcp_nodelay(true);
                options.set_network_options(network);
                Self::V5(Box::new(options))
            }
        }
    }

    /// Returns a visit under another name, of which the broker remembers nothing.
    pub(crate) fn for_visit(&self, suffix: &str) -> Self {
        let mut visit = self.clone();
        match &mut visit {
            Self::V3(options) => {
                let id = format!("{}-{suffix}", options.client_id());
                options.set_client_id(id).set_clean_session(true);
            }
            Self::V5(options) => {
                let id = format!("{}-{suffix}", options.client_id());
                options.set_client_id(id).set_clean_start(true);
            }
        }
        visit
    }

    /// Returns a stay: the broker keeps a session, and what we acknowledge is ours to say.
    pub(crate) fn for_stay(&self) -> Self {
        let mut stay = self.clone();
        match &mut stay {
            Self::V3(options) => {
                options.set_clean_session(false).set_manual_acks(true);
            }
            Self::V5(options) => {
                options
                    .set_clean_start(false)
                    .set_session_expiry_interval(Some(SESSION_EXPIRY_S))
                    .set_receive_maximum(Some(IN_FLIGHT_MAX))
                    .set_max_packet_size(Some(PACKET_MAX))
                    .set_manual_acks(true);
            }
        }
        stay
    }

    /// Returns the ends of a connection; it is made by polling.
    pub(crate) fn open(self, requests_max: usize) -> (Requests, Events) {
        let (requests, line) = match self {
            Self::V3(options) => {
                let (client, mut events) = rumqttc::AsyncClient::new(*options, requests_max);
                let mut network = events.network_options();
                network.set_connection_timeout(CONNECT_LIMIT_S).set_tcp_nodelay(true);
                events.set_network_options(network);
                (Requests::V3(client), Line::V3(Box::new(events)))
            }
            Self::V5(options) => {
                let (client, events) = v5::AsyncClient::new(*options, requests_max);
                (Requests::V5(client), Line::V5(Box::new(events)))
            }
        };
        (requests, Events { line, has_old_releases: false })
    }
}

/// Where the library connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// A host of the network.
    Name(String),
    /// A socket of ours, which carries everything to the broker.
    Socket(String),
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
                Ok(rumqttc::Event::Incoming(packet)) => return Ok(heard3(packet)),
                Ok(rumqttc::Event::Outgoing(_)) => return Ok(Heard::Other),
                Err(error) => LinkError::V3(error),
            },
            Line::V5(events) => match events.poll().await {
                Ok(v5::Event::Incoming(packet)) => return Ok(heard5(packet)),
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

#[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
fn heard3(packet: packets3::Packet) -> Heard {
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

#[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
fn heard5(packet: packets5::Packet) -> Heard {
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
