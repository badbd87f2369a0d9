//! The one writer: messages, time and the store meet here.
//!
//! Whatever arrived while the last commit ran is the next batch, so a quiet system answers at
//! once and a busy one shares each commit among thousands of messages. One transaction holds the
//! events, what follows from them and the cursor; the senders are told after the commit.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use upturn_core::decode::{DecodeError, Message, Receipt, Sources};
use upturn_core::effect::Effect;
use upturn_core::engine::{ActiveRule, Engine, Memory};
use upturn_core::event::{Event, Position};
use upturn_core::registry::Registry;

use crate::clock::Clock;
use crate::ingest::delivery::Delivery;
use crate::store::dead_letter::NewDeadLetter;
use crate::store::error::StoreError;
use crate::store::event::NewEvent;
use crate::store::{self, Store, Tx};
use crate::telemetry::Metrics;
use crate::web::Change;

mod recovery;
mod consequence;

/// The most messages one commit may hold.
pub(crate) const BATCH_MAX: usize = 4_096;
/// How much history the engine keeps in memory; an older late event is folded from the store.
const MEMORY: Memory = Memory::Recent(chrono::TimeDelta::hours(24));
/// Events read at once when the engine is rebuilt.
const PAGE: u32 = 10_000;

/// What the writer works with.
#[derive(Debug)]
pub(crate) struct Runtime<'r> {
    /// Where everything is kept.
    pub(crate) store: &'r Store,
    /// What time it is.
    pub(crate) clock: &'r dyn Clock,
    /// How topics and payloads are read.
    pub(crate) sources: &'r Sources,
    /// Whether letters about tasks are to be written: somebody carries them.
    pub(crate) writes_letters: bool,
    /// Counts.
    pub(crate) metrics: &'r Metrics,
    /// Tells the pages that something changed.
    pub(crate) changes: &'r broadcast::Sender<Change>,
}

/// The engine and how far it has come.
#[derive(Debug)]
pub(crate) struct Fold {
    engine: Engine,
    cursor: Position,
}

/// A batch after decoding.
#[derive(Debug, Default)]
struct Decoded {
    /// New to this batch, in order of receipt.
    events: Vec<(Position, Box<str>, Event)>,
    dead_letters: Vec<NewDeadLetter>,
    /// How many stood twice in the batch.
    repeated: u64,
}

/// What became of a batch.
#[derive(Debug)]
struct Tally {
    taken: u64,
    repeated: u64,
    made: u64,
}

impl Runtime<'_> {
    /// Rebuilds the engine from the store: the fold over everything that was committed.
    pub(crate) async fn recover(
        &self,
        rules: Vec<ActiveRule>,
        registry: Registry,
    ) -> Result<Fold, StoreError> {
        recovery::recover(self.store, Engine::new(rules, registry, MEMORY)).await
    }

    /// Handles what comes in until `shutdown`, or until every sender is gone.
    ///
    /// On an error the caller rebuilds the engine and calls again. Nothing is lost: what was not
    /// committed was not acknowledged.
    pub(crate) async fn run(
        &self,
        fold: &mut Fold,
        inbox: &mut mpsc::Receiver<Delivery>,
        shutdown: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                received = inbox.recv_many(&mut batch, BATCH_MAX) => {
                    if received == 0 {
                        return Ok(());
                    }
                }
            }
            self.commit(fold, &batch).await?;
            for delivery in batch.drain(..) {
                delivery.acknowledge();
            }
        }
    }

    /// Makes one batch durable with everything that follows from it.
    async fn commit(&self, fold: &mut Fold, batch: &[Delivery]) -> Result<(), StoreError> {
        // Log time never decreases, whatever the machine's clock does.
        let now = self.clock.now().max(fold.engine.log_time());
        let decoded = self.decode(fold.cursor, now, batch);
        if decoded.events.is_empty() && decoded.dead_letters.is_empty() {
            return Ok(());
        }
        let old = fold.cursor;
        let new = decoded.events.last().map_or(old, |(position, _, _)| *position);

        let mut tx = self.store.begin().await?;
        let rows: Vec<NewEvent<'_>> = decoded
            .events
            .iter()
            .map(|(position, source, event)| NewEvent { position: *position, source, event })
            .collect();
        let fresh = store::event::append(&mut tx, &rows).await?;
        store::dead_letter::insert(&mut tx, &decoded.dead_letters).await?;
        let total = decoded.events.len();
        let mut made = 0;
        let mut taken = 0;
        for ((position, _, event), is_new) in decoded.events.into_iter().zip(fresh) {
            if is_new {
                taken += 1;
                let effects = fold_one(&mut fold.engine, &mut tx, position, event).await?;
                made += consequence::store(&mut tx, now, self.writes_letters, effects).await?;
            }
        }
        if old != new {
            store::cursor::advance(&mut tx, old, new).await?;
        }
        tx.commit().await?;
        fold.cursor = new;

        let repeated = u64::try_from(total).unwrap_or_default() - taken + decoded.repeated;
        self.count(now, &Tally { taken, repeated, made }, &decoded.dead_letters);
        Ok(())
    }

    fn decode(&self, cursor: Position, now: DateTime<Utc>, batch: &[Delivery]) -> Decoded {
        let mut decoded = Decoded::default();
        let mut seen = BTreeSet::new();
        let mut position = cursor;
        for delivery in batch {
            if delivery.retained {
                continue;
            }
            let receipt = Receipt::At(now);
            let message = Message { topic: &delivery.topic, payload: &delivery.payload, receipt };
            match self.sources.decode(message) {
                Ok(event) => {
                    let key = (event.stated_at, event.device.clone(), event.id.clone());
                    if seen.insert(key) {
                        position += 1;
                        let source = self.sources.find(&delivery.topic);
                        let source = source.map_or_else(Box::default, |s| s.name.clone());
                        decoded.events.push((position, source, event));
                    } else {
                        decoded.repeated += 1;
                    }
                }
                Err(error) => decoded.dead_letters.push(self.dead_letter(now, delivery, &error)),
            }
        }
        decoded
    }

    fn dead_letter(
        &self,
        now: DateTime<Utc>,
        delivery: &Delivery,
        error: &DecodeError,
    ) -> NewDeadLetter {
        let source = self.sources.find(&delivery.topic).map(|source| source.name.to_string());
        NewDeadLetter {
            received_at: now,
            topic: delivery.topic.clone(),
            payload: delivery.payload.clone(),
            source,
            code: error.code(),
            reason: error.to_string(),
        }
    }

    fn count(&self, now: DateTime<Utc>, tally: &Tally, dead: &[NewDeadLetter]) {
        let Tally { taken, repeated, made } = *tally;
        self.metrics.commits.inc();
        self.metrics.events.inc_by(taken);
        self.metrics.duplicates.inc_by(repeated);
        self.metrics.tasks_created.inc_by(made);
        for letter in dead {
            self.metrics.count_dead_letter(letter.code);
        }
        if 0 < taken {
            self.metrics.saw_event(now);
        }
        if 0 < made {
            // Nobody may be looking.
            drop(self.changes.send(Change { tasks_version: self.metrics.tasks_created.get() }));
        }
    }
}

/// Folds one event, with its device's history from the store where the engine asks for it.
async fn fold_one(
    engine: &mut Engine,
    tx: &mut Tx,
    position: Position,
    event: Event,
) -> Result<Vec<Effect>, StoreError> {
    let mut effects = Vec::new();
    if let Some(need) = engine.handle(position, event, &mut effects) {
        let all = store::event::of_device(tx, &need.device, DateTime::<Utc>::MIN_UTC).await?;
        // Later events of this batch are in the store already, but not yet in the fold.
        let known = all.into_iter().filter(|(at, _)| *at <= position).collect();
        engine.supply(&need.device, known, &mut effects);
    }
    Ok(effects)
}
