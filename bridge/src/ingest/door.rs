//! The door: the embedded MQTT broker, for devices that need no Mosquitto beside Upturn.
//!
//! A broker of a library keeps sessions, subscriptions and retained messages. Before it stands
//! a thin gate of ours, through which each connection passes byte for byte, and which does the
//! one thing that no library does: it hands each publish to the intake and holds its PUBACK
//! (`QoS` 2: PUBREC) until Upturn has committed it, while the publishes behind it go on.
//!
//! The broker has no socket of its own: the gate talks to it through memory.

use std::{io, net::SocketAddr, num::NonZeroU32, path::PathBuf, sync::Arc};

use bytes::Bytes;
use mqtt5_protocol::is_valid_topic_name;
use tokio::net::TcpListener;

use self::{
    gate::{Entrance, Gate},
    mqtt5::Mqtt5,
    rate::Rates,
    tls::{Certificates, TlsError},
};

pub(crate) mod access;
pub(crate) mod broker;
mod connection;
mod conversation;
mod gate;
mod limits;
mod link;
mod log_limit;
mod mqtt5;
mod packet;
mod rate;
mod stream;
mod tls;
mod wills;
mod window;
#[cfg(test)]
mod tests;

pub(crate) use self::access::{Homes, patterns};
pub(crate) use self::broker::{Broker, Quality};
pub(crate) use self::gate::Links;
#[cfg(test)]
use self::limits::{FRAME_BYTES_MAX, IN_FLIGHT_MAX, RETAINED_BYTES_MAX};
pub(crate) use self::tls::{TlsSettings, expires_at};

/// Where the door listens, and what it remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The address without TLS; a loopback one, since clients are not asked there who they are.
    pub(crate) listen: Option<SocketAddr>,
    /// How many messages a second one client may publish there for long; any number if none.
    pub(crate) rate_max: Option<NonZeroU32>,
    /// The address with TLS.
    pub(crate) tls: Option<TlsSettings>,
    /// A directory of the door's own for sessions and retained messages; in memory if none.
    ///
    /// With it a device finds its session again after Upturn was started anew. Clients are
    /// free to forget what they still have to publish when their session is gone, and some do.
    pub(crate) sessions: Option<PathBuf>,
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
        "port {port} on {ip} is in use; stop the other program or set {key} to a free one",
        port = .addr.port(),
        ip = .addr.ip()
    )]
    PortInUse {
        /// The address that was asked for.
        addr: SocketAddr,
        /// Where it was set.
        key: &'static str,
    },
    /// The system did not let Upturn listen there.
    #[error("cannot listen on {addr}; check {key}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// Where it was set.
        key: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
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
    plain_addr: Option<SocketAddr>,
    tls_addr: Option<SocketAddr>,
    certificates: Option<Arc<Certificates>>,
    gate: Arc<Gate>,
}

/// Opens the door with the broker that Upturn ships with.
///
/// # Errors
///
/// Returns an error if an address may not be listened on, certificates or sessions cannot be read.
pub(crate) async fn open(
    settings: &Settings,
    homes: Homes,
    links: Links,
) -> Result<OpenDoor, DoorError> {
    let (tracker, shutdown) = (&links.tracker, links.shutdown.clone());
    let broker = Mqtt5::start(settings.sessions.as_deref(), tracker, shutdown)
        .await
        .map_err(|error| DoorError::Broker(Box::new(error)))?;
    open_with(Arc::new(broker), settings, homes, links).await
}

/// Opens the door with another broker behind the gate.
///
/// Every message of a client goes to the intake. A full intake delays only the connections that
/// send; a closed one ends all connections.
///
/// # Errors
///
/// Returns an error if an address may not be listened on, or certificates cannot be read.
pub(crate) async fn open_with(
    broker: Arc<dyn Broker>,
    settings: &Settings,
    homes: Homes,
    links: Links,
) -> Result<OpenDoor, DoorError> {
    let plain = match settings.listen {
        Some(addr) => Some(plain_entrance(addr, settings.rate_max).await?),
        None => None,
    };
    let tls = match &settings.tls {
        Some(settings) => Some(tls_entrance(settings).await?),
        None => None,
    };
    let certificates = tls.as_ref().and_then(|(entrance, _)| entrance.certificates.clone());
    let tracker = links.tracker.clone();
    let gate = Arc::new(Gate::new(broker, homes, links));
    let open = |(entrance, addr): (Entrance, SocketAddr)| {
        tracker.spawn(Arc::clone(&gate).run(entrance));
        addr
    };
    let (plain_addr, tls_addr) = (plain.map(open), tls.map(open));
    Ok(OpenDoor { plain_addr, tls_addr, certificates, gate })
}

impl OpenDoor {
    /// Returns the address at which clients are let in without TLS, if there is one.
    #[must_use]
    pub(crate) fn plain_addr(&self) -> Option<SocketAddr> {
        self.plain_addr
    }

    /// Returns the address at which clients are let in over TLS, if there is one.
    #[must_use]
    pub(crate) fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls_addr
    }

    /// Reads the certificates again; who is connected stays so.
    ///
    /// # Errors
    ///
    /// Returns an error if they cannot be used. Then the old ones stay in use.
    pub(crate) fn reload_certificates(&self) -> Result<(), DoorError> {
        match &self.certificates {
            Some(certificates) => Ok(certificates.reload()?),
            None => Ok(()),
        }
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

async fn plain_entrance(
    addr: SocketAddr,
    rate_max: Option<NonZeroU32>,
) -> Result<(Entrance, SocketAddr), DoorError> {
    if !addr.ip().is_loopback() {
        return Err(DoorError::NotLoopback(addr));
    }
    let (listener, addr) = listen(addr, "[mqtt] listen").await?;
    Ok((Entrance { listener, certificates: None, rates: rate_max.map(Rates::new) }, addr))
}

async fn tls_entrance(settings: &TlsSettings) -> Result<(Entrance, SocketAddr), DoorError> {
    let certificates = Some(Arc::new(Certificates::read(settings.clone())?));
    let (listener, addr) = listen(settings.listen, "[mqtt.tls] listen").await?;
    let rates = settings.rate_max.map(Rates::new);
    Ok((Entrance { listener, certificates, rates }, addr))
}

async fn listen(
    addr: SocketAddr,
    key: &'static str,
) -> Result<(TcpListener, SocketAddr), DoorError> {
    let listener = TcpListener::bind(addr).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            DoorError::PortInUse { addr, key }
        } else {
            DoorError::Listen { addr, key, source }
        }
    })?;
    let bound = listener.local_addr();
    let bound = bound.map_err(|source| DoorError::Listen { addr, key, source })?;
    Ok((listener, bound))
}
