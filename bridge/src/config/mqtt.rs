//! `[mqtt]`: the doors through which telemetry comes.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::listen;
use super::secret::Secret;
use super::{ConfigError, Finding};

/// `[mqtt]`: the doors through which telemetry comes. Both can be open at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MqttConfig {
    /// The address at which the embedded broker listens. Default: `127.0.0.1:1883`, or no embedded
    /// broker where `[mqtt.connect]` is given.
    #[serde(deserialize_with = "listen::read", skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<SocketAddr>,
    /// The folder in which the embedded broker keeps its clients' sessions; made if missing.
    /// Default: beside a SQLite file and named after it, else `upturn.sessions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<PathBuf>,
    /// Another broker to subscribe at. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connect: Option<ConnectConfig>,
}

/// `[mqtt.connect]`: another broker, and how to log in there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectConfig {
    /// `mqtt://host:1883`, or `mqtts://host:8883` for TLS. Required.
    pub(crate) url: BrokerUrl,
    /// The name of the session that the broker keeps while Upturn is away; two processes with the
    /// same name throw each other out. Default: `upturn`.
    #[serde(default = "client_id")]
    pub(crate) client_id: String,
    /// The name to log in with. Default: none, no log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// A file with the password. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<PathBuf>,
    /// A PEM file with the certificates that may sign the broker's. Default: the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    /// A PEM file with the certificate to show to the broker. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert_file: Option<PathBuf>,
    /// A PEM file with that certificate's private key. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_file: Option<PathBuf>,
}

fn client_id() -> String {
    "upturn".to_owned()
}

impl ConnectConfig {
    /// Reads the password, if there is one.
    pub(crate) fn password(&self) -> Result<Option<Secret>, ConfigError> {
        self.password_file.as_deref().map(Secret::read).transpose()
    }

    /// Finds what does not fit together.
    pub(super) fn check(&self, findings: &mut Vec<Finding>) {
        let mut report = |key: &str, message: &str| {
            findings.push(Finding::new(&["mqtt", "connect", key], message.to_owned()));
        };
        let is_name = |c: char| !c.is_control();
        if !(1..=128).contains(&self.client_id.len()) || !self.client_id.chars().all(is_name) {
            report("client_id", "a client id has 1 to 128 bytes and no control characters");
        }
        if self.password_file.is_some() && self.username.is_none() {
            report("password_file", "a password needs a username; add one");
        }
        let tls_files = [
            ("ca_file", &self.ca_file),
            ("cert_file", &self.cert_file),
            ("key_file", &self.key_file),
        ];
        for (key, file) in tls_files {
            if file.is_some() && !self.url.is_tls() {
                report(key, "this is for TLS; let the url begin with mqtts://");
            }
        }
        if self.cert_file.is_some() && self.key_file.is_none() {
            report("cert_file", "a certificate needs its private key; add key_file");
        }
        if self.key_file.is_some() && self.cert_file.is_none() {
            report("key_file", "a private key needs its certificate; add cert_file");
        }
    }
}

/// The address of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct BrokerUrl {
    is_tls: bool,
    host: String,
    port: u16,
}

/// Why a text is no [`BrokerUrl`]. Never quotes it, since it can hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BrokerUrlError {
    /// Not a broker's URL.
    #[error("the broker's URL is malformed; write mqtt://host:1883 or mqtts://host:8883")]
    Malformed,
    /// Neither of the two.
    #[error("the broker's URL begins with neither mqtt:// nor mqtts://; write one of them")]
    Scheme,
    /// A name or a password in the URL.
    #[error("the broker's URL holds credentials; write them as username and password_file")]
    Credentials,
    /// Something behind the port.
    #[error("the broker's URL goes on after the port; end it there")]
    Tail,
}

impl BrokerUrl {
    /// Returns whether the connection is encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Returns the host's name or address; an IPv6 address without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port; 1883, or 8883 with TLS, where the URL names none.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl TryFrom<String> for BrokerUrl {
    type Error = BrokerUrlError;

    fn try_from(text: String) -> Result<Self, BrokerUrlError> {
        let url = Url::parse(&text).map_err(|_| BrokerUrlError::Malformed)?;
        let is_tls = match url.scheme() {
            "mqtt" => false,
            "mqtts" => true,
            _ => return Err(BrokerUrlError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BrokerUrlError::Credentials);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(BrokerUrlError::Tail);
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(BrokerUrlError::Malformed)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port().unwrap_or(if is_tls { 8883 } else { 1883 });
        if port == 0 {
            return Err(BrokerUrlError::Malformed);
        }
        Ok(Self { is_tls, host, port })
    }
}

impl From<BrokerUrl> for String {
    fn from(url: BrokerUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "mqtts" } else { "mqtt" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_brokers_address() {
        let cases = [
            ("mqtt://broker", "mqtt://broker:1883", "broker"),
            ("mqtts://broker", "mqtts://broker:8883", "broker"),
            ("mqtt://10.0.0.7:1884/", "mqtt://10.0.0.7:1884", "10.0.0.7"),
            ("mqtts://[::1]:1", "mqtts://[::1]:1", "::1"),
        ];
        for (text, shown, host) in cases {
            let url = BrokerUrl::try_from(text.to_owned()).unwrap();
            assert_eq!((url.to_string().as_str(), url.host()), (shown, host), "case: {text}");
        }
    }

    #[test]
    fn refuses_what_is_no_address_of_a_broker() {
        let cases = [
            ("broker:1883", BrokerUrlError::Scheme),
            ("tcp://broker:1883", BrokerUrlError::Scheme),
            ("10.0.0.7:1883", BrokerUrlError::Malformed),
            ("mqtt://", BrokerUrlError::Malformed),
            ("mqtt://broker:99999", BrokerUrlError::Malformed),
            ("mqtt://broker:0", BrokerUrlError::Malformed),
            ("mqtt://u:p@broker", BrokerUrlError::Credentials),
            ("mqtt://u@broker", BrokerUrlError::Credentials),
            ("mqtt://broker/topic", BrokerUrlError::Tail),
            ("mqtt://broker?x=y", BrokerUrlError::Tail),
        ];
        for (text, expected) in cases {
            let found = BrokerUrl::try_from(text.to_owned()).unwrap_err();
            assert_eq!(found, expected, "case: {text}");
        }
    }
}
