//! The check of the embedded broker's certificates: usable, and for how long.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Check, Outcome};
use crate::cli::causes;
use crate::config::mqtt::TlsConfig;
use crate::ingest::door::{TlsSettings, expires_at};

/// How long before its end a certificate is named.
const NOTICE: TimeDelta = TimeDelta::days(30);

/// Whether the embedded broker can show its certificate.
#[derive(Clone, Debug)]
pub(super) struct CertificatesCheck {
    /// Where the files are.
    pub(super) tls: TlsConfig,
    /// What time it is.
    pub(super) now: DateTime<Utc>,
}

#[async_trait]
impl Check for CertificatesCheck {
    fn name(&self) -> &'static str {
        "certificates"
    }

    async fn run(&self) -> Outcome {
        let until = match expires_at(&TlsSettings::of(&self.tls)) {
            Ok(until) => until,
            Err(error) => {
                let advice = "correct the files that [mqtt.tls] names";
                return Outcome::fail(causes::describe(&error), advice);
            }
        };
        let found = format!("the broker's certificate holds until {}", until.format("%F"));
        if until <= self.now {
            return Outcome::fail(found, "have a new one issued; devices refuse this one");
        }
        if until <= self.now + NOTICE {
            return Outcome::warn(found, "have a new one issued, then send SIGHUP");
        }
        Outcome::ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair};

    use super::super::Verdict;
    use super::*;

    #[tokio::test]
    async fn a_certificate_is_named_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (cert_file, key_file) = (folder.path().join("cert"), folder.path().join("key"));
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2026, 6, 1);
        fs::write(&cert_file, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&key_file, key.serialize_pem()).unwrap();
        let tls = TlsConfig {
            listen: "127.0.0.1:8883".parse().unwrap(),
            cert_file,
            key_file,
            client_ca_file: None,
            client_crl_file: None,
            rate_max: std::num::NonZeroU32::MIN,
        };
        let cases = [
            ("2026-03-01T00:00:00Z", Verdict::Ok),
            ("2026-05-20T00:00:00Z", Verdict::Warn),
            ("2026-06-02T00:00:00Z", Verdict::Fail),
        ];
        for (now, expected) in cases {
            let now = DateTime::parse_from_rfc3339(now).unwrap().to_utc();
            let found = CertificatesCheck { tls: tls.clone(), now }.run().await;
            assert_eq!(found.verdict, expected, "case: {now}: {found:?}");
        }
        let missing = TlsConfig { cert_file: "nowhere".into(), ..tls };
        let found = CertificatesCheck { tls: missing, now: DateTime::UNIX_EPOCH }.run().await;
        assert_eq!(found.verdict, Verdict::Fail, "{found:?}");
    }
}
