//! TLS at the door: certificates from files, and the device that a client's certificate names.

use std::{
    io,
    net::SocketAddr,
    num::NonZeroU32,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use rustls::{ServerConfig, server::WebPkiClientVerifier};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use upturn_core::id::{DeviceId, IdError};
use x509_parser::{
    certificate::X509Certificate,
    prelude::{AttributeTypeAndValue, FromDer as _},
};

use crate::{
    config::mqtt::TlsConfig,
    ingest::pem::{self, PemError},
};

use super::stream::Client;

/// Where the door listens for TLS, and by which certificates it and its clients are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsSettings {
    /// The address.
    pub(crate) listen: SocketAddr,
    /// A PEM file with the door's certificate, and those between it and its authority.
    pub(crate) cert_file: PathBuf,
    /// A PEM file with its private key.
    pub(crate) key_file: PathBuf,
    /// A PEM file with whoever may sign the certificates of clients; without it none is asked for.
    pub(crate) client_ca_file: Option<PathBuf>,
    /// A PEM file with the lists of certificates that they have revoked.
    pub(crate) client_crl_file: Option<PathBuf>,
    /// How many messages a second one client may publish for long.
    pub(crate) rate_max: Option<NonZeroU32>,
}

impl TlsSettings {
    /// Returns what `[mqtt.tls]` says.
    pub(crate) fn of(config: &TlsConfig) -> Self {
        Self {
            listen: config.listen,
            cert_file: config.cert_file.clone(),
            key_file: config.key_file.clone(),
            client_ca_file: config.client_ca_file.clone(),
            client_crl_file: config.client_crl_file.clone(),
            rate_max: Some(config.rate_max),
        }
    }
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file that is not what it should be.
    #[error(transparent)]
    File(#[from] PemError),
    /// A key that does not fit, a certificate that is no good.
    #[error("the door's certificate cannot be used; check cert_file and key_file in [mqtt.tls]")]
    Certificate(#[source] rustls::Error),
    /// A certificate that cannot be understood.
    #[error("the door's certificate cannot be read; check cert_file in [mqtt.tls]")]
    Unreadable,
    /// Nobody who could sign.
    #[error(
        "the authority of clients cannot be used; check client_ca_file and client_crl_file in \
         [mqtt.tls]"
    )]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a client got no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum GreetError {
    /// No TLS, or no certificate that we trust.
    #[error("there was no agreement on TLS; check the client's certificate")]
    Handshake(#[from] io::Error),
    /// A certificate without a name for the device.
    #[error("the certificate names no device; let its common name (CN) be the device's id")]
    Nameless,
    /// A name that no device can have.
    #[error(transparent)]
    Name(#[from] IdError),
}

/// The door's certificates, as they were last read.
#[derive(Debug)]
pub(super) struct Certificates {
    settings: TlsSettings,
    current: Mutex<Arc<ServerConfig>>,
}

impl Certificates {
    /// Reads the files that `settings` name.
    pub(super) fn read(settings: TlsSettings) -> Result<Self, TlsError> {
        let current = Mutex::new(server_config(&settings)?);
        Ok(Self { settings, current })
    }

    /// Reads the files again. New connections go by them; where one is no good, by the old ones.
    pub(super) fn reload(&self) -> Result<(), TlsError> {
        let fresh = server_config(&self.settings)?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Agrees with a client on TLS, and learns which device it is.
    pub(super) async fn greet(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Result<Client, GreetError> {
        let config = Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner));
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let device = match self.settings.client_ca_file {
            Some(_) => Some(device_of(&stream)?),
            None => None,
        };
        Ok(Client::over_tls(stream, peer, device))
    }
}

/// Returns until when the door's certificate holds, if it can be used at all.
pub(crate) fn expires_at(settings: &TlsSettings) -> Result<DateTime<Utc>, TlsError> {
    server_config(settings)?;
    let chain = pem::chain(&settings.cert_file)?;
    let certificate = chain.first().and_then(|first| X509Certificate::from_der(first).ok());
    let until = certificate.map(|(_, certificate)| certificate.validity().not_after.timestamp());
    until.and_then(|until| DateTime::from_timestamp(until, 0)).ok_or(TlsError::Unreadable)
}

fn server_config(settings: &TlsSettings) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Certificate)?;
    let builder = match &settings.client_ca_file {
        Some(path) => {
            let roots = Arc::new(pem::roots(path)?);
            let mut verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            if let Some(path) = &settings.client_crl_file {
                // Of whom no list tells is kept out; the authorities between are not asked about.
                verifier =
                    verifier.with_crls(pem::revoked(path)?).only_check_end_entity_revocation();
            }
            let verifier =
                verifier.build().map_err(|error| TlsError::Authority(Box::new(error)))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let (chain, key) = (pem::chain(&settings.cert_file)?, pem::key(&settings.key_file)?);
    builder.with_single_cert(chain, key).map(Arc::new).map_err(TlsError::Certificate)
}

/// Returns the device that the client's certificate names, by its common name.
fn device_of(stream: &TlsStream<TcpStream>) -> Result<DeviceId, GreetError> {
    let (_, session) = stream.get_ref();
    let shown = session.peer_certificates().and_then(<[_]>::first).ok_or(GreetError::Nameless)?;
    let (_, certificate) = X509Certificate::from_der(shown).map_err(|_| GreetError::Nameless)?;
    let mut names = certificate.subject().iter_common_name();
    // With two names it would be unclear who speaks.
    match (names.next().map(AttributeTypeAndValue::as_str), names.next()) {
        (Some(Ok(name)), None) => Ok(DeviceId::new(name)?),
        _ => Err(GreetError::Nameless),
    }
}
