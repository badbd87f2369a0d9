//! One run of a feed: pulled, judged beside the set in force, and handed to the writer.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};
use upturn_connectors::feed::pull::{Feed as Pulling, Known, Pull, PullError, Pulled};
use upturn_connectors::fetch::error::Class;
use upturn_connectors::http::Http;
use upturn_core::fact::Fact;
use upturn_core::fact::review::{self, Verdict};

use super::Feed;
use super::document::SecretDocument;
use super::vault::{Vault, VaultError};
use crate::clock::Clock;
use crate::facts::saved::name_source;
use crate::facts::shelf::Shelf;
use crate::facts::{stored, told_days};
use crate::hex;
use crate::runtime::request::{FeedStep, Put, Request};
use crate::store::error::StoreError;
use crate::store::feed_run::{End, Outcome};
use crate::store::feed_set::{Document, NewSet, Packed, Set, SetState};
use crate::store::{self, Store};
use crate::telemetry::Metrics;

/// The first pause after a failure; it doubles with each in a row.
const RETRY_FIRST: Duration = Duration::from_mins(1);
/// The longest pause.
const RETRY_MAX: Duration = Duration::from_hours(1);

/// What all runs share.
#[derive(Clone, Debug)]
pub(crate) struct Office {
    /// Where sets are.
    pub(crate) store: Store,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// The one writer, which puts sets in force.
    pub(crate) asks: mpsc::Sender<Request>,
    /// The way out.
    pub(crate) http: Http,
    /// Opens secrets.
    pub(crate) vault: Arc<Vault>,
    /// Sets that were read already.
    pub(crate) shelf: Shelf,
}

/// A run that is begun.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The feed.
    pub(crate) feed: Arc<Feed>,
    /// The run's number.
    pub(crate) run: i64,
    /// Who wanted it, if somebody did.
    pub(crate) actor: Option<String>,
}

/// Why a run ended without a set. Whatever it is, the set in force stays.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error(transparent)]
    Pull(#[from] PullError),
    #[error(transparent)]
    Secret(#[from] VaultError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the set in force cannot be read, so that nothing can be compared with it: {0}")]
    Standing(#[from] stored::StoredError),
    #[error("what was fetched cannot be packed: {0}")]
    Pack(#[from] std::io::Error),
    #[error("the database was away; the run is made up for")]
    NoAnswer,
}

impl JobError {
    fn pause(&self, failures: u32) -> Option<Duration> {
        let (is_tried_again, asked_for) = match self {
            Self::Pull(error) => {
                let class = error.class();
                (matches!(class, Class::BackOff | Class::Timeout), error.retry_after())
            }
            Self::NoAnswer | Self::Store(_) => (true, None),
            Self::Secret(_) | Self::Standing(_) | Self::Pack(_) => (false, None),
        };
        let doubled = RETRY_FIRST.saturating_mul(1_u32 << failures.min(6)).min(RETRY_MAX);
        is_tried_again.then(|| asked_for.map_or(doubled, |asked| asked.max(doubled)))
    }
}

/// What a pull came to, before anything is stored.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The facts.
    pub(crate) facts: Vec<Fact>,
    /// The set in force that they were compared with.
    pub(crate) against: Option<Set>,
    /// What is to become of them.
    pub(crate) verdict: Verdict,
    /// What tells them from others.
    pub(crate) digest: String,
    pull: Option<(Vec<Document>, Known)>,
}

impl Office {
    /// Runs `job` to its end, which is written down.
    pub(crate) async fn run(&self, job: &Job) {
        let started_at = self.clock.now();
        let ended = match self.bring(job, started_at).await {
            Ok(None) => return,
            Ok(Some(end)) => self.end_well(job, &end).await,
            Err(error) => self.end_badly(job, &error).await,
        };
        if let Err(error) = ended {
            let cause = &error as &dyn Error;
            tracing::warn!(feed.id = job.feed.id, error = cause, "the end of a run is not kept");
        }
    }

    /// Ends the run because the program stops.
    pub(crate) async fn interrupt(&self, job: &Job) {
        let sentence = "the program was stopped before the run ended".to_owned();
        let end = End { outcome: Outcome::Interrupted, sentence, facts: None };
        if let Err(error) = self.end(job, &end).await {
            let cause = &error as &dyn Error;
            tracing::warn!(feed.id = job.feed.id, error = cause, "the end of a run is not kept");
        }
    }

    /// Fetches and judges what `feed` says; changes nothing, so it is its test.
    pub(crate) async fn look(&self, feed: &Feed) -> Result<Judged, String> {
        self.judge(feed, &Known::new()).await.map_err(|error| error.to_string())
    }

    /// Returns how the run ended where nothing new is to be put in force; none where the writer ended
    /// it.
    async fn bring(&self, job: &Job, fetched_at: DateTime<Utc>) -> Result<Option<End>, JobError> {
        let feed = &job.feed;
        let standing = store::feed_set::in_force(&self.store, &feed.id).await?;
        let known = standing.as_ref().and_then(|set| serde_json::from_str(&set.validators).ok());
        let mut judged = self.judge(feed, &known.unwrap_or_default()).await?;
        let Some((documents, validators)) = judged.pull.take() else {
            return Ok(Some(unchanged("the source says that nothing has changed", None)));
        };
        let read = std::mem::take(&mut judged.facts);
        let facts = read.len();
        let same = store::feed_set::with_digest(&self.store, &feed.id, &judged.digest).await?;
        match same {
            Some(same) if same.state == SetState::Active => {
                return Ok(Some(unchanged("the documents are those in force", Some(facts))));
            }
            Some(same) if same.state == SetState::Held => {
                let sentence = format!("the same as set {}, which waits for a person", same.id);
                return Ok(Some(End { outcome: Outcome::Held, sentence, facts: Some(facts) }));
            }
            Some(same) if same.decided_by.is_some() && same.state == SetState::Rejected => {
                let sentence = format!("the same as set {}, which was rejected", same.id);
                return Ok(Some(End { outcome: Outcome::Rejected, sentence, facts: Some(facts) }));
            }
            _ => {}
        }
        let (state, reasons) = match judged.verdict {
            Verdict::Accept => (SetState::Active, Vec::new()),
            Verdict::Hold(reasons) => (SetState::Held, reasons),
            Verdict::Reject(reason) => (SetState::Rejected, vec![reason]),
        };
        // Of one document the facts are those that would be read from it again.
        let bytes = match &*documents {
            [one] => Some(one.bytes.len()),
            _ => None,
        };
        let key = (feed.id.clone(), judged.digest.clone());
        let pack = tokio::task::spawn_blocking(move || {
            documents.iter().map(Packed::pack).collect::<Result<Vec<_>, _>>()
        });
        let set = NewSet {
            feed: feed.id.clone(),
            run: job.run,
            fetched_at,
            digest: judged.digest,
            kind: feed.kind.name,
            settings: feed.settings.to_string(),
            reasons,
            validators: serde_json::to_string(&validators).unwrap_or_default(),
            configured_by: self.hands(job).await?,
            facts,
            documents: pack.await.map_err(|_gone| JobError::NoAnswer)??,
        };
        let against = judged.against.map(|set| set.id);
        let step = FeedStep::Put(Box::new(Put { set, state, against }));
        self.ask(step).await?;
        if let Some(bytes) = bytes.filter(|_| state == SetState::Active) {
            self.shelf.keep(key, read, bytes);
        }
        Ok(None)
    }

    async fn ask(&self, step: FeedStep) -> Result<(), JobError> {
        let (reply, answer) = oneshot::channel();
        let asked = self.asks.send(Request::Feed { step, reply }).await;
        asked.map_err(|_gone| JobError::NoAnswer)?;
        answer.await.map(drop).map_err(|_gone| JobError::NoAnswer)
    }

    /// Returns who had a hand in the run: who answers for the document, who set its secrets, and who
    /// started it.
    async fn hands(&self, job: &Job) -> Result<Vec<String>, StoreError> {
        let mut hands = BTreeSet::from([job.feed.configured_by.clone()]);
        hands.extend(job.actor.clone());
        for kept in store::named_secret::all(&self.store).await? {
            let is_used =
                job.feed.secrets.values().any(
                    |place| matches!(place, SecretDocument::Stored(name) if *name == kept.name),
                );
            if is_used {
                hands.insert(kept.set_by);
            }
        }
        Ok(hands.into_iter().collect())
    }

    async fn judge(&self, feed: &Feed, known: &Known) -> Result<Judged, JobError> {
        let secrets = self.vault.secrets_of(feed, Some(&self.store)).await?;
        let pulling = Pulling {
            kind: feed.kind,
            settings: &feed.settings,
            source: &feed.source,
            secrets: &secrets,
        };
        let today = self.clock.now().with_timezone(&feed.zone).date_naive();
        let pulled = pulling.pull(known, &self.http, today).await?;
        let against = store::feed_set::in_force(&self.store, &feed.id).await?;
        let Pulled::Facts(Pull { mut facts, documents, known }) = pulled else {
            let digest = String::new();
            let (facts, verdict) = (Vec::new(), Verdict::Accept);
            return Ok(Judged { facts, against, verdict, digest, pull: None });
        };
        let last = match &against {
            Some(set) => self.shelf.facts_of(&self.store, set).await?,
            None => Arc::default(),
        };
        name_source(&mut facts, &feed.id);
        let limits = feed.limits.review;
        let closed = match &feed.publishes_by {
            Some(region) => told_days::off(&self.store, &self.shelf, region).await?,
            None => BTreeSet::new(),
        };
        let judging = tokio::task::spawn_blocking(move || {
            let verdict = review::judge(&facts, &last, today, &limits, &closed);
            (facts, verdict)
        });
        let (facts, verdict) = judging.await.map_err(|_gone| JobError::NoAnswer)?;
        let documents: Vec<_> = documents
            .into_iter()
            .map(|came| Document { address: came.address, bytes: came.bytes.to_vec() })
            .collect();
        let digest = digest(feed.kind.name, &feed.settings, &documents);
        Ok(Judged { facts, against, verdict, digest, pull: Some((documents, known)) })
    }

    async fn end_well(&self, job: &Job, end: &End) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        store::feed_run::end(&mut tx, job.run, (end, now)).await?;
        store::feed_state::ended(&mut tx, &job.feed.id, (end.outcome, now)).await?;
        tx.commit().await?;
        self.metrics.feeds.count(end.outcome);
        Ok(())
    }

    async fn end_badly(&self, job: &Job, error: &JobError) -> Result<(), StoreError> {
        let now = self.clock.now();
        let failures = store::feed_state::find(&self.store, &job.feed.id).await?.failures;
        let pause = error.pause(failures).and_then(|pause| TimeDelta::from_std(pause).ok());
        let end = End { outcome: Outcome::Failed, sentence: error.to_string(), facts: None };
        tracing::warn!(feed.id = job.feed.id, "a feed brought nothing: {}", end.sentence);
        let mut tx = self.store.begin().await?;
        store::feed_run::end(&mut tx, job.run, (&end, now)).await?;
        store::feed_state::failed(&mut tx, &job.feed.id, pause.map(|pause| now + pause)).await?;
        tx.commit().await?;
        self.metrics.feeds.count(end.outcome);
        Ok(())
    }

    async fn end(&self, job: &Job, end: &End) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        store::feed_run::end(&mut tx, job.run, (end, self.clock.now())).await?;
        tx.commit().await?;
        self.metrics.feeds.count(end.outcome);
        Ok(())
    }
}

fn unchanged(sentence: &str, facts: Option<usize>) -> End {
    End { outcome: Outcome::Unchanged, sentence: sentence.to_owned(), facts }
}

/// Returns what tells a set from others: all that its facts depend on.
fn digest(kind: &str, settings: &Value, documents: &[Document]) -> String {
    let mut digest = Sha256::new();
    let settings = settings.to_string();
    let parts = [kind.as_bytes(), settings.as_bytes()];
    for part in parts.into_iter().chain(documents.iter().map(|document| &*document.bytes)) {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    hex::hex(&digest.finalize())
}
