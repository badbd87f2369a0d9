//! One client can neither exhaust Upturn nor harm another.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc};

use crate::ingest::door::{self, Broker, FRAME_BYTES_MAX, Homes, IN_FLIGHT_MAX, Quality, Settings};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use mqtt5_protocol::{Packet, QoS, ReasonCode, packet::MqttPacket as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    sync::mpsc,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    House, anywhere,
    client::{Client, VERSIONS},
    links,
};

async fn is_served(house: &mut House, version: u8) {
    let mut other = Client::connect(house.addr(), version, "other").await;
    other.publish("up/other", b"fine", QoS::AtLeastOnce, 1).await;
    house.delivery().await.acknowledge();
    assert_eq!(other.acknowledged(1).await, [1]);
    other.disconnect().await;
}

#[tokio::test]
async fn bytes_that_are_not_allowed_close_that_connection_alone() {
    let alias: &[u8] = &[0x30, 0x06, 0, 0, 3, 0x23, 0, 1];
    let cases: [(&str, &[u8]); 6] = [
        ("a second CONNECT", &[0x10, 0x0d, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60, 0, 1, b'x']),
        ("a packet type that does not exist", &[0x00, 0x00]),
        ("a length without end", &[0x30, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("a publish at QoS 3", &[0x36, 0x05, 0, 1, b't', 0, 1]),
        ("a topic with a wildcard", &[0x30, 0x03, 0, 1, b'#']),
        ("a topic alias instead of a topic", alias),
    ];
    for version in VERSIONS {
        let mut house = House::open().await;
        for (name, bytes) in cases {
            let mut client = Client::connect(house.addr(), version, "device").await;
            client.send_bytes(bytes).await;
            client.closed().await;
            assert!(house.intake.try_recv().is_err(), "case: {name}");
            is_served(&mut house, version).await;
        }
        house.stop().await;
    }
}

#[tokio::test]
async fn who_does_not_start_with_connect_is_closed() {
    let cases: [(&str, &[u8]); 3] = [
        ("a publish", &[0x30, 0x03, 0, 1, b't']),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("an endless packet", &[0x10, 0xff, 0xff, 0xff, 0x7f]),
    ];
    let mut house = House::open().await;
    for (name, bytes) in cases {
        let mut client = Client::mute(house.addr(), 4).await;
        client.send_bytes(bytes).await;
        assert!(client.next().await.is_none(), "case: {name}");
    }
    is_served(&mut house, 4).await;
    house.stop().await;
}

#[tokio::test]
async fn the_largest_packet_passes_and_a_larger_one_closes() {
    for version in VERSIONS {
        let mut house = House::open().await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        // Four bytes of header, the topic, the packet id and, in MQTT 5, the properties.
        let overhead = 4 + 3 + 2 + usize::from(version == 5);
        let largest = vec![7; FRAME_BYTES_MAX - overhead];
        client.publish("t", &largest, QoS::AtLeastOnce, 1).await;
        let delivery = house.delivery().await;
        assert_eq!(delivery.payload.len(), largest.len());
        delivery.acknowledge();
        assert_eq!(client.acknowledged(1).await, [1]);

        client.send_bytes(&[0x32, 0xf8, 0xff, 0x7f]).await;
        client.closed().await;
        is_served(&mut house, version).await;
        house.stop().await;
    }
}

#[tokio::test]
async fn a_full_window_stops_the_reading_and_goes_on_after_commits() {
    let mut house = House::with_intake(2 * IN_FLIGHT_MAX).await;
    let mut client = Client::connect(house.addr(), 4, "device").await;
    let total = IN_FLIGHT_MAX + 500;
    for id in 1..=total {
        let id = u16::try_from(id).unwrap();
        client.publish("t", &[0], QoS::AtLeastOnce, id).await;
    }
    let mut waiting = house.deliveries(IN_FLIGHT_MAX).await;
    is_served(&mut house, 5).await;
    assert!(house.intake.try_recv().is_err());
    for delivery in waiting.drain(..) {
        delivery.acknowledge();
    }
    for delivery in house.deliveries(500).await {
        delivery.acknowledge();
    }
    assert_eq!(client.acknowledged(total).await.len(), total);
    house.stop().await;
}

#[tokio::test]
async fn a_full_intake_holds_up_neither_acknowledgements_nor_answers() {
    let mut house = House::with_intake(1).await;
    let mut client = Client::connect(house.addr(), 5, "device").await;
    for id in 1..=50 {
        client.publish("t", &[0], QoS::AtLeastOnce, id).await;
    }
    client.ping().await;
    house.delivery().await.acknowledge();
    assert_eq!(client.acknowledged(1).await, [1]);
    client.ping().await;
    for delivery in house.deliveries(49).await {
        delivery.acknowledge();
    }
    assert_eq!(client.acknowledged(49).await.last(), Some(&50));
    house.stop().await;
}

#[tokio::test]
async fn mqtt_5_clients_are_told_the_limits() {
    let house = House::open().await;
    let mut client = Client::mute(house.addr(), 5).await;
    client
        .send_bytes(&[0x10, 0x0e, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 60, 0, 0, 1, b'x'])
        .await;
    let Packet::ConnAck(answer) = client.receive().await else { panic!("no CONNACK") };
    assert_eq!(answer.receive_maximum().map(usize::from), Some(IN_FLIGHT_MAX));
    assert_eq!(answer.maximum_packet_size(), u32::try_from(FRAME_BYTES_MAX).ok());
    assert_eq!(answer.topic_alias_maximum().unwrap_or(0), 0);
    house.stop().await;
}

/// Lets everyone in, refuses the publish with packet id 1, and accepts that with id 2.
#[derive(Debug)]
struct Choosy(TaskTracker);

#[async_trait]
impl Broker for Choosy {
    fn attach(&self, _: SocketAddr) -> DuplexStream {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        self.0.spawn(async move {
            let mut sink = [0; 1024];
            // CONNACK: both versions understand it by its first two bytes.
            let _read = theirs.read(&mut sink).await;
            let is_version_5 = sink[8] == 5;
            let connack: &[u8] = if is_version_5 { &[0x20, 3, 0, 0, 0] } else { &[0x20, 2, 0, 0] };
            theirs.write_all(connack).await.unwrap();
            let _read = theirs.read(&mut sink).await;
            theirs.write_all(&[0x40, 4, 0, 1, 0x97, 0, 0x40, 2, 0, 2]).await.unwrap();
            while !matches!(theirs.read(&mut sink).await, Ok(0) | Err(_)) {}
        });
        ours
    }

    async fn publish(&self, _: &str, _: Bytes, _: Quality) {}
}

#[tokio::test]
async fn what_the_broker_refuses_never_reaches_the_intake() {
    let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let (sender, mut intake) = mpsc::channel(10);
    let broker = Arc::new(Choosy(tracker.clone()));
    let settings = anywhere();
    let links = links(sender, &tracker, &shutdown);
    let opened = door::open_with(broker, &settings, Homes::default(), links);
    let addr = opened.await.unwrap().plain_addr().unwrap();

    let mut client = Client::connect(addr, 5, "device").await;
    let publishes = [0x32, 0x06, 0, 1, b't', 0, 1, 0, 0x32, 0x06, 0, 1, b't', 0, 2, 0];
    client.send_bytes(&publishes).await;
    intake.recv().await.unwrap().acknowledge();
    let Packet::PubAck(refusal) = client.receive().await else { panic!("no PUBACK") };
    assert_eq!((refusal.packet_id, refusal.reason_code.is_error()), (1, true));
    assert_eq!(client.acknowledged(1).await, [2]);
    assert!(intake.try_recv().is_err());

    // MQTT 3.1.1 cannot say it: to acknowledge would be to lose the message.
    let mut client = Client::connect(addr, 4, "device").await;
    client.send_bytes(&[0x32, 0x05, 0, 1, b't', 0, 1, 0x32, 0x05, 0, 1, b't', 0, 2]).await;
    assert!(client.next().await.is_none());
    assert!(intake.try_recv().is_err());
    shutdown.cancel();
}

#[tokio::test]
async fn a_client_that_floods_is_cut_and_no_other() {
    let rate_max = NonZeroU32::new(5);
    for version in VERSIONS {
        let mut house = House::with(Settings { rate_max, ..anywhere() }, 1_000).await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        for id in 1..=300 {
            client.publish("t", &[0], QoS::AtLeastOnce, id).await;
        }
        for delivery in house.deliveries(300).await {
            delivery.acknowledge();
        }
        assert_eq!(client.acknowledged(300).await.len(), 300, "a burst is let through");
        // In one write, so that nothing is left unread when the connection is closed.
        let mut more = BytesMut::new();
        for id in 1..=100 {
            let packet = client.publish_packet("t", &[0], QoS::AtLeastOnce, id);
            packet.encode(&mut more).unwrap();
        }
        client.send_bytes(&more).await;
        let mut last = None;
        while let Some(packet) = client.next().await {
            last = Some(packet);
        }
        if version == 5 {
            let is_quota = |it: &Packet| matches!(it, Packet::Disconnect(it) if it.reason_code == ReasonCode::QuotaExceeded);
            assert!(last.as_ref().is_some_and(is_quota), "{last:?}");
        }
        let refused = Client::answer(house.addr(), version, "device").await;
        assert_ne!(refused.reason_code, ReasonCode::Success, "MQTT {version}");
        while house.intake.try_recv().is_ok() {}
        is_served(&mut house, version).await;
        house.stop().await;
    }
}
