//! How a broker is reached, and as whom, as the library wants it.

use std::time::Duration;

use rumqttc::{Transport, v5};

use super::{Events, IN_FLIGHT_MAX, Line, PACKET_MAX, Requests};
use crate::config::mqtt::{ConnectConfig, MqttVersion};
use crate::config::secret::Secret;

/// The largest packet that MQTT allows. MQTT 3.1.1 cannot tell a broker of a smaller limit, and one
/// packet above the library's would be sent again at each connection, for ever.
const PACKET_MAX_OF_V3: usize = 256 * 1024 * 1024;
/// How long the broker keeps our session, and what is sent meanwhile, while we are away.
pub(crate) const SESSION_EXPIRY_S: u32 = 7 * 24 * 3600;
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const CONNECT_LIMIT_S: u64 = 10;

/// How a broker is reached, and as whom.
#[derive(Clone, Debug)]
pub(crate) enum Options {
    /// MQTT 3.1.1.
    V3(Box<rumqttc::MqttOptions>),
    /// MQTT 5.
    V5(Box<v5::MqttOptions>),
}

impl Options {
    /// Takes what `connect` says; the broker, or our tunnel to it, is at `host`.
    pub(crate) fn new(connect: &ConnectConfig, host: &Host, password: Option<&Secret>) -> Self {
        let (id, port) = (connect.client_id.clone(), connect.url.port());
        let address = match host {
            Host::Name(name) | Host::Socket(name) => name,
        };
        let login = connect.username.as_deref();
        let login = login.map(|name| (name, password.map_or("", |password| password.expose())));
        match connect.version {
            MqttVersion::V3 => {
                let mut options = rumqttc::MqttOptions::new(id, address, port);
                if matches!(host, Host::Socket(_)) {
                    options.set_transport(Transport::Unix);
                }
                if let Some((name, password)) = login {
                    options.set_credentials(name, password);
                }
                options
                    .set_keep_alive(KEEP_ALIVE)
                    .set_max_packet_size(PACKET_MAX_OF_V3, PACKET_MAX_OF_V3);
                Self::V3(Box::new(options))
            }
            MqttVersion::V5 => {
                let mut options = v5::MqttOptions::new(id, address, port);
                if matches!(host, Host::Socket(_)) {
                    options.set_transport(Transport::Unix);
                }
                if let Some((name, password)) = login {
                    options.set_credentials(name, password);
                }
                options.set_keep_alive(KEEP_ALIVE).set_connection_timeout(CONNECT_LIMIT_S);
                let mut network = options.network_options();
                network.set_tcp_nodelay(true);
                options.set_network_options(network);
                Self::V5(Box::new(options))
            }
        }
    }

    /// Returns a visit under another name, of which the broker remembers nothing.
    pub(crate) fn for_visit(&self, suffix: &str) -> Self {
        let mut visit = self.clone();
        match &mut visit {
            Self::V3(options) => {
                let id = format!("{}-{suffix}", options.client_id());
                options.set_client_id(id).set_clean_session(true);
            }
            Self::V5(options) => {
                let id = format!("{}-{suffix}", options.client_id());
                options.set_client_id(id).set_clean_start(true);
            }
        }
        visit
    }

    /// Returns a stay: the broker keeps a session, and what we acknowledge is ours to say.
    pub(crate) fn for_stay(&self) -> Self {
        let mut stay = self.clone();
        match &mut stay {
            Self::V3(options) => {
                options.set_clean_session(false).set_manual_acks(true);
            }
            Self::V5(options) => {
                options
                    .set_clean_start(false)
                    .set_session_expiry_interval(Some(SESSION_EXPIRY_S))
                    .set_receive_maximum(Some(IN_FLIGHT_MAX))
                    .set_max_packet_size(Some(PACKET_MAX))
                    .set_manual_acks(true);
            }
        }
        stay
    }

    /// Returns the ends of a connection; it is made by polling.
    pub(crate) fn open(self, requests_max: usize) -> (Requests, Events) {
        let (requests, line) = match self {
            Self::V3(options) => {
                let (client, mut events) = rumqttc::AsyncClient::new(*options, requests_max);
                let mut network = events.network_options();
                network.set_connection_timeout(CONNECT_LIMIT_S).set_tcp_nodelay(true);
                events.set_network_options(network);
                (Requests::V3(client), Line::V3(Box::new(events)))
            }
            Self::V5(options) => {
                let (client, events) = v5::AsyncClient::new(*options, requests_max);
                (Requests::V5(client), Line::V5(Box::new(events)))
            }
        };
        (requests, Events { line, has_old_releases: false })
    }
}

/// Where the library connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// A host of the network.
    Name(String),
    /// A socket of ours, which carries everything to the broker.
    Socket(String),
}
