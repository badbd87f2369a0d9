//! Tests of the dialer against real TLS servers with certificates made for the occasion.

use std::fs;
use std::net::SocketAddr;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use super::*;

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate with its private key.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        Identity { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }
}

/// Sends back what it receives, behind the certificate of whoever sent it.
async fn echo_server(identity: &Identity, asks: Option<&Authority>) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match asks {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let chain = vec![identity.certificate.der().clone()];
    let config = builder.with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let shown =
                shown.map(|shown: &CertificateDer<'_>| shown.as_ref().to_vec()).unwrap_or_default();
            stream.write_all(&shown).await.ok();
            let (mut from, mut to) = split(stream);
            copy(&mut from, &mut to).await.ok();
            to.shutdown().await.ok();
        }
    });
    address
}

/// A folder with the PEM files of a client.
fn files(authority: &Authority, client: Option<&Identity>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), authority.certificate.pem()).unwrap();
    if let Some(client) = client {
        fs::write(folder.path().join("cert.pem"), client.certificate.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), client.key.serialize_pem()).unwrap();
    }
    folder
}

fn settings(host: &str, at: SocketAddr, files: &TempDir) -> DialerSettings {
    let (cert, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    DialerSettings {
        host: host.to_owned(),
        port: at.port(),
        ca_file: Some(files.path().join("ca.pem")),
        client: cert.exists().then_some(ClientFiles { cert, key }),
    }
}

/// What comes back by a connection for `sent`; nothing where there is none.
async fn exchange(settings: DialerSettings, sent: &[u8], expected: usize) -> Vec<u8> {
    let dialer = Dialer::new(settings).await.unwrap();
    let Ok(stream) = dialer.dial().await else { return Vec::new() };
    let (mut from, mut to) = split(stream);
    let sending = async {
        to.write_all(sent).await.ok();
        to.flush().await.ok();
    };
    let mut received = vec![0; expected];
    let ((), read) = tokio::join!(sending, from.read_exact(&mut received));
    read.map(|_| received).unwrap_or_default()
}

#[tokio::test]
async fn reaches_a_broker_that_a_trusted_authority_vouches_for() {
    let authority = Authority::new();
    let server = echo_server(&authority.issue("localhost"), None).await;
    let files = files(&authority, None);
    // More than any buffer between the two ends.
    let sent: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let received = exchange(settings("localhost", server, &files), &sent, sent.len()).await;
    assert!(received == sent, "{} bytes came back", received.len());
}

#[tokio::test]
async fn takes_an_address_as_the_name_of_a_broker() {
    let authority = Authority::new();
    let server = echo_server(&authority.issue("127.0.0.1"), None).await;
    let files = files(&authority, None);
    let received = exchange(settings("127.0.0.1", server, &files), b"hello", 5).await;
    assert_eq!(received, b"hello");
}

#[tokio::test]
async fn refuses_a_broker_that_is_not_the_one_meant() {
    let authority = Authority::new();
    let trusted = files(&authority, None);
    let stranger = files(&Authority::new(), None);
    let cases = [
        ("vouched for by somebody else", "localhost", &stranger),
        ("vouched for under another name", "broker.example", &trusted),
    ];
    for (name, bears, trusts) in cases {
        let server = echo_server(&authority.issue(bears), None).await;
        let settings = settings("localhost", server, trusts);
        let dialer = Dialer::new(settings.clone()).await.unwrap();
        let refused = dialer.dial().await.map(|_| ());
        assert!(matches!(refused, Err(DialError::Handshake { .. })), "case: {name}: {refused:?}");
        let received = exchange(settings, b"hello", 5).await;
        assert_eq!(received, b"", "case: {name}");
    }
}

#[tokio::test]
async fn shows_its_certificate_to_a_broker_that_asks_for_one() {
    let authority = Authority::new();
    let server = echo_server(&authority.issue("localhost"), Some(&authority)).await;
    let client = authority.issue("upturn");
    let with = files(&authority, Some(&client));
    let without = files(&authority, None);
    let mut expected = client.certificate.der().to_vec();
    expected.extend(b"hello");

    let settings_with = settings("localhost", server, &with);
    let received = exchange(settings_with, b"hello", expected.len()).await;
    assert_eq!(received, expected);
    let settings_without = settings("localhost", server, &without);
    let received = exchange(settings_without, b"hello", 5).await;
    assert_eq!(received, b"");
}

#[tokio::test]
async fn says_that_a_broker_is_away() {
    let authority = Authority::new();
    let files = files(&authority, None);
    // Bound, so that nobody else listens there either.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let away = taken.local_addr().unwrap();
    let dialer = Dialer::new(settings("127.0.0.1", away, &files)).await.unwrap();
    let refused = dialer.dial().await.map(|_| ());
    assert!(matches!(refused, Err(DialError::Unreachable { .. })), "{refused:?}");
}

#[tokio::test]
async fn says_which_file_is_not_what_it_should_be() {
    let authority = Authority::new();
    let client = authority.issue("upturn");
    let at = SocketAddr::from(([127, 0, 0, 1], 1));
    let cases = [
        ("ca.pem", "ca.pem does not hold certificates"),
        ("cert.pem", "cert.pem does not hold certificates"),
        ("key.pem", "key.pem does not hold a private key"),
    ];
    for (file, expected) in cases {
        let files = files(&authority, Some(&client));
        fs::write(files.path().join(file), "nothing of the kind").unwrap();
        let error = Dialer::new(settings("localhost", at, &files)).await.unwrap_err().to_string();
        assert!(error.contains(expected), "case: {file}: {error}");
    }
    let files = files(&authority, Some(&client));
    let other = authority.issue("upturn");
    fs::write(files.path().join("key.pem"), other.key.serialize_pem()).unwrap();
    let error = Dialer::new(settings("localhost", at, &files)).await.unwrap_err();
    assert!(matches!(error, DialError::Certificates(_)), "{error}");
}
