//! A Tryton, over its REST interface.

use std::path::Path;

use bytes::Bytes;
use serde_json::{Map, Value};
use url::Url;

use crate::deliver::failure::Failure;
use crate::deliver::kind::{self, SettingsError};
use crate::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use crate::http::{Answer, Http, Method, Request};
use crate::secret::Secret;

pub(crate) mod wire;

/// A record, by the names of its fields.
pub(crate) type Fields = Map<String, Value>;

/// A Tryton, with the key of a user application.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its address with the database.
    pub(crate) base: Url,
    key: Secret,
    http: Http,
}

impl Client {
    /// Returns the Tryton at `url`, which names its database, with the key in the file `key_file`.
    pub(crate) fn new(url: &str, key_file: &Path, http: &Http) -> Result<Self, SettingsError> {
        let base = kind::address(http, "url", url.trim_end_matches('/'))?;
        let has_database = base.path_segments().is_some_and(|mut path| path.any(|s| !s.is_empty()));
        if !has_database || base.query().is_some() {
            let why = "'url' names no database; write https://host/database";
            return Err(SettingsError(why.to_owned()));
        }
        let key = Secret::read(key_file)
            .map_err(|error| SettingsError(format!("'key_file' cannot be used: {error}")))?;
        Ok(Self { base, key, http: http.clone() })
    }

    /// Asks for `url`, archived records included.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let mut request = Request::new(method, url);
        if let Some(body) = body {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.body = Bytes::from(body.to_string());
        }
        self.send(request, HeaderValue::from_static(wire::ALSO_INACTIVE)).await
    }

    /// Returns at most 100 records of `model` in `domain`, archived ones included, with `fields` of each.
    pub(crate) async fn search(
        &self,
        model: &str,
        domain: &Value,
        fields: &[&str],
    ) -> Result<Vec<Fields>, Failure> {
        let url = wire::search(&self.base, model, domain, fields);
        let answer = self.ask(Method::GET, url, None).await?;
        wire::records(&answer)
    }

    /// Returns records of `page` behind the record `after`, in the order of their ids.
    pub(crate) async fn page(
        &self,
        page: &wire::Page<'_>,
        after: i64,
    ) -> Result<Vec<Fields>, Failure> {
        let request = Request::new(Method::GET, page.url(&self.base, after));
        let context = HeaderValue::try_from(wire::context(page.context));
        let context = context.map_err(|_| Failure::refused("the question makes no header"))?;
        wire::records(&self.send(request, context).await?)
    }

    async fn send(&self, mut request: Request, context: HeaderValue) -> Result<Answer, Failure> {
        let key = HeaderValue::try_from(format!("Bearer {}", self.key.expose()));
        let mut key = key.map_err(|_| Failure::later("the key in 'key_file' makes no header"))?;
        key.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, key);
        request.headers.insert(HeaderName::from_static("x-tryton-context"), context);
        let answer = self.http.send(request).await?;
        if answer.is_success() { Ok(answer) } else { Err(self.failure(answer)) }
    }

    /// Returns what an answer without success means, in Tryton's words without its pages, and
    /// without the key.
    fn failure(&self, mut answer: Answer) -> Failure {
        answer.body = Bytes::from(self.key.hide_in(&wire::said(&answer)));
        Failure::of_answer(&answer)
    }
}
