//! Sends events to a running Upturn, over its API.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::row::Row;
use crate::config::secret::Secret;

/// How often one batch is sent at most; a repeated one counts once.
const TRIES_MAX: u32 = 5;
/// How long one answer is waited for: longer than Upturn takes to say that it cannot commit.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// A running Upturn.
#[derive(Debug)]
pub(super) struct Upturn {
    agent: Agent,
    url: String,
    authorization: Secret,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) enum Answer {
    /// It is committed.
    Taken(Taken),
    /// Nothing of it is, since these are wrong.
    Wrong(Vec<WrongEvent>),
}

/// How many events were taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Taken {
    pub(super) accepted: u64,
    pub(super) repeated: u64,
}

/// An event that was refused.
#[derive(Debug, Deserialize)]
pub(super) struct WrongEvent {
    /// Which of the batch, from 0.
    pub(super) index: usize,
    pub(super) detail: String,
}

/// What of a problem document is of interest.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<WrongEvent>,
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("{0} did not answer; is it running, and is the address right?")]
    NoAnswer(String, #[source] Box<ureq::Error>),
    #[error("the token is wrong, over or revoked")]
    Unauthenticated,
    #[error("the answer was {0}: {1}")]
    Refused(u16, String),
    #[error("the answer was not understood; is {0} an Upturn?")]
    NotUnderstood(String, #[source] serde_json::Error),
}

impl SendError {
    fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer(..) => true,
            Self::Refused(status, _) => *status == 503,
            Self::Unauthenticated | Self::NotUnderstood(..) => false,
        }
    }
}

impl Upturn {
    /// Returns the Upturn whose pages are at `url`, for whom `token` speaks.
    pub(super) fn at(url: &str, token: &Secret) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // The token goes nowhere else.
            .max_redirects(0)
            .timeout_global(Some(ANSWER_TIME_MAX));
        let config =
            if url.starts_with("https:") { config.tls_config(tls()) } else { config }.build();
        Self {
            agent: config.into(),
            url: format!("{}/api/v1/events", url.trim_end_matches('/')),
            authorization: format!("Bearer {}", token.expose()).into(),
        }
    }

    /// Sends `rows` until they are committed or refused, with patience for an outage of seconds.
    pub(super) fn send(&self, rows: &[Row]) -> Result<Answer, SendError> {
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        let body = texts.join("\n");
        let mut attempt = 1;
        loop {
            match self.try_once(&body) {
                Err(error) if error.is_transient() && attempt < TRIES_MAX => {
                    thread::sleep(Duration::from_secs(1 << attempt));
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn try_once(&self, body: &str) -> Result<Answer, SendError> {
        let no_answer = |error| SendError::NoAnswer(self.url.clone(), Box::new(error));
        let not_understood = |error| SendError::NotUnderstood(self.url.clone(), error);
        let request = self
            .agent
            .post(&self.url)
            .header("Authorization", self.authorization.expose())
            .header("Content-Type", "application/x-ndjson");
        let mut response = request.send(body).map_err(no_answer)?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().map_err(no_answer)?;
        match status {
            200 => Ok(Answer::Taken(serde_json::from_str(&text).map_err(not_understood)?)),
            401 => Err(SendError::Unauthenticated),
            _ => {
                // Something else than an Upturn may stand before it and answer in its own way.
                let problem: Problem = serde_json::from_str(&text).unwrap_or_default();
                if status == 422 && !problem.errors.is_empty() {
                    return Ok(Answer::Wrong(problem.errors));
                }
                let Problem { title, detail, .. } = problem;
                Err(SendError::Refused(status, if detail.is_empty() { title } else { detail }))
            }
        }
    }
}

/// Trusts whom the machine trusts, a company's own authority among them.
fn tls() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs().certs;
    let certs: Vec<Certificate<'static>> =
        found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&certs))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}
