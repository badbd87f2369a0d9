//! How to reach the site's broker: what `[mqtt.connect]` says, as the MQTT library wants it.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dialer::{DialerSettings, TunnelError};
use super::mqtt::{Host, Options};
use super::tunnel::Tunnel;
use crate::config::ConfigError;
use crate::config::mqtt::ConnectConfig;

/// Why there is no way to the broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The password's file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// TLS.
    #[error(transparent)]
    Tunnel(#[from] TunnelError),
}

/// The way to a broker, open as long as this lives.
#[derive(Debug)]
pub(crate) struct Way {
    /// How the broker is reached, and as whom.
    pub(crate) options: Options,
    /// TLS goes through a socket of our own, since the MQTT library is built without it.
    _tunnel: Option<Tunnel>,
}

/// Opens the way that `connect` describes; nothing is sent yet.
pub(crate) async fn open(
    connect: &ConnectConfig,
    tracker: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<Way, ConnectError> {
    let (host, tunnel) = if connect.url.is_tls() {
        let tunnel = Tunnel::open(DialerSettings::of(connect), tracker, shutdown).await?;
        (Host::Socket(tunnel.socket().display().to_string()), Some(tunnel))
    } else {
        (Host::Name(connect.url.host().to_owned()), None)
    };
    let options = Options::new(connect, &host, connect.password()?.as_ref());
    Ok(Way { options, _tunnel: tunnel })
}
