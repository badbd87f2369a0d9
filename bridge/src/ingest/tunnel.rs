//! The TLS tunnel: rumqttc speaks plain MQTT to a socket of ours, and we speak TLS to the broker.
//!
//! rumqttc's own TLS brings a certificate verifier with known faults, so it is built without. The
//! socket lies in a folder that only this user can enter.

use std::error::Error;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncWriteExt as _, copy, split};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::dialer::{Dialer, DialerSettings, TunnelError};

/// Connections at once: a client that reconnects needs two.
const CONNECTIONS_MAX: usize = 16;
/// How long a broker may take to receive the end of a connection.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// How long to wait when the system has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An open tunnel; it closes when it is dropped or its token is cancelled.
#[derive(Debug)]
pub(crate) struct Tunnel {
    socket: PathBuf,
    _folder: TempDir,
    _closer: DropGuard,
}

impl Tunnel {
    /// Opens a socket, each of whose connections is carried to the broker over one TLS connection.
    ///
    /// The broker is first called when somebody connects, so an absent one is no error here: the
    /// connection ends, the cause is logged, and the client tries again. `shutdown` cuts open
    /// connections, so cancel it when their clients are done.
    pub(crate) async fn open(
        settings: DialerSettings,
        tracker: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> Result<Self, TunnelError> {
        let dialer = Arc::new(Dialer::new(settings).await?);
        // Who can enter could speak to the broker in our name.
        let only_us = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("upturn-").permissions(only_us).tempdir();
        let folder = folder.map_err(TunnelError::Socket)?;
        let socket = folder.path().join("mqtt");
        let listener = UnixListener::bind(&socket).map_err(TunnelError::Socket)?;
        let closed = shutdown.child_token();
        tracker.spawn(accept(listener, dialer, tracker.clone(), closed.clone()));
        Ok(Self { socket, _folder: folder, _closer: closed.drop_guard() })
    }

    /// Returns the path of the socket, for rumqttc's `Transport::Unix`.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

async fn accept(
    listener: UnixListener,
    dialer: Arc<Dialer>,
    tracker: TaskTracker,
    closed: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = closed.cancelled() => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((local, _)) => {
                let (dialer, closed) = (Arc::clone(&dialer), closed.clone());
                tracker.spawn(async move {
                    tokio::select! {
                        biased;
                        () = closed.cancelled() => {}
                        () = carry(local, &dialer) => {}
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the tunnel takes no connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Carries bytes both ways until one side ends.
async fn carry(local: UnixStream, dialer: &Dialer) {
    let remote = match dialer.dial().await {
        Ok(remote) => remote,
        Err(error) => {
            let target = dialer.target();
            tracing::warn!(broker = %target, error = &error as &dyn Error, "no TLS connection");
            return;
        }
    };
    let (mut from_remote, mut to_remote) = split(remote);
    let (mut from_local, mut to_local) = local.into_split();
    // MQTT has no half-closed connections: what ends on one side has ended.
    let ended = tokio::select! {
        ended = copy(&mut from_local, &mut to_remote) => ended,
        ended = copy(&mut from_remote, &mut to_local) => ended,
    };
    if let Err(error) = ended {
        log_end(dialer, &error);
    }
    match timeout(CLOSE_LIMIT, to_remote.shutdown()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log_end(dialer, &error),
        Err(_) => log_end(dialer, &io::Error::from(io::ErrorKind::TimedOut)),
    }
}

fn log_end(dialer: &Dialer, error: &io::Error) {
    let target = dialer.target();
    // A broker that goes without TLS's farewell, or one to which none can be said, is usual.
    let is_usual = matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
    );
    if is_usual {
        tracing::debug!(broker = %target, error = error as &dyn Error, "TLS connection ended");
    } else {
        tracing::warn!(broker = %target, error = error as &dyn Error, "TLS connection broke");
    }
}

#[cfg(test)]
mod tests;
