//! The door to the site's own broker: an MQTT client that acknowledges by hand.
//!
//! One task polls the connection. While the inbox is full it does not poll, so the socket fills and
//! the broker waits: brokers do send more than the Receive Maximum when they have a backlog, and
//! dropping the connection then would have them send the same again for ever. That cannot stop both
//! sides, since acknowledging never waits: there is room for more acknowledgements than messages
//! can be under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::delivery::{Acknowledge, Delivery, Receipt};
use super::mqtt::{Events, Heard, LinkError, Message, Options, Requests, Welcome};
use crate::backoff::Backoff;
use crate::config::mqtt::Qos;
use crate::health::Health;
use crate::telemetry::Metrics;

pub(crate) mod limits;

/// A connection that stood as long as this was a good one, whatever ended it.
const GOOD_AFTER: Duration = Duration::from_secs(10);
/// Connections in a row that the broker ended sooner, after which somebody else probably uses our
/// name: Mosquitto 2.0 and brokers of MQTT 3.1.1 do not say so.
const SHORT_MAX: u32 = 2;
/// How long to stay away from a broker where somebody else uses our name: both would throw each
/// other out for ever, and each change has messages sent again.
const TAKEN_OVER_PAUSE: Duration = Duration::from_mins(1);

/// How to reach the broker, and what to read there.
#[derive(Debug)]
pub(crate) struct Settings {
    /// How it is reached, and as whom.
    pub(crate) options: Options,
    /// The broker's address for people.
    pub(crate) address: String,
    /// The topic filters of the sources.
    pub(crate) filters: Vec<String>,
    /// How messages are to be acknowledged at most.
    pub(crate) qos: Qos,
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
    /// Told once, when the first subscription stands or why it does not; or when more has come
    /// before the answer than the inbox holds.
    pub(crate) ready: oneshot::Sender<Result<(), ReadError>>,
    /// Ends the door.
    pub(crate) shutdown: CancellationToken,
}

/// Why nothing can be read from the broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// No connection.
    #[error(transparent)]
    Connection(#[from] LinkError),
    /// A subscription that is not allowed.
    #[error("it refuses the subscription to {0}; allow it to our user, or change the [[source]]")]
    Refused(String),
}

/// Reads until `shutdown`; after trouble it connects again by itself.
pub(crate) async fn run(settings: Settings, links: Links) {
    let (requests, events) = settings.options.open();
    let acks = Arc::new(Acks {
        requests: requests.clone(),
        epoch: Mutex::new(0),
        is_short: AtomicBool::new(false),
    });
    let reader = Reader {
        address: settings.address,
        filters: settings.filters,
        qos: settings.qos,
        requests,
        events,
        acks,
        inbox: links.inbox,
        health: links.health,
        metrics: links.metrics,
        ready: Some(links.ready),
        had_session: false,
        well_since: None,
        short: 0,
        waiting: None,
    };
    reader.run(links.resets, links.shutdown).await;
}

/// Acknowledges on the connection a message came by, and on no other: a packet id means something
/// else after a reconnect.
#[derive(Debug)]
struct Acks {
    requests: Requests,
    epoch: Mutex<u64>,
    /// An acknowledgement found no room: only a new connection brings its message again.
    is_short: AtomicBool,
}

/// Where a token holds the epoch; below are QoS and packet id.
const EPOCH_BIT: u32 = 17;
/// Set in the token of a message of QoS 2.
const EXACTLY_ONCE: u64 = 1 << 16;

impl Acks {
    fn token(&self, packet_id: u16, qos: Qos) -> u64 {
        let epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        let exactly_once = if qos == Qos::ExactlyOnce { EXACTLY_ONCE } else { 0 };
        (*epoch << EPOCH_BIT) | exactly_once | u64::from(packet_id)
    }

    /// Makes all tokens handed out so far worthless, and then forgets queued acknowledgements.
    fn next_epoch(&self, events: &mut Events) {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        *epoch += 1;
        self.is_short.store(false, Ordering::Relaxed);
        events.forget();
    }
}

impl Acknowledge for Acks {
    fn acknowledge(&self, token: u64) {
        let epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if token >> EPOCH_BIT != *epoch {
            return;
        }
        let packet_id = u16::try_from(token & 0xFFFF).unwrap_or_default();
        let is_exact = token & EXACTLY_ONCE != 0;
        let qos = if is_exact { Qos::ExactlyOnce } else { Qos::AtLeastOnce };
        if self.requests.acknowledge(packet_id, qos).is_err() {
            self.is_short.store(true, Ordering::Relaxed);
        }
    }
}

struct Reader {
    address: String,
    filters: Vec<String>,
    qos: Qos,
    requests: Requests,
    events: Events,
    acks: Arc<Acks>,
    inbox: mpsc::Sender<Delivery>,
    health: Health,
    metrics: Metrics,
    ready: Option<oneshot::Sender<Result<(), ReadError>>>,
    had_session: bool,
    /// Since when messages can come by this connection.
    well_since: Option<Instant>,
    /// Connections in a row that the broker ended soon after messages could come.
    short: u32,
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
                    self.start_over();
                }
                room = inbox.reserve(), if self.waiting.is_some() => {
                    let (Ok(room), Some(next)) = (room, self.waiting.take()) else { break };
                    room.send(next);
                }
                polled = self.events.poll(), if self.waiting.is_none() => match polled {
                    Ok(heard) => {
                        self.take(heard);
                        self.take_more();
                        if self.acks.is_short.load(Ordering::Relaxed) {
                            tracing::warn!("too many acknowledgements wait; connecting again");
                            self.start_over();
                        }
                    }
                    Err(error) => {
                        let pause = self.on_trouble(error, &mut backoff);
                        self.start_over();
                        tokio::select! {
                            () = shutdown.cancelled() => break,
                            () = tokio::time::sleep(pause) => {}
                        }
                    }
                },
            }
        }
        self.stop().await;
    }

    /// Gives this connection up; what is unacknowledged comes again by the next one.
    fn start_over(&mut self) {
        self.waiting = None;
        self.well_since = None;
        self.acks.next_epoch(&mut self.events);
    }

    /// Takes what has come with it.
    fn take_more(&mut self) {
        while self.waiting.is_none()
            && let Some(heard) = self.events.next_here()
        {
            self.take(heard);
        }
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Connected(welcome) => self.on_connected(&welcome),
            Heard::Subscribed(granted) => self.on_subscribed(&granted),
            Heard::Message(message) => self.on_message(message),
            Heard::Published(_) => {}
        }
    }

    fn on_connected(&mut self, welcome: &Welcome) {
        if self.had_session && !welcome.session_present {
            self.metrics.sessions_lost.inc();
            let text = format!(
                "broker {} lost our session {} times since the start; what it held for us is gone, \
                 so see that it keeps sessions (Mosquitto: persistence true)",
                self.address,
                self.metrics.sessions_lost.get()
            );
            tracing::warn!("{text}");
            self.health.warn("session", vec![text]);
        }
        let warnings = limits::check(&self.address, welcome);
        if !self.had_session {
            for warning in &warnings {
                tracing::warn!("{warning}");
            }
        }
        self.health.warn("limits", warnings);
        self.had_session = true;
        // Subscribing again is harmless, and repairs a session whose filters are out of date.
        if let Err(error) = self.requests.subscribe(&self.filters, self.qos) {
            tracing::error!(error = &error as &dyn std::error::Error, "subscription not sent");
        }
    }

    /// Takes the broker's answer to our subscription.
    fn on_subscribed(&mut self, granted: &[bool]) {
        let refused = self.filters.iter().zip(granted).find(|(_, is_granted)| !**is_granted);
        let outcome = match refused {
            Some((filter, _)) => Err(ReadError::Refused(filter.clone())),
            None => Ok(()),
        };
        match &outcome {
            Ok(()) => self.well_since = Some(Instant::now()),
            Err(error) => tracing::error!(
                broker = self.address,
                error = error as &dyn std::error::Error,
                "nothing comes by this subscription"
            ),
        }
        let text = |error: &ReadError| format!("broker {}: {error}", self.address);
        self.health.set("broker", outcome.as_ref().copied().map_err(text));
        if let Some(ready) = self.ready.take() {
            // Nobody waits any more where the start was given up.
            drop(ready.send(outcome));
        }
    }

    fn on_message(&mut self, message: Message) {
        let Message { topic, payload, retained, qos, packet_id } = message;
        let receipt = (qos != Qos::AtMostOnce).then(|| Receipt {
            to: Arc::clone(&self.acks) as Arc<dyn Acknowledge>,
            token: self.acks.token(packet_id, qos),
        });
        match self.inbox.try_send(Delivery { topic, payload, retained, receipt }) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(waiting)) => {
                self.waiting = Some(waiting);
                // A broker that kept a long backlog for us sends it before it answers our
                // subscription, and whoever takes from the inbox begins once this door is open.
                if let Some(ready) = self.ready.take() {
                    drop(ready.send(Ok(())));
                }
            }
        }
    }

    /// Says what is wrong; returns how long to stay away.
    fn on_trouble(&mut self, error: LinkError, backoff: &mut Backoff) -> Duration {
        match self.well_since {
            Some(since) if GOOD_AFTER <= since.elapsed() => {
                backoff.reset();
                self.short = 0;
            }
            Some(_) if matches!(error, LinkError::HungUp) => self.short += 1,
            Some(_) => {}
            // The broker is not there: it was no other program that ended the connection before.
            None => self.short = 0,
        }
        let mut text = format!("broker {} is away: {error}", self.address);
        let mut pause = backoff.pause();
        if matches!(error, LinkError::TakenOver) || SHORT_MAX <= self.short {
            self.metrics.taken_over.inc();
            pause = TAKEN_OVER_PAUSE;
            text = format!(
                "broker {} ends our connections; another program seems to use our client id, so \
                 give each [mqtt.connect] its own; staying away for {} s",
                self.address,
                pause.as_secs()
            );
            tracing::error!("{text}");
        }
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
        pause
    }

    /// Says good-bye, so that the broker knows at once. What is unacknowledged stays in the session.
    async fn stop(&mut self) {
        if self.requests.disconnect().is_ok() {
            let goodbye = async { while self.events.poll().await.is_ok() {} };
            // A broker that does not answer must not hold up the stop.
            drop(tokio::time::timeout(Duration::from_secs(1), goodbye).await);
        }
    }
}
