//! Active or standby: one process works on a database, the others wait for its end.
//!
//! A standby asks for the claim all the time, serves the pages, and folds what the active one commits,
//! so that it knows nearly everything when it takes over. Its doors are shut.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::StartError;
use super::house::House;
use super::term::{Office, Term};
use super::writer::{self, Start};
use crate::runtime::fold::Fold;
use crate::runtime::request::Wanted;
use crate::runtime::{MEMORY, Queues, recovery};
use crate::store::claim::Candidate;
use crate::store::error::StoreError;

/// How often a standby asks for the claim.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How often it asks a database that does not answer.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// How often it folds what the active one has committed.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// What a process is there for.
#[derive(Debug)]
pub(super) struct Duty {
    pub(super) house: House,
    pub(super) candidate: Candidate,
    pub(super) wanted: Wanted,
    /// Whether the wanted is still to be put in force: by whoever was started to work, not by whoever
    /// takes over from another.
    pub(super) is_due: bool,
    pub(super) queues: Queues,
}

impl Duty {
    /// Works in `first`, if there is such a term, and then in any term that comes; returns at the
    /// shutdown, or when it cannot go on.
    pub(super) async fn run(mut self, mut first: Option<Term>) -> Result<(), StartError> {
        loop {
            let (term, warm) = match first.take() {
                Some(term) => (term, None),
                None => match self.next_term().await? {
                    Some(next) => next,
                    None if self.house.shutdown.is_cancelled() => return Ok(()),
                    None => continue,
                },
            };
            self.house.metrics.active.set(1);
            let start = Start { warm, wanted: &self.wanted, is_due: &mut self.is_due };
            let outcome = writer::run(&self.house, &term, &mut self.queues, start).await;
            // The next door cannot open its sessions while anybody holds this one.
            self.house.door.send_replace(None);
            self.house.publisher.send_replace(None);
            term.end(&mut self.queues).await;
            self.house.metrics.active.set(0);
            match outcome {
                Ok(()) => return Ok(()),
                Err(error) if error.ends_term() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Stands by until the claim is free, and takes over; returns none if that came to nothing.
    async fn next_term(&mut self) -> Result<Option<(Term, Option<Fold>)>, StartError> {
        let Self { house, candidate, queues, .. } = self;
        let over = house.shutdown.child_token();
        let (claim, warm) =
            tokio::join!(win(house, candidate, queues, &over), follow(house, &over));
        let Some(office) = claim else { return Ok(None) };
        match Term::take_over(house, office, queues).await {
            Ok(term) => Ok(term.map(|term| (term, warm))),
            Err(StartError::Store(error)) if error.is_transient() || error.ends_term() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Asks for the claim until it is granted, and says `over` then; returns none at the shutdown.
async fn win(
    house: &House,
    candidate: &mut Candidate,
    queues: &mut Queues,
    over: &CancellationToken,
) -> Option<Office> {
    let mut told = None;
    while !over.is_cancelled() {
        let mut pause = ASK_EVERY;
        match candidate.try_claim().await {
            Ok(Some(claim)) => {
                tracing::info!("taking over");
                over.cancel();
                return Some(Office::enter(house, claim));
            }
            Ok(None) => say(house, &mut told, "standby: another upturn works on this database"),
            Err(error) => {
                say(house, &mut told, &format!("nothing is taken in: {error}"));
                pause = RETRY_EVERY;
            }
        }
        // Whoever asks for something here is told at once that it was not done.
        queues.forget();
        tokio::select! {
            () = over.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    None
}

/// Says why nothing is taken in, in the log only when it changes.
fn say(house: &House, told: &mut Option<String>, why: &str) {
    for check in ["broker", "ingest"] {
        house.health.set(check, Err(why.to_owned()));
    }
    if told.as_deref() != Some(why) {
        tracing::info!("{why}");
        *told = Some(why.to_owned());
    }
}

/// Folds what another process commits, until `over`; returns how far it came.
async fn follow(house: &House, over: &CancellationToken) -> Option<Fold> {
    let mut warm = None;
    while !over.is_cancelled() {
        warm = match step(house, warm).await {
            Ok(fold) => Some(fold),
            Err(error) => {
                // As in a database that this binary will bring up to date once it takes over.
                tracing::debug!(error = &error as &dyn std::error::Error, "not following");
                None
            }
        };
        tokio::select! {
            () = over.cancelled() => {}
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
        }
    }
    warm
}

/// Not left in the middle: half an input would be folded.
async fn step(house: &House, warm: Option<Fold>) -> Result<Fold, StoreError> {
    match warm {
        None => recovery::recover(&house.store, MEMORY).await,
        Some(mut fold) => {
            recovery::catch_up(&house.store, &mut fold).await?;
            Ok(fold)
        }
    }
}
