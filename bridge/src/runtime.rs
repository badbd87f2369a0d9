//! The one writer: messages, time and the store meet here.
//!
//! Whatever arrived while the last commit ran is the next batch, so a quiet system answers at
//! once and a busy one shares each commit among thousands of messages. One transaction holds the
//! events, what follows from them and the cursor; the senders are told after the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use upturn_core::decode::{DecodeError, Message, Receipt, Sources};
use upturn_core::engine::{Engine, Memory};
use upturn_core::event::{Event, Position};
use upturn_core::id::{DeviceId, EventId};
use upturn_core::input::Input;
use upturn_core::lead::policy::Policy;
use upturn_core::registry::Registry;

use crate::clock::Clock;
use crate::config::retention::RetentionConfig;
use crate::delivery::Routing;
use crate::facts::shelf::Shelf;
use crate::failpoint;
use crate::ingest::delivery::Delivery;
use crate::ingest::inbox::{Batch, Inbox};
use crate::ingest::submission::Taken;
use crate::store::cursor::Epoch;
use crate::store::dead_letter::NewDeadLetter;
use crate::store::error::StoreError;
use crate::store::event::NewEvent;
use crate::store::retained_state::RetainedState;
use crate::store::unknown_device::{self, Sighting};
use crate::store::{self, Store, Tx};
use crate::telemetry::Metrics;
use crate::web::Change;

pub(crate) mod act;
mod attributes;
mod advice;
pub(crate) mod booking;
mod clocks;
mod deal_clocks;
pub(crate) mod consequence;
pub(crate) mod coupon;
pub(crate) mod days;
mod deal;
pub(crate) mod deed;
mod due;
mod facts;
mod failures;
mod leads;
pub(crate) mod forecasts;
mod letters;
pub(crate) mod overrule;
pub(crate) mod fold;
mod hand_over;
pub(crate) mod reading;
pub(crate) mod records;
pub(crate) mod recovery;
mod refusal;
mod retention;
pub(crate) mod request;
pub(crate) mod selling;
mod submitted;
mod timers;
#[cfg(test)]
mod testing;
mod told;
pub(crate) mod switching;
pub(crate) mod wish;

use self::consequence::{Consequences, Stored};
use self::fold::{Fold, Placed};
use self::letters::Desk;
use self::request::Request;
use self::submitted::Submitted;

/// The most messages one commit may hold.
pub(crate) const BATCH_MAX: usize = 4_096;
/// How much history the engine keeps in memory; an older late event is folded from the store.
pub(crate) const MEMORY: Memory = Memory::Recent(MEMORY_KEPT);
const MEMORY_KEPT: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// Inputs after which a snapshot is written: what a start may have to fold again.
const SNAPSHOT_EVERY: Position = 500_000;
/// How long after a deadline the tick comes that lets it pass: many deadlines share one.
const TICK_AFTER: Duration = Duration::from_millis(250);

/// How long the machine's clock is trusted to go on as it did: it may be set meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Where the writer's work comes from.
#[derive(Debug)]
pub(crate) struct Queues {
    /// Messages of devices, and events that programs hand in.
    pub(crate) inbox: Inbox,
    /// Wishes of people and commands.
    pub(crate) requests: mpsc::Receiver<Request>,
}

impl Queues {
    /// Drops everything that waits. Nothing of it was acknowledged; who waits is told by the end of
    /// the channel.
    pub(crate) fn forget(&mut self) {
        self.inbox.forget();
        while self.requests.try_recv().is_ok() {}
    }
}

/// What the writer works with.
#[derive(Debug)]
pub(crate) struct Runtime<'r> {
    /// Where everything is kept.
    pub(crate) store: &'r Store,
    /// What time it is.
    pub(crate) clock: &'r dyn Clock,
    /// How topics and payloads are read.
    pub(crate) sources: &'r Sources,
    /// Who is told of what happens to tasks.
    pub(crate) delivery: &'r watch::Sender<Arc<Routing>>,
    /// The registry of the folder.
    pub(crate) folder: &'r watch::Sender<Arc<Registry>>,
    /// The facts of sets that were read already.
    pub(crate) shelf: &'r Shelf,
    /// What leads are judged by.
    pub(crate) leads: &'r watch::Sender<Arc<Policy>>,
    /// How long things are kept.
    pub(crate) retention: &'r RetentionConfig,
    /// Counts.
    pub(crate) metrics: &'r Metrics,
    /// Tells the pages that something changed.
    pub(crate) changes: &'r broadcast::Sender<Change>,
}

/// A batch after decoding.
#[derive(Debug, Default)]
struct Decoded<'s> {
    /// New to this batch, in order of receipt, each with the name of its source.
    events: Vec<(Position, &'s str, Event)>,
    dead_letters: Vec<NewDeadLetter>,
    /// What brokers replayed.
    states: Vec<RetainedState>,
    /// How many stood twice in the batch.
    repeated: u64,
    /// What came by each submission.
    submitted: Vec<Submitted>,
    /// Devices that nobody registered.
    strangers: BTreeMap<DeviceId, Sighting>,
}

impl Decoded<'_> {
    /// Whether there is nothing to store.
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.dead_letters.is_empty() && self.states.is_empty()
    }

    /// Counts a message of `device`, if nobody registered it. Where no device is registered at all,
    /// none is unknown.
    fn sight(&mut self, registry: &Registry, device: &DeviceId, topic: &str) {
        if registry.devices.is_empty() || registry.devices.contains_key(device) {
            return;
        }
        if let Some(sighting) = self.strangers.get_mut(device) {
            sighting.messages += 1;
            topic.clone_into(&mut sighting.topic);
        } else if self.strangers.len() < unknown_device::NOTED_MAX {
            let sighting = Sighting { topic: topic.to_owned(), messages: 1 };
            self.strangers.insert(device.clone(), sighting);
        }
    }
}

/// What became of a batch.
#[derive(Debug)]
struct Tally {
    taken: u64,
    repeated: u64,
    /// Taken, but older than what is judged.
    late: u64,
    /// When the newest of its events happened.
    happened_at: Option<DateTime<Utc>>,
}

impl Runtime<'_> {
    /// Rebuilds the engine from the store: the fold over everything that was committed.
    ///
    /// `warm` is a fold that a standby kept; what it lacks is folded.
    pub(crate) async fn recover(
        &self,
        epoch: Epoch,
        warm: Option<Fold>,
    ) -> Result<Fold, StoreError> {
        let mut fold = match warm {
            None => recovery::recover(self.store, MEMORY).await?,
            Some(mut fold) => {
                recovery::catch_up(self.store, &mut fold).await?;
                fold
            }
        };
        fold.epoch = epoch;
        fold.next_timer = timers::next_committed(self.store).await?;
        if let Some(at) = store::event::newest_at(self.store).await? {
            self.metrics.saw_occurrence(at);
        }
        Ok(fold)
    }

    /// Handles what comes in until `shutdown`, or until every sender is gone.
    ///
    /// On an error the caller rebuilds the engine and calls again. Nothing is lost: what was not
    /// committed was not acknowledged.
    pub(crate) async fn run(
        &self,
        fold: &mut Fold,
        Queues { inbox, requests }: &mut Queues,
        shutdown: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        let mut saved_at = fold.cursor;
        let mut round = None;
        let pause = tokio::time::sleep(retention::FIRST);
        tokio::pin!(pause);
        let mut look = tokio::time::interval(records::LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    recovery::save(self.store, fold).await;
                    return Ok(());
                }
                Some(request) = requests.recv() => {
                    self.attend(fold, request).await?;
                    continue;
                }
                // Before what comes in, of which there may be no end; each step is short.
                _ = look.tick() => {
                    self.take_changes(fold).await?;
                    Box::pin(self.keep_told(fold)).await?;
                    continue;
                }
                () = &mut pause => {
                    let wait = self.retain(fold, &mut round).await?;
                    pause.set(tokio::time::sleep(wait));
                    continue;
                }
                goes_on = inbox.fill(&mut batch, BATCH_MAX) => {
                    if !goes_on {
                        return Ok(());
                    }
                }
                () = self.until_deadline(fold) => {
                    self.tick(fold).await?;
                    continue;
                }
            }
            if failpoint::is_set("ack-before-commit") {
                batch.deliveries.iter_mut().for_each(Delivery::acknowledge_early);
            }
            let taken = self.commit(fold, &batch).await?;
            failpoint::crash("after-commit-before-ack");
            if saved_at + SNAPSHOT_EVERY <= fold.cursor {
                recovery::save(self.store, fold).await;
                saved_at = fold.cursor;
            }
            for delivery in batch.deliveries.drain(..) {
                delivery.acknowledge();
            }
            for (submission, taken) in batch.submissions.drain(..).zip(taken) {
                submission.answer(taken);
            }
        }
    }

    /// Makes one batch durable with everything that follows from it; returns what became of each
    /// submission. An event that the database refuses becomes a dead letter.
    async fn commit(&self, fold: &mut Fold, batch: &Batch) -> Result<Vec<Taken>, StoreError> {
        let now = self.now(fold);
        if failpoint::is_set("skip-fence") {
            fold.cursor = store::cursor::read(self.store).await?;
        }
        let decoded = self.decode(fold, now, batch);
        match self.keep(fold, now, decoded).await {
            Err(error) if error.is_of_value() => {
                Box::pin(self.keep_without_refused(fold, (now, batch), error)).await
            }
            kept => kept,
        }
    }

    /// Makes what was decoded durable with everything that follows from it.
    async fn keep(
        &self,
        fold: &mut Fold,
        now: DateTime<Utc>,
        decoded: Decoded<'_>,
    ) -> Result<Vec<Taken>, StoreError> {
        if decoded.is_empty() {
            return Ok(submitted::outcome(&decoded.submitted, &[]));
        }
        self.store.require_room()?;
        let old = fold.cursor;
        let new = decoded.events.last().map_or(old, |(position, _, _)| *position);
        let Decoded { events, dead_letters, states, repeated, submitted, strangers } = decoded;
        let total = events.len();

        let mut tx = self.store.begin().await?;
        // First of all, and where nothing but dead letters comes: whoever was shut out writes nothing.
        store::cursor::advance(&mut tx, fold.epoch, old, new).await?;
        let happened_at = events.iter().map(|(_, _, event)| event.occurred_at).max();
        let (fresh, stored, late) = self.write(&mut tx, fold, now, events).await?;
        store::dead_letter::insert(&mut tx, &dead_letters).await?;
        store::retained_state::put(&mut tx, &states).await?;
        unknown_device::note(&mut tx, &strangers, now).await?;
        let fired = self.fire(&mut tx, fold, now).await?;
        if 0 < fired + stored.changed {
            fold.next_timer = timers::next(&mut tx).await?;
        }
        failpoint::crash("before-commit");
        tx.commit().await?;
        fold.cursor = new;
        if 0 < fired {
            self.announce();
        }

        let taken = fresh.iter().map(|is_new| u64::from(*is_new)).sum::<u64>();
        let repeated = u64::try_from(total).unwrap_or_default() - taken + repeated;
        self.count(now, &Tally { taken, repeated, late, happened_at }, &dead_letters);
        self.count_stored(&stored);
        self.metrics.states.inc_by(u64::try_from(states.len()).unwrap_or_default());
        Ok(submitted::outcome(&submitted, &fresh))
    }

    /// Writes events and what follows from them; returns which of them are new, what was stored, and
    /// how many came too late to be judged.
    async fn write(
        &self,
        tx: &mut Tx,
        fold: &mut Fold,
        now: DateTime<Utc>,
        events: Vec<(Position, &str, Event)>,
    ) -> Result<(Vec<bool>, Stored, u64), StoreError> {
        let rows: Vec<NewEvent<'_>> = events
            .iter()
            .map(|(position, source, event)| NewEvent { position: *position, source, event })
            .collect();
        let fresh = store::event::append(tx, &rows).await?;
        let (mut consequences, mut late) = (Consequences::new(), 0);
        for ((position, _, event), is_new) in events.into_iter().zip(&fresh) {
            if *is_new {
                late += u64::from(fold.engine.is_forgotten(&event));
                let placed = Placed { position, received_at: now, input: Input::Event(event) };
                let mut effects = Vec::new();
                fold::handle(&mut fold.engine, (self.store, tx), placed, &mut effects).await?;
                consequences.take(position, effects);
            }
        }
        consequences.locate(fold.engine.registry());
        Box::pin(self.judge(tx, fold, &mut consequences)).await?;
        let desk = self.desk(&fold.engine);
        let stored = consequence::store(tx, now, &desk, &mut fold.failures, consequences).await?;
        Ok((fresh, stored, late))
    }

    /// Returns what letters are written with.
    fn desk<'e>(&self, engine: &'e Engine) -> Desk<'e> {
        Desk { delivery: Arc::clone(&self.delivery.borrow()), registry: engine.registry() }
    }

    fn decode(&self, fold: &Fold, now: DateTime<Utc>, batch: &Batch) -> Decoded<'_> {
        let (cursor, registry) = (fold.cursor, fold.engine.registry());
        let mut decoded = Decoded::default();
        let mut seen = BTreeSet::new();
        let mut position = cursor;
        for delivery in &batch.deliveries {
            if delivery.retained {
                let Delivery { topic, payload, .. } = delivery;
                let (topic, payload) = (topic.clone(), payload.clone());
                decoded.states.push(RetainedState { topic, received_at: now, payload });
                continue;
            }
            let receipt = Receipt::At(now);
            let message = Message { topic: &delivery.topic, payload: &delivery.payload, receipt };
            match self.sources.read(message) {
                Ok((source, event)) => {
                    decoded.sight(registry, &event.device, &delivery.topic);
                    if seen.insert(key(&event)) {
                        position += 1;
                        decoded.events.push((position, &*source.name, event));
                    } else {
                        decoded.repeated += 1;
                    }
                }
                Err(error) => decoded.dead_letters.push(self.dead_letter(now, delivery, &error)),
            }
        }
        for submission in &batch.submissions {
            submitted::merge(submission, now, cursor, &mut seen, &mut decoded);
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
        let Tally { taken, repeated, late, happened_at } = *tally;
        self.metrics.commits.inc();
        self.metrics.events.inc_by(taken);
        self.metrics.duplicates.inc_by(repeated);
        self.metrics.retention.events_too_late.inc_by(late);
        for letter in dead {
            self.metrics.count_dead_letter(letter.code);
        }
        if 0 < taken {
            self.metrics.saw_event(now);
        }
        if let Some(at) = happened_at {
            self.metrics.saw_occurrence(at);
        }
    }

    /// Counts what a commit brought about, and tells open pages of it.
    fn count_stored(&self, stored: &Stored) {
        self.metrics.tasks_created.inc_by(stored.made);
        for (rule, failed) in &stored.failed {
            self.metrics.count_rule_failures(rule.as_str(), *failed);
        }
        for _ in 0..stored.letters {
            self.metrics.count_dead_letter(failures::CODE);
        }
        if 0 < stored.changed {
            self.announce();
        }
    }

    /// Tells open pages that tasks changed.
    fn announce(&self) {
        // Nobody may be looking.
        drop(self.changes.send(Change { tasks_version: self.metrics.commits.get() }));
    }

    /// Waits until the next deadline has passed; for ever where there is none.
    async fn until_deadline(&self, fold: &Fold) {
        let deadlines = [fold.engine.next_deadline(), fold.next_timer];
        let Some(deadline) = deadlines.into_iter().flatten().min() else {
            return std::future::pending().await;
        };
        loop {
            let left = (deadline - self.clock.now()).to_std().unwrap_or_default();
            if left < LOOK_AGAIN {
                return tokio::time::sleep(left + TICK_AFTER).await;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// What tells an event from another: the same as the store's unique key.
type Key = (Option<DateTime<Utc>>, DeviceId, EventId);

fn key(event: &Event) -> Key {
    (event.stated_at, event.device.clone(), event.id.clone())
}
