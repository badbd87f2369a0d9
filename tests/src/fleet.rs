//! Devices: publishers that know what was acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAck, PubComp};
use rumqttc::v5::{AsyncClient, Client, Event, MqttOptions};

use crate::binary::PATIENCE;

/// A message to publish.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
}

impl Message {
    /// Returns a message with a text.
    pub fn new(topic: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self { topic: topic.into(), payload: payload.into() }
    }
}

/// Publishes `messages` in order, QoS 1, with up to `in_flight` of them unacknowledged, until
/// all are acknowledged.
///
/// A lost connection is made again, and what was not acknowledged is published again, as a
/// careful device does. `on_progress` is told how many are acknowledged.
pub fn publish(port: u16, messages: &[Message], in_flight: u16, on_progress: impl FnMut(usize)) {
    publish_at(QoS::AtLeastOnce, port, messages, in_flight, on_progress);
}

/// Publishes like [`publish`], at QoS 2.
pub fn publish_exactly_once(
    port: u16,
    messages: &[Message],
    in_flight: u16,
    on_progress: impl FnMut(usize),
) {
    publish_at(QoS::ExactlyOnce, port, messages, in_flight, on_progress);
}

fn publish_at(
    qos: QoS,
    port: u16,
    messages: &[Message],
    in_flight: u16,
    on_progress: impl FnMut(usize),
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let all = deliver(qos, port, messages, in_flight, on_progress);
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE * 4, all).await.expect("everything was acknowledged");
    });
}

async fn deliver(
    qos: QoS,
    port: u16,
    messages: &[Message],
    in_flight: u16,
    mut on_progress: impl FnMut(usize),
) {
    let mut unacknowledged: Vec<usize> = (0..messages.len()).collect();
    let mut attempt = 0;
    while !unacknowledged.is_empty() {
        attempt += 1;
        let done = messages.len() - unacknowledged.len();
        let round = round(qos, port, attempt, messages, &unacknowledged, in_flight, |more| {
            on_progress(done + more);
        });
        unacknowledged = round.await;
        if !unacknowledged.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "a round needs to know all of it")]
/// Publishes on one connection; returns what it did not get acknowledged.
async fn round(
    qos: QoS,
    port: u16,
    attempt: u32,
    messages: &[Message],
    wanted: &[usize],
    in_flight: u16,
    mut on_progress: impl FnMut(usize),
) -> Vec<usize> {
    let client_id = format!("fleet-{}-{attempt}", std::process::id());
    let mut options = MqttOptions::new(client_id, "127.0.0.1", port);
    options.set_keep_alive(Duration::from_secs(15)).set_outgoing_inflight_upper_limit(in_flight);
    let (client, mut events) = AsyncClient::new(options, usize::from(in_flight));
    let mut to_send = wanted.iter().copied();
    let mut queued = std::collections::VecDeque::new();
    let mut sent: BTreeMap<u16, usize> = BTreeMap::new();
    let mut left: std::collections::BTreeSet<usize> = wanted.iter().copied().collect();
    while !left.is_empty() {
        while queued.len() + sent.len() < usize::from(in_flight) {
            let Some(number) = to_send.next() else { break };
            let Message { topic, payload } = messages.get(number).unwrap().clone();
            client.try_publish(topic, qos, false, payload).unwrap();
            queued.push_back(number);
        }
        match events.poll().await {
            Ok(Event::Outgoing(Outgoing::Publish(packet_id))) => {
                sent.insert(packet_id, queued.pop_front().unwrap());
            }
            Ok(Event::Incoming(
                Packet::PubAck(PubAck { pkid, .. }) | Packet::PubComp(PubComp { pkid, .. }),
            )) => {
                let number = sent.remove(&pkid).expect("what was sent is acknowledged");
                left.remove(&number);
                on_progress(wanted.len() - left.len());
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    left.into_iter().collect()
}

/// Publishes at QoS 1 now and then, and does not wait.
#[expect(missing_debug_implementations, reason = "the library's client has none")]
pub struct Sender(Client);

impl Sender {
    /// Connects as `id`.
    pub fn connect(port: u16, id: &str) -> Self {
        let mut options = MqttOptions::new(id, "127.0.0.1", port);
        options.set_keep_alive(Duration::from_secs(15));
        let mut network = options.network_options();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        let (client, mut connection) = Client::new(options, 1_000);
        std::thread::spawn(move || connection.iter().all(|event| event.is_ok()));
        Self(client)
    }

    /// Hands over `message`.
    pub fn send(&self, message: Message) {
        self.0.publish(message.topic, QoS::AtLeastOnce, false, message.payload).unwrap();
    }
}

/// Publishes `messages` as the retained state of their topics.
pub fn publish_retained(port: u16, messages: &[Message]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = MqttOptions::new("retainer", "127.0.0.1", port);
        let (client, mut events) = AsyncClient::new(options, messages.len() + 1);
        for Message { topic, payload } in messages.iter().cloned() {
            client.try_publish(topic, QoS::AtLeastOnce, true, payload).unwrap();
        }
        let mut left = messages.len();
        while 0 < left {
            if let Event::Incoming(Packet::PubAck(_)) = events.poll().await.unwrap() {
                left -= 1;
            }
        }
    });
}

/// Subscribes to `filter`, lets `act` happen once the subscription stands, and returns the first
/// `count` messages that come.
pub fn listen(port: u16, filter: &str, count: usize, act: impl FnOnce()) -> Vec<Message> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, mut events) =
            AsyncClient::new(MqttOptions::new("listener", "127.0.0.1", port), 10);
        client.try_subscribe(filter, QoS::AtLeastOnce).unwrap();
        let (mut act, mut heard) = (Some(act), Vec::new());
        while heard.len() < count {
            let event = tokio::time::timeout(PATIENCE, events.poll()).await;
            match event.expect("a message comes").unwrap() {
                Event::Incoming(Packet::SubAck(_)) => {
                    let act = act.take().expect("one subscription");
                    tokio::task::block_in_place(act);
                }
                Event::Incoming(Packet::Publish(publish)) => {
                    let topic = String::from_utf8(publish.topic.to_vec()).unwrap();
                    heard.push(Message::new(topic, publish.payload.to_vec()));
                }
                Event::Incoming(_) | Event::Outgoing(_) => {}
            }
        }
        heard
    })
}
