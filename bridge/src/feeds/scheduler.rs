//! The one task that runs all feeds: it sleeps until the next of them is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Feeds;
use super::agenda::{Agenda, Due};
use super::job::{Job, Office};
use super::standing;
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::store::error::StoreError;
use crate::store::feed_run::{self, End, NewRun, Outcome, Run};
use crate::store::feed_state;

/// How often it looks whether somebody wants a run: one question, however many feeds there are.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the ages of sets are told to the metrics.
const AGES_EVERY: Duration = Duration::from_secs(30);
/// How long the machine's clock is trusted to go on as it did: it may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// Runs feeds while this process is the active one.
#[derive(Debug)]
pub(crate) struct Scheduler {
    office: Office,
    at_once: usize,
    agenda: Agenda,
    /// Those under way; each returns its feed's id.
    running: JoinSet<String>,
    stop: CancellationToken,
}

/// Runs the feeds in force, at most `at_once` of them at a time, until `stop`.
pub(crate) async fn run(
    office: Office,
    mut feeds: watch::Receiver<Arc<Feeds>>,
    at_once: u8,
    stop: CancellationToken,
) {
    let mut scheduler = Scheduler {
        office,
        at_once: usize::from(at_once),
        agenda: Agenda::default(),
        running: JoinSet::new(),
        stop: stop.clone(),
    };
    let mut backoff = Backoff::new();
    while !stop.is_cancelled() {
        let worked = tokio::select! {
            worked = scheduler.work(&mut feeds) => worked,
            () = stop.cancelled() => break,
        };
        let Err(error) = worked else { break };
        tell(&error);
        tokio::select! {
            () = backoff.wait() => {}
            () = stop.cancelled() => break,
        }
    }
    // Each writes down that it was stopped.
    while scheduler.running.join_next().await.is_some() {}
}

fn tell(error: &StoreError) {
    let cause = error as &dyn std::error::Error;
    tracing::warn!(error = cause, "feeds wait for the database; trying again");
}

impl Scheduler {
    async fn work(&mut self, feeds: &mut watch::Receiver<Arc<Feeds>>) -> Result<(), StoreError> {
        if self.running.is_empty() {
            let left = feed_run::interrupt(&self.office.store, self.office.clock.now()).await?;
            if 0 < left {
                tracing::info!(left, "runs of feeds were cut short; their slots have run");
            }
        }
        loop {
            let wanted = Arc::clone(&feeds.borrow_and_update());
            self.agenda = self.plan(&wanted).await?;
            self.tell_ages(&wanted).await?;
            if !self.serve(feeds, &wanted).await? {
                return Ok(());
            }
        }
    }

    /// Runs what is due of `wanted` until the documents are others; returns false at the end.
    async fn serve(
        &mut self,
        feeds: &mut watch::Receiver<Arc<Feeds>>,
        wanted: &Feeds,
    ) -> Result<bool, StoreError> {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut ages = tokio::time::interval(AGES_EVERY);
        for each in [&mut look, &mut ages] {
            each.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        }
        loop {
            self.begin_due().await?;
            let has_room = self.running.len() < self.at_once;
            let due_at = self.agenda.next_at().filter(|_| has_room);
            let clock = Arc::clone(&self.office.clock);
            tokio::select! {
                changed = feeds.changed() => return Ok(changed.is_ok()),
                Some(ended) = self.running.join_next(), if !self.running.is_empty() => {
                    if let Ok(id) = ended {
                        let state = feed_state::find(&self.office.store, &id).await?;
                        self.agenda.ended(&id, state.retry_at);
                    }
                }
                _ = look.tick() => self.begin_wanted(wanted).await?,
                _ = ages.tick() => self.tell_ages(wanted).await?,
                () = until(due_at, &*clock) => {}
            }
        }
    }

    async fn plan(&self, wanted: &Feeds) -> Result<Agenda, StoreError> {
        let slots: BTreeMap<String, DateTime<Utc>> =
            feed_run::newest_slots(&self.office.store).await?.into_iter().collect();
        let runs = feed_run::newest(&self.office.store).await?;
        let begun: BTreeMap<&str, DateTime<Utc>> =
            runs.iter().map(|run| (&*run.feed, run.wanted_at)).collect();
        let states = feed_state::all(&self.office.store).await?;
        let known = |id: &str| {
            let retry_at = states.get(id).and_then(|state| state.retry_at);
            // A first run may have no slot.
            (slots.get(id).or_else(|| begun.get(id)).copied(), retry_at)
        };
        Ok(Agenda::new(wanted, known, self.office.clock.now()))
    }

    async fn begin_due(&mut self) -> Result<(), StoreError> {
        while self.running.len() < self.at_once {
            let now = self.office.clock.now();
            let Some(due) = self.agenda.take(now) else { return Ok(()) };
            let id = due.feed.id.clone();
            let is_paused = feed_state::find(&self.office.store, &id).await?.paused_by.is_some();
            let begun = if is_paused { None } else { self.begin(&due, now).await? };
            match begun {
                Some(run) => self.start(Job { feed: due.feed, run, actor: None }),
                None => self.agenda.ended(&id, None),
            }
        }
        Ok(())
    }

    async fn begin(&self, due: &Due, now: DateTime<Utc>) -> Result<Option<i64>, StoreError> {
        let run =
            NewRun { feed: &due.feed.id, slot: due.slot, missed: due.missed, cause: due.cause };
        feed_run::begin(&self.office.store, &run, now).await
    }

    /// Begins what people want.
    async fn begin_wanted(&mut self, wanted: &Feeds) -> Result<(), StoreError> {
        let room = self.at_once.saturating_sub(self.running.len());
        if room == 0 || !feed_run::are_wanted(&self.office.store).await? {
            return Ok(());
        }
        let now = self.office.clock.now();
        for Run { id, feed, actor, .. } in
            feed_run::begin_wanted(&self.office.store, room, now).await?
        {
            if let Some(feed) = wanted.feeds.get(&feed) {
                self.start(Job { feed: Arc::clone(feed), run: id, actor });
            } else {
                let sentence = format!("there is no feed '{feed}' any more");
                let end = End { outcome: Outcome::Dropped, sentence, facts: None };
                let mut tx = self.office.store.begin().await?;
                feed_run::end(&mut tx, id, (&end, now)).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    fn start(&mut self, job: Job) {
        let (office, stop) = (self.office.clone(), self.stop.clone());
        self.running.spawn(async move {
            let ended = tokio::select! {
                () = office.run(&job) => true,
                () = stop.cancelled() => false,
            };
            if !ended {
                office.interrupt(&job).await;
            }
            job.feed.id.clone()
        });
    }

    async fn tell_ages(&self, wanted: &Feeds) -> Result<(), StoreError> {
        let now = self.office.clock.now();
        let all = standing::all(&self.office.store, &self.office.shelf, wanted, now).await?;
        self.office.metrics.feeds.set(&all, now);
        Ok(())
    }
}

/// Waits until `at`, or not much longer than the machine's clock is trusted; for ever where there is
/// none.
async fn until(at: Option<DateTime<Utc>>, clock: &dyn Clock) {
    let Some(at) = at else { return std::future::pending().await };
    let left = (at - clock.now()).to_std().unwrap_or_default();
    tokio::time::sleep(left.min(SLEEP_MAX)).await;
}
