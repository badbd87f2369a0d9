//! Clients that subscribe receive what others, and Upturn itself, publish.

#![expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]

use std::time::Duration;

use crate::ingest::door::Quality;
use mqtt5_protocol::{Packet, QoS};
use tokio::time::timeout;

use super::{
    House, PATIENCE,
    client::{Client, VERSIONS},
};

#[tokio::test]
async fn held_acknowledgements_do_not_hold_up_deliveries() {
    for version in VERSIONS {
        let mut house = House::open().await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        client.subscribe("down/1", 0).await;
        client.publish("up/1", b"waits", QoS::AtLeastOnce, 1).await;
        let delivery = house.delivery().await;

        house.door.publish("down/1", "reply".into(), Quality::AtMostOnce).await.unwrap();
        let Packet::Publish(reply) = client.receive().await else { panic!("no PUBLISH") };
        assert_eq!(&reply.payload[..], b"reply");
        delivery.acknowledge();
        assert_eq!(client.acknowledged(1).await, [1]);
        // What Upturn publishes does not come back to it.
        assert!(house.intake.try_recv().is_err());
        house.stop().await;
    }
}

#[tokio::test]
async fn a_client_of_mqtt_3_1_1_receives_every_quality() {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
    let mut house = House::open().await;
    house.commit_everything();
    let mut options = MqttOptions::new("subscriber", "127.0.0.1", house.addr().port());
    options.set_keep_alive(Duration::from_mins(1));
    let (client, mut events) = AsyncClient::new(options, 100);
    client.subscribe("#", QoS::ExactlyOnce).await.unwrap();
    let mut received = Vec::new();
    let receiving = async {
        while received.len() < 6 {
            match events.poll().await.unwrap() {
                Event::Incoming(Packet::SubAck(_)) => {
                    for (name, qos) in QUALITIES_4 {
                        client.publish(format!("up/{name}"), qos, false, name).await.unwrap();
                    }
                    for quality in QUALITIES {
                        let name = format!("{quality:?}");
                        house.door.publish("down", name.into(), quality).await.unwrap();
                    }
                }
                Event::Incoming(Packet::Publish(it)) => {
                    received.push(String::from_utf8(it.payload.to_vec()).unwrap());
                }
                _ => {}
            }
        }
    };
    timeout(PATIENCE, receiving).await.unwrap();
    received.sort();
    assert_eq!(received, EXPECTED);
    house.stop().await;
}

#[tokio::test]
async fn a_client_of_mqtt_5_receives_every_quality() {
    use rumqttc::v5::{
        AsyncClient, Event, MqttOptions,
        mqttbytes::{QoS, v5::Packet},
    };
    let mut house = House::open().await;
    house.commit_everything();
    let mut options = MqttOptions::new("subscriber", "127.0.0.1", house.addr().port());
    options.set_keep_alive(Duration::from_mins(1));
    let (client, mut events) = AsyncClient::new(options, 100);
    client.subscribe("#", QoS::ExactlyOnce).await.unwrap();
    let mut received = Vec::new();
    let qualities = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
    let receiving = async {
        while received.len() < 6 {
            match events.poll().await.unwrap() {
                Event::Incoming(Packet::SubAck(_)) => {
                    for ((name, _), qos) in QUALITIES_4.into_iter().zip(qualities) {
                        client.publish(format!("up/{name}"), qos, false, name).await.unwrap();
                    }
                    for quality in QUALITIES {
                        let name = format!("{quality:?}");
                        house.door.publish("down", name.into(), quality).await.unwrap();
                    }
                }
                Event::Incoming(Packet::Publish(it)) => {
                    received.push(String::from_utf8(it.payload.to_vec()).unwrap());
                }
                _ => {}
            }
        }
    };
    timeout(PATIENCE, receiving).await.unwrap();
    received.sort();
    assert_eq!(received, EXPECTED);
    house.stop().await;
}

const QUALITIES: [Quality; 3] = [Quality::AtMostOnce, Quality::AtLeastOnce, Quality::ExactlyOnce];

const QUALITIES_4: [(&str, rumqttc::QoS); 3] = [
    ("own 0", rumqttc::QoS::AtMostOnce),
    ("own 1", rumqttc::QoS::AtLeastOnce),
    ("own 2", rumqttc::QoS::ExactlyOnce),
];

const EXPECTED: [&str; 6] = ["AtLeastOnce", "AtMostOnce", "ExactlyOnce", "own 0", "own 1", "own 2"];
