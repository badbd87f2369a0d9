//! Hands the wills of vanished clients to the intake.
//!
//! The broker publishes a will to subscribers by itself, so no packet of a client carries it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::ingest::delivery::Delivery;

use super::{limits::WILLS_WAITING_MAX, packet::Will};

/// The connections that clients have, and the wills that wait.
#[derive(Debug)]
pub(super) struct Wills {
    clients: Mutex<HashMap<String, Client>>,
    intake: mpsc::Sender<Delivery>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

// A client with a will: its latest connection, and the end of that will's delay.
#[derive(Debug)]
struct Client {
    connection: u64,
    returned: CancellationToken,
    is_waiting: bool,
}

impl Wills {
    /// Hands wills to `intake`.
    pub(super) fn new(
        intake: mpsc::Sender<Delivery>,
        tracker: TaskTracker,
        shutdown: CancellationToken,
    ) -> Self {
        Self { clients: Mutex::default(), intake, tracker, shutdown }
    }

    /// Notes that a client is here; a will of it that waits is dropped, as the client is back.
    pub(super) fn arrived(&self, client_id: &str, connection: u64, has_will: bool) {
        let mut clients = self.clients();
        let earlier = if has_will && !client_id.is_empty() {
            let returned = CancellationToken::new();
            let client = Client { connection, returned, is_waiting: false };
            clients.insert(client_id.to_owned(), client)
        } else {
            clients.remove(client_id)
        };
        drop(clients);
        if let Some(earlier) = earlier {
            earlier.returned.cancel();
        }
    }

    /// Notes that a connection is over and that its will is not wanted.
    pub(super) fn left(&self, client_id: &str, connection: u64) {
        let mut clients = self.clients();
        if clients.get(client_id).is_some_and(|client| client.connection == connection) {
            clients.remove(client_id);
        }
    }

    /// Hands the will of a connection over that ended without a farewell, at once or after
    /// its delay. A delay ends without the will if the client returns or Upturn stops.
    pub(super) async fn vanished(self: &Arc<Self>, client_id: String, connection: u64, will: Will) {
        if will.delay_seconds == 0 {
            self.left(&client_id, connection);
            self.hand_over(will).await;
            return;
        }
        match self.wait_for(&client_id, connection) {
            Wait::Superseded => {}
            Wait::Full => {
                self.left(&client_id, connection);
                self.hand_over(will).await;
            }
            Wait::Until(returned) => {
                let wills = Arc::clone(self);
                self.tracker.spawn(async move {
                    let delay = Duration::from_secs(will.delay_seconds.into());
                    tokio::select! {
                        () = wills.shutdown.cancelled() => {}
                        () = returned.cancelled() => {}
                        () = tokio::time::sleep(delay) => {
                            wills.left(&client_id, connection);
                            wills.hand_over(will).await;
                        }
                    }
                });
            }
        }
    }

    fn wait_for(&self, client_id: &str, connection: u64) -> Wait {
        let mut clients = self.clients();
        let is_full =
            WILLS_WAITING_MAX <= clients.values().filter(|client| client.is_waiting).count();
        if client_id.is_empty() {
            // The broker chose the id; the client cannot come back under it.
            return if is_full { Wait::Full } else { Wait::Until(CancellationToken::new()) };
        }
        match clients.get_mut(client_id).filter(|client| client.connection == connection) {
            None => Wait::Superseded,
            Some(_) if is_full => Wait::Full,
            Some(client) => {
                client.is_waiting = true;
                Wait::Until(client.returned.clone())
            }
        }
    }

    async fn hand_over(&self, will: Will) {
        let delivery =
            Delivery { topic: will.topic, payload: will.payload, retained: false, receipt: None };
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => {}
            sent = self.intake.send(delivery) => if sent.is_err() {
                tracing::debug!("a will came after the intake had closed");
            }
        }
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<String, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Wait {
    // The client is back already.
    Superseded,
    // Too many wait.
    Full,
    // Wait unless this is cancelled.
    Until(CancellationToken),
}
