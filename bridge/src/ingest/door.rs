//! The door: the embedded MQTT broker, for devices that need no Mosquitto beside Upturn.
//!
//! A broker of a library keeps sessions, subscriptions and retained messages. Before it stands
//! a thin gate of ours, through which each connection passes byte for byte, and which does the
//! one thing that no library does: it hands each publish to the intake and holds its PUBACK
//! (`QoS` 2: PUBREC) until Upturn has committed it, while the publishes behind it go on.
//!
//! The broker has no socket of its own: the gate talks to it through memory.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use mqtt5_protocol::is_valid_topic_name;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::ingest::delivery::Delivery;

use self::{gate::Gate, mqtt5::Mqtt5};

pub(crate) mod broker;
mod connection;
mod conversation;
mod gate;
mod limits;
mod link;
mod mqtt5;
mod packet;
mod wills;
mod window;
#[cfg(test)]
mod tests;

pub(crate) use self::broker::{Broker, Quality};
#[cfg(test)]
use self::limits::{FRAME_BYTES_MAX, IN_FLIGHT_MAX};

/// Where the door listens, and what it remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The address; it has to be a loopback one, since clients are not asked who they are.
    pub(crate) listen: SocketAddr,
    /// A directory of the door's own for sessions and retained messages; in memory if none.
    ///
    /// With it a device finds its session again after Upturn was started anew. Clients are
    /// free to forget what they still have to publish when their session is gone, and some do.
    pub(crate) sessions: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1883), sessions: None }
    }
}

/// Why the door stayed shut, or a message could not go out through it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoorError {
    /// Others could reach it.
    #[error(
        "{0} can be reached from other machines, and the door does not ask who comes; \
         set [mqtt] listen to a loopback address such as 127.0.0.1:1883"
    )]
    NotLoopback(SocketAddr),
    /// Another program listens there.
    #[error(
        "port {port} on {ip} is in use; stop the other program or set [mqtt] listen to a free one",
        port = .addr.port(),
        ip = .addr.ip()
    )]
    PortInUse {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The system did not let Upturn listen there.
    #[error("cannot listen on {addr}; check [mqtt] listen")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The broker's library did not start.
    #[error("the embedded broker did not start; check the directory of its sessions")]
    Broker(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A topic that nothing can be published to.
    #[error("{0:?} is no topic to publish to; leave out '+' and '#'")]
    Topic(String),
}

/// A door that lets clients in until the shutdown token is cancelled.
#[derive(Clone, Debug)]
pub(crate) struct OpenDoor {
    local_addr: SocketAddr,
    gate: Arc<Gate>,
}

/// Opens the door with the broker that Upturn ships with.
///
/// # Errors
///
/// Returns an error if the address may not be listened on, or the sessions cannot be read.
pub(crate) async fn open(
    settings: &Settings,
    intake: mpsc::Sender<Delivery>,
    tracker: &TaskTracker,
    shutdown: CancellationToken,
) -> Result<OpenDoor, DoorError> {
    let broker = Mqtt5::start(settings.sessions.as_deref(), tracker, shutdown.clone())
        .await
        .map_err(|error| DoorError::Broker(Box::new(error)))?;
    open_with(Arc::new(broker), settings, intake, tracker, shutdown).await
}

/// Opens the door with another broker behind the gate.
///
/// Every message of a client goes to `intake`. A full intake delays only the connections that
/// send; a closed one ends all connections.
///
/// # Errors
///
/// Returns an error if the address may not be listened on.
pub(crate) async fn open_with(
    broker: Arc<dyn Broker>,
    settings: &Settings,
    intake: mpsc::Sender<Delivery>,
    tracker: &TaskTracker,
    shutdown: CancellationToken,
) -> Result<OpenDoor, DoorError> {
    let listener = listen(settings.listen).await?;
    let local_addr = listener
        .local_addr()
        .map_err(|source| DoorError::Listen { addr: settings.listen, source })?;
    let gate = Arc::new(Gate::new(broker, intake, tracker.clone(), shutdown));
    tracker.spawn(Arc::clone(&gate).run(listener));
    Ok(OpenDoor { local_addr, gate })
}

impl OpenDoor {
    /// Returns the address at which clients are let in.
    #[must_use]
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Sends a message of Upturn's own to the clients that subscribed to its topic. It does
    /// not come back through the intake.
    ///
    /// Who is away keeps his place if his session is kept, in memory: what must arrive needs
    /// an outbox before this.
    ///
    /// # Errors
    ///
    /// Returns an error if `topic` is not a topic name.
    pub(crate) async fn publish(
        &self,
        topic: &str,
        payload: Bytes,
        quality: Quality,
    ) -> Result<(), DoorError> {
        if !is_valid_topic_name(topic) {
            return Err(DoorError::Topic(topic.to_owned()));
        }
        self.gate.broker.publish(topic, payload, quality).await;
        Ok(())
    }

    /// Closes the connections on which a client waits for an acknowledgement, so that it
    /// publishes again. To be called after deliveries were dropped unacknowledged, such as by
    /// a failed commit; dropping alone would leave the client waiting.
    pub(crate) fn reset_connections(&self) {
        self.gate.resets.send_replace(());
    }
}

async fn listen(addr: SocketAddr) -> Result<TcpListener, DoorError> {
    if !addr.ip().is_loopback() {
        return Err(DoorError::NotLoopback(addr));
    }
    TcpListener::bind(addr).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            DoorError::PortInUse { addr }
        } else {
            DoorError::Listen { addr, source }
        }
    })
}
