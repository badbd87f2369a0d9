//! The one way out over HTTP: every address is checked, everything is bounded.
//!
//! - Names are resolved, and only addresses that [`guard`] lets through are connected to: those
//!   checked are those used. Private, loopback and link-local ones are refused unless the operator's
//!   allow-list names the host.
//! - Redirects are not followed here ([`crate::fetch`] follows those of documents), proxies from the
//!   environment are not used.
//! - Time, size of the answer and number of its headers are limited.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

pub use reqwest::Method;
pub use reqwest::header;

use self::guard::{Allowed, Refusal};

pub mod guard;
mod pause;

pub use self::pause::PAUSE_MAX;

/// A client that goes out through the guard. Clones share its connections.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    allowed: Arc<Allowed>,
    limits: Limits,
}

/// What a client is made with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What may be called beside public addresses.
    pub allowed: Allowed,
    /// The bounds of an exchange.
    pub limits: Limits,
    /// PEM files with the authorities that sign within the site, trusted beside the system's.
    pub authorities: Vec<PathBuf>,
}

/// The bounds of an exchange. An answer with more than 100 headers is refused besides.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a connection may take to open.
    pub connect: Duration,
    /// How long an exchange may take in all.
    pub exchange: Duration,
    /// How large an answer may be, in bytes.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            // The first call after some systems' start takes 3 s.
            exchange: Duration::from_secs(30),
            answer: 1 << 20,
        }
    }
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
    #[error("{host} did not answer within {limit:?}")]
    Late {
        /// Whom we asked.
        host: String,
        /// How long that may take.
        limit: Duration,
    },
    /// No connection.
    #[error("{host} cannot be reached: {why}")]
    Unreachable {
        /// Whom we asked.
        host: String,
        /// What happened.
        why: String,
    },
    /// A connection, and no whole answer of HTTP.
    #[error("{host} cannot be reached: {why}")]
    Broken {
        /// Whom we asked.
        host: String,
        /// What happened.
        why: String,
    },
    /// More is said about the answer than anybody needs.
    #[error("{host} answered with more headers than are read")]
    TooManyHeaders {
        /// Whom we asked.
        host: String,
    },
    /// The answer is larger than anybody needs.
    #[error("{host} answered with more than {limit} bytes, which are not read")]
    TooLarge {
        /// Whom we asked.
        host: String,
        /// How many bytes are read.
        limit: usize,
    },
}

/// What is asked. Shown without the address's path and the body, which can hold secrets.
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
    /// Its body, at most [`Limits::answer`] bytes.
    pub body: Bytes,
    /// How long the other side wants to be left alone, if it said so; at most [`PAUSE_MAX`].
    pub retry_after: Option<Duration>,
}

impl Request {
    /// Returns a request without headers and body.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new() }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &host)
            .finish_non_exhaustive()
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
        Self::with(Options { allowed, ..Options::default() })
    }

    /// Returns a client as `options` say.
    pub fn with(options: Options) -> Result<Self, HttpError> {
        let Options { allowed, limits, authorities } = options;
        let allowed = Arc::new(allowed);
        let client = reqwest::Client::builder()
            .use_preconfigured_tls(tls(&authorities)?)
            .dns_resolver(Arc::new(Guarded { allowed: Arc::clone(&allowed) }))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(limits.connect)
            .timeout(limits.exchange)
            .user_agent(concat!("upturn/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| HttpError::Setup(why(&error)))?;
        Ok(Self { client, allowed, limits })
    }

    /// Returns the client with another bound on answers: at most `answer` bytes. Connections are shared.
    #[must_use]
    pub fn reading_at_most(&self, answer: usize) -> Self {
        let limits = Limits { answer, ..self.limits };
        Self { limits, ..self.clone() }
    }

    /// Says whether an answer from `from` may lead to `to`, as far as their texts tell: not from
    /// `https` to `http`, and to a host on the operator's list only if it is the same server.
    pub fn check_redirect(&self, from: &Url, to: &Url) -> Result<(), Refusal> {
        self.allowed.check_redirect(from, to)
    }

    /// Says whether `url` may be called as far as its text tells: scheme, and the address if it is
    /// one. For settings, before anything is called.
    pub fn check(&self, url: &Url) -> Result<(), Refusal> {
        self.allowed.check_url(url)
    }

    /// Asks and returns the whole answer, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Answer, HttpError> {
        self.allowed.check_url(&request.url)?;
        let limits = self.limits;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let failed = |error: reqwest::Error| {
            let host = host.clone();
            let error = error.without_url();
            if let Some(refusal) = refusal(&error) {
                HttpError::Refused(refusal)
            } else if error.is_timeout() {
                HttpError::Late { host, limit: limits.exchange }
            } else if has_too_many_headers(&error) {
                HttpError::TooManyHeaders { host }
            } else if error.is_connect() {
                HttpError::Unreachable { host, why: why(&error) }
            } else {
                HttpError::Broken { host, why: why(&error) }
            }
        };
        let asked = self
            .client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body);
        let mut response = asked.send().await.map_err(failed)?;
        let too_large = || HttpError::TooLarge { host: host.clone(), limit: limits.answer };
        let announced = response.content_length().unwrap_or_default();
        if usize::try_from(announced).map_or(true, |announced| limits.answer < announced) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if limits.answer < body.len() + piece.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        let headers = response.headers().clone();
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: pause::read(&headers),
            headers,
            body: body.into(),
        })
    }
}

fn tls(authorities: &[PathBuf]) -> Result<ClientConfig, HttpError> {
    let mut roots = RootCertStore::empty();
    // Single files that cannot be read are usual.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for path in authorities {
        add(&mut roots, path)
            .map_err(|why| HttpError::Setup(format!("{}: {why}", path.display())))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::Setup(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let mut is_empty = true;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        is_empty = false;
    }
    if is_empty {
        return Err("it holds no certificate in PEM".to_owned());
    }
    Ok(())
}

/// The innermost reason, which says most.
fn why(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

/// Returns `error` and what caused it, the innermost last.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Returns why a name that was looked up may not be called, if that is what `error` is.
fn refusal(error: &(dyn Error + 'static)) -> Option<Refusal> {
    causes(error).find_map(|cause| cause.downcast_ref::<Refusal>()).cloned()
}

fn has_too_many_headers(error: &(dyn Error + 'static)) -> bool {
    let mut of_http = causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
    of_http.any(hyper::Error::is_parse_too_large)
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
