//! How to reach the site's broker: what `[mqtt.connect]` says, with its files read.

use std::sync::Arc;

use super::dialer::{DialError, Dialer, DialerSettings};
use super::mqtt::{Options, Peer};
use crate::config::ConfigError;
use crate::config::mqtt::ConnectConfig;

/// Why there is no way to the broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The password's file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Certificates.
    #[error(transparent)]
    Dial(#[from] DialError),
}

/// Returns the way that `connect` describes; nothing is sent yet.
pub(crate) async fn options(connect: &ConnectConfig) -> Result<Options, ConnectError> {
    let peer = if connect.url.is_tls() {
        Peer::Tls(Arc::new(Dialer::new(DialerSettings::of(connect)).await?))
    } else {
        Peer::Plain(connect.url.host().to_owned(), connect.url.port())
    };
    Ok(Options::new(connect, peer, connect.password()?))
}
