//! A publish is acknowledged once it is committed, and not before.

use crate::ingest::door::Settings;
use mqtt5_protocol::{ConnectOptions, Packet, QoS, packet::pubrel::PubRelPacket};

use super::{
    House, anywhere,
    client::{Client, VERSIONS},
    payloads,
};

#[tokio::test]
async fn a_puback_is_held_until_the_commit() {
    for version in VERSIONS {
        let mut house = House::open().await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        client.publish("up/1", b"hello", QoS::AtLeastOnce, 7).await;

        let delivery = house.delivery().await;
        assert_eq!((delivery.topic.as_str(), &delivery.payload[..]), ("up/1", &b"hello"[..]));
        assert!(!delivery.retained);
        // The broker answers a ping after the publish: had the PUBACK not been held, it would
        // have come before the answer.
        client.ping().await;
        delivery.acknowledge();
        assert_eq!(client.acknowledged(1).await, [7], "version {version}");
        house.stop().await;
    }
}

#[tokio::test]
async fn acknowledgements_leave_in_the_order_of_the_publishes() {
    for version in VERSIONS {
        let mut house = House::open().await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        for id in 1..=10 {
            let qos = if id % 3 == 0 { QoS::ExactlyOnce } else { QoS::AtLeastOnce };
            client.publish("up/1", &[0], qos, id).await;
        }
        let mut deliveries = house.deliveries(10).await;
        let first = deliveries.remove(0);
        for delivery in deliveries.into_iter().rev() {
            delivery.acknowledge();
        }
        client.ping().await;
        first.acknowledge();
        assert_eq!(client.acknowledged(10).await, (1..=10).collect::<Vec<_>>());
        house.stop().await;
    }
}

#[tokio::test]
async fn a_thousand_publishes_are_under_way_at_a_time() {
    for version in VERSIONS {
        let mut house = House::open().await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        for id in 1..=1_000_u16 {
            client.publish("up/1", &id.to_be_bytes(), QoS::AtLeastOnce, id).await;
        }
        // All of them arrive while not one is acknowledged.
        let deliveries = house.deliveries(1_000).await;
        let order: Vec<_> = deliveries
            .iter()
            .map(|it| u16::from_be_bytes([it.payload[0], it.payload[1]]))
            .collect();
        assert_eq!(order, (1..=1_000).collect::<Vec<_>>());
        for delivery in deliveries {
            delivery.acknowledge();
        }
        assert_eq!(client.acknowledged(1_000).await, (1..=1_000).collect::<Vec<_>>());
        house.stop().await;
    }
}

#[tokio::test]
async fn a_publish_at_most_once_has_no_receipt() {
    for version in VERSIONS {
        let mut house = House::open().await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        client.publish("up/1", b"a", QoS::AtMostOnce, 0).await;
        assert!(house.delivery().await.receipt.is_none());

        // It arrives even if the client leaves at once.
        client.publish("up/1", b"b", QoS::AtMostOnce, 0).await;
        client.disconnect().await;
        drop(client);
        assert_eq!(&house.delivery().await.payload[..], b"b");
        house.stop().await;
    }
}

#[tokio::test]
async fn a_publish_exactly_once_is_held_at_its_pubrec() {
    for version in VERSIONS {
        let mut house = House::open().await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        client.publish("up/1", b"a", QoS::ExactlyOnce, 3).await;
        let delivery = house.delivery().await;
        client.ping().await;
        delivery.acknowledge();
        assert!(matches!(client.receive().await, Packet::PubRec(it) if it.packet_id == 3));
        client.send(&PubRelPacket::new(3)).await;
        assert!(matches!(client.receive().await, Packet::PubComp(it) if it.packet_id == 3));
        house.stop().await;
    }
}

#[tokio::test]
async fn a_reset_closes_only_connections_that_wait_and_nothing_lost_is_acknowledged() {
    for version in VERSIONS {
        let mut house = House::open().await;
        let mut idle = Client::connect(house.addr(), version, "idle").await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        for id in 1..=100_u16 {
            client.publish("up/1", &id.to_be_bytes(), QoS::AtLeastOnce, id).await;
        }
        // Ten are committed, then a commit fails: the rest is dropped.
        let mut deliveries = house.deliveries(100).await;
        let lost = deliveries.split_off(10);
        let committed = payloads(&deliveries);
        deliveries.into_iter().for_each(crate::ingest::delivery::Delivery::acknowledge);
        assert_eq!(client.acknowledged(10).await, (1..=10).collect::<Vec<_>>());
        drop(lost);
        house.door.reset_connections();
        let answer = client.next().await;
        assert!(answer.is_none(), "acknowledged without a commit: {answer:?}");
        idle.ping().await;

        let mut client = Client::connect(house.addr(), version, "device").await;
        for id in 11..=100_u16 {
            let again = client.publish_packet("up/1", &id.to_be_bytes(), QoS::AtLeastOnce, id);
            client.send(&again.with_dup(true)).await;
        }
        let again = house.deliveries(90).await;
        assert_eq!(committed.union(&payloads(&again)).count(), 100);
        again.into_iter().for_each(crate::ingest::delivery::Delivery::acknowledge);
        assert_eq!(client.acknowledged(90).await, (11..=100).collect::<Vec<_>>());
        house.stop().await;
    }
}

#[tokio::test]
async fn a_commit_that_comes_after_a_reset_releases_nothing_on_the_next_connection() {
    let mut house = House::open().await;
    let mut client = Client::connect(house.addr(), 5, "device").await;
    client.publish("up/1", b"a", QoS::AtLeastOnce, 1).await;
    let late = house.delivery().await;
    house.door.reset_connections();
    client.closed().await;

    let mut client = Client::connect(house.addr(), 5, "device").await;
    client.publish("up/1", b"b", QoS::AtLeastOnce, 1).await;
    let delivery = house.delivery().await;
    late.acknowledge();
    client.ping().await;
    delivery.acknowledge();
    assert_eq!(client.acknowledged(1).await, [1]);
    house.stop().await;
}

#[tokio::test]
async fn a_stop_releases_what_is_committed_meanwhile() {
    let mut house = House::open().await;
    let mut client = Client::connect(house.addr(), 4, "device").await;
    client.publish("up/1", b"a", QoS::AtLeastOnce, 1).await;
    let delivery = house.delivery().await;
    house.shutdown.cancel();
    delivery.acknowledge();
    assert_eq!(client.acknowledged(1).await, [1]);
    client.closed().await;
    house.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_commits_once_nobody_takes_deliveries() {
    let mut house = House::open().await;
    let mut client = Client::connect(house.addr(), 4, "device").await;
    client.publish("up/1", b"a", QoS::AtLeastOnce, 1).await;
    let _never_committed = house.delivery().await;
    house.shutdown.cancel();
    house.intake.close();
    assert!(client.next().await.is_none());
    house.stop().await;
}

#[tokio::test]
async fn a_session_is_found_again_after_a_restart() {
    for version in VERSIONS {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { sessions: Some(directory.path().to_owned()), ..anywhere() };
        let options = || {
            ConnectOptions::new("device").with_clean_start(false).with_session_expiry_interval(600)
        };
        let mut house = House::with(settings.clone(), 100).await;
        let mut client = Client::connect_with(house.addr(), version, options()).await;
        assert!(!client.session_present);
        client.publish("up/1", b"a", QoS::AtLeastOnce, 1).await;
        drop(house.delivery().await);
        house.intake.close();
        client.closed().await;
        house.stop().await;

        let house = House::with(settings, 100).await;
        let client = Client::connect_with(house.addr(), version, options()).await;
        assert!(client.session_present, "version {version}");
        house.stop().await;
    }
}
