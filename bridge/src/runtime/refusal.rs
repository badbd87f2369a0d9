//! An event that the database refuses for what it says: found by halves, and kept as a dead letter,
//! so that what came with it goes on.

use std::collections::BTreeMap;
use std::error::Error as _;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use upturn_core::event::Event;

use super::fold::Fold;
use super::{Decoded, Key, Runtime, key, recovery};
use crate::ingest::inbox::Batch;
use crate::ingest::submission::Taken;
use crate::store::dead_letter::NewDeadLetter;
use crate::store::error::StoreError;

/// The code of the dead letters of events that the database refused.
const CODE: &str = "refused-value";
/// How many events of one batch may be refused; finding each takes as many trials as the batch has
/// halves, and each trial an engine.
const REFUSED_MAX: usize = 64;

/// Events that the database refuses, and what it says.
type Refused = BTreeMap<Key, String>;

impl Runtime<'_> {
    /// Makes `batch` durable without the events that the database refuses, which become dead
    /// letters. Returns `error`, with which it was refused, where no event of it is to blame.
    pub(super) async fn keep_without_refused(
        &self,
        fold: &mut Fold,
        (now, batch): (DateTime<Utc>, &Batch),
        mut error: StoreError,
    ) -> Result<Vec<Taken>, StoreError> {
        *fold = self.recover(fold.epoch, None).await?;
        // Every trial begins with a recovery.
        recovery::save(self.store, fold).await;
        let mut refused = Refused::new();
        while refused.len() < REFUSED_MAX {
            let Some((key, reason)) = self.find_refused(fold, (now, batch), &refused).await? else {
                return Err(error);
            };
            tracing::warn!(
                device.id = key.1.as_str(),
                "the database refuses an event; it becomes a dead letter"
            );
            refused.insert(key, reason);
            *fold = self.recover(fold.epoch, None).await?;
            let decoded = self.decode_without(fold, (now, batch), &refused);
            match self.keep(fold, now, decoded).await {
                Err(other) if other.is_of_value() => error = other,
                kept => return kept,
            }
        }
        Err(error)
    }

    /// Returns the first event that the database refuses beside those that are known, and why.
    async fn find_refused(
        &self,
        fold: &mut Fold,
        (now, batch): (DateTime<Utc>, &Batch),
        refused: &Refused,
    ) -> Result<Option<(Key, String)>, StoreError> {
        let count = self.decode_without(fold, (now, batch), refused).events.len();
        // So many are taken, so many are not.
        let (mut taken, mut not_taken) = (0, count);
        let Some(mut reason) = self.refusal_of(fold, (now, batch), (refused, count)).await? else {
            return Ok(None);
        };
        while taken + 1 < not_taken {
            let middle = usize::midpoint(taken, not_taken);
            match self.refusal_of(fold, (now, batch), (refused, middle)).await? {
                None => taken = middle,
                Some(found) => (not_taken, reason) = (middle, found),
            }
        }
        let events = self.decode_without(fold, (now, batch), refused).events;
        Ok(events.get(taken).map(|(_, _, event)| (key(event), reason)))
    }

    /// Tries the first `count` events on a fresh engine, keeps nothing of it, and returns what the
    /// database says against them.
    async fn refusal_of(
        &self,
        fold: &mut Fold,
        (now, batch): (DateTime<Utc>, &Batch),
        (refused, count): (&Refused, usize),
    ) -> Result<Option<String>, StoreError> {
        *fold = self.recover(fold.epoch, None).await?;
        let mut events = self.decode_without(fold, (now, batch), refused).events;
        events.truncate(count);
        let mut tx = self.store.begin().await?;
        match self.write(&mut tx, fold, now, events).await {
            Ok(_) => Ok(None),
            Err(error) if error.is_of_value() => {
                let said = error.source().map(ToString::to_string);
                Ok(Some(said.unwrap_or_else(|| error.to_string())))
            }
            Err(error) => Err(error),
        }
    }

    /// Decodes `batch`, with dead letters in the place of what is refused.
    fn decode_without(
        &self,
        fold: &Fold,
        (now, batch): (DateTime<Utc>, &Batch),
        refused: &Refused,
    ) -> Decoded<'_> {
        let mut decoded = self.decode(fold, now, batch);
        if refused.is_empty() {
            return decoded;
        }
        // How many events before each are kept: where submissions begin and end.
        let mut kept_before = vec![0];
        let (mut events, mut kept) = (Vec::with_capacity(decoded.events.len()), 0);
        for (position, source, event) in decoded.events {
            if let Some(reason) = refused.get(&key(&event)) {
                decoded.dead_letters.push(letter(now, &event, reason));
            } else {
                events.push((position, source, event));
                kept += 1;
            }
            kept_before.push(kept);
        }
        decoded.events = events;
        for submitted in &mut decoded.submitted {
            submitted.shift(&kept_before);
        }
        decoded
    }
}

fn letter(now: DateTime<Utc>, event: &Event, reason: &str) -> NewDeadLetter {
    NewDeadLetter {
        received_at: now,
        topic: event.device.as_str().to_owned(),
        payload: Bytes::from(event.attributes.as_json().to_owned()),
        source: None,
        code: CODE,
        reason: format!(
            "the database refuses the event '{}' of device '{}': {reason}",
            event.id, event.device
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::{broadcast, oneshot, watch};
    use tokio_util::sync::CancellationToken;
    use upturn_core::compliance::policy::Policy;
    use upturn_core::decode::{self, subject};
    use upturn_core::registry::Registry;

    use super::*;
    use crate::clock::{Clock as _, SystemClock};
    use crate::config::Config;
    use crate::config::retention::RetentionConfig;
    use crate::facts::shelf::Shelf;
    use crate::ingest::delivery::{Acknowledge, Delivery, Receipt};
    use crate::ingest::submission::Submission;
    use crate::rules::LoadedRule;
    use crate::runtime::request::Wanted;
    use crate::store::testing::{each_backend, refuse_poison};
    use crate::store::{cursor, dead_letter, event, task_view};
    use crate::telemetry::Metrics;

    const RULE: &str = "id = \"one\"\nkind = \"trigger\"\ntitle = { en = \"One\" }\n[when]\n\
        pattern = \"consecutive\"\nevent = \"charge_failed\"\ntimes = 1\nper = \"event.part\"\n\
        [[then]]\ntask = \"care\"\n";

    #[derive(Debug, Default)]
    struct Acknowledged(Mutex<Vec<u64>>);

    impl Acknowledge for Acknowledged {
        fn acknowledge(&self, token: u64) {
            self.0.lock().unwrap().push(token);
        }
    }

    /// Has the database refuse events with the id `poison`, and tasks for `poison`: no value that
    /// Upturn lets through is refused by either database, so the test brings its own constraint.
    fn delivery(token: u64, to: &Arc<Acknowledged>) -> Delivery {
        let id = if token == 3 { "poison".to_owned() } else { format!("m{token}") };
        let part = if token == 7 { "poison".to_owned() } else { format!("p{token}") };
        let payload = format!("{{\"id\":\"{id}\",\"kind\":\"charge_failed\",\"part\":\"{part}\"}}");
        let receipt = Some(Receipt { to: Arc::<Acknowledged>::clone(to), token });
        let topic = "devices/d1/events".to_owned();
        Delivery { topic, payload: payload.into(), retained: false, receipt }
    }

    fn submission(ids: &[&str]) -> (Submission, oneshot::Receiver<Taken>) {
        let (reply, answer) = oneshot::channel();
        let decode = |id: &&str| {
            let text = format!("{{\"id\":\"{id}\",\"kind\":\"charge_failed\",\"device\":\"d2\"}}");
            subject::decode(text.as_bytes(), decode::Receipt::At(SystemClock.now())).unwrap()
        };
        (Submission { events: ids.iter().map(decode).collect(), reply }, answer)
    }

    #[tokio::test]
    async fn what_the_database_refuses_becomes_a_dead_letter_and_the_rest_is_taken() {
        each_backend(async |store| {
            let (metrics, (changes, _)) = (Metrics::new(), broadcast::channel(4));
            let sources = Config::default().sources();
            let runtime = Runtime {
                store,
                clock: &SystemClock,
                sources: &sources,
                delivery: &watch::Sender::default(),
                folder: &watch::Sender::default(),
                shelf: &Shelf::default(),
                leads: &watch::Sender::default(),
                metrics: &metrics,
                changes: &changes,
                retention: &RetentionConfig::default(),
            };
            let epoch = cursor::begin_epoch(store).await.unwrap();
            let mut fold = runtime.recover(epoch, None).await.unwrap();
            let (rule, _) = upturn_core::rule::parse::parse(RULE, &Config::default().catalogue());
            let rules = vec![LoadedRule { rule: rule.unwrap(), text: RULE.to_owned() }];
            let actor = "test".to_owned();
            let wanted =
                Wanted { rules, registry: Registry::default(), policy: Policy::default(), actor };
            runtime.switch(&mut fold, &wanted).await.unwrap();
            refuse_poison(store).await;

            let told = Arc::<Acknowledged>::default();
            let deliveries = (1..=9).map(|token| delivery(token, &told)).collect();
            let (first, first_answer) = submission(&["a", "poison"]);
            let (second, second_answer) = submission(&["b", "c"]);
            let (submit, mut inbox) = crate::ingest::inbox::Inbox::with_room_for(4);
            let deliver = inbox.reopen(16);
            let batch = Batch { deliveries, submissions: vec![first, second] };
            for delivery in batch.deliveries {
                deliver.send(delivery).await.unwrap();
            }
            for submission in batch.submissions {
                submit.send(submission).await.unwrap();
            }
            drop(deliver);
            let (_asks, requests) = tokio::sync::mpsc::channel(1);
            let mut queues = crate::runtime::Queues { inbox, requests };
            let shutdown = CancellationToken::new();
            runtime.run(&mut fold, &mut queues, &shutdown).await.unwrap();

            assert_eq!(*told.0.lock().unwrap(), (1..=9).collect::<Vec<_>>());
            let taken = (first_answer.await.unwrap(), second_answer.await.unwrap());
            let of = |accepted| Taken { accepted, repeated: 0 };
            assert_eq!(taken, (of(1), of(2)));
            let stored = event::read_after(store, 0, 99).await.unwrap();
            let mut ids: Vec<_> = stored.iter().map(|(_, event)| event.id.as_str()).collect();
            ids.sort_unstable();
            assert_eq!(ids, ["a", "b", "c", "m1", "m2", "m4", "m5", "m6", "m8", "m9"]);
            assert_eq!(task_view::standing(store).await.unwrap().len(), 7);
            let letters = dead_letter::page(store, None, 10).await.unwrap();
            let mut codes: Vec<_> = letters.iter().map(|l| (&*l.code, &*l.topic)).collect();
            codes.sort_unstable();
            assert_eq!(codes, [(CODE, "d1"), (CODE, "d1"), (CODE, "d2")]);
            // What is rebuilt is what went on.
            let again = runtime.recover(epoch, None).await.unwrap();
            assert_eq!(again.cursor, fold.cursor);
        })
        .await;
    }
}
