//! `[mqtt]`: the doors through which telemetry comes.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::listen;
use super::secret::{self, Secret};
use super::{ConfigError, Finding};

/// `[mqtt]`: the doors through which telemetry comes. Both can be open at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MqttConfig {
    /// The address at which the embedded broker listens. Default: `127.0.0.1:1883`, or no
    /// address without TLS where `[mqtt.tls]` or `[mqtt.connect]` is given.
    #[serde(deserialize_with = "listen::read", skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<SocketAddr>,
    /// How many messages a second one client may publish there for long. Default: any number, since
    /// only programs of this machine get there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate_max: Option<NonZeroU32>,
    /// TLS at the embedded broker. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<TlsConfig>,
    /// The folder in which the embedded broker keeps its clients' sessions; made if missing.
    /// Default: beside a SQLite file and named after it, else `upturn.sessions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<PathBuf>,
    /// Another broker to subscribe at. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connect: Option<ConnectConfig>,
}

/// `[mqtt.tls]`: where the embedded broker listens for TLS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// An IP address and a port. Required.
    #[serde(deserialize_with = "listen::read_required")]
    pub(crate) listen: SocketAddr,
    /// A PEM file with the broker's certificate and those between it and its authority. Required.
    pub(crate) cert_file: PathBuf,
    /// A PEM file with that certificate's private key. Required.
    pub(crate) key_file: PathBuf,
    /// A PEM file with the certificates that may sign those of devices; a device is then who its
    /// certificate's common name says. Default: none, no certificate is asked for; that is allowed
    /// on a loopback address only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_ca_file: Option<PathBuf>,
    /// A PEM file with the lists (CRL) of the certificates that they have revoked, one of each
    /// authority that signs devices' certificates. Default: none, none is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_crl_file: Option<PathBuf>,
    /// How many messages a second one client may publish for long; in between, a minute's worth at
    /// once. Default: 100.
    #[serde(default = "rate_max")]
    pub(crate) rate_max: NonZeroU32,
}

fn rate_max() -> NonZeroU32 {
    const { NonZeroU32::new(100).unwrap() }
}

impl TlsConfig {
    /// Finds what does not fit together.
    pub(super) fn check(&self, findings: &mut Vec<Finding>) {
        if self.client_ca_file.is_none() && !self.listen.ip().is_loopback() {
            let why = format!(
                "{} can be reached from other machines, so clients have to show who they are; name \
                 who signs their certificates, or listen at a loopback address",
                self.listen
            );
            findings.push(Finding::new(&["mqtt", "tls", "client_ca_file"], why));
        }
        if self.client_ca_file.is_none() && self.client_crl_file.is_some() {
            let why =
                "no certificate is asked for, so none can be revoked; name client_ca_file as \
                       well"
                    .to_owned();
            findings.push(Finding::new(&["mqtt", "tls", "client_crl_file"], why));
        }
    }
}

/// `[mqtt.connect]`: another broker, and how to log in there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectConfig {
    /// `mqtt://host:1883`, or `mqtts://host:8883` for TLS. Required.
    pub(crate) url: BrokerUrl,
    /// The version of MQTT to speak: `"5"` or `"3.1.1"`. Default: `"5"`.
    #[serde(default)]
    pub(crate) version: MqttVersion,
    /// How messages are handed over at most: 0, 1 or 2. Default: 1. With 0 the broker keeps nothing
    /// while Upturn is away; what 2 adds to 1, Upturn does by itself.
    #[serde(default)]
    pub(crate) qos: Qos,
    /// The group of a shared subscription, for brokers that let only such subscribe. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share: Option<String>,
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
        self.password_file.as_deref().map(secret::read).transpose()
    }

    /// Returns the filter to subscribe to for what `filter` takes in.
    pub(crate) fn filter(&self, filter: String) -> String {
        match &self.share {
            Some(group) => format!("$share/{group}/{filter}"),
            None => filter,
        }
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
        let is_level = |group: &str| !group.is_empty() && !group.contains(['/', '+', '#', '\0']);
        if self.share.as_deref().is_some_and(|group| !is_level(group)) {
            report("share", "the name of a group is not empty and has no '/', '+' or '#'");
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

/// A version of MQTT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum MqttVersion {
    /// MQTT 3.1.1.
    #[serde(rename = "3.1.1")]
    V3,
    /// MQTT 5.
    #[default]
    #[serde(rename = "5")]
    V5,
}

/// How a message is handed over (QoS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "u8", into = "u8")]
#[expect(clippy::enum_variant_names, reason = "the standard's own words")]
pub(crate) enum Qos {
    /// At most once.
    AtMostOnce,
    /// At least once.
    #[default]
    AtLeastOnce,
    /// Exactly once.
    ExactlyOnce,
}

/// Why a number is no [`Qos`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no QoS; use 0, 1 or 2")]
pub(crate) struct QosError(u8);

impl TryFrom<u8> for Qos {
    type Error = QosError;

    fn try_from(number: u8) -> Result<Self, QosError> {
        match number {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::AtLeastOnce),
            2 => Ok(Self::ExactlyOnce),
            other => Err(QosError(other)),
        }
    }
}

impl From<Qos> for u8 {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => 0,
            Qos::AtLeastOnce => 1,
            Qos::ExactlyOnce => 2,
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
