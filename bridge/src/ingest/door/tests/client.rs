//! A client that sends exactly what a test says.

#![expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]

use std::net::SocketAddr;

use bytes::{Buf as _, BytesMut};
use mqtt5_protocol::{
    ConnectOptions, FixedHeader, Packet, QoS, WillMessage,
    packet::{MqttPacket, connack::ConnAckPacket, connect::ConnectPacket, publish::PublishPacket},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::PATIENCE;

pub(super) const VERSIONS: [u8; 2] = [4, 5];

/// A socket that speaks one version of MQTT.
pub(super) struct Client {
    pub(super) version: u8,
    pub(super) session_present: bool,
    stream: TcpStream,
    inbound: BytesMut,
}

impl Client {
    /// Opens a socket and says nothing.
    pub(super) async fn mute(addr: SocketAddr, version: u8) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { version, session_present: false, stream, inbound: BytesMut::new() }
    }

    pub(super) async fn connect(addr: SocketAddr, version: u8, id: &str) -> Self {
        Self::connect_with(addr, version, ConnectOptions::new(id)).await
    }

    pub(super) async fn connect_with_will(
        addr: SocketAddr,
        version: u8,
        id: &str,
        will: WillMessage,
    ) -> Self {
        Self::connect_with(addr, version, ConnectOptions::new(id).with_will(will)).await
    }

    pub(super) async fn connect_with(
        addr: SocketAddr,
        version: u8,
        options: ConnectOptions,
    ) -> Self {
        let mut client = Self::mute(addr, version).await;
        let connect = match version {
            4 => ConnectPacket::new_v311(options),
            _ => ConnectPacket::new(options),
        };
        client.send(&connect).await;
        let Packet::ConnAck(answer) = client.receive().await else { panic!("no CONNACK") };
        client.session_present = answer.session_present;
        client
    }

    /// Connects; returns what the broker says to it.
    pub(super) async fn answer(addr: SocketAddr, version: u8, id: &str) -> ConnAckPacket {
        let mut client = Self::mute(addr, version).await;
        let options = ConnectOptions::new(id);
        match version {
            4 => client.send(&ConnectPacket::new_v311(options)).await,
            _ => client.send(&ConnectPacket::new(options)).await,
        }
        let Packet::ConnAck(answer) = client.receive().await else { panic!("no CONNACK") };
        answer
    }

    pub(super) async fn send(&mut self, packet: &impl MqttPacket) {
        let mut bytes = BytesMut::new();
        packet.encode(&mut bytes).unwrap();
        self.send_bytes(&bytes).await;
    }

    pub(super) async fn send_bytes(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.unwrap().unwrap();
    }

    /// Returns the bytes of a publish.
    pub(super) fn publish_packet(
        &self,
        topic: &str,
        payload: &[u8],
        qos: QoS,
        id: u16,
    ) -> PublishPacket {
        let packet = match self.version {
            4 => PublishPacket::new_v311(topic, payload.to_vec(), qos),
            _ => PublishPacket::new(topic, payload.to_vec(), qos),
        };
        if qos == QoS::AtMostOnce { packet } else { packet.with_packet_id(id) }
    }

    pub(super) async fn publish(&mut self, topic: &str, payload: &[u8], qos: QoS, id: u16) {
        let packet = self.publish_packet(topic, payload, qos, id);
        self.send(&packet).await;
    }

    pub(super) async fn ping(&mut self) {
        self.send_bytes(&[0xc0, 0x00]).await;
        assert!(matches!(self.receive().await, Packet::PingResp));
    }

    pub(super) async fn disconnect(&mut self) {
        self.send_bytes(&[0xe0, 0x00]).await;
    }

    /// Subscribes and waits until that is so.
    pub(super) async fn subscribe(&mut self, filter: &str, qos: u8) {
        let mut body = vec![0, 1];
        if self.version == 5 {
            body.push(0);
        }
        body.extend_from_slice(&u16::try_from(filter.len()).unwrap().to_be_bytes());
        body.extend_from_slice(filter.as_bytes());
        body.push(qos);
        let mut bytes = vec![0x82, u8::try_from(body.len()).unwrap()];
        bytes.extend_from_slice(&body);
        self.send_bytes(&bytes).await;
        assert!(matches!(self.receive().await, Packet::SubAck(_)));
    }

    /// Returns the next packet.
    pub(super) async fn receive(&mut self) -> Packet {
        self.next().await.expect("the connection was closed")
    }

    /// Returns the next packet, or nothing once the connection is closed.
    pub(super) async fn next(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = self.parse() {
                return Some(packet);
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.inbound));
            match read.await.expect("nothing came, and the connection stayed open") {
                Ok(1..) => {}
                Ok(0) | Err(_) => return None,
            }
        }
    }

    /// Waits for the end of the connection; what comes before does not matter.
    pub(super) async fn closed(&mut self) {
        while self.next().await.is_some() {}
    }

    /// Returns the packet ids of the next `count` acknowledgements of publishes.
    pub(super) async fn acknowledged(&mut self, count: usize) -> Vec<u16> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            match self.receive().await {
                Packet::PubAck(packet) => ids.push(packet.packet_id),
                Packet::PubRec(packet) => ids.push(packet.packet_id),
                other => panic!("unexpected {other:?}"),
            }
        }
        ids
    }

    fn parse(&mut self) -> Option<Packet> {
        let mut bytes = self.inbound.clone().freeze();
        let header = FixedHeader::decode(&mut bytes).ok()?;
        let length = header.remaining_length as usize;
        if bytes.remaining() < length {
            return None;
        }
        self.inbound.advance(self.inbound.len() - bytes.remaining() + length);
        let mut body = bytes.split_to(length);
        Some(
            Packet::decode_from_body_with_version(
                header.packet_type,
                &header,
                &mut body,
                self.version,
            )
            .unwrap(),
        )
    }
}
