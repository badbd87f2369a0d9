//! The real writer and its log, with a clock that is moved.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::{broadcast, watch};
use upturn_core::catalogue::Catalogue;
use upturn_core::compliance::policy::Policy;
use upturn_core::decode::{Format, Sources};
use upturn_core::registry::Registry;
use upturn_core::rule::parse;

use super::Runtime;
use super::fold::Fold;
use super::request::{FeedStep, Put, Stepped, Wanted};
use crate::clock::Clock;
use crate::config::Config;
use crate::facts::shelf::Shelf;
use crate::ingest::delivery::Delivery;
use crate::ingest::inbox::Batch;
use crate::rules::LoadedRule;
use crate::store::feed_run::{self, Cause, NewRun};
use crate::store::feed_set::{self, Document, NewSet, Packed, SetState};
use crate::store::{self, Store};
use crate::telemetry::Metrics;

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(super) struct Moved(pub(super) Mutex<DateTime<Utc>>);

impl Clock for Moved {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// A writer with one rule, and its log.
pub(super) struct Plant<'s> {
    pub(super) store: &'s Store,
    pub(super) clock: Moved,
    pub(super) config: Config,
    pub(super) metrics: Metrics,
    rule: &'static str,
    delivery: watch::Sender<Arc<crate::delivery::Routing>>,
    pub(super) folder: watch::Sender<Arc<Registry>>,
    shelf: Shelf,
    leads: watch::Sender<Arc<upturn_core::lead::policy::Policy>>,
    changes: broadcast::Sender<crate::web::Change>,
}

/// A document that a feed brings.
pub(super) struct Brought<'b> {
    pub(super) feed: &'b str,
    pub(super) kind: &'static str,
    pub(super) settings: &'b Value,
    pub(super) document: &'b Value,
}

impl<'s> Plant<'s> {
    pub(super) fn on(store: &'s Store, now: &str, rule: &'static str) -> Self {
        Self {
            store,
            clock: Moved(Mutex::new(at(now))),
            config: Config::default(),
            metrics: Metrics::new(),
            rule,
            delivery: watch::Sender::default(),
            folder: watch::Sender::default(),
            shelf: Shelf::default(),
            leads: watch::Sender::default(),
            changes: broadcast::channel(16).0,
        }
    }

    pub(super) fn runtime<'r>(&'r self, sources: &'r Sources) -> Runtime<'r> {
        Runtime {
            store: self.store,
            clock: &self.clock,
            sources,
            delivery: &self.delivery,
            folder: &self.folder,
            shelf: &self.shelf,
            leads: &self.leads,
            retention: &self.config.retention,
            metrics: &self.metrics,
            changes: &self.changes,
        }
    }

    pub(super) fn move_to(&self, now: &str) {
        *self.clock.0.lock().unwrap() = at(now);
    }

    /// Starts the program, or starts it again.
    pub(super) async fn begin(&self) -> Fold {
        let sources = self.config.sources();
        let epoch = store::cursor::begin_epoch(self.store).await.unwrap();
        let mut fold = Box::pin(self.runtime(&sources).recover(epoch, None)).await.unwrap();
        let rule = parse::parse(self.rule, &Catalogue::of(&[Format::Native])).0.unwrap();
        let wanted = Wanted {
            rules: vec![LoadedRule { rule, text: self.rule.to_owned() }],
            registry: Registry::clone(&self.folder.borrow()),
            policy: Policy::default(),
            actor: "test".to_owned(),
        };
        Box::pin(self.runtime(&sources).switch(&mut fold, &wanted)).await.unwrap();
        fold
    }

    /// Takes what `device` sends in one commit.
    pub(super) async fn send(&self, fold: &mut Fold, device: &str, payloads: &[Value]) {
        let delivery = |payload: &Value| {
            let (topic, retained) = (format!("devices/{device}/events"), false);
            Delivery { topic, payload: Bytes::from(payload.to_string()), retained, receipt: None }
        };
        let deliveries = payloads.iter().map(delivery).collect();
        let batch = Batch { deliveries, submissions: Vec::new() };
        let sources = self.config.sources();
        Box::pin(self.runtime(&sources).commit(fold, &batch)).await.unwrap();
    }

    /// Has a feed bring a document, and the writer look at it.
    pub(super) async fn bring(&self, fold: &mut Fold, brought: Brought<'_>) {
        let Brought { feed, kind, settings, document } = brought;
        let now = self.clock.now();
        let run = NewRun { feed, slot: Some(now), missed: 0, cause: Cause::Schedule };
        let run = feed_run::begin(self.store, &run, now).await.unwrap().unwrap();
        let bytes = document.to_string().into_bytes();
        let document = Document { address: "http://127.0.0.1/brought.json".to_owned(), bytes };
        let against = feed_set::in_force(self.store, feed).await.unwrap().map(|set| set.id);
        let set = NewSet {
            feed: feed.to_owned(),
            run,
            fetched_at: now,
            digest: now.to_string(),
            kind,
            settings: settings.to_string(),
            reasons: Vec::new(),
            validators: "{}".to_owned(),
            configured_by: Vec::new(),
            facts: 1,
            documents: vec![Packed::pack(&document).unwrap()],
        };
        let step = FeedStep::Put(Box::new(Put { set, state: SetState::Active, against }));
        let sources = self.config.sources();
        let runtime = self.runtime(&sources);
        assert_eq!(runtime.step_feed(fold, &step).await.unwrap(), Stepped::Done);
        Box::pin(runtime.keep_told(fold)).await.unwrap();
    }
}

pub(super) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}
