//! A term of office: while it lasts, this process holds the claim and its doors are open.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use super::doors::{self, Doors, Opening, Patience};
use super::house::House;
use super::publisher;
use crate::audit_head;
use crate::backoff::Backoff;
use crate::clock::{Clock as _, SystemClock};
use crate::failpoint;
use crate::feeds::scheduler;
use crate::forecasts;
use crate::ingest::door::OpenDoor;
use crate::outbox::{self, Office as Letters};
use crate::runtime::{BATCH_MAX, Queues};
use crate::stock::planner;
use crate::store;
use crate::store::claim::{CHECK_EVERY, Claim};
use crate::store::error::StoreError;

/// Messages that wait for the writer: more than the broker sends ahead, so that what comes by
/// acknowledged delivery always fits.
const INBOX_MAX: usize = 4 * BATCH_MAX;

/// What is there only while this process is the active one.
#[derive(Debug)]
pub(super) struct Term {
    doors: Doors,
    resets: watch::Sender<u64>,
    tracker: TaskTracker,
    /// Ends the doors.
    stop: CancellationToken,
    office: Office,
}

/// The claim, and whoever keeps it.
#[derive(Debug)]
pub(super) struct Office {
    /// Cancelled once the claim is lost.
    lost: CancellationToken,
    /// Gives the claim back.
    give_back: CancellationToken,
}

impl Office {
    /// Keeps `claim` until it is lost or given back.
    pub(super) fn enter(house: &House, claim: Claim) -> Self {
        let (lost, give_back) = (CancellationToken::new(), CancellationToken::new());
        house.tracker.spawn(keep(claim, lost.clone(), give_back.clone()));
        Self { lost, give_back }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.give_back.cancel();
    }
}

async fn keep(mut claim: Claim, lost: CancellationToken, give_back: CancellationToken) {
    loop {
        tokio::select! {
            () = give_back.cancelled() => return,
            () = tokio::time::sleep(CHECK_EVERY) => {}
        }
        if failpoint::is_set("deaf") {
            continue;
        }
        if let Err(error) = claim.check().await {
            tracing::warn!(error = &error as &dyn Error, "standing back");
            lost.cancel();
            return;
        }
    }
}

impl Term {
    /// Begins the first term: what the settings name must be there.
    pub(super) async fn begin(
        house: &House,
        claim: Claim,
        queues: &mut Queues,
    ) -> Result<Self, StartError> {
        let office = Office::enter(house, claim);
        prepare(house).await?;
        Self::open(house, office, queues, Patience::None).await
    }

    /// Takes over: what the settings name is waited for. Returns none once the claim is lost, or
    /// everything ends.
    pub(super) async fn take_over(
        house: &House,
        office: Office,
        queues: &mut Queues,
    ) -> Result<Option<Self>, StartError> {
        let lost = office.lost.clone();
        let taken = async {
            prepare(house).await?;
            read_documents(house).await;
            Self::open(house, office, queues, Patience::Endless).await
        };
        tokio::select! {
            taken = taken => taken.map(Some),
            () = lost.cancelled() => Ok(None),
            () = house.shutdown.cancelled() => Ok(None),
        }
    }

    async fn open(
        house: &House,
        office: Office,
        queues: &mut Queues,
        patience: Patience,
    ) -> Result<Self, StartError> {
        let (tracker, stop) = (TaskTracker::new(), house.shutdown.child_token());
        let unless_open = stop.clone().drop_guard();
        let (resets, reset) = watch::channel(0);
        let mut backoff = Backoff::up_to(doors::RETRY_MAX);
        let doors = loop {
            let opening = Opening {
                house,
                inbox: queues.inbox.reopen(INBOX_MAX),
                resets: reset.clone(),
                tracker: &tracker,
                stop: &stop,
                patience,
            };
            match doors::open(opening).await {
                Ok(doors) => break doors,
                Err(error) if patience == Patience::None || error.is_lasting() => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "a door stays shut; trying again");
                    house.health.set("broker", Err(error.to_string()));
                }
            }
            backoff.wait().await;
        };
        unless_open.disarm();
        house.publisher.send_replace(publisher::publisher(&doors));
        let letters = Letters {
            store: house.store.clone(),
            clock: Arc::new(SystemClock),
            metrics: house.metrics.clone(),
            asks: house.asks.clone(),
        };
        let delivery = house.delivery.subscribe();
        tracker.spawn(outbox::run(letters, delivery, tracker.clone(), stop.clone()));
        let facts = house.facts.feeds.subscribe();
        let at_once = house.config.feeds.at_once;
        tracker.spawn(scheduler::run(house.feed_office(), facts, at_once, stop.clone()));
        look_ahead(house, &tracker, &stop);
        if let Some(file) = house.config.audit.head_file.clone() {
            let clock = Arc::new(SystemClock);
            tracker.spawn(audit_head::run(house.store.clone(), file, clock, stop.clone()));
        }
        house.door.send_replace(doors.embedded.clone());
        Ok(Self { doors, resets, tracker, stop, office })
    }

    /// Returns where the embedded broker listens, if it does.
    pub(super) fn embedded(&self) -> Option<SocketAddr> {
        self.doors.embedded.as_ref().and_then(OpenDoor::plain_addr)
    }

    /// Waits until the claim is lost.
    pub(super) async fn until_lost(&self) {
        self.office.lost.cancelled().await;
    }

    /// Has every sender send again what was not acknowledged.
    pub(super) fn reset(&self) {
        self.resets.send_modify(|count| *count += 1);
        if let Some(door) = &self.doors.embedded {
            door.reset_connections();
        }
    }

    /// Shuts the doors, and gives the claim back once they are shut.
    pub(super) async fn end(self, queues: &mut Queues) {
        self.stop.cancel();
        queues.inbox.close();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Begins to plan stock, where that is wanted, and to forecast.
fn look_ahead(house: &House, tracker: &TaskTracker, stop: &CancellationToken) {
    if let Some(path) = house.config.stock.document.clone() {
        let (store, clock) = (house.store.clone(), Arc::new(SystemClock));
        let planning = planner::Office {
            store,
            clock,
            asks: house.asks.clone(),
            shelf: house.facts.shelf.clone(),
            folder: house.folder.subscribe(),
            path,
        };
        tracker.spawn(planner::run(planning, stop.clone()));
    }
    let forecasts = forecasts::scheduler::Office {
        store: house.store.clone(),
        clock: Arc::new(SystemClock),
        asks: house.asks.clone(),
        config: house.config.forecast.clone(),
        health: house.health.clone(),
    };
    tracker.spawn(forecasts::scheduler::run(forecasts, stop.clone()));
}

/// Reads who is told and where facts come from, which may have changed since this process began to stand by; what it knew then
/// stays where files are wrong now.
async fn read_documents(house: &House) {
    let setup = house.setup.clone();
    match tokio::task::spawn_blocking(move || setup.load()).await {
        Ok(Ok(routing)) => drop(house.delivery.send_replace(Arc::new(routing))),
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn Error, "destinations stay as they were");
        }
        Err(error) => tracing::error!(error = &error as &dyn Error, "destinations were not read"),
    }
    let setup = house.facts.setup.clone();
    match tokio::task::spawn_blocking(move || setup.load()).await {
        Ok(Ok(feeds)) => drop(house.facts.feeds.send_replace(Arc::new(feeds))),
        Ok(Err(error)) => tracing::error!(error = &error as &dyn Error, "feeds stay as they were"),
        Err(error) => tracing::error!(error = &error as &dyn Error, "feeds were not read"),
    }
}

/// Brings the database up to date.
async fn prepare(house: &House) -> Result<(), StoreError> {
    house.store.migrate().await?;
    store::session::purge(&house.store, SystemClock.now()).await.map(drop)
}
