//! How a broker is reached, and as whom.

use std::fmt::Debug;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Events, LinkError, Queue, Requests};
use crate::config::mqtt::{ConnectConfig, MqttVersion};
use crate::config::secret::Secret;
use crate::ingest::dialer::Dialer;

/// How long the broker keeps our session, and what is sent meanwhile, while we are away.
pub(crate) const SESSION_EXPIRY_S: u32 = 7 * 24 * 3600;
/// How often each side lets the other hear from it at least.
pub(super) const KEEP_ALIVE_S: u16 = 15;

/// How a broker is reached, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(super) version: MqttVersion,
    pub(super) peer: Peer,
    pub(super) client_id: String,
    pub(super) login: Option<Login>,
    /// The broker keeps a session; else it remembers nothing of us.
    pub(super) is_stay: bool,
}

/// Name and password.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) name: String,
    password: Option<Secret>,
}

impl Login {
    pub(super) fn password(&self) -> &str {
        self.password.as_ref().map_or("", Secret::expose)
    }
}

/// Where the broker is.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// At a host and a port, without TLS.
    Plain(String, u16),
    /// Over TLS.
    Tls(Arc<Dialer>),
}

/// What carries bytes both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Unpin> Stream for S {}

impl Peer {
    /// Opens a connection.
    pub(super) async fn dial(&self) -> Result<Box<dyn Stream>, LinkError> {
        match self {
            Self::Plain(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Tls(dialer) => Ok(Box::new(dialer.dial().await?)),
        }
    }
}

impl Options {
    /// Takes what `connect` says; the broker is at `peer`. It will keep a session.
    pub(crate) fn new(connect: &ConnectConfig, peer: Peer, password: Option<Secret>) -> Self {
        Self {
            version: connect.version,
            peer,
            client_id: connect.client_id.clone(),
            login: connect.username.clone().map(|name| Login { name, password }),
            is_stay: true,
        }
    }

    /// Returns a visit under another name, of which the broker remembers nothing.
    pub(crate) fn for_visit(&self, suffix: &str) -> Self {
        let client_id = format!("{}-{suffix}", self.client_id);
        Self { client_id, is_stay: false, ..self.clone() }
    }

    /// Returns the ends of a connection; it is made by polling.
    pub(crate) fn open(self) -> (Requests, Events) {
        let queue = Arc::new(Queue::default());
        let requests = Requests { version: self.version, queue: Arc::clone(&queue) };
        (requests, Events { options: self, queue, line: None, trouble: None })
    }
}
