//! Being signed in to Salesforce by the client credentials flow.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::deliver::access;
use crate::deliver::exchange::{self, Exchange};
use crate::deliver::failure::Failure;
use crate::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use crate::http::{Answer, Http, Method, Request};
use crate::secret::Secret;

/// Signs in when that is needed, and keeps the token until it is refused: no answer says how long it
/// lasts.
#[derive(Debug)]
pub(super) struct Sessions {
    url: Url,
    client: [Secret; 2],
    exchange: Exchange,
    current: Mutex<Option<Session>>,
}

#[derive(Clone, Debug)]
struct Session {
    authorization: HeaderValue,
    token: Secret,
    /// It was refused. Kept all the same, since what refused it may be quoted.
    is_over: bool,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

impl Sessions {
    /// Returns sessions at `url` for the client of this id and secret.
    pub(super) fn new(http: Http, url: Url, client: [Secret; 2]) -> Self {
        let exchange = client.iter().fold(Exchange::new(http), Exchange::hiding);
        Self { url, client, exchange, current: Mutex::new(None) }
    }

    /// Returns the address of the own domain there.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the way there on which the token is hidden too.
    pub(super) fn exchange(&self) -> Exchange {
        match self.lock().as_ref() {
            Some(session) => self.exchange.clone().hiding(&session.token),
            None => self.exchange.clone(),
        }
    }

    /// Asks with the token; with a new one where that has ended.
    pub(super) async fn call(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let known = self.known();
        let was_known = known.is_some();
        let session = match known {
            Some(session) => session,
            None => self.sign_in().await?,
        };
        let answer = self.ask(&session, method.clone(), url.clone(), body).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        if let Some(session) = self.lock().as_mut() {
            session.is_over = true;
        }
        if !was_known {
            return Ok(answer);
        }
        let session = self.sign_in().await?;
        self.ask(&session, method, url, body).await
    }

    async fn ask(
        &self,
        session: &Session,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let mut request = match body {
            Some(body) => exchange::json(method, url, body),
            None => Request::new(method, url),
        };
        request.headers.insert(AUTHORIZATION, session.authorization.clone());
        self.exchange().send(request).await
    }

    async fn sign_in(&self) -> Result<Session, Failure> {
        let url = access::below(&self.url, &["services", "oauth2", "token"]);
        let mut request = Request::new(Method::POST, url);
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.insert(CONTENT_TYPE, form);
        let [id, secret] = &self.client;
        let body = Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", id.expose())
            .append_pair("client_secret", secret.expose())
            .finish();
        request.body = body.into();
        let answer = self.exchange.send(request).await?;
        if !answer.is_success() {
            // Refusing the client concerns every letter, not this one.
            return Err(match self.exchange.failed(&answer) {
                Failure::Refused { reason } => Failure::later(format!(
                    "signing in: {reason}; check the files of the client's id and secret"
                )),
                other @ (Failure::Later { .. } | Failure::Off { .. }) => other,
            });
        }
        // What came back may hold a token, so none of it is quoted.
        let granted: Option<Granted> = serde_json::from_slice(&answer.body).ok();
        let granted = granted.filter(|granted| !granted.access_token.is_empty());
        let token = granted.map(|granted| Secret::from(granted.access_token)).ok_or_else(|| {
            Failure::later("signing in: it answered without a token; check the address in 'url'")
        })?;
        let authorization = access::authorization("access_token", "Bearer", &token)
            .map_err(|error| Failure::later(format!("signing in: {error}")))?;
        let session = Session { authorization, token, is_over: false };
        *self.lock() = Some(session.clone());
        Ok(session)
    }

    fn known(&self) -> Option<Session> {
        self.lock().clone().filter(|session| !session.is_over)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Session>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
