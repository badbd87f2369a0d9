//! One document, fetched for a feed.
//!
//! - Redirects are followed, at most five, each checked again; what is secret stays with the host it
//!   was meant for.
//! - gzip and deflate are unpacked, bounded in size and ratio.
//! - A document that has not changed since is not sent again (`ETag`, `Last-Modified`).

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use self::error::FetchError;
use crate::http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
};
use crate::http::{Answer, Http, Method, Request};
use crate::secret::Secret;

pub mod error;
mod packed;
pub mod paging;

/// How many redirects are followed.
pub const REDIRECTS_MAX: usize = 5;
/// How long a validator may be; longer ones are not kept.
const VALIDATOR_LEN_MAX: usize = 1_024;

/// What is asked for. Shown without what is secret in it.
#[derive(Clone)]
pub struct Ask {
    /// GET, or POST where there is a body.
    pub method: Method,
    /// Where, secrets and all.
    pub url: Url,
    /// With which headers; those that hold secrets are marked sensitive.
    pub headers: HeaderMap,
    /// With what.
    pub body: Bytes,
    /// What of it is secret, so that no message repeats it.
    pub secrets: Vec<Secret>,
}

/// By what a server knows whether a document has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Validators {
    /// The `ETag` it came with.
    pub etag: Option<String>,
    /// The `Last-Modified` it came with, as it was written.
    pub last_modified: Option<String>,
}

/// What a fetch brings.
#[derive(Debug)]
pub enum Fetched {
    /// It is as it was when the validators were given.
    NotModified,
    /// The document.
    Document(Box<Document>),
}

/// A document as it came, unpacked.
#[derive(Debug)]
pub struct Document {
    /// The document itself, not empty, at most as large as was allowed.
    pub bytes: Vec<u8>,
    /// By what the server will know whether it has changed.
    pub validators: Validators,
    /// What the server says it is: `text/xml; charset=utf-8`.
    pub content_type: Option<String>,
    /// Where it was in the end, for people: without query and secrets.
    pub address: String,
    /// The final address.
    pub(crate) url: Url,
    /// The final answer's headers.
    pub(crate) headers: HeaderMap,
}

impl Ask {
    /// Returns a plain question for `url`.
    pub fn get(url: Url) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { method: Method::GET, url, headers, body, secrets: Vec::new() }
    }

    /// Returns the address for people: without query and secrets.
    pub fn address(&self) -> String {
        shown(&self.url, &self.secrets)
    }

    /// Returns `text`, which others wrote, without the secrets that it may repeat.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        hidden(text, &self.secrets)
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("method", &self.method)
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

impl Validators {
    /// Tells whether there is nothing to ask with.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    fn of(headers: &HeaderMap) -> Self {
        let text = |name| {
            let text = headers.get(name)?.to_str().ok()?;
            (!text.is_empty() && text.len() <= VALIDATOR_LEN_MAX).then(|| text.to_owned())
        };
        Self { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
    }

    fn ask_with(&self, headers: &mut HeaderMap) {
        for (name, text) in [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.last_modified)]
        {
            if let Some(value) = text.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

/// Fetches what `ask` asks for, unless the server says it is still as `known` tells; at most
/// `size_max` bytes, packed and unpacked.
pub async fn fetch(
    http: &Http,
    ask: &Ask,
    known: &Validators,
    size_max: usize,
) -> Result<Fetched, FetchError> {
    let http = http.reading_at_most(size_max);
    let mut url = ask.url.clone();
    let mut headers = ask.headers.clone();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"));
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    known.ask_with(&mut headers);
    for _hop in 0..=REDIRECTS_MAX {
        let request = Request {
            method: ask.method.clone(),
            url: url.clone(),
            headers: headers.clone(),
            body: ask.body.clone(),
        };
        let answer = http.send(request).await?;
        let Some(next) = redirect(ask, &url, &answer)? else {
            return document(ask, known, url, answer, size_max);
        };
        let refused = |why| FetchError::Led { from: shown(&url, &ask.secrets), why };
        http.check_redirect(&url, &next).map_err(refused)?;
        if !is_same_host(&url, &next) {
            forget_secrets(&mut headers);
        }
        url = next;
    }
    Err(FetchError::Circle { address: ask.address() })
}

/// Returns where `answer` leads to, if it is a redirect.
fn redirect(ask: &Ask, url: &Url, answer: &Answer) -> Result<Option<Url>, FetchError> {
    let keeps_method = matches!(answer.status, 307 | 308);
    if !keeps_method && !matches!(answer.status, 301..=303) {
        return Ok(None);
    }
    let lost = |why: &'static str| FetchError::Lost { from: shown(url, &ask.secrets), why };
    // Other redirects turn a POST into a GET, which would not ask the same.
    if ask.method != Method::GET && !keeps_method {
        return Err(lost("it leads a POST elsewhere"));
    }
    let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| lost("it leads elsewhere and does not say where"))?;
    let mut next = url.join(location).map_err(|_unsaid| lost("it leads to what is no address"))?;
    next.set_fragment(None);
    Ok(Some(next))
}

fn document(
    ask: &Ask,
    known: &Validators,
    url: Url,
    answer: Answer,
    size_max: usize,
) -> Result<Fetched, FetchError> {
    if answer.status == 304 && !known.is_empty() {
        return Ok(Fetched::NotModified);
    }
    let address = shown(&url, &ask.secrets);
    if answer.status != 200 && answer.status != 203 {
        return Err(FetchError::of_status(address, &answer, |said| ask.hide_in(said)));
    }
    let bytes = packed::unpack(&answer.headers, &answer.body, size_max);
    let bytes = bytes.map_err(|fault| fault.at(&address))?;
    if bytes.is_empty() {
        return Err(FetchError::Empty { address });
    }
    let content_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok(Fetched::Document(Box::new(Document {
        bytes,
        validators: Validators::of(&answer.headers),
        content_type: content_type.map(str::to_owned),
        address,
        url,
        headers: answer.headers,
    })))
}

fn is_same_host(one: &Url, other: &Url) -> bool {
    let place = |url: &Url| (url.host().map(|host| host.to_owned()), url.port());
    place(one) == place(other)
}

/// Leaves out of `headers` what is not for everybody.
fn forget_secrets(headers: &mut HeaderMap) {
    let secret: Vec<HeaderName> = headers
        .iter()
        .filter(|(name, value)| value.is_sensitive() || *name == AUTHORIZATION || *name == COOKIE)
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

/// Returns `url` for people: without query and secrets.
pub(crate) fn shown(url: &Url, secrets: &[Secret]) -> String {
    let mut plain = url.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    // Addresses with a name in them are never called; should one come here, it is not shown.
    let bare = plain.set_username("").and_then(|()| plain.set_password(None));
    let text = if bare.is_ok() { plain.as_str() } else { plain.host_str().unwrap_or_default() };
    let mark = if url.query().is_some() { "?…" } else { "" };
    format!("{}{mark}", hidden(text, secrets))
}

fn hidden(text: &str, secrets: &[Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = secret.hide_in(&text);
        let escaped: String =
            url::form_urlencoded::byte_serialize(secret.expose().as_bytes()).collect();
        text = Secret::from(escaped).hide_in(&text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_stays_with_its_host() {
        let cases = [
            ("https://a.example/x", "https://a.example/y", true),
            ("http://a.example/x", "https://a.example/x", true),
            ("https://a.example/x", "https://A.example:443/x", true),
            ("https://a.example/x", "https://a.example:8443/x", false),
            ("https://a.example/x", "https://b.a.example/x", false),
            ("https://a.example/x", "https://b.example/x", false),
        ];
        for (from, to, expected) in cases {
            let [from, to] = [from, to].map(|text| Url::parse(text).unwrap());
            assert_eq!(is_same_host(&from, &to), expected, "case: {from} to {to}");
        }
        let mut headers = HeaderMap::new();
        for (name, value, is_secret) in [
            ("api-version", "1", false),
            ("x-key", "S3CR3T", true),
            ("authorization", "Basic x", false),
            ("cookie", "a=b", false),
        ] {
            let mut value = HeaderValue::from_static(value);
            value.set_sensitive(is_secret);
            headers.insert(name, value);
        }
        forget_secrets(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["api-version"]);
    }

    #[test]
    fn addresses_for_people_have_neither_query_nor_secret() {
        let secrets = ["S3 CR3T", "K3Y"].map(|text| Secret::from(text.to_owned()));
        let cases = [
            ("https://a.example/x", "https://a.example/x"),
            ("https://a.example/x?app_id=unknown", "https://a.example/x?…"),
            ("https://a.example/K3Y/x#K3Y", "https://a.example/***/x"),
            ("https://a.example/S3+CR3T/x", "https://a.example/***/x"),
            ("https://u:p@a.example/x", "https://a.example/x"),
        ];
        for (url, expected) in cases {
            assert_eq!(shown(&Url::parse(url).unwrap(), &secrets), expected, "case: {url}");
        }
    }
}
