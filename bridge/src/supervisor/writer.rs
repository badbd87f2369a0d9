//! Keeps the one writer going: after trouble it begins again with an engine built anew.

use std::time::Duration;

use super::house::House;
use super::term::Term;
use crate::backoff::Backoff;
use crate::clock::SystemClock;
use crate::runtime::fold::Fold;
use crate::runtime::request::Wanted;
use crate::runtime::{Queues, Runtime};
use crate::store;
use crate::store::error::StoreError;

/// The longest pause before another try: what is over is soon noticed.
const RETRY_MAX: Duration = Duration::from_secs(4);

/// What the writer begins a term with.
#[derive(Debug)]
pub(super) struct Start<'s> {
    /// A fold that was kept warm.
    pub(super) warm: Option<Fold>,
    /// Rules and registry.
    pub(super) wanted: &'s Wanted,
    /// Whether they are to be put in force; where there never were any, they are in any case.
    pub(super) is_due: &'s mut bool,
}

/// Works until the shutdown, which is `Ok`, or until the term is over or cannot go on.
pub(super) async fn run(
    house: &House,
    term: &Term,
    queues: &mut Queues,
    start: Start<'_>,
) -> Result<(), StoreError> {
    let runtime = Runtime {
        store: &house.store,
        clock: &SystemClock,
        sources: &house.sources,
        delivery: &house.delivery,
        folder: &house.folder,
        shelf: &house.facts.shelf,
        leads: &house.leads,
        metrics: &house.metrics,
        changes: &house.changes,
        retention: &house.config.retention,
    };
    let Start { mut warm, wanted, is_due } = start;
    let mut backoff = Backoff::up_to(RETRY_MAX);
    while !house.shutdown.is_cancelled() {
        let commits = house.metrics.commits.get();
        let work = async {
            house.store.require_room()?;
            let epoch = store::cursor::begin_epoch(&house.store).await?;
            let mut fold = runtime.recover(epoch, warm.take()).await?;
            if *is_due || fold.registry.is_empty() {
                runtime.switch(&mut fold, wanted).await?;
            }
            *is_due = false;
            house.health.set("ingest", Ok(()));
            tracing::info!(position = fold.cursor, ?epoch, "at work");
            runtime.run(&mut fold, queues, &house.shutdown).await
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = term.until_lost() => Err(StoreError::ClaimLost(Box::new(StoreError::NoAnswer))),
        };
        let Err(error) = outcome else { return Ok(()) };
        report(house, &error);
        if !error.is_transient() {
            return Err(error);
        }
        forget(term, queues);
        if commits < house.metrics.commits.get() {
            backoff.reset();
        }
        tokio::select! {
            () = house.shutdown.cancelled() => {}
            () = term.until_lost() => {}
            () = backoff.wait() => {}
        }
    }
    Ok(())
}

fn report(house: &House, error: &StoreError) {
    house.health.set("ingest", Err(format!("nothing is taken in: {error}")));
    let cause = error as &dyn std::error::Error;
    if error.is_transient() || error.ends_term() {
        tracing::warn!(error = cause, "nothing is acknowledged until this is over");
    } else {
        tracing::error!(error = cause, "stopping: this does not pass by itself");
    }
}

/// Drops what was not committed and has every sender send it again.
fn forget(term: &Term, queues: &mut Queues) {
    queues.forget();
    term.reset();
}
