//! An MQTT client that is told what to acknowledge, and when.
//!
//! The packets are the library's, the loop that reads and writes them is ours: the library's own
//! writes one acknowledgement for every ten messages that it reads, each with a call of the system,
//! and so has hundreds of thousands of them waiting while a broker sends a backlog. Here everything
//! that waits is written at once, as bytes.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::dialer::DialError;
use crate::config::mqtt::{MqttVersion, Qos};

mod codec;
mod heard;
mod line;
mod options;
mod v3;
mod v5;

pub(crate) use self::heard::{Announced, Heard, Message, Welcome};
use self::line::Line;
pub(crate) use self::options::{Options, Peer, SESSION_EXPIRY_S};

/// Larger packets are refused by the broker on our behalf, where it can be told. Payloads over the
/// decoder's limit but below this still arrive, and become dead letters.
pub(crate) const PACKET_MAX: u32 = 1024 * 1024;
/// How many messages the broker may send ahead of our acknowledgements.
pub(crate) const IN_FLIGHT_MAX: u16 = 4_000;
/// Bytes that wait to be written. Mosquitto 2.0 sends a backlog without regard to what we said is
/// the most in flight, so there is room for the acknowledgements of a million messages.
const WAITING_MAX: usize = 4 * 1024 * 1024;
/// How long the broker may take to let us in.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// What is to be sent; a clone asks the same connection. Never waits.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    version: MqttVersion,
    queue: Arc<Queue>,
}

/// What waits to be written, as bytes.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Wakes whoever writes.
    added: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: BytesMut,
    /// The packet id of the last request of ours that has one.
    last_id: u16,
}

/// There is no room for one more request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests to the broker wait to be sent")]
pub(crate) struct Full;

/// The connection: it is there as long as it is polled.
#[derive(Debug)]
pub(crate) struct Events {
    options: Options,
    queue: Arc<Queue>,
    line: Option<Line>,
    /// Why the connection ended, as far as nobody has been told.
    trouble: Option<LinkError>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The broker was not reached.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The connection broke.
    #[error("the connection broke")]
    Io(#[from] io::Error),
    /// The broker said no, and why.
    #[error("it does not let us in: {0}")]
    Refused(String),
    /// The broker sent what is no MQTT, or too large.
    #[error("it sends what cannot be read: {0}")]
    Malformed(String),
    /// The broker ended the connection without a word.
    #[error("it ended the connection")]
    HungUp,
    /// The broker ended the connection and said why.
    #[error("it ended the connection: {0}")]
    Ended(String),
    /// Somebody else came under our name.
    #[error("another program has logged in under our client id; give each [mqtt.connect] its own")]
    TakenOver,
    /// The broker is silent.
    #[error("it does not answer")]
    Silent,
}

impl Requests {
    /// Acknowledges a message: PUBACK, or PUBREC.
    pub(crate) fn acknowledge(&self, packet_id: u16, qos: Qos) -> Result<(), Full> {
        self.push(|waiting| codec::acknowledge(packet_id, qos, &mut waiting.bytes))
    }

    /// Subscribes to all of `filters`.
    pub(crate) fn subscribe(&self, filters: &[String], qos: Qos) -> Result<(), Full> {
        self.push(|Waiting { bytes, last_id }| match self.version {
            MqttVersion::V3 => v3::subscribe(next(last_id), filters, qos, bytes),
            MqttVersion::V5 => v5::subscribe(next(last_id), filters, qos, bytes),
        })
    }

    /// Publishes at QoS 1; the answer is [`Heard::Published`].
    pub(crate) fn publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), Full> {
        self.push(|Waiting { bytes, last_id }| match self.version {
            MqttVersion::V3 => v3::publish(next(last_id), topic, payload, bytes),
            MqttVersion::V5 => v5::publish(next(last_id), topic, payload, bytes),
        })
    }

    /// Says good-bye.
    pub(crate) fn disconnect(&self) -> Result<(), Full> {
        self.push(|waiting| codec::disconnect(&mut waiting.bytes))
    }

    fn push(&self, write: impl FnOnce(&mut Waiting) -> Result<(), Full>) -> Result<(), Full> {
        let mut waiting = self.queue.lock();
        if WAITING_MAX < waiting.bytes.len() {
            return Err(Full);
        }
        write(&mut waiting)?;
        drop(waiting);
        self.queue.added.notify_one();
        Ok(())
    }
}

fn next(last_id: &mut u16) -> u16 {
    *last_id = last_id.checked_add(1).unwrap_or(1);
    *last_id
}

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events {
    /// Connects, reads and writes, until there is something to tell. May be given up at any time.
    pub(crate) async fn poll(&mut self) -> Result<Heard, LinkError> {
        if let Some(error) = self.trouble.take() {
            return Err(error);
        }
        let Some(line) = &mut self.line else {
            let connecting = timeout(CONNECT_MAX, Line::connect(&self.options));
            let (line, welcome) = connecting.await.map_err(|_| LinkError::Silent)??;
            self.line = Some(line);
            return Ok(Heard::Connected(welcome));
        };
        let polled = line.next(&self.queue).await;
        if polled.is_err() {
            self.line = None;
        }
        polled
    }

    /// Returns what has come already, without waiting; trouble is left to [`Events::poll`].
    pub(crate) fn next_here(&mut self) -> Option<Heard> {
        match self.line.as_mut()?.next_here() {
            Ok(heard) => heard,
            Err(error) => {
                self.line = None;
                self.trouble = Some(error);
                None
            }
        }
    }

    /// Writes what waits, hears no answer, and ends the connection.
    pub(crate) async fn finish(&mut self) -> Result<(), LinkError> {
        match self.line.take() {
            Some(line) => line.finish(&self.queue).await,
            None => Ok(()),
        }
    }

    /// Ends the connection and forgets what waits to be sent on it. Nobody may ask for something
    /// to be sent meanwhile.
    pub(crate) fn forget(&mut self) {
        self.line = None;
        self.trouble = None;
        self.queue.lock().bytes = BytesMut::new();
    }
}
