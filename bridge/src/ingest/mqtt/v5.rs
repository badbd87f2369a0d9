//! MQTT 5, in the library's packets.

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectProperties, ConnectReturnCode, DisconnectReasonCode, Filter, Login,
    Packet, PubAckReason, Publish, RetainForwardRule, Subscribe, SubscribeReasonCode,
};
use rumqttc::v5::mqttbytes::{Error, QoS};

use super::codec::Incoming;
use super::options::{KEEP_ALIVE_S, Options, SESSION_EXPIRY_S};
use super::{
    Announced, Full, Heard, IN_FLIGHT_MAX, LinkError, Message, PACKET_MAX, WAITING_MAX, Welcome,
};
use crate::config::mqtt::Qos;

/// Writes who we are, and what we take.
pub(super) fn connect(options: &Options, to: &mut BytesMut) -> Result<(), Full> {
    let properties = options.is_stay.then(|| ConnectProperties {
        session_expiry_interval: Some(SESSION_EXPIRY_S),
        receive_maximum: Some(IN_FLIGHT_MAX),
        max_packet_size: Some(PACKET_MAX),
        ..ConnectProperties::new()
    });
    let connect = Connect {
        keep_alive: KEEP_ALIVE_S,
        client_id: options.client_id.clone(),
        clean_start: !options.is_stay,
        properties,
    };
    let login = options.login.as_ref();
    let login = login.map(|login| Login::new(login.name.clone(), login.password()));
    write(&Packet::Connect(connect, None, login), to)
}

/// Writes a subscription.
pub(super) fn subscribe(
    id: u16,
    filters: &[String],
    qos: Qos,
    to: &mut BytesMut,
) -> Result<(), Full> {
    let filters = filters.iter().map(|path| Filter {
        path: path.clone(),
        qos: qos_of(qos),
        nolocal: false,
        preserve_retain: false,
        retain_forward_rule: RetainForwardRule::OnNewSubscribe,
    });
    let subscribe = Subscribe { pkid: id, filters: filters.collect(), properties: None };
    write(&Packet::Subscribe(subscribe), to)
}

/// Writes a message of QoS 1.
pub(super) fn publish(
    id: u16,
    topic: &str,
    payload: Vec<u8>,
    to: &mut BytesMut,
) -> Result<(), Full> {
    let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload, None);
    publish.pkid = id;
    write(&Packet::Publish(publish), to)
}

/// Takes the next packet out of `bytes`; `None` while it is not all there.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
pub(super) fn read(bytes: &mut BytesMut) -> Result<Option<Incoming>, LinkError> {
    let packet = match Packet::read(bytes, Some(PACKET_MAX)) {
        Ok(packet) => packet,
        Err(Error::InsufficientBytes(_)) => return Ok(None),
        Err(error) => return Err(LinkError::Malformed(error.to_string())),
    };
    Ok(Some(match packet {
        Packet::ConnAck(answer) => Incoming::Heard(Heard::Connected(welcome(answer)?)),
        Packet::SubAck(answer) => {
            let is_granted =
                |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            let granted = answer.return_codes.iter().map(is_granted).collect();
            Incoming::Heard(Heard::Subscribed(granted))
        }
        Packet::PubAck(answer) => Incoming::Heard(Heard::Published(match answer.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
            refused => Err(format!("{refused:?}")),
        })),
        Packet::PubRel(release) => Incoming::Released(release.pkid),
        Packet::PingResp(_) => Incoming::Pong,
        Packet::Publish(publish) => Incoming::Heard(Heard::Message(message(publish))),
        Packet::Disconnect(end) => {
            return Err(match end.reason_code {
                DisconnectReasonCode::SessionTakenOver => LinkError::TakenOver,
                reason => LinkError::Ended(format!("{reason:?}")),
            });
        }
        _ => return Err(LinkError::Malformed("a packet that no broker sends".to_owned())),
    }))
}

fn welcome(answer: ConnAck) -> Result<Welcome, LinkError> {
    if answer.code != ConnectReturnCode::Success {
        return Err(LinkError::Refused(format!("{:?}", answer.code)));
    }
    let announced = answer.properties.map(|properties| Announced {
        receive_max: properties.receive_max,
        packet_max: properties.max_packet_size,
        session_expiry_s: properties.session_expiry_interval,
        keep_alive_s: properties.server_keep_alive,
    });
    let limits = Some(announced.unwrap_or_default());
    Ok(Welcome { session_present: answer.session_present, limits })
}

fn message(publish: Publish) -> Message {
    Message {
        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
        payload: publish.payload,
        retained: publish.retain,
        qos: match publish.qos {
            QoS::AtMostOnce => Qos::AtMostOnce,
            QoS::AtLeastOnce => Qos::AtLeastOnce,
            QoS::ExactlyOnce => Qos::ExactlyOnce,
        },
        packet_id: publish.pkid,
    }
}

fn qos_of(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}

fn write(packet: &Packet, to: &mut BytesMut) -> Result<(), Full> {
    let max = u32::try_from(WAITING_MAX).unwrap_or(u32::MAX);
    packet.write(to, Some(max)).map(drop).map_err(|_| Full)
}
