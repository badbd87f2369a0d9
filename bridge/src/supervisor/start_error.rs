//! Why the program does not start, or cannot go on.

use std::io;
use std::net::SocketAddr;

use crate::config::ConfigError;
use crate::delivery::files::DeliveryError;
use crate::exit::Exit;
use crate::feeds::files::FeedsError;
use crate::feeds::vault::VaultError;
use crate::ingest::connect::ConnectError;
use crate::ingest::door::DoorError;
use crate::registry::problem::RegistryError;
use crate::rules::RulesError;
use crate::store::error::StoreError;

/// Why the program does not start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// Settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Rules.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The registry's tables.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Destinations and routes.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// Feeds.
    #[error(transparent)]
    Feeds(#[from] FeedsError),
    /// The key of secrets.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The embedded broker.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// The way to the site's broker.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The site's broker.
    #[error("broker {address} is not reached; check [mqtt.connect] and that it runs")]
    Broker {
        /// Where it should be.
        address: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A port of ours.
    #[error("port {port} on {ip} is in use; stop the other program or set [web] listen to a free one", port = .0.port(), ip = .0.ip())]
    PortInUse(SocketAddr),
    /// An address of ours.
    #[error("cannot listen on {0}; check [web] listen")]
    Listen(SocketAddr, #[source] io::Error),
    /// The system's signals.
    #[error("cannot listen for the signals that stop the program")]
    Signals(#[source] io::Error),
    /// Told to stop while starting.
    #[error("stopped while starting")]
    Stopped,
}

impl StartError {
    pub(super) fn listen(address: SocketAddr, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::AddrInUse {
            Self::PortInUse(address)
        } else {
            Self::Listen(address, error)
        }
    }

    /// Returns whether waiting does not help: somebody has to change something.
    pub(super) fn is_lasting(&self) -> bool {
        self.exit() == Exit::Config
    }

    /// Returns the exit code that tells scripts what kind of trouble it is.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_)
            | Self::Rules(_)
            | Self::Registry(_)
            | Self::Delivery(_)
            | Self::Feeds(_)
            | Self::Vault(_)
            | Self::Connect(_)
            | Self::Door(DoorError::NotLoopback(_) | DoorError::Tls(_) | DoorError::Topic(_)) => {
                Exit::Config
            }
            Self::Store(_)
            | Self::Door(_)
            | Self::Broker { .. }
            | Self::PortInUse(_)
            | Self::Listen(..) => Exit::Unavailable,
            Self::Signals(_) => Exit::Software,
            Self::Stopped => Exit::Ok,
        }
    }
}
