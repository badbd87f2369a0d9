//! Authorities of the site: trusted where the operator names them, and nowhere else.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use upturn_connectors::http::guard::Allowed;
use upturn_connectors::http::{Http, HttpError, Method, Options, Request};

use crate::channels::Site;

/// Makes an authority and a server's settings that it signed; returns the authority's PEM too.
fn authority() -> (String, ServerConfig) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    (issuer.pem(), config)
}

/// Starts a server that answers 204 over TLS, and returns its address.
async fn serve(config: ServerConfig) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            // Whoever does not trust us hangs up.
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            drop(socket.read(&mut [0; 4_096]).await);
            drop(socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await);
            drop(socket.shutdown().await);
        }
    });
    (url, tasks)
}

#[tokio::test]
async fn an_authority_of_the_site_is_trusted_if_the_operator_names_it() {
    let (pem, config) = authority();
    let (url, _tasks) = serve(config).await;
    let site = Site::new(&url);
    let (other, _) = authority();
    let cases = [(None, false), (Some(other), false), (Some(pem), true)];
    for (pem, is_trusted) in cases {
        let authorities = pem.iter().map(|pem| site.file("authority.pem", pem)).collect();
        let allowed = Allowed::new(["127.0.0.1".to_owned()]);
        let http = Http::with(Options { allowed, authorities, ..Options::default() }).unwrap();
        let answer = http.send(Request::new(Method::GET, url.parse().unwrap())).await;
        match answer {
            Ok(answer) => assert_eq!((answer.status, is_trusted), (204, true)),
            Err(error) => {
                assert!(!is_trusted, "{error}");
                assert!(error.to_string().contains("certificate"), "{error}");
            }
        }
    }
}

#[test]
fn a_file_without_a_certificate_is_named() {
    let site = Site::new("");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "no PEM", broken] {
        let path = site.file("authority.pem", text);
        let error = Http::with(Options { authorities: vec![path], ..Options::default() });
        let error = error.unwrap_err();
        assert!(matches!(error, HttpError::Setup(_)), "{error}");
        assert!(error.to_string().contains("authority.pem"), "{error}");
    }
}
