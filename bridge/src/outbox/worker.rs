//! The worker of one destination: claims a letter, looks whether it is there, sends it, and writes
//! down what came of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use upturn_connectors::deliver::failure::quote;
use upturn_connectors::deliver::letter::Recipient;
use upturn_connectors::deliver::template::{self, Place, Templates};
use upturn_connectors::deliver::{self, Failure, Receipt};

use super::circuit::{self, Circuit};
use super::{Office, pause};
use crate::backoff::Backoff;
use crate::delivery::Destination;
use crate::delivery::letter::Addressee;
use crate::failpoint;
use crate::store;
use crate::store::destination::DestinationState;
use crate::store::error::StoreError;
use crate::store::outbox::{Arrived, Letter};

/// The longest that a worker sleeps until a letter's time comes: the machine's clock may be set.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How long a destination may take to answer one call, whatever its channel allows itself.
const CALL_MAX: Duration = Duration::from_mins(1);
/// How long a letter is ours: as long as looking it up and sending it may take, and then some.
const CLAIM: TimeDelta = TimeDelta::seconds(150);
/// The longest id of a record that is kept, in bytes.
const REMOTE_MAX: usize = 512;
/// The longest address of a record that is kept, in bytes.
const URL_MAX: usize = 2_048;
/// How long a letter that is being sent may take once everything ends.
const FINISH_MAX: Duration = Duration::from_secs(4);

/// The worker of one destination.
#[derive(Debug)]
pub(crate) struct Worker {
    /// What all workers share.
    pub(crate) office: Office,
    /// Whom it serves.
    pub(crate) destination: Arc<Destination>,
    /// What people read in letters.
    pub(crate) texts: Arc<Templates>,
}

impl Worker {
    /// Works until `leave`, after what it is doing, or until `stop`, shortly after.
    pub(crate) async fn run(self, leave: CancellationToken, stop: CancellationToken) {
        let mut backoff = Backoff::new();
        let bell = self.office.store.bells().of(&self.destination.id);
        while !leave.is_cancelled() && !stop.is_cancelled() {
            let outcome = tokio::select! {
                outcome = self.look() => outcome,
                () = after(&stop) => return,
            };
            let pause = match outcome {
                Ok(None) => {
                    backoff.reset();
                    continue;
                }
                Ok(Some(pause)) => pause,
                Err(error) => {
                    let cause = &error as &dyn std::error::Error;
                    tracing::warn!(error = cause, "letters wait for the database; trying again");
                    backoff.pause()
                }
            };
            tokio::select! {
                () = leave.cancelled() => return,
                () = stop.cancelled() => return,
                () = bell.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Sends the next letter, if there is one; else returns how long to sleep unless the bell rings.
    async fn look(&self) -> Result<Option<Duration>, StoreError> {
        // Whatever comes due from here on is found, by one or by the other.
        let before = self.office.clock.now();
        if self.step().await? {
            return Ok(None);
        }
        let next =
            store::outbox::next_due(&self.office.store, &self.destination.id, before).await?;
        let now = self.office.clock.now();
        let pause = next.map(|at| (at - now).to_std().unwrap_or_default().min(LOOK_AGAIN));
        // What waits for another letter has no time of its own: the bell rings for it.
        Ok(Some(pause.unwrap_or(Duration::MAX)))
    }

    /// Sends the next letter; returns whether there was one.
    pub(crate) async fn step(&self) -> Result<bool, StoreError> {
        let (store, id) = (&self.office.store, &*self.destination.id);
        let now = self.office.clock.now();
        let state = store::destination::find(store, id).await?;
        while store::digest::collect(store, id, now).await? {}
        if !Circuit::of(&state, now).lets_through() {
            return Ok(false);
        }
        let Some(letter) = store::outbox::claim(store, id, now, now + CLAIM).await? else {
            return Ok(false);
        };
        match self.carry(&letter, now).await {
            Ok(receipt) => {
                failpoint::crash("after-send-before-mark");
                self.arrived(&letter, &state, &receipt).await?;
            }
            Err(failure) => self.failed(&letter, &state, &failure).await?,
        }
        Ok(true)
    }

    /// Hands over the letter, unless it is found there: whatever came of an earlier try, also where it
    /// was refused, the other side may have kept it.
    async fn carry(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        let channel = &self.destination.channel;
        let put = put(letter, (self.destination.place(), &self.texts))?;
        if 1 < letter.begun
            && let Some(found) = in_time(channel.find(&put)).await?
        {
            return Ok(Receipt { was_there: true, ..found });
        }
        in_time(channel.send(&put, now)).await
    }

    async fn arrived(
        &self,
        letter: &Letter,
        state: &DestinationState,
        receipt: &Receipt,
    ) -> Result<(), StoreError> {
        let (store, id, now) = (&self.office.store, &*self.destination.id, self.office.clock.now());
        let remote = receipt.remote.as_deref().filter(|remote| remote.len() <= REMOTE_MAX);
        let is_web = |url: &&str| {
            url.len() <= URL_MAX && (url.starts_with("https://") || url.starts_with("http://"))
        };
        let url = receipt.url.as_deref().filter(is_web);
        store::outbox::mark_sent(store, (id, letter), now, Arrived { remote, url }).await?;
        store::destination::keep(store, id, &circuit::worked(state, now)).await?;
        self.office.metrics.letters.count_sent(id);
        tracing::debug!(destination.id = id, letter.id, was_there = receipt.was_there, "arrived");
        Ok(())
    }

    async fn failed(
        &self,
        letter: &Letter,
        state: &DestinationState,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        let (store, id, now) = (&self.office.store, &*self.destination.id, self.office.clock.now());
        let reason = quote(&failure.to_string());
        let tries = letter.attempts.saturating_add(1);
        tracing::warn!(destination.id = id, letter.id, tries, reason, "a letter did not arrive");
        match failure {
            // It works: the letter is what is wrong.
            Failure::Refused { .. } => {
                store::outbox::park(store, letter, &reason).await?;
                store::destination::keep(store, id, &circuit::worked(state, now)).await
            }
            Failure::Off { .. } => {
                let next_at = now + TimeDelta::seconds(1);
                store::outbox::mark_failed(store, letter, &reason, next_at).await?;
                store::destination::keep(store, id, &circuit::off(state, now, &reason)).await
            }
            Failure::Later { after, .. } => {
                let pause = pause::pause(tries, pause::share(), *after);
                if self.destination.tries <= tries {
                    let words = format!("given up after {tries} tries; the last time {reason}");
                    store::outbox::park(store, letter, &words).await?;
                } else {
                    store::outbox::mark_failed(store, letter, &reason, now + pause).await?;
                }
                let pause = pause::pause(state.failures + 1, pause::share(), None);
                let asked = after.and_then(|after| TimeDelta::from_std(after).ok());
                let asked = asked.map(|asked| asked.min(TimeDelta::days(1)));
                let next = circuit::failed(state, (now, &reason), pause, asked);
                store::destination::keep(store, id, &next).await
            }
        }
    }
}

async fn after(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(FINISH_MAX).await;
}

/// Awaits `call`, but no longer than a destination that works needs.
pub(super) async fn in_time<T>(
    call: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(CALL_MAX, call).await.unwrap_or_else(|_| {
        Err(Failure::later(format!("it did not answer within {} s", CALL_MAX.as_secs())))
    })
}

/// Puts a letter for its channel. One whose template fails waits for a person.
fn put(
    letter: &Letter,
    (place, texts): (Place<'_>, &Templates),
) -> Result<deliver::Letter, Failure> {
    let addressee: Option<Addressee> =
        letter.recipient.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let text = template::render(texts, place, &letter.kind, &letter.language, &letter.body)
        .map_err(|error| Failure::refused(error.to_string()))?;
    Ok(deliver::Letter {
        key: letter.key.clone(),
        kind: letter.kind.clone(),
        subject: letter.subject.clone(),
        body: letter.body.clone(),
        text,
        recipient: addressee.map(|addressee| Recipient {
            id: addressee.id,
            name: Some(addressee.name),
            email: addressee.email,
        }),
        remote: letter.remote.clone(),
    })
}

#[cfg(test)]
mod tests;
