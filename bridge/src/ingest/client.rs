//! The door to the site's own broker: an MQTT 5 client that acknowledges by hand.
//!
//! One task polls the connection. While the inbox is full it does not poll, so the socket fills and
//! the broker waits: brokers do send more than the Receive Maximum when they have a backlog, and
//! dropping the connection then would have them send the same again for ever. That cannot stop both
//! sides, since acknowledging never waits: there is room for more acknowledgements than messages
//! can be under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Filter, Packet, Publish, RetainForwardRule, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::delivery::{Acknowledge, Delivery, Receipt};
use crate::backoff::Backoff;
use crate::health::Health;
use crate::telemetry::Metrics;

/// How many messages the broker may send ahead of our acknowledgements.
pub(crate) const IN_FLIGHT_MAX: u16 = 4_000;
/// Larger packets are refused by the broker on our behalf. Payloads over the decoder's limit but
/// below this still arrive, and become dead letters.
const PACKET_MAX: u32 = 1024 * 1024;
/// How long the broker keeps our session, and what is sent meanwhile, while we are away.
const SESSION_EXPIRY_S: u32 = 7 * 24 * 3600;
/// Acknowledgements that wait to be written. They leave one by one while reads come by the dozen,
/// and Mosquitto 2.0 sends a backlog without regard to the Receive Maximum, so there is room for
/// those of a million messages; the list grows only as it is used.
const REQUESTS_MAX: usize = 1 << 20;

/// How to reach the broker, and what to read there.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Host, port, client id, credentials, transport.
    pub(crate) options: MqttOptions,
    /// The broker's address for people.
    pub(crate) address: String,
    /// The topic filters of the sources.
    pub(crate) filters: Vec<String>,
}

/// What the door reports to and is told by.
#[derive(Debug)]
pub(crate) struct Links {
    /// Where messages go.
    pub(crate) inbox: mpsc::Sender<Delivery>,
    /// Changes when a commit failed: what is unacknowledged must be sent again.
    pub(crate) resets: watch::Receiver<u64>,
    /// Says whether the broker is there.
    pub(crate) health: Health,
    /// Counts.
    pub(crate) metrics: Metrics,
    /// Told once, when the first subscription stands or why it does not.
    pub(crate) ready: oneshot::Sender<Result<(), ReadError>>,
    /// Ends the door.
    pub(crate) shutdown: CancellationToken,
}

/// Why nothing can be read from the broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// No connection.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// A subscription that is not allowed.
    #[error("it refuses the subscription to {0}; allow it to our user, or change the [[source]]")]
    Refused(String),
}

/// Reads until `shutdown`; after trouble it connects again by itself.
pub(crate) async fn run(settings: Settings, links: Links) {
    let (client, events) = connection(&settings);
    let acks = Arc::new(Acks {
        client: client.clone(),
        epoch: Mutex::new(0),
        is_short: AtomicBool::new(false),
    });
    let ready = Some(links.ready);
    let reader = Reader {
        address: settings.address,
        filters: settings.filters,
        client,
        events,
        acks,
        inbox: links.inbox,
        health: links.health,
        metrics: links.metrics,
        ready,
        had_session: false,
        waiting: None,
    };
    reader.run(links.resets, links.shutdown).await;
}

fn connection(settings: &Settings) -> (AsyncClient, EventLoop) {
    let mut options = settings.options.clone();
    options
        .set_keep_alive(Duration::from_secs(15))
        .set_connection_timeout(10)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(SESSION_EXPIRY_S))
        .set_receive_maximum(Some(IN_FLIGHT_MAX))
        .set_max_packet_size(Some(PACKET_MAX))
        .set_manual_acks(true);
    let mut network = options.network_options();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    AsyncClient::new(options, REQUESTS_MAX)
}

/// Acknowledges on the connection a message came by, and on no other: a packet id means something
/// else after a reconnect.
#[derive(Debug)]
struct Acks {
    client: AsyncClient,
    epoch: Mutex<u64>,
    /// An acknowledgement found no room: only a new connection brings its message again.
    is_short: AtomicBool,
}

impl Acks {
    fn token(&self, packet_id: u16) -> u64 {
        let epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        (*epoch << 16) | u64::from(packet_id)
    }

    /// Makes all tokens handed out so far worthless, and then forgets queued acknowledgements.
    fn next_epoch(&self, events: &mut EventLoop) {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        *epoch += 1;
        self.is_short.store(false, Ordering::Relaxed);
        events.clean();
    }
}

impl Acknowledge for Acks {
    fn acknowledge(&self, token: u64) {
        let epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if token >> 16 != *epoch {
            return;
        }
        let packet_id = u16::try_from(token & 0xFFFF).unwrap_or_default();
        let mut publish = Publish::new("", QoS::AtLeastOnce, "", None);
        publish.pkid = packet_id;
        if self.client.try_ack(&publish).is_err() {
            self.is_short.store(true, Ordering::Relaxed);
        }
    }
}

struct Reader {
    address: String,
    filters: Vec<String>,
    client: AsyncClient,
    events: EventLoop,
    acks: Arc<Acks>,
    inbox: mpsc::Sender<Delivery>,
    health: Health,
    metrics: Metrics,
    ready: Option<oneshot::Sender<Result<(), ReadError>>>,
    had_session: bool,
    /// A message for which the inbox has no room yet; nothing is read until it has.
    waiting: Option<Delivery>,
}

impl Reader {
    async fn run(mut self, mut resets: watch::Receiver<u64>, shutdown: CancellationToken) {
        let (mut backoff, inbox) = (Backoff::new(), self.inbox.clone());
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                changed = resets.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.waiting = None;
                    self.acks.next_epoch(&mut self.events);
                }
                room = inbox.reserve(), if self.waiting.is_some() => {
                    let (Ok(room), Some(next)) = (room, self.waiting.take()) else { break };
                    room.send(next);
                }
                polled = self.events.poll(), if self.waiting.is_none() => match polled {
                    Ok(event) => {
                        if self.take(event) {
                            backoff.reset();
                        }
                        if self.acks.is_short.load(Ordering::Relaxed) {
                            tracing::warn!("too many acknowledgements wait; connecting again");
                            self.acks.next_epoch(&mut self.events);
                        }
                    }
                    Err(error) => {
                        self.acks.next_epoch(&mut self.events);
                        self.on_trouble(error);
                        tokio::select! {
                            () = shutdown.cancelled() => break,
                            () = backoff.wait() => {}
                        }
                    }
                },
            }
        }
        self.stop().await;
    }

    /// Takes one event; returns whether the broker is known to be well.
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Incoming(Packet::ConnAck(answer)) => {
                self.on_connected(&answer);
                false
            }
            Event::Incoming(Packet::SubAck(answer)) => self.on_subscribed(&answer),
            Event::Incoming(Packet::Publish(publish)) => {
                self.on_publish(publish);
                true
            }
            Event::Incoming(_) | Event::Outgoing(_) => false,
        }
    }

    fn on_connected(&mut self, answer: &ConnAck) {
        if self.had_session && !answer.session_present {
            self.metrics.sessions_lost.inc();
            tracing::warn!(
                broker = self.address,
                "the broker lost our session; what it held for us is gone"
            );
        }
        self.had_session = true;
        // Subscribing again is harmless, and repairs a session whose filters are out of date.
        let filters = self.filters.iter().map(|path| Filter {
            path: path.clone(),
            qos: QoS::AtLeastOnce,
            nolocal: true,
            preserve_retain: false,
            // Retained messages are states from before; events are what happens from now on.
            retain_forward_rule: RetainForwardRule::Never,
        });
        if let Err(error) = self.client.try_subscribe_many(filters) {
            tracing::error!(error = &error as &dyn std::error::Error, "subscription not sent");
        }
    }

    /// Takes the broker's answer to our subscription; returns whether all of it was granted.
    fn on_subscribed(&mut self, answer: &SubAck) -> bool {
        let is_granted =
            |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
        let refused =
            self.filters.iter().zip(&answer.return_codes).find(|(_, code)| !is_granted(code));
        let granted = match refused {
            Some((filter, _)) => Err(ReadError::Refused(filter.clone())),
            None => Ok(()),
        };
        let is_well = granted.is_ok();
        if let Err(error) = &granted {
            tracing::error!(
                broker = self.address,
                error = error as &dyn std::error::Error,
                "nothing comes by this subscription"
            );
        }
        let text = |error: &ReadError| format!("broker {}: {error}", self.address);
        self.health.set("broker", granted.as_ref().copied().map_err(text));
        if let Some(ready) = self.ready.take() {
            // Nobody waits any more where the start was given up.
            drop(ready.send(granted));
        }
        is_well
    }

    fn on_publish(&mut self, publish: Publish) {
        let receipt = (publish.qos != QoS::AtMostOnce).then(|| Receipt {
            to: Arc::clone(&self.acks) as Arc<dyn Acknowledge>,
            token: self.acks.token(publish.pkid),
        });
        let topic = String::from_utf8_lossy(&publish.topic).into_owned();
        let delivery =
            Delivery { topic, payload: publish.payload, retained: publish.retain, receipt };
        match self.inbox.try_send(delivery) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(waiting)) => self.waiting = Some(waiting),
        }
    }

    fn on_trouble(&mut self, error: ConnectionError) {
        let text = format!("broker {} is away: {error}", self.address);
        if let Some(ready) = self.ready.take() {
            drop(ready.send(Err(error.into())));
        } else {
            tracing::warn!(
                broker = self.address,
                error = &error as &dyn std::error::Error,
                "broker away; trying again"
            );
        }
        self.health.set("broker", Err(text));
    }

    /// Says good-bye, so that the broker knows at once. What is unacknowledged stays in the session.
    async fn stop(&mut self) {
        if self.client.try_disconnect().is_ok() {
            let goodbye = async { while self.events.poll().await.is_ok() {} };
            // A broker that does not answer must not hold up the stop.
            drop(tokio::time::timeout(Duration::from_secs(1), goodbye).await);
        }
    }
}
