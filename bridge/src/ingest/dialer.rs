//! The dialer: opens TLS connections to a broker.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::pem::{self, PemError};
use crate::config::mqtt::ConnectConfig;

/// How long the broker may take to answer and to agree on a connection.
const DIAL_LIMIT: Duration = Duration::from_secs(10);

/// Where the broker is, and by which certificates it and we are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DialerSettings {
    /// The name or address that the broker's certificate must bear.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// A PEM file with whoever may sign the broker's certificate; the system's if there is none.
    pub(crate) ca_file: Option<PathBuf>,
    /// PEM files with the certificate to show, and its private key.
    pub(crate) client: Option<ClientFiles>,
}

/// Our certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientFiles {
    /// A PEM file with our certificate, and those between it and its authority.
    pub(crate) cert: PathBuf,
    /// A PEM file with its private key.
    pub(crate) key: PathBuf,
}

impl DialerSettings {
    /// Returns what `[mqtt.connect]` says about TLS.
    pub(crate) fn of(connect: &ConnectConfig) -> Self {
        let files = connect.cert_file.clone().zip(connect.key_file.clone());
        Self {
            host: connect.url.host().to_owned(),
            port: connect.url.port(),
            ca_file: connect.ca_file.clone(),
            client: files.map(|(cert, key)| ClientFiles { cert, key }),
        }
    }
}

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// A file that is not what it should be.
    #[error(transparent)]
    File(#[from] PemError),
    /// Nobody to trust.
    #[error("the system trusts no certificate authority; name the broker's with ca_file")]
    NoRoots,
    /// Certificates that are not usable.
    #[error("the certificates cannot be used; check ca_file, cert_file and key_file")]
    Certificates(#[source] rustls::Error),
    /// A host that cannot stand in a certificate.
    #[error("'{0}' is no name that a certificate can bear; check the broker's URL")]
    Name(String),
    /// Reading the certificates was broken off.
    #[error("reading the certificates was broken off")]
    Reading(#[source] tokio::task::JoinError),
    /// Nobody there.
    #[error("the broker at {target} does not answer; check its address and the network")]
    Unreachable {
        /// Host and port.
        target: String,
        /// Why.
        source: io::Error,
    },
    /// Somebody there, but no agreement.
    #[error("the broker at {target} and we do not agree on TLS; check its certificate and ours")]
    Handshake {
        /// Host and port.
        target: String,
        /// Why.
        source: io::Error,
    },
}

/// Opens TLS connections to one broker.
#[derive(Clone)]
pub(crate) struct Dialer {
    connector: TlsConnector,
    name: ServerName<'static>,
    host: String,
    port: u16,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("target", &self.target()).finish_non_exhaustive()
    }
}

impl Dialer {
    /// Reads the certificates that `settings` name.
    pub(crate) async fn new(settings: DialerSettings) -> Result<Self, DialError> {
        let name = ServerName::try_from(settings.host.clone());
        let name = name.map_err(|_| DialError::Name(settings.host.clone()))?;
        let (host, port) = (settings.host.clone(), settings.port);
        // The system's certificates are a hundred files or more.
        let config = tokio::task::spawn_blocking(move || client_config(&settings)).await;
        let config = config.map_err(DialError::Reading)??;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name, host, port })
    }

    /// Returns host and port, for people.
    pub(crate) fn target(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Opens a connection and sees to it that the broker is the one that is meant.
    pub(crate) async fn dial(&self) -> Result<TlsStream<TcpStream>, DialError> {
        let unreachable = |source| DialError::Unreachable { target: self.target(), source };
        let handshake = |source| DialError::Handshake { target: self.target(), source };
        let late = || io::Error::from(io::ErrorKind::TimedOut);

        let stream = timeout(DIAL_LIMIT, TcpStream::connect((self.host.as_str(), self.port))).await;
        let stream = stream.map_err(|_| unreachable(late()))?.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let agreed = timeout(DIAL_LIMIT, self.connector.connect(self.name.clone(), stream)).await;
        agreed.map_err(|_| handshake(late()))?.map_err(handshake)
    }
}

fn client_config(settings: &DialerSettings) -> Result<ClientConfig, DialError> {
    let roots = match &settings.ca_file {
        Some(path) => pem::roots(path)?,
        None => system_roots(),
    };
    if roots.is_empty() {
        return Err(DialError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(DialError::Certificates)?
        .with_root_certificates(roots);
    let Some(files) = &settings.client else {
        return Ok(builder.with_no_client_auth());
    };
    let (chain, key) = (pem::chain(&files.cert)?, pem::key(&files.key)?);
    builder.with_client_auth_cert(chain, key).map_err(DialError::Certificates)
}

/// Returns the authorities that the system trusts.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Single files that cannot be read are usual; that none can be is not.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

#[cfg(test)]
mod tests;
