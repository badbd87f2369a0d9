//! How to reach the site's broker: what `[mqtt.connect]` says, as the MQTT library wants it.

use rumqttc::Transport;
use rumqttc::v5::MqttOptions;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dialer::{DialerSettings, TunnelError};
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
    /// Host, port, client id, credentials.
    pub(crate) options: MqttOptions,
    /// TLS goes through a socket of our own, since the MQTT library is built without it.
    _tunnel: Option<Tunnel>,
}

/// Opens the way that `connect` describes; nothing is sent yet.
pub(crate) async fn open(
    connect: &ConnectConfig,
    tracker: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<Way, ConnectError> {
    let url = &connect.url;
    let (mut options, tunnel) = if url.is_tls() {
        let tunnel = Tunnel::open(DialerSettings::of(connect), tracker, shutdown).await?;
        let socket = tunnel.socket().display().to_string();
        let mut options = MqttOptions::new(&connect.client_id, socket, url.port());
        options.set_transport(Transport::Unix);
        (options, Some(tunnel))
    } else {
        (MqttOptions::new(&connect.client_id, url.host(), url.port()), None)
    };
    if let (Some(name), Some(password)) = (&connect.username, connect.password()?) {
        options.set_credentials(name, password.expose());
    } else if let Some(name) = &connect.username {
        options.set_credentials(name, "");
    }
    Ok(Way { options, _tunnel: tunnel })
}
