//! Certificates made for the occasion.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};

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
        let mut params = params(&["127.0.0.1"], name);
        params.serial_number = Some(serial(name));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
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

    /// Writes the list of those whose certificates it has revoked, by name.
    pub fn revoke(&self, names: &[&str], list: &Path) {
        let revoked = names.iter().map(|name| RevokedCertParams {
            serial_number: serial(name),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2126, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        std::fs::write(list, params.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
    }
}

/// A number of its own for each name.
fn serial(name: &str) -> SerialNumber {
    SerialNumber::from(name.as_bytes().to_vec())
}

fn params(addresses: &[&str], name: &str) -> CertificateParams {
    let addresses: Vec<String> = addresses.iter().copied().map(str::to_owned).collect();
    let mut params = CertificateParams::new(addresses).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
