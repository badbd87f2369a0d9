//! A gate that asks another system: a signed request, and consent only where it is said in so many words.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderValue, Method};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use upturn_connectors::http::{Http, Request};
use url::Url;

use crate::delivery::letter;
use crate::runtime::selling::deals::Fields;

/// How long the other system may take; less than a request of ours may.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How much of what it says is kept, in characters.
const SAID_MAX: usize = 500;

/// What it is asked.
#[derive(Debug, Serialize)]
pub(super) struct Question<'q> {
    /// The deal.
    pub(super) deal: &'q str,
    /// What it is asked to consent to.
    pub(super) requirement: &'q str,
    /// The hash of it, with the guarded fields as they stand.
    pub(super) document: &'q str,
    /// The guarded fields.
    pub(super) fields: &'q BTreeMap<String, String>,
    /// The deal's record.
    pub(super) record: &'q Fields,
}

/// What it answers.
#[derive(Debug, Deserialize)]
struct Answer {
    allowed: bool,
    #[serde(default)]
    reason: String,
}

/// Asks the system at `url`, signed by the key in `secret_file`; returns what it says besides its consent,
/// or why there is none. Silence, an error and an answer of another shape are none.
pub(super) async fn ask(
    (http, now): (&Http, DateTime<Utc>),
    (url, secret_file): (&str, &str),
    question: &Question<'_>,
) -> Result<String, String> {
    let address = Url::parse(url).map_err(|_| "the gate's address is no URL".to_owned())?;
    let secret = fs::read_to_string(Path::new(secret_file))
        .map_err(|_| "the gate's key cannot be read; look at its secret_file".to_owned())?;
    let key = standardwebhooks::Webhook::new(secret.trim())
        .map_err(|_| "the gate's key is none; it is whsec_ and Base64".to_owned())?;
    let body =
        json!({ "type": "deal-gate", "at": letter::text(now), "data": question }).to_string();
    let id = letter::key("deal-gate", &format!("{}@{}", question.document, now), url);
    let signature = key
        .sign(&id, now.timestamp(), body.as_bytes())
        .map_err(|_| "the request to the gate cannot be signed".to_owned())?;
    let mut request = Request::new(Method::POST, address);
    for (name, value) in [
        ("content-type", "application/json"),
        ("webhook-id", &*id),
        ("webhook-timestamp", &*now.timestamp().to_string()),
        ("webhook-signature", &*signature),
    ] {
        // All of them are printable.
        if let Ok(value) = HeaderValue::from_str(value) {
            request.headers.insert(name, value);
        }
    }
    request.body = body.into();
    let http = http.reading_at_most(ANSWER_BYTES_MAX);
    let answered = tokio::time::timeout(ANSWER_MAX, http.send(request)).await;
    let answer = match answered {
        Err(_elapsed) => {
            let limit = ANSWER_MAX.as_secs();
            return Err(format!(
                "the gate did not answer within {limit} s; nothing passes; try again"
            ));
        }
        Ok(Err(error)) => return Err(format!("the gate cannot be asked: {error}; nothing passes")),
        Ok(Ok(answer)) => answer,
    };
    if !answer.is_success() {
        let status = answer.status;
        return Err(format!("the gate answered {status}; nothing passes"));
    }
    let said: Answer = serde_json::from_str(&answer.text())
        .map_err(|_| "the gate's answer is not {\"allowed\": …}; nothing passes".to_owned())?;
    let reason: String = said.reason.chars().take(SAID_MAX).collect();
    match said.allowed {
        true => Ok(reason),
        false if reason.is_empty() => {
            Err("the gate does not consent and does not say why".to_owned())
        }
        false => Err(format!("the gate does not consent: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use axum::http::{HeaderMap, HeaderName};
    use tempfile::NamedTempFile;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use upturn_connectors::http::guard::Allowed;

    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// Answers one request with `answer`; returns what was asked.
    async fn answer(listener: TcpListener, answer: String) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains("deal-gate") || !read.ends_with(b"}") {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).await.unwrap();
            assert_ne!(length, 0, "{}", String::from_utf8_lossy(&read));
            read.extend_from_slice(&bytes[..length]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(read).unwrap()
    }

    fn verify(asked: &str, now: DateTime<Utc>) {
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        let mut headers = HeaderMap::new();
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(": ").unwrap();
            let name: HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        let key = standardwebhooks::Webhook::new(KEY).unwrap();
        let signature =
            key.sign(headers["webhook-id"].to_str().unwrap(), now.timestamp(), body.as_bytes());
        assert_eq!(headers["webhook-signature"].to_str().unwrap(), signature.unwrap());
        assert!(body.contains("\"deal\":\"D1\"") && body.contains("\"product\":\"V-1\""), "{body}");
    }

    #[tokio::test]
    async fn only_consent_in_so_many_words_passes_and_the_request_is_signed() {
        let mut secret = NamedTempFile::new().unwrap();
        secret.write_all(KEY.as_bytes()).unwrap();
        let secret = secret.path().to_str().unwrap();
        let (fields, record) =
            (BTreeMap::new(), Fields::from([("product".to_owned(), "V-1".to_owned())]));
        let question = Question {
            deal: "D1",
            requirement: "credit",
            document: "abc",
            fields: &fields,
            record: &record,
        };
        let now = DateTime::UNIX_EPOCH;
        let open = Http::new(Allowed::new(["127.0.0.1".to_owned()])).unwrap();
        let cases = [
            ("200 OK", r#"{"allowed":true,"reason":"fine"}"#, Ok("fine")),
            (
                "200 OK",
                r#"{"allowed":false,"reason":"no credit"}"#,
                Err("does not consent: no credit"),
            ),
            ("200 OK", r#"{"allowed":"true"}"#, Err("nothing passes")),
            ("200 OK", "yes", Err("nothing passes")),
            ("503 Service Unavailable", r#"{"allowed":true}"#, Err("answered 503")),
        ];
        for (status, body, expected) in cases {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/gate", listener.local_addr().unwrap());
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let asking = ask((&open, now), (&url, secret), &question);
            let (told, asked) = tokio::join!(asking, answer(listener, text));
            verify(&asked, now);
            match expected {
                Ok(said) => assert_eq!(told.as_deref(), Ok(said), "case: {body}"),
                Err(why) => assert!(told.unwrap_err().contains(why), "case: {body}"),
            }
        }
        // Nobody there, an address of the inner network, no key: nothing passes.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/gate", listener.local_addr().unwrap());
        let closed = Http::new(Allowed::new([])).unwrap();
        let inner = ask((&closed, now), (&url, secret), &question).await;
        assert!(inner.unwrap_err().contains("nothing passes"));
        drop(listener);
        let gone = ask((&open, now), (&url, secret), &question).await;
        assert!(gone.unwrap_err().contains("nothing passes"));
        let keyless = ask((&open, now), (&url, "/nowhere"), &question).await;
        assert!(keyless.unwrap_err().contains("secret_file"));
    }
}
