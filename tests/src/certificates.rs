//! Certificates made for the occasion.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A certificate authority.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// PEM files of a certificate, its private key, and the authority of both.
#[derive(Debug)]
pub struct Files {
    /// The certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Who signed it.
    pub ca: PathBuf,
}

impl Authority {
    /// Makes one of the given name.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params(&[], name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Issues a certificate to who is called `name`, at `127.0.0.1`, and writes it into `folder`.
    pub fn issue(&self, name: &str, folder: &Path) -> Files {
        let key = KeyPair::generate().unwrap();
        let certificate = params(&["127.0.0.1"], name).signed_by(&key, &self.issuer).unwrap();
        let file = |what: &str, text: &str| {
            let path = folder.join(format!("{name}-{what}.pem"));
            std::fs::write(&path, text).unwrap();
            path
        };
        Files {
            cert: file("cert", &certificate.pem()),
            key: file("key", &key.serialize_pem()),
            ca: file("ca", &self.pem),
        }
    }
}

fn params(addresses: &[&str], name: &str) -> CertificateParams {
    let addresses: Vec<String> = addresses.iter().copied().map(str::to_owned).collect();
    let mut params = CertificateParams::new(addresses).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
