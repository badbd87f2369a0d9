//! What tests of delivery share: a destination that keeps what it is sent, also where it answers an
//! error, and can be told what to answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use upturn_connectors::deliver::channel::Progress;
use upturn_connectors::deliver::template::Templates;
use upturn_connectors::deliver::{Channel, Failure, Inbound, Letter, Receipt, RecordState};
use upturn_connectors::http::header::HeaderMap;
use upturn_core::booking::Span;
use upturn_core::task::Title;

use super::document::{LetterLanguage, Occurrence, OnlyDocument};
use super::route::Route;
use super::timing::Timing;
use super::{Destination, Routing};

/// A system that keeps every letter it is sent as a record.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// Each sending, in order: key and kind.
    pub(crate) sent: Mutex<Vec<(String, String)>>,
    /// The records, by the letters' keys.
    pub(crate) records: Mutex<BTreeMap<String, Letter>>,
    /// What is answered next, though the letter is kept; success where nothing is left.
    pub(crate) answers: Mutex<VecDeque<Failure>>,
    /// Whose calendar it is, if it is one.
    pub(crate) consultant: Option<String>,
    /// When they are busy.
    pub(crate) busy: Mutex<Vec<Span>>,
    /// What became of the records there.
    pub(crate) states: Mutex<Vec<RecordState>>,
}

#[async_trait]
impl Channel for Recorder {
    async fn find(&self, letter: &Letter) -> Result<Option<Receipt>, Failure> {
        let is_there = self.records.lock().unwrap().contains_key(&letter.key);
        Ok(is_there.then(|| receipt(letter)))
    }

    async fn send(&self, letter: &Letter, _now: DateTime<Utc>) -> Result<Receipt, Failure> {
        self.sent.lock().unwrap().push((letter.key.clone(), letter.kind.clone()));
        self.records.lock().unwrap().insert(letter.key.clone(), letter.clone());
        match self.answers.lock().unwrap().pop_front() {
            Some(failure) => Err(failure),
            None => Ok(receipt(letter)),
        }
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        match self.answers.lock().unwrap().pop_front() {
            Some(failure) => Err(failure),
            None => Ok("it answers".to_owned()),
        }
    }

    fn preview(&self, letter: &Letter, _now: DateTime<Utc>) -> Option<String> {
        Some(format!("{:#}", letter.body))
    }

    async fn states(&self, remotes: &[String]) -> Result<Vec<RecordState>, Failure> {
        let states = self.states.lock().unwrap().clone();
        Ok(states.into_iter().filter(|state| remotes.contains(&state.remote)).collect())
    }

    fn can_be_asked(&self) -> bool {
        true
    }

    fn consultant(&self) -> Option<&str> {
        self.consultant.as_deref()
    }

    async fn busy(&self, within: Span, _zone: Tz) -> Result<Vec<Span>, Failure> {
        if let Some(failure) = self.answers.lock().unwrap().pop_front() {
            return Err(failure);
        }
        let busy = self.busy.lock().unwrap().clone();
        Ok(busy.into_iter().filter(|span| span.overlaps(within)).collect())
    }

    /// Takes `{"id", "task", "remote", "progress"}` where a header says that it is signed.
    fn receive(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        _now: DateTime<Utc>,
    ) -> Result<Inbound, Failure> {
        if !headers.contains_key("signed") {
            return Err(Failure::refused("no signature, and a secret: s3cret"));
        }
        let said: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        let progress = match said["progress"].as_str() {
            Some("done") => Progress::Done,
            Some("dismissed") => Progress::Dismissed,
            _ => Progress::Open,
        };
        let id = text("id").unwrap_or_default();
        Ok(Inbound { id, remote: text("remote"), task: text("task"), progress, at: None })
    }
}

fn receipt(letter: &Letter) -> Receipt {
    let remote = letter.remote.clone().unwrap_or_else(|| format!("r-{}", letter.subject));
    let url = Some(format!("https://crm.example/{remote}"));
    Receipt { remote: Some(remote), url, was_there: false }
}

/// Returns the destination `id` on `channel`.
pub(crate) fn destination(id: &str, channel: Arc<dyn Channel>) -> Destination {
    Destination {
        id: id.to_owned(),
        kind: "mqtt",
        title: Title { en: Some(format!("The {id}")), zh: None },
        tries: 3,
        ask_every: TimeDelta::seconds(60),
        channel,
        text: id.to_owned(),
    }
}

/// Returns a routing in which each of the destinations is told at once of everything.
pub(crate) fn routing(destinations: Vec<Destination>) -> Arc<Routing> {
    let routes = destinations.iter().map(|destination| Route {
        id: destination.id.clone(),
        on: Occurrence::ALL.to_vec(),
        to: destination.id.clone(),
        only: OnlyDocument::default(),
        timing: Timing::default(),
        language: LetterLanguage::En,
    });
    let routes = routes.collect();
    let destinations =
        destinations.into_iter().map(|one| (one.id.clone(), Arc::new(one))).collect();
    let templates = Arc::new(Templates::default());
    Arc::new(Routing {
        destinations,
        routes,
        templates,
        pages: Some("https://upturn.example".to_owned()),
    })
}
