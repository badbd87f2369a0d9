//! The exchange of a channel over HTTP: what failures mean, with no secret in any reason.

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::failure::{self, Failure};
use crate::http::header::{CONTENT_TYPE, HeaderValue};
use crate::http::{Answer, Http, Method, Request};
use crate::secret::Secret;

/// The way to one destination. What it answers may repeat what we sent, keys included: they are
/// masked before anything of it is quoted.
#[derive(Clone, Debug)]
pub struct Exchange {
    http: Http,
    hidden: Vec<Secret>,
}

/// How long a secret, or a part of an address, must be to be told from ordinary words, in bytes.
const KEY_MIN: usize = 8;

impl Exchange {
    /// Returns the way over `http` on which no secret has been said yet.
    pub fn new(http: Http) -> Self {
        Self { http, hidden: Vec::new() }
    }

    /// Returns the same way with `secret` hidden, as it is and as addresses and forms write it.
    #[must_use]
    pub fn hiding(mut self, secret: &Secret) -> Self {
        let text = secret.expose();
        let escaped: String = byte_serialize(text.as_bytes()).collect();
        let quoted = Value::from(text).to_string();
        self.hide(text);
        self.hide(&escaped);
        self.hide(quoted.trim_matches('"'));
        self
    }

    /// Returns the same way with the address `url` hidden: whole, and the parts that can be keys.
    #[must_use]
    pub fn hiding_address(mut self, url: &Url) -> Self {
        self.hide(url.as_str());
        self.hide(&url.as_str().replace('&', "&amp;"));
        let path = url.path_segments().into_iter().flatten().map(ToOwned::to_owned);
        let query = url.query_pairs().map(|(_, value)| value.into_owned());
        for part in path.chain(query).filter(|part| KEY_MIN <= part.len()).collect::<Vec<_>>() {
            self = self.hiding(&part.into());
        }
        self
    }

    fn hide(&mut self, text: &str) {
        let is_known = self.hidden.iter().any(|secret| secret.expose() == text);
        if text.is_empty() || is_known {
            return;
        }
        self.hidden.push(text.to_owned().into());
        // What holds another goes first, or a part of it would be left.
        self.hidden.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
    }

    /// Returns `text` without the secrets of this way.
    pub fn masked(&self, text: &str) -> String {
        self.hidden.iter().fold(text.to_owned(), |text, secret| secret.hide_in(&text))
    }

    /// Returns a line of at most 200 characters from `text`, without the secrets of this way.
    pub fn quote(&self, text: &str) -> String {
        failure::quote(&self.masked(text))
    }

    /// Asks and returns the answer, whatever its status, without the secrets of this way: what is
    /// read in it, ids included, is kept and shown.
    pub async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let answer = self.http.send(request).await;
        let answer = answer.map_err(|error| Failure::later(self.masked(&error.to_string())))?;
        Ok(self.cleaned(answer))
    }

    /// Leaves out keys only: a short password may stand in any answer by chance.
    fn cleaned(&self, answer: Answer) -> Answer {
        let body = String::from_utf8_lossy(&answer.body);
        let keys = self.hidden.iter().filter(|secret| KEY_MIN <= secret.expose().len());
        let masked = keys.fold(body.clone().into_owned(), |text, secret| secret.hide_in(&text));
        if masked == body { answer } else { Answer { body: masked.into(), ..answer } }
    }

    /// Asks and returns the answer if its status is one of success.
    pub async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let answer = self.send(request).await?;
        if answer.is_success() { Ok(answer) } else { Err(self.failed(&answer)) }
    }

    /// Returns what an answer without success means.
    pub fn failed(&self, answer: &Answer) -> Failure {
        let said = said(answer);
        Failure::of_answer(&Answer { body: self.masked(&said).into(), ..answer.clone() })
    }

    /// Reads an answer of success as JSON.
    pub fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        serde_json::from_slice(&answer.body).map_err(|_unsaid| self.surprise(answer))
    }

    /// Returns the failure that an answer of success is which does not say what it should.
    pub fn surprise(&self, answer: &Answer) -> Failure {
        let status = answer.status;
        let said = self.quote(&answer.text());
        let what = match said.chars().next() {
            None => "and nothing else".to_owned(),
            Some('<') => format!("and a web page: {said}"),
            Some(_) => format!("and what it does not promise: {said}"),
        };
        Failure::later(format!("it answered {status} {what}; check the address in the settings"))
    }
}

/// Returns what an answer says is wrong: the sentence in the JSON it may be, else its text. Some
/// append pages of internals to the sentence.
fn said(answer: &Answer) -> String {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let first = match &json {
        Some(Value::Array(items)) => items.first(),
        other => other.as_ref(),
    };
    let words = ["message", "error_description", "errmsg", "msg", "error"];
    let sentence = words.iter().find_map(|name| first?.get(name)?.as_str());
    sentence.map_or_else(|| answer.text(), ToOwned::to_owned)
}

/// Returns the request that carries `body` to `url` as JSON.
pub fn json(method: Method, url: Url, body: &Value) -> Request {
    let mut request = Request::new(method, url);
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.body = body.to_string().into();
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::guard::Allowed;
    use crate::http::header::HeaderMap;

    fn answer(status: u16, body: &str) -> Answer {
        let (headers, body) = (HeaderMap::new(), body.to_owned().into());
        Answer { status, headers, body, retry_after: None }
    }

    fn way() -> Exchange {
        let url = Url::parse("https://chat.example/hook/0123456789abcdef?key=k%2Fy%3D12345678");
        let secret = Secret::from("p\"ss/word".to_owned());
        let http = Http::new(Allowed::default()).unwrap();
        Exchange::new(http).hiding_address(&url.unwrap()).hiding(&secret)
    }

    #[test]
    fn no_reason_repeats_a_secret() {
        let cases = [
            ("no /hook/0123456789abcdef?key=k%2Fy%3D12345678 here", "no /hook/***?key=*** here"),
            ("key k/y=12345678", "key ***"),
            ("password p\"ss/word", "password ***"),
            (r#"{"client_secret": "p\"ss/word"}"#, r#"{"client_secret": "***"}"#),
            ("form secret=p%22ss%2Fword&x", "form secret=***&x"),
            (
                "https://chat.example/hook/0123456789abcdef?key=k%2Fy%3D12345678 is gone",
                "*** is gone",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(way().quote(said), expected, "case: {said}");
        }
        let long = format!("{} 0123456789abcdef", "x".repeat(190));
        assert!(!way().quote(&long).contains("0123"), "also where the quote ends within it");
        assert!(!format!("{:?}", way()).contains("word"));
    }

    #[test]
    fn an_answer_is_read_without_the_secrets_it_repeats() {
        let cleaned = way().cleaned(answer(200, r#"{"id": "/hook/0123456789abcdef"}"#));
        assert_eq!(cleaned.text(), r#"{"id": "/hook/***"}"#);
        let binary = Answer { body: vec![0xff, b'x'].into(), ..answer(200, "") };
        assert_eq!(way().cleaned(binary.clone()).body, binary.body);
    }

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        let odoo = r#"{"name": "x", "message": "Invalid apikey", "debug": "Traceback"}"#;
        let salesforce = r#"[{"message": "Bad field", "errorCode": "INVALID_FIELD"}]"#;
        let cases = [
            (
                answer(401, odoo),
                "it answered 401 (not allowed); check the key or token and its rights: \
                 Invalid apikey",
            ),
            (answer(400, salesforce), "it answered 400: Bad field"),
            (answer(500, "<h1>Oops</h1>\n"), "it answered 500: <h1>Oops</h1>"),
            (answer(503, ""), "it answered 503"),
        ];
        for (answer, expected) in cases {
            assert_eq!(way().failed(&answer).to_string(), expected);
        }
        let cases = [
            ("", "it answered 200 and nothing else; check the address in the settings"),
            ("<html>", "it answered 200 and a web page: <html>; check the address in the settings"),
            (
                "[",
                "it answered 200 and what it does not promise: [; check the address in the settings",
            ),
        ];
        for (body, expected) in cases {
            let read = way().read::<Value>(&answer(200, body));
            assert_eq!(read, Err(Failure::later(expected)), "case: {body}");
        }
    }
}
