//! The outbox: letters that were stored with their cause go out, each until it has arrived.
//!
//! Each destination has a worker of its own, which sends one letter at a time, and one that asks what
//! became of its records: a destination that hangs keeps no other waiting. A worker sleeps until a
//! commit rings for it or a letter's time comes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upturn_connectors::deliver::template::Templates;

use self::asking::Asking;
use self::worker::Worker;
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::delivery::{Destination, Routing};
use crate::runtime::request::Request;
use crate::store::{self, Store};
use crate::telemetry::Metrics;

pub(crate) mod asking;
pub(crate) mod circuit;
pub(crate) mod hearing;
mod pause;
pub(crate) mod worker;

/// How often it is looked for letters that nobody rang for: another process wrote or changed them, or
/// they waited for one that is gone.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often queues are counted.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// What all workers share.
#[derive(Clone, Debug)]
pub(crate) struct Office {
    /// Where letters are.
    pub(crate) store: Store,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// The one writer, for what comes back.
    pub(crate) asks: mpsc::Sender<Request>,
}

/// Sends letters until `stop`, by the destinations in force.
pub(crate) async fn run(
    office: Office,
    mut delivery: watch::Receiver<Arc<Routing>>,
    tracker: TaskTracker,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new();
    // Whoever sent before is gone: what it had claimed is looked up before it is sent.
    while let Err(error) = store::outbox::release(&office.store).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "letters wait; trying again");
        tokio::select! {
            () = stop.cancelled() => return,
            () = backoff.wait() => {}
        }
    }
    tracker.spawn(count(office.clone(), stop.clone()));
    tracker.spawn(watch_over(office.clone(), stop.clone()));
    loop {
        let wanted = Arc::clone(&delivery.borrow_and_update());
        // Those before finish what they are doing. That others begin meanwhile does no harm: a letter
        // is claimed by one of them, and those behind it wait.
        let leave = CancellationToken::new();
        let _let_go = leave.clone().drop_guard();
        for destination in wanted.destinations.values() {
            let texts = &wanted.templates;
            hire(&office, (destination, texts), (&tracker, &leave, &stop));
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = delivery.changed() => if changed.is_err() {
                return stop.cancelled().await;
            }
        }
    }
}

fn hire(
    office: &Office,
    (destination, texts): (&Arc<Destination>, &Arc<Templates>),
    (tracker, leave, stop): (&TaskTracker, &CancellationToken, &CancellationToken),
) {
    let (office, texts) = (office.clone(), Arc::clone(texts));
    let worker = Worker { office: office.clone(), destination: Arc::clone(destination), texts };
    tracker.spawn(worker.run(leave.clone(), stop.clone()));
    if destination.channel.can_be_asked() {
        let asking = Asking { office, destination: Arc::clone(destination) };
        tracker.spawn(asking.run(leave.clone(), stop.clone()));
    }
}

/// Rings for letters that are due, whoever wrote them.
async fn watch_over(office: Office, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        // A database that is away is told of by those who send.
        let due = store::outbox::due(&office.store, office.clock.now()).await;
        for destination in due.unwrap_or_default() {
            office.store.bells().ring(&destination);
        }
    }
}

/// Counts what waits, for the metrics.
async fn count(office: Office, stop: CancellationToken) {
    loop {
        // A database that is away is told of elsewhere.
        if let Ok(queues) = store::outbox_view::queues(&office.store).await {
            office.metrics.letters.set_queues(&queues, office.clock.now());
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(COUNT_EVERY) => {}
        }
    }
}
