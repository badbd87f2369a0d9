//! Clients that subscribe receive what others, and Upturn itself, publish.

#![expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]

use std::time::Duration;

use crate::ingest::door::{Homes, Quality, RETAINED_BYTES_MAX};
use mqtt5_protocol::{Packet, QoS};
use tokio::sync::watch;
use tokio::time::timeout;
use upturn_core::decode::{Format, Source, Sources, topic::TopicPattern};

use super::{
    House, PATIENCE, anywhere,
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

#[tokio::test]
async fn what_is_shared_goes_to_one_of_the_group() {
    for version in VERSIONS {
        let house = House::open().await;
        let mut first = Client::connect(house.addr(), version, "first").await;
        let mut second = Client::connect(house.addr(), version, "second").await;
        for client in [&mut first, &mut second] {
            client.subscribe("$share/group/down/#", 0).await;
        }
        for number in 0..10 {
            let payload = number.to_string().into();
            house.door.publish("down/1", payload, Quality::AtMostOnce).await.unwrap();
        }
        let mut heard = Vec::new();
        for client in [&mut first, &mut second] {
            // The answer to a ping comes behind what is on its way.
            client.send_bytes(&[0xc0, 0x00]).await;
            while let Packet::Publish(it) = client.receive().await {
                heard.push(String::from_utf8(it.payload.to_vec()).unwrap());
            }
        }
        heard.sort();
        let expected: Vec<String> = (0..10).map(|number: u8| number.to_string()).collect();
        assert_eq!(heard, expected, "MQTT {version}");
        house.stop().await;
    }
}

#[tokio::test]
async fn events_and_large_messages_are_taken_in_but_not_retained() {
    let source = Source {
        name: "s".into(),
        topic: TopicPattern::parse("devices/{device}/events").unwrap(),
        format: Format::Native,
        accept_past: Source::ACCEPT_PAST,
        accept_future: Source::ACCEPT_FUTURE,
    };
    for version in VERSIONS {
        let homes = Homes::new(Sources(vec![source.clone()]), watch::channel(Vec::new()).1);
        let mut house = House::at(anywhere(), homes, 10).await;
        let mut client = Client::connect(house.addr(), version, "device").await;
        let large = vec![7; RETAINED_BYTES_MAX];
        let sent: [(&str, &[u8]); 3] =
            [("devices/d/events", b"{}"), ("other/large", &large), ("other/state", b"on")];
        for (id, (topic, payload)) in (1..).zip(sent) {
            let packet = client.publish_packet(topic, payload, QoS::AtLeastOnce, id);
            client.send(&packet.with_retain(true)).await;
        }
        for ((topic, payload), delivery) in sent.iter().zip(house.deliveries(3).await) {
            assert_eq!((&*delivery.topic, &*delivery.payload), (*topic, *payload));
            delivery.acknowledge();
        }
        assert_eq!(client.acknowledged(3).await, [1, 2, 3]);

        client.subscribe("#", 0).await;
        let Packet::Publish(kept) = client.receive().await else { panic!("no PUBLISH") };
        assert_eq!((&*kept.topic_name, &*kept.payload), ("other/state", &b"on"[..]));
        client.ping().await;
        house.stop().await;
    }
}
