//! The outbox: letters that were stored with their cause go out, each until it has arrived.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::store::outbox::Letter;
use crate::store::{self, Store};

/// How often the outbox is looked at; a letter waits at most this long.
const EVERY: Duration = Duration::from_millis(500);
/// Letters read at once.
const PAGE: u32 = 100;

/// Where letters go.
#[async_trait]
pub(crate) trait Carrier: Debug + Send + Sync {
    /// Hands over one letter; returns after the other side has taken it, or why it has not.
    async fn carry(&self, letter: &Letter) -> Result<(), CarryError>;
}

/// Why a letter did not arrive; it is tried again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CarryError(pub(crate) String);

/// Carries letters, oldest first, until `shutdown`.
pub(crate) async fn run(
    store: Store,
    clock: impl Clock,
    carrier: Box<dyn Carrier>,
    shutdown: CancellationToken,
) {
    let mut backoff = Backoff::new();
    loop {
        let round = tokio::select! {
            () = shutdown.cancelled() => return,
            round = carry_due(&store, &clock, carrier.as_ref()) => round,
        };
        let pause = match round {
            Ok(()) => {
                backoff.reset();
                EVERY
            }
            Err(error) => {
                tracing::warn!(error = &*error, "letters wait; trying again");
                backoff.pause()
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Carries what is due; stops at the first letter that does not arrive, so that order is kept.
async fn carry_due(
    store: &Store,
    clock: &impl Clock,
    carrier: &dyn Carrier,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    loop {
        let due = store::outbox::due(store, clock.now(), PAGE).await?;
        if due.is_empty() {
            return Ok(());
        }
        for letter in due {
            match carrier.carry(&letter).await {
                Ok(()) => store::outbox::mark_sent(store, letter.id, clock.now()).await?,
                Err(error) => {
                    let now = clock.now();
                    store::outbox::mark_failed(store, letter.id, &error.to_string(), now).await?;
                    return Err(Box::new(error));
                }
            }
        }
    }
}
