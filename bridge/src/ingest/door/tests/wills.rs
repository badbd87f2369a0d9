//! The will of a client that vanishes reaches the intake.

use crate::ingest::door::Quality;
use mqtt5_protocol::{ConnectOptions, QoS, WillMessage};

use super::{
    House,
    client::{Client, VERSIONS},
};

fn will() -> WillMessage {
    WillMessage::new("up/1/gone", b"gone".to_vec())
}

#[tokio::test]
async fn a_will_is_handed_over_when_its_client_vanishes() {
    for version in VERSIONS {
        let mut house = House::open().await;
        drop(Client::connect_with_will(house.addr(), version, "device", will()).await);
        let delivery = house.delivery().await;
        assert_eq!((delivery.topic.as_str(), &delivery.payload[..]), ("up/1/gone", &b"gone"[..]));
        assert!(delivery.receipt.is_none());
        house.stop().await;
    }
}

#[tokio::test]
async fn a_will_is_dropped_when_its_client_says_farewell_or_the_door_closes_it() {
    for version in VERSIONS {
        let mut house = House::open().await;
        let mut polite = Client::connect_with_will(house.addr(), version, "a", will()).await;
        polite.disconnect().await;
        polite.closed().await;

        let mut reset = Client::connect_with_will(house.addr(), version, "b", will()).await;
        reset.publish("up/1", b"x", QoS::AtLeastOnce, 1).await;
        drop(house.delivery().await);
        house.door.reset_connections();
        reset.closed().await;

        let _stopped = Client::connect_with_will(house.addr(), version, "c", will()).await;
        house.shutdown.cancel();
        house.tracker.close();
        house.tracker.wait().await;
        assert!(house.intake.try_recv().is_err(), "version {version}");
    }
}

#[tokio::test]
async fn a_delayed_will_is_dropped_when_its_client_returns() {
    let mut house = House::open().await;
    let mut delayed = will();
    delayed.properties.will_delay_interval = Some(1);
    let options = || {
        ConnectOptions::new("device")
            .with_clean_start(false)
            .with_session_expiry_interval(60)
            .with_will(delayed.clone())
    };
    drop(Client::connect_with(house.addr(), 5, options()).await);
    let mut back = Client::connect_with(house.addr(), 5, options()).await;
    back.disconnect().await;
    back.closed().await;

    // One that does not return: its will is the only one to come.
    delayed.payload = b"other".to_vec();
    let other =
        ConnectOptions::new("other").with_session_expiry_interval(60).with_will(delayed.clone());
    drop(Client::connect_with(house.addr(), 5, other).await);
    assert_eq!(&house.delivery().await.payload[..], b"other");
    assert!(house.intake.try_recv().is_err());
    house.door.publish("any", "x".into(), Quality::AtMostOnce).await.unwrap();
    house.stop().await;
}
