//! MQTT 3.1.1, in the library's packets.

use bytes::{Bytes, BytesMut};
use rumqttc::QoS;
use rumqttc::mqttbytes::Error;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Login, Packet, Publish, Subscribe, SubscribeFilter,
    SubscribeReasonCode,
};

use super::codec::{self, Incoming};
use super::options::{KEEP_ALIVE_S, Options};
use super::{Full, Heard, LinkError, Message, PACKET_MAX, Welcome};
use crate::config::mqtt::Qos;

/// The largest packet that MQTT allows. MQTT 3.1.1 cannot tell a broker of a smaller limit, and one
/// packet above ours would be sent again at each connection, for ever.
const READ_MAX: usize = 256 * 1024 * 1024;

/// Writes who we are.
pub(super) fn connect(options: &Options, to: &mut BytesMut) -> Result<(), Full> {
    let mut connect = Connect::new(options.client_id.clone());
    connect.keep_alive = KEEP_ALIVE_S;
    connect.clean_session = !options.is_stay;
    connect.login = options
        .login
        .as_ref()
        .map(|login| Login { username: login.name.clone(), password: login.password().to_owned() });
    codec::write(&Packet::Connect(connect), to)
}

/// Writes a subscription.
pub(super) fn subscribe(
    id: u16,
    filters: &[String],
    qos: Qos,
    to: &mut BytesMut,
) -> Result<(), Full> {
    let filters = filters.iter().map(|path| SubscribeFilter::new(path.clone(), qos_of(qos)));
    let mut subscribe = Subscribe::new_many(filters);
    subscribe.pkid = id;
    codec::write(&Packet::Subscribe(subscribe), to)
}

/// Writes a message of QoS 1.
pub(super) fn publish(
    id: u16,
    topic: &str,
    payload: Vec<u8>,
    to: &mut BytesMut,
) -> Result<(), Full> {
    let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload);
    publish.pkid = id;
    codec::write(&Packet::Publish(publish), to)
}

/// Takes the next packet out of `bytes`; `None` while it is not all there.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
pub(super) fn read(bytes: &mut BytesMut) -> Result<Option<Incoming>, LinkError> {
    let packet = match Packet::read(bytes, READ_MAX) {
        Ok(packet) => packet,
        Err(Error::InsufficientBytes(_)) => return Ok(None),
        Err(error) => return Err(LinkError::Malformed(error.to_string())),
    };
    Ok(Some(match packet {
        Packet::ConnAck(answer) => Incoming::Heard(Heard::Connected(welcome(&answer)?)),
        Packet::SubAck(answer) => {
            let is_granted =
                |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            let granted = answer.return_codes.iter().map(is_granted).collect();
            Incoming::Heard(Heard::Subscribed(granted))
        }
        Packet::PubAck(_) => Incoming::Heard(Heard::Published(Ok(()))),
        Packet::PubRel(release) => Incoming::Released(release.pkid),
        Packet::PingResp => Incoming::Pong,
        Packet::Publish(publish) => Incoming::Heard(Heard::Message(Message {
            topic: publish.topic,
            payload: bounded(publish.payload),
            retained: publish.retain,
            qos: match publish.qos {
                QoS::AtMostOnce => Qos::AtMostOnce,
                QoS::AtLeastOnce => Qos::AtLeastOnce,
                QoS::ExactlyOnce => Qos::ExactlyOnce,
            },
            packet_id: publish.pkid,
        })),
        _ => return Err(LinkError::Malformed("a packet that no broker sends".to_owned())),
    }))
}

fn welcome(answer: &ConnAck) -> Result<Welcome, LinkError> {
    if answer.code != ConnectReturnCode::Success {
        return Err(LinkError::Refused(format!("{:?}", answer.code)));
    }
    Ok(Welcome { session_present: answer.session_present, limits: None })
}

fn qos_of(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
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
