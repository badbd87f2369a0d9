//! The check of the broker we subscribe at: there, trusted, and it lets us in.

use std::time::Duration;

use async_trait::async_trait;
use rumqttc::{Transport, v5};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Check, Outcome};
use crate::cli::causes;
use crate::config::ConfigError;
use crate::config::mqtt::{ConnectConfig, Protocol};
use crate::config::secret::Secret;
use crate::ingest::dialer::{Dialer, DialerSettings, TunnelError};
use crate::ingest::tunnel::Tunnel;

/// How long the broker may take to let us in, and to let us go.
const LOGIN_LIMIT: Duration = Duration::from_secs(10);
/// Requests that wait at once: the farewell.
const REQUESTS: usize = 4;

/// Whether the broker lets us in.
#[derive(Clone, Debug)]
pub(super) struct BrokerCheck {
    /// How to get there.
    pub(super) connect: ConnectConfig,
}

/// Why it does not.
#[derive(Debug, thiserror::Error)]
enum BrokerError {
    #[error(transparent)]
    Secret(#[from] ConfigError),
    #[error(transparent)]
    Tls(#[from] TunnelError),
    #[error("it does not let us in")]
    V5(#[from] v5::ConnectionError),
    #[error("it does not let us in")]
    V311(#[from] rumqttc::ConnectionError),
    #[error("it does not answer within {} s", LOGIN_LIMIT.as_secs())]
    Late,
}

#[async_trait]
impl Check for BrokerCheck {
    fn name(&self) -> &'static str {
        "broker"
    }

    async fn run(&self) -> Outcome {
        let url = &self.connect.url;
        match self.log_in().await {
            Ok(()) => Outcome::ok(format!("{url} lets us in")),
            Err(error) => {
                let found = format!("{url}: {}", causes::describe(&error));
                let advice = match error {
                    BrokerError::Secret(_) => "correct the file",
                    BrokerError::Tls(_) => "correct the URL or the certificates",
                    BrokerError::V5(_) | BrokerError::V311(_) | BrokerError::Late => {
                        "see that the broker runs, and check URL, protocol, username and password"
                    }
                };
                Outcome::fail(found, advice)
            }
        }
    }
}

impl BrokerCheck {
    async fn log_in(&self) -> Result<(), BrokerError> {
        let password = self.connect.password()?;
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let url = &self.connect.url;
        let tunnel = if url.is_tls() {
            let settings = DialerSettings::of(&self.connect);
            // First without MQTT: through the tunnel no cause would come back.
            Dialer::new(settings.clone()).await?.dial().await?;
            Some(Tunnel::open(settings, &tracker, &shutdown).await?)
        } else {
            None
        };
        let (host, port, transport) = match &tunnel {
            Some(tunnel) => (tunnel.socket().display().to_string(), 0, Transport::Unix),
            None => (url.host().to_owned(), url.port(), Transport::Tcp),
        };
        let door = Door { host, port, transport, password };
        let entered = async {
            match self.connect.protocol {
                Protocol::V5 => self.enter_v5(door).await,
                Protocol::V311 => self.enter_v311(door).await,
            }
        };
        timeout(LOGIN_LIMIT, entered).await.map_err(|_| BrokerError::Late)?
    }

    /// A name of our own: with the real one we would throw a running Upturn out.
    fn client_id(&self) -> String {
        format!("{}-doctor", self.connect.client_id)
    }

    async fn enter_v5(&self, door: Door) -> Result<(), BrokerError> {
        let mut options = v5::MqttOptions::new(self.client_id(), door.host, door.port);
        options.set_transport(door.transport).set_clean_start(true);
        if let Some(username) = &self.connect.username {
            let password = door.password.as_ref().map_or("", Secret::expose);
            options.set_credentials(username, password);
        }
        let (client, mut events) = v5::AsyncClient::new(options, REQUESTS);
        loop {
            // The first event is the broker's answer; a refusal comes as an error.
            if let v5::Event::Incoming(_) = events.poll().await? {
                break;
            }
        }
        // The farewell is a courtesy.
        if client.disconnect().await.is_ok() {
            events.poll().await.ok();
        }
        Ok(())
    }

    async fn enter_v311(&self, door: Door) -> Result<(), BrokerError> {
        let mut options = rumqttc::MqttOptions::new(self.client_id(), door.host, door.port);
        options.set_transport(door.transport).set_clean_session(true);
        if let Some(username) = &self.connect.username {
            let password = door.password.as_ref().map_or("", Secret::expose);
            options.set_credentials(username, password);
        }
        let (client, mut events) = rumqttc::AsyncClient::new(options, REQUESTS);
        loop {
            if let rumqttc::Event::Incoming(_) = events.poll().await? {
                break;
            }
        }
        if client.disconnect().await.is_ok() {
            events.poll().await.ok();
        }
        Ok(())
    }
}

/// Where MQTT is spoken, and the password.
struct Door {
    host: String,
    port: u16,
    transport: Transport,
    password: Option<Secret>,
}
