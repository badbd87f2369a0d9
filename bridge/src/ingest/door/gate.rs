//! Accepts clients, and lets them talk to the broker through [`connection::serve`].

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::ingest::delivery::Delivery;

use super::{
    broker::Broker,
    connection::{self, Ended},
    limits::{ACCEPT_PAUSE, CONNECTIONS_MAX, MEMORY_BYTES_MAX, STOP_WITHIN},
    wills::Wills,
};

/// What all connections share.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) intake: mpsc::Sender<Delivery>,
    pub(super) wills: Arc<Wills>,
    pub(super) resets: watch::Sender<()>,
    pub(super) shutdown: CancellationToken,
    tracker: TaskTracker,
    memory: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Gate {
    /// Puts a gate before `broker`.
    pub(super) fn new(
        broker: Arc<dyn Broker>,
        intake: mpsc::Sender<Delivery>,
        tracker: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        let wills = Wills::new(intake.clone(), tracker.clone(), shutdown.clone());
        Self {
            broker,
            intake,
            wills: Arc::new(wills),
            resets: watch::Sender::new(()),
            shutdown,
            tracker,
            memory: Arc::new(Semaphore::new(MEMORY_BYTES_MAX)),
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        }
    }

    /// Accepts clients until the stop.
    pub(super) async fn run(self: Arc<Self>, listener: TcpListener) {
        let mut number = 0;
        while let Some(accepted) = self.shutdown.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((client, peer)) => {
                    number += 1;
                    self.admit(number, client, peer);
                }
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Waits for memory for the publishes of one run; none is needed for no bytes.
    pub(super) async fn memory(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok().filter(|bytes| 0 < *bytes)?;
        // The semaphore is never closed.
        Arc::clone(&self.memory).acquire_many_owned(bytes).await.ok()
    }

    /// Waits until a stop has been asked for and has taken too long.
    pub(super) async fn stop_overdue(&self) {
        self.shutdown.cancelled().await;
        sleep(STOP_WITHIN).await;
    }

    fn admit(self: &Arc<Self>, number: u64, client: TcpStream, peer: SocketAddr) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::warn!(peer = %peer, "a connection was closed: {CONNECTIONS_MAX} are open");
            return;
        };
        if let Err(error) = client.set_nodelay(true) {
            tracing::debug!(error = %error, "acknowledgements may be delayed by the system");
        }
        let gate = Arc::clone(self);
        self.tracker.spawn(async move {
            let ended = connection::serve(&gate, number, client, peer).await;
            report(peer, &ended);
            drop(place);
        });
    }
}

fn report(peer: SocketAddr, ended: &Ended) {
    match ended {
        Ended::Refused(error) => {
            tracing::warn!(
                peer = %peer,
                error = error as &dyn std::error::Error,
                "a connection was closed"
            );
        }
        Ended::Farewell
        | Ended::Vanished
        | Ended::Dismissed
        | Ended::Idle
        | Ended::Reset
        | Ended::Stopped => tracing::debug!(peer = %peer, reason = %ended, "a connection ended"),
    }
}
