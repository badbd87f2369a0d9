//! A gate that asks another system: a signed request, and consent only where it is said in so many words.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::json;
use upturn_connectors::http::Request;
use url::Url;

use crate::delivery::letter;
use crate::runtime::selling::deals::Fields;
use crate::web::App;

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
    app: &App,
    (url, secret_file): (&str, &str),
    question: &Question<'_>,
) -> Result<String, String> {
    let address = Url::parse(url).map_err(|_| "the gate's address is no URL".to_owned())?;
    let secret = fs::read_to_string(Path::new(secret_file))
        .map_err(|_| "the gate's key cannot be read; look at its secret_file".to_owned())?;
    let key = standardwebhooks::Webhook::new(secret.trim())
        .map_err(|_| "the gate's key is none; it is whsec_ and Base64".to_owned())?;
    let now = app.clock.now();
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
    let http = app.feed_office.http.reading_at_most(ANSWER_BYTES_MAX);
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
