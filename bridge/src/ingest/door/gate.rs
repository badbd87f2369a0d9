//! Accepts clients, and lets them talk to the broker through [`connection::serve`].

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ingest::delivery::Delivery,
    telemetry::{Metrics, Refusal},
};

use super::{
    access::Homes,
    broker::Broker,
    connection,
    limits::{ACCEPT_PAUSE, CONNECT_WITHIN, CONNECTIONS_MAX, MEMORY_BYTES_MAX, STOP_WITHIN},
    log_limit::LogLimit,
    rate::Rates,
    stream::Client,
    tls::{Certificates, GreetError},
    wills::Wills,
};

/// Where clients come in, and on what terms.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) listener: TcpListener,
    /// TLS, where it is spoken here.
    pub(super) certificates: Option<Arc<Certificates>>,
    /// What each client may publish, where that is bounded.
    pub(super) rates: Option<Rates>,
}

/// What the gate is given.
#[derive(Debug)]
pub(crate) struct Links {
    /// Where messages go.
    pub(crate) intake: mpsc::Sender<Delivery>,
    /// Counts.
    pub(crate) metrics: Metrics,
    /// Knows what runs.
    pub(crate) tracker: TaskTracker,
    /// Closes the door.
    pub(crate) shutdown: CancellationToken,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) intake: mpsc::Sender<Delivery>,
    pub(super) wills: Arc<Wills>,
    pub(super) homes: Homes,
    pub(super) resets: watch::Sender<()>,
    pub(super) shutdown: CancellationToken,
    metrics: Metrics,
    log_limit: LogLimit,
    tracker: TaskTracker,
    // Connections so far.
    count: AtomicU64,
    memory: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Gate {
    /// Puts a gate before `broker`.
    pub(super) fn new(broker: Arc<dyn Broker>, homes: Homes, links: Links) -> Self {
        let Links { intake, metrics, tracker, shutdown } = links;
        let wills = Wills::new(intake.clone(), tracker.clone(), shutdown.clone());
        Self {
            broker,
            intake,
            wills: Arc::new(wills),
            homes,
            resets: watch::Sender::new(()),
            shutdown,
            metrics,
            log_limit: LogLimit::default(),
            tracker,
            count: AtomicU64::new(0),
            memory: Arc::new(Semaphore::new(MEMORY_BYTES_MAX)),
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        }
    }

    /// Accepts clients until the stop.
    pub(super) async fn run(self: Arc<Self>, entrance: Entrance) {
        let entrance = Arc::new(entrance);
        let accept = || self.shutdown.run_until_cancelled(entrance.listener.accept());
        while let Some(accepted) = accept().await {
            match accepted {
                Ok((client, peer)) => self.admit(&entrance, client, peer),
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

    fn admit(self: &Arc<Self>, entrance: &Arc<Entrance>, client: TcpStream, peer: SocketAddr) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::warn!(peer = %peer, "a connection was closed: {CONNECTIONS_MAX} are open");
            return;
        };
        if let Err(error) = client.set_nodelay(true) {
            tracing::debug!(error = %error, "acknowledgements may be delayed by the system");
        }
        let (gate, entrance) = (Arc::clone(self), Arc::clone(entrance));
        self.tracker.spawn(async move {
            if let Some(client) = gate.greet(&entrance, client, peer).await {
                let number = gate.count.fetch_add(1, Ordering::Relaxed) + 1;
                let ended = connection::serve(&gate, number, client, entrance.rates.as_ref()).await;
                if let Some(refusal) = ended.refusal() {
                    gate.report(peer, refusal, &ended);
                } else {
                    tracing::debug!(peer = %peer, reason = %ended, "a connection ended");
                }
            }
            drop(place);
        });
    }

    /// Agrees with a client on how to talk; `None` if that fails.
    async fn greet(
        &self,
        entrance: &Entrance,
        client: TcpStream,
        peer: SocketAddr,
    ) -> Option<Client> {
        let Some(certificates) = &entrance.certificates else {
            return Some(Client::plain(client, peer));
        };
        let greeting = timeout(CONNECT_WITHIN, certificates.greet(client, peer));
        let late = |_| GreetError::Handshake(std::io::ErrorKind::TimedOut.into());
        let greeted = self.shutdown.run_until_cancelled(greeting).await?;
        match greeted.map_err(late).flatten() {
            Ok(client) => Some(client),
            Err(error) => {
                self.report(peer, Refusal::Handshake, &error);
                None
            }
        }
    }

    /// Counts a client that was kept out, and says why.
    fn report(
        &self,
        peer: SocketAddr,
        refusal: Refusal,
        error: &(dyn std::error::Error + 'static),
    ) {
        self.metrics.count_refusal(refusal);
        if let Some(left_out) = self.log_limit.lets_through(Instant::now()) {
            tracing::warn!(peer = %peer, error, left_out, "a client was kept out");
        }
    }
}
