//! The one way out over HTTP: every address is checked, everything is bounded.
//!
//! - Names are resolved, and only addresses that [`guard`] lets through are connected to: those
//!   checked are those used. Private, loopback and link-local ones are refused unless the operator's
//!   allow-list names the host.
//! - Redirects are not followed, proxies from the environment are not used.
//! - Time, size of the answer and number of its headers are limited.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

pub use reqwest::Method;
pub use reqwest::header;

use self::guard::{Allowed, Refusal};

pub mod guard;

/// How long a connection may take to open.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long an exchange may take in all. The first call after some systems' start takes 3 s.
const EXCHANGE_MAX: Duration = Duration::from_secs(30);
/// How large an answer may be, in bytes.
const ANSWER_MAX: usize = 1 << 20;

/// A client that goes out through the guard. Clones share its connections.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    allowed: Arc<Allowed>,
}

/// Why nothing came back. Names the host, never the whole address, which can be a secret.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The client cannot be made.
    #[error("no client for HTTP can be made: {0}")]
    Setup(String),
    /// The address may not be called.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It took too long.
    #[error("{host} did not answer within {} s", EXCHANGE_MAX.as_secs())]
    Late {
        /// Whom we asked.
        host: String,
    },
    /// No connection, or it broke.
    #[error("{host} cannot be reached: {why}")]
    Unreachable {
        /// Whom we asked.
        host: String,
        /// What happened.
        why: String,
    },
    /// The answer is larger than anybody needs.
    #[error("{host} answered with more than {ANSWER_MAX} bytes, which are not read")]
    TooLarge {
        /// Whom we asked.
        host: String,
    },
}

/// What is asked.
#[derive(Debug)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// With which headers; those with secrets are marked sensitive.
    pub headers: HeaderMap,
    /// With what.
    pub body: Bytes,
}

/// What came back, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status: 200.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, at most 1 MiB.
    pub body: Bytes,
    /// How long the other side wants to be left alone, if it said so in seconds.
    pub retry_after: Option<Duration>,
}

impl Request {
    /// Returns a request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new() }
    }
}

impl Answer {
    /// Tells whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Http {
    /// Returns a client that calls public addresses and, beside them, what is `allowed`.
    pub fn new(allowed: Allowed) -> Result<Self, HttpError> {
        let allowed = Arc::new(allowed);
        let client = reqwest::Client::builder()
            .use_preconfigured_tls(tls()?)
            .dns_resolver(Arc::new(Guarded { allowed: Arc::clone(&allowed) }))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_MAX)
            .timeout(EXCHANGE_MAX)
            .user_agent(concat!("upturn/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| HttpError::Setup(why(&error)))?;
        Ok(Self { client, allowed })
    }

    /// Says whether `url` may be called as far as its text tells: scheme, and the address if it is
    /// one. For settings, before anything is called.
    pub fn check(&self, url: &Url) -> Result<(), Refusal> {
        self.allowed.check_url(url)
    }

    /// Asks and returns the whole answer, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Answer, HttpError> {
        self.allowed.check_url(&request.url)?;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let failed = |error: reqwest::Error| {
            let host = host.clone();
            if error.is_timeout() {
                HttpError::Late { host }
            } else {
                HttpError::Unreachable { host, why: why(&error.without_url()) }
            }
        };
        let asked = self
            .client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body);
        let mut response = asked.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if ANSWER_MAX < body.len() + piece.len() {
                return Err(HttpError::TooLarge { host });
            }
            body.extend_from_slice(&piece);
        }
        let headers = response.headers().clone();
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs),
            headers,
            body: body.into(),
        })
    }
}

fn tls() -> Result<ClientConfig, HttpError> {
    let mut roots = RootCertStore::empty();
    // Single files that cannot be read are usual.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::Setup(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The innermost reason, which says most.
fn why(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Resolves names to those of their addresses that may be called.
struct Guarded {
    allowed: Arc<Allowed>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            // The port is the client's to set; 0 stands for any.
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let kept = allowed.keep(&host, found)?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

impl Http {
    /// Tells whether the operator lists `host`, so that it may be called though it is private.
    pub fn is_listed(&self, host: &str) -> bool {
        self.allowed.lists(host)
    }

    /// Returns the addresses of `host` that may be connected to, for what is not HTTP; whoever asks
    /// connects to these, looks nothing up again, and limits the time.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, HttpError> {
        let found = tokio::net::lookup_host((host, port)).await;
        let found = found.map_err(|error| HttpError::Unreachable {
            host: host.to_owned(),
            why: error.to_string(),
        })?;
        Ok(self.allowed.keep(host, found)?)
    }
}
