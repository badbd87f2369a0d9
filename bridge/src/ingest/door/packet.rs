//! Cuts a byte stream into MQTT packets and reads the few that the gate must understand.
//!
//! The reading itself is done by the codec that the broker behind the gate uses too, so the
//! two never disagree about what a client said.

use bytes::{Buf as _, Bytes, BytesMut};
use mqtt5_protocol::{
    FixedHeader, MqttError, PacketType, QoS, ReasonCode, is_valid_topic_name,
    packet::{
        MqttPacket, connack::ConnAckPacket, connect::ConnectPacket, disconnect::DisconnectPacket,
        puback::PubAckPacket, pubcomp::PubCompPacket, publish::PublishPacket, pubrec::PubRecPacket,
        subscribe::SubscribePacket,
    },
};

use super::window::{Publish, Word};

/// Before it a broker cannot say why it refuses something.
pub(super) const FIRST_VERSION_WITH_REASONS: u8 = 5;

/// The bit in the first byte of a PUBLISH that asks for it to be retained.
pub(super) const RETAIN: u8 = 1;

/// Most bytes of a fixed header: the packet type and a length of up to four bytes.
const HEADER_BYTES_MAX: usize = 5;

/// Why bytes are not a packet that the gate lets through.
#[derive(Debug, thiserror::Error)]
pub(super) enum PacketError {
    /// Larger than what was announced.
    #[error("a packet has {size} bytes; send at most {max}")]
    Oversize { size: usize, max: usize },
    /// Bytes that MQTT does not allow.
    #[error("the bytes are not valid MQTT")]
    Malformed(#[source] MqttError),
    /// No topic name that messages may be published to.
    #[error("a publish names no valid topic; send the whole name, topic aliases are not offered")]
    Topic,
    /// A packet other than CONNECT first, or CONNECT again.
    #[error("a connection has to start with CONNECT, and to send it once")]
    Order,
    /// MQTT 3.1.1 has no word for it: an acknowledgement would say that all is well.
    #[error("the broker refused a publish, and MQTT 3.1.1 can tell that only by closing")]
    Refused,
    /// The broker acknowledged what nobody published.
    #[error("the broker acknowledged an unknown packet id")]
    UnknownWord,
}

/// One whole packet.
#[derive(Debug)]
pub(super) struct Frame {
    header: FixedHeader,
    bytes: Bytes,
    body_at: usize,
}

/// What the gate asks about a CONNECT.
#[derive(Debug)]
pub(super) struct Connect {
    pub(super) protocol_version: u8,
    pub(super) client_id: String,
    pub(super) will: Option<Will>,
}

/// A message that a client leaves behind for the case that it vanishes.
#[derive(Debug)]
pub(super) struct Will {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) delay_seconds: u32,
}

/// Returns the size of the packet at the front of `buffer` and its type, once its header is
/// complete; the packet itself may not be.
pub(super) fn peek(buffer: &[u8], max: usize) -> Result<Option<(PacketType, usize)>, PacketError> {
    let length_ends = buffer.iter().take(HEADER_BYTES_MAX).skip(1).any(|byte| byte & 0x80 == 0);
    if !length_ends && buffer.len() < HEADER_BYTES_MAX {
        return Ok(None);
    }

    let mut rest = buffer;
    let header = FixedHeader::decode(&mut rest).map_err(PacketError::Malformed)?;
    let body = usize::try_from(header.remaining_length).unwrap_or(usize::MAX);
    let size = (buffer.len() - rest.len()).saturating_add(body);
    if max < size {
        return Err(PacketError::Oversize { size, max });
    }
    Ok(Some((header.packet_type, size)))
}

/// Takes the whole packet at the front of `bytes`, or nothing if there is none.
pub(super) fn take(bytes: &mut Bytes, max: usize) -> Result<Option<Frame>, PacketError> {
    let Some((_, size)) = peek(bytes, max)?.filter(|(_, size)| *size <= bytes.len()) else {
        return Ok(None);
    };
    let bytes = bytes.split_to(size);
    let mut rest: &[u8] = &bytes;
    let header = FixedHeader::decode(&mut rest).map_err(PacketError::Malformed)?;
    let body_at = size - rest.len();
    Ok(Some(Frame { header, bytes, body_at }))
}

/// Returns the CONNACK that keeps a client out for `reason`.
pub(super) fn refusal(protocol_version: u8, reason: ReasonCode) -> Bytes {
    let packet = if protocol_version < FIRST_VERSION_WITH_REASONS {
        ConnAckPacket::new_v311(false, reason)
    } else {
        ConnAckPacket::new(false, reason)
    };
    written(&packet)
}

/// Returns the DISCONNECT that ends a connection for `reason`; MQTT 3.1.1 has none.
pub(super) fn dismissal(protocol_version: u8, reason: ReasonCode) -> Option<Bytes> {
    let has_reasons = FIRST_VERSION_WITH_REASONS <= protocol_version;
    has_reasons.then(|| written(&DisconnectPacket::new(reason)))
}

fn written(packet: &impl MqttPacket) -> Bytes {
    let mut bytes = BytesMut::new();
    match packet.encode(&mut bytes) {
        Ok(()) => bytes.freeze(),
        // Without it the client hears the end of the connection all the same.
        Err(error) => {
            tracing::debug!(error = %error, "a farewell could not be written");
            Bytes::new()
        }
    }
}

impl Frame {
    /// Returns which packet it is.
    pub(super) fn packet_type(&self) -> PacketType {
        self.header.packet_type
    }

    /// Returns the packet as it came.
    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Reads a CONNECT.
    pub(super) fn connect(&self) -> Result<Connect, PacketError> {
        if self.header.packet_type != PacketType::Connect {
            return Err(PacketError::Order);
        }
        let packet = self.read(ConnectPacket::decode_body)?;
        let will = packet.will.map(|will| Will {
            topic: will.topic,
            payload: Bytes::from(will.payload),
            // The session ends with the connection unless the client asked for more, and a
            // will does not wait longer than its session.
            delay_seconds: will
                .properties
                .will_delay_interval
                .unwrap_or(0)
                .min(packet.properties.get_session_expiry_interval().unwrap_or(0)),
        });
        Ok(Connect { protocol_version: packet.protocol_version, client_id: packet.client_id, will })
    }

    /// Reads a PUBLISH of a client.
    pub(super) fn publish(&self, protocol_version: u8) -> Result<Publish, PacketError> {
        let packet = self.read(|body, header| {
            PublishPacket::decode_body_with_version(body, header, protocol_version)
        })?;
        if !is_valid_topic_name(&packet.topic_name) {
            return Err(PacketError::Topic);
        }
        let awaits = match (packet.qos, packet.packet_id) {
            (QoS::AtLeastOnce, Some(id)) => Some(Word::Puback(id)),
            (QoS::ExactlyOnce, Some(id)) => Some(Word::Pubrec(id)),
            (QoS::AtMostOnce | QoS::AtLeastOnce | QoS::ExactlyOnce, _) => None,
        };
        Ok(Publish {
            awaits,
            topic: packet.topic_name,
            payload: packet.payload,
            size: self.bytes.len(),
        })
    }

    /// Returns whether a PUBLISH asks to be retained.
    pub(super) fn is_to_be_retained(&self) -> bool {
        self.header.flags & RETAIN != 0
    }

    /// Reads the topic filters of a client's SUBSCRIBE.
    pub(super) fn filters(&self, protocol_version: u8) -> Result<Vec<String>, PacketError> {
        let packet = self.read(|body, header| {
            SubscribePacket::decode_body_with_version(body, header, protocol_version)
        })?;
        Ok(packet.filters.into_iter().map(|filter| filter.filter).collect())
    }

    /// Reads a PUBACK or PUBREC of the broker, and whether it accepts the publish.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
    pub(super) fn word(&self) -> Result<Option<(Word, bool)>, PacketError> {
        match self.header.packet_type {
            PacketType::PubAck => {
                let packet = self.read(PubAckPacket::decode_body)?;
                Ok(Some((Word::Puback(packet.packet_id), packet.reason_code.is_success())))
            }
            PacketType::PubRec => {
                let packet = self.read(PubRecPacket::decode_body)?;
                Ok(Some((Word::Pubrec(packet.packet_id), packet.reason_code.is_success())))
            }
            _ => Ok(None),
        }
    }

    /// Reads the packet id of a PUBCOMP of the broker.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
    pub(super) fn completes(&self) -> Result<Option<u16>, PacketError> {
        match self.header.packet_type {
            PacketType::PubComp => Ok(Some(self.read(PubCompPacket::decode_body)?.packet_id)),
            _ => Ok(None),
        }
    }

    /// Reads a CONNACK of the broker: whether it lets the client in.
    pub(super) fn lets_in(&self) -> Result<bool, PacketError> {
        Ok(self.read(ConnAckPacket::decode_body)?.reason_code == ReasonCode::Success)
    }

    /// Reads a DISCONNECT: whether the client takes its will back with it.
    pub(super) fn withdraws_will(&self) -> Result<bool, PacketError> {
        let packet = self.read(DisconnectPacket::decode_body)?;
        Ok(packet.reason_code != ReasonCode::DisconnectWithWillMessage)
    }

    fn read<T>(
        &self,
        decode: impl FnOnce(&mut Bytes, &FixedHeader) -> mqtt5_protocol::Result<T>,
    ) -> Result<T, PacketError> {
        let mut body = self.bytes.clone();
        body.advance(self.body_at);
        decode(&mut body, &self.header).map_err(PacketError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_soon_as_its_length_ends() {
        let cases: [(&str, &[u8], Option<usize>); 5] = [
            ("nothing", &[], None),
            ("a type alone", &[0x30], None),
            ("a length that goes on", &[0x30, 0x80], None),
            ("a short packet that is not there yet", &[0x30, 0x05], Some(7)),
            ("a length of two bytes", &[0x30, 0x80, 0x01], Some(131)),
        ];
        for (name, bytes, expected) in cases {
            let size = peek(bytes, 1_000).unwrap().map(|(_, size)| size);
            assert_eq!(size, expected, "case: {name}");
        }
    }

    #[test]
    fn what_cannot_become_a_packet_is_refused_at_its_header() {
        let cases: [(&str, &[u8]); 3] = [
            ("larger than the limit", &[0x30, 0xff, 0x7f]),
            ("a length of five bytes", &[0x30, 0x80, 0x80, 0x80, 0x80]),
            ("a type that does not exist", &[0x00, 0x00]),
        ];
        for (name, bytes) in cases {
            assert!(peek(bytes, 1_000).is_err(), "case: {name}");
        }
    }
}
