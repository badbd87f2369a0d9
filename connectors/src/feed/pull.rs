//! A run of a feed: its documents fetched and read. Changes nothing, so it is the test of a feed, too.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::NaiveDate;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time;
use upturn_core::fact::Fact;
use url::Url;

use super::source::{DOCUMENTS_MAX, Secrets, Source, Wanted};
use super::{FeedError, Kind, join};
use crate::fetch::error::{Class, FetchError};
use crate::fetch::paging::{self, Paging};
use crate::fetch::{self, Ask, Fetched, Validators};
use crate::http::Http;
use crate::read::{Fault, ReadError};

/// How long all documents of a feed may take together.
const PULL_MAX: Duration = Duration::from_mins(15);

/// A feed as settings have it.
#[derive(Clone, Copy, Debug)]
pub struct Feed<'f> {
    /// Its kind.
    pub kind: &'static Kind,
    /// By which its documents are read, an object.
    pub settings: &'f Value,
    /// Where they are, as far as that differs from the kind.
    pub source: &'f Source,
    /// What addresses and headers name in braces.
    pub secrets: &'f Secrets,
}

/// The validators of a feed's documents, kept with the set that came of them for the next run.
///
/// They are by digests of all that the facts depend on beside the documents, so that those of other
/// settings do no harm.
pub type Known = BTreeMap<String, Validators>;

/// What a run brings.
#[derive(Debug)]
pub enum Pulled {
    /// No document has changed: the set in force is what the source says.
    NotModified,
    /// The facts of all documents.
    Facts(Pull),
}

/// The facts of all documents of a feed.
#[derive(Debug)]
pub struct Pull {
    /// The facts, in the order of the documents.
    pub facts: Vec<Fact>,
    /// Where they came from.
    pub documents: Vec<Came>,
    /// What to ask with the next time.
    pub known: Known,
}

/// Where facts came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// The address in the end, for people: without query and secrets.
    pub address: String,
    /// What the server said it was.
    pub content_type: Option<String>,
    /// The document as it came, unpacked.
    pub bytes: Bytes,
    /// How many facts it held.
    pub facts: usize,
}

/// Why a run brought nothing. The set in force stays. The texts are for people and hold no secret.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// A document did not come.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The settings are wrong.
    #[error("the settings are wrong: {0}")]
    Settings(String),
    /// A document came and is not read, so none of it was taken over.
    #[error("{address}: {error}; nothing of it was taken over")]
    Document {
        /// Where it came from, for people.
        address: String,
        /// What is wrong with it.
        error: ReadError,
    },
}

impl PullError {
    /// Returns what follows for the feed.
    pub fn class(&self) -> Class {
        match self {
            Self::Fetch(error) => error.class(),
            Self::Settings(_) => Class::Settings,
            Self::Document { error, .. } => match error.fault {
                Fault::Wrong => Class::Reject,
                Fault::Broken => Class::Keep,
                Fault::Excess => Class::Cap,
            },
        }
    }

    /// Returns how long the source wants to be left alone, if it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Fetch(error) => error.retry_after(),
            Self::Settings(_) | Self::Document { .. } => None,
        }
    }

    fn of(error: FeedError, address: &str, ask: &Ask) -> Self {
        match error {
            FeedError::Settings(what) => Self::Settings(what),
            FeedError::Document(mut error) => {
                error.what = ask.hide_in(&error.what);
                Self::Document { address: address.to_owned(), error }
            }
        }
    }
}

impl Feed<'_> {
    /// Returns the documents wanted on `today`, a day in the feed's zone, after checking that settings
    /// and addresses are sound as far as their texts tell; calls nobody.
    pub fn check(&self, http: &Http, today: NaiveDate) -> Result<Vec<Wanted>, PullError> {
        let source = self.source.or((self.kind.supply.source)());
        let wanted = source.documents(today, self.secrets).map_err(|error| match error {
            FeedError::Settings(what) => PullError::Settings(what),
            FeedError::Document(error) => PullError::Settings(error.to_string()),
        })?;
        for Wanted { ask, .. } in &wanted {
            http.check(&ask.url).map_err(|error| FetchError::Http(error.into()))?;
            let is_trusted = ask.url.host_str().is_some_and(|host| http.is_listed(host));
            if !ask.secrets.is_empty() && ask.url.scheme() != "https" && !is_trusted {
                let what = "'address': without TLS the secret would be readable on its way; use \
                            https://, or list the host in [http] allow_private";
                return Err(PullError::Settings(what.to_owned()));
            }
        }
        Ok(wanted)
    }

    /// Fetches and reads the feed's documents, unless all are as `known` tells. Whole or not at all.
    pub async fn pull(
        &self,
        known: &Known,
        http: &Http,
        today: NaiveDate,
    ) -> Result<Pulled, PullError> {
        let wanted = self.check(http, today)?;
        let run = Run { feed: self, http, known, left: DOCUMENTS_MAX, asked: false };
        let late = |_elapsed| FetchError::Late { limit: PULL_MAX };
        time::timeout(PULL_MAX, run.all(&wanted)).await.map_err(late)?
    }
}

/// A run under way.
struct Run<'r> {
    feed: &'r Feed<'r>,
    http: &'r Http,
    known: &'r Known,
    /// How many documents may still be asked for.
    left: usize,
    /// The source was asked already, so it is left alone for a while first.
    asked: bool,
}

/// What one document, with its pages, comes to.
#[derive(Default)]
struct Part {
    facts: Vec<Vec<Fact>>,
    documents: Vec<Came>,
    validators: Validators,
}

impl Run<'_> {
    async fn all(mut self, wanted: &[Wanted]) -> Result<Pulled, PullError> {
        // What is unchanged is not sent, and still needed where something else has changed.
        self.left = self.left.saturating_add(wanted.len());
        let keys: Vec<String> = wanted.iter().map(|wanted| self.feed.key(wanted)).collect();
        let mut parts: Vec<Option<Part>> = Vec::new();
        let nothing = Validators::default();
        for (wanted, key) in wanted.iter().zip(&keys) {
            let known = self.known.get(key).unwrap_or(&nothing);
            parts.push(self.one(wanted, known).await?);
        }
        if parts.iter().all(Option::is_none) {
            return Ok(Pulled::NotModified);
        }
        for (part, wanted) in parts.iter_mut().zip(wanted) {
            if part.is_none() {
                *part = self.one(wanted, &nothing).await?;
            }
        }
        let mut pull = Pull { facts: Vec::new(), documents: Vec::new(), known: Known::new() };
        let mut facts = Vec::new();
        for (part, key) in parts.into_iter().flatten().zip(keys) {
            facts.extend(part.facts);
            pull.documents.extend(part.documents);
            if !part.validators.is_empty() {
                pull.known.insert(key, part.validators);
            }
        }
        let address = pull.documents.first().map(|came| came.address.clone());
        let whole = |error| PullError::Document { address: address.unwrap_or_default(), error };
        pull.facts = join::join(facts).map_err(whole)?;
        Ok(Pulled::Facts(pull))
    }

    /// Fetches and reads one document with all its pages; none if it is unchanged.
    async fn one(
        &mut self,
        wanted: &Wanted,
        known: &Validators,
    ) -> Result<Option<Part>, PullError> {
        let supply = &self.feed.kind.supply;
        let mut part = Part::default();
        let mut ask = wanted.ask.clone();
        loop {
            if std::mem::replace(&mut self.asked, true) {
                time::sleep(supply.pause).await;
            }
            self.left = self
                .left
                .checked_sub(1)
                .ok_or_else(|| FetchError::Pages { address: ask.address(), max: DOCUMENTS_MAX })?;
            let fetched = match fetch::fetch(self.http, &ask, known, supply.size_max).await {
                Err(FetchError::Status { status: 404, .. }) if wanted.is_ahead => {
                    return Ok(Some(part));
                }
                fetched => fetched?,
            };
            let Fetched::Document(document) = fetched else { return Ok(None) };
            // The first page says nothing of whether the others have changed.
            if supply.paging == Paging::Whole {
                part.validators.clone_from(&document.validators);
            }
            let next: Option<Url> = paging::next(supply.paging, &ask.url, &document)?;
            let bytes = Bytes::from(document.bytes);
            let facts = self.read(bytes.clone()).await;
            let facts = facts.map_err(|error| PullError::of(error, &document.address, &ask))?;
            part.documents.push(Came {
                address: document.address,
                content_type: document.content_type,
                bytes,
                facts: facts.len(),
            });
            part.facts.push(facts);
            let Some(next) = next else { return Ok(Some(part)) };
            ask.url = next;
        }
    }

    /// Reads a document beside the tasks that wait: large ones take a while.
    async fn read(&self, bytes: Bytes) -> Result<Vec<Fact>, FeedError> {
        let (parse, settings) = (self.feed.kind.parse, self.feed.settings.clone());
        let read = tokio::task::spawn_blocking(move || parse(&settings, &bytes)).await;
        read.unwrap_or_else(|_failed| {
            Err(ReadError::broken("its reader failed, which is a mistake of ours").into())
        })
    }
}

impl Feed<'_> {
    /// Returns a digest of all that the facts of `wanted` depend on beside the document.
    fn key(&self, wanted: &Wanted) -> String {
        let mut digest = Sha256::new();
        for part in [self.kind.name, &wanted.name, &self.settings.to_string()] {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        BASE64_URL_SAFE_NO_PAD.encode(digest.finalize())
    }
}
