//! A feed as tests set it up, and its outcome in one word.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::Value;
use upturn_connectors::feed::pull::{Feed, Known, PullError, Pulled};
use upturn_connectors::feed::source::{Secrets, Source};
use upturn_connectors::feed::{self, Kind};
use upturn_connectors::http::guard::Allowed;
use upturn_connectors::http::{Http, Limits, Options};
use upturn_connectors::secret::Secret;
use upturn_core::fact::Fact;
use upturn_core::fact::rate_book::Publication;
use upturn_core::fact::review::{self, Verdict, judge};

/// How long an answer takes at most that comes at all, on a busy machine.
pub(crate) const GENEROUS: Duration = Duration::from_mins(1);
/// How long one is waited for that never comes.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// A feed with all it is made of.
pub(crate) struct Setup {
    pub(crate) kind: &'static Kind,
    pub(crate) settings: Value,
    pub(crate) source: Source,
    pub(crate) secrets: Secrets,
    pub(crate) today: NaiveDate,
    /// How long an answer may take.
    pub(crate) wait: Duration,
}

impl Setup {
    /// A feed of `kind` whose document is at `address`.
    pub(crate) fn new(kind: &str, address: &str) -> Self {
        Self {
            kind: feed::kind(kind).unwrap(),
            settings: serde_json::json!({}),
            source: Source { address: vec![address.to_owned()], ..Source::default() },
            secrets: Secrets::new(),
            today: "2026-01-20".parse().unwrap(),
            wait: GENEROUS,
        }
    }

    pub(crate) fn with_secret(mut self, name: &str, secret: &str) -> Self {
        self.secrets.insert(name.to_owned(), Secret::from(secret.to_owned()));
        self
    }

    pub(crate) fn feed(&self) -> Feed<'_> {
        let Self { kind, settings, source, secrets, .. } = self;
        Feed { kind, settings, source, secrets }
    }

    pub(crate) async fn pull(&self, known: &Known) -> Result<Pulled, PullError> {
        self.feed().pull(known, &http(self.wait), self.today).await
    }

    /// What a pull and the review beside `last` lead to: a word, and why.
    pub(crate) async fn outcome(&self, last: &[Fact]) -> (String, String) {
        match self.pull(&Known::new()).await {
            Err(error) => {
                let after =
                    error.retry_after().map(|after| format!(" (after {} s)", after.as_secs()));
                let text = format!("{error}{}", after.unwrap_or_default());
                (error.class().as_str().replace('-', ""), text)
            }
            Ok(Pulled::NotModified) => ("unchanged".to_owned(), String::new()),
            Ok(Pulled::Facts(pull)) => {
                match judge(&pull.facts, last, self.today, &limits(), &BTreeSet::new()) {
                    Verdict::Accept => ("accept".to_owned(), String::new()),
                    Verdict::Hold(reasons) => ("hold".to_owned(), reasons.join("; ")),
                    Verdict::Reject(reason) => ("reject".to_owned(), reason),
                }
            }
        }
    }

    /// The facts of a pull that must succeed.
    pub(crate) async fn facts(&self) -> Vec<Fact> {
        match self.pull(&Known::new()).await {
            Ok(Pulled::Facts(pull)) => pull.facts,
            other => panic!("{other:?}"),
        }
    }
}

/// A client that may call this machine, and waits so long for an answer.
pub(crate) fn http(exchange: Duration) -> Http {
    let limits = Limits { exchange, ..Limits::default() };
    let allowed = Allowed::new(["127.0.0.1".to_owned()]);
    Http::with(Options { allowed, limits, authorities: Vec::new() }).unwrap()
}

/// The kinds' own, for a source that publishes every day.
fn limits() -> review::Limits {
    review::Limits { publication: Publication::Daily, ..feed::kind("ecb").unwrap().supply.limits }
}
