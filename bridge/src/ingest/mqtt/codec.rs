//! What both versions of MQTT write in the same bytes.

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{Packet, PubAck, PubComp, PubRec};

use super::{Full, Heard};
use crate::config::mqtt::Qos;

/// What came by a connection.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Something to tell.
    Heard(Heard),
    /// A message of QoS 2 that we have is released; this is answered whatever we know of it, since
    /// the message may have come by the connection before.
    Released(u16),
    /// A sign of life.
    Pong,
}

/// Writes a PUBACK or a PUBREC.
pub(super) fn acknowledge(packet_id: u16, qos: Qos, to: &mut BytesMut) -> Result<(), Full> {
    match qos {
        Qos::AtMostOnce => Ok(()),
        Qos::AtLeastOnce => write(&Packet::PubAck(PubAck::new(packet_id)), to),
        Qos::ExactlyOnce => write(&Packet::PubRec(PubRec::new(packet_id)), to),
    }
}

/// Writes that a message of QoS 2 is done with.
pub(super) fn complete(packet_id: u16, to: &mut BytesMut) -> Result<(), Full> {
    write(&Packet::PubComp(PubComp::new(packet_id)), to)
}

/// Writes a question for a sign of life.
pub(super) fn ping(to: &mut BytesMut) -> Result<(), Full> {
    write(&Packet::PingReq, to)
}

/// Writes a good-bye.
pub(super) fn disconnect(to: &mut BytesMut) -> Result<(), Full> {
    write(&Packet::Disconnect, to)
}

/// Writes a packet, which is none of the broker's if it is larger than all that may wait.
pub(super) fn write(packet: &Packet, to: &mut BytesMut) -> Result<(), Full> {
    packet.write(to, super::WAITING_MAX).map(drop).map_err(|_| Full)
}
