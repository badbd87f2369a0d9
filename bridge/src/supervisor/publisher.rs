//! Publishes over the door that is open: the embedded broker, else the site's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Mutex, watch};
use upturn_connectors::deliver::Failure;
use upturn_connectors::deliver::kind::Publisher;

use super::doors::Doors;
use crate::ingest::door::{OpenDoor, Quality};
use crate::ingest::mqtt::{Events, Heard, Options, Requests};

/// How long the broker may take to acknowledge a letter.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The door of the moment, if one is open.
pub(crate) type Current = Option<Arc<dyn Publisher>>;

/// Publishes over whatever door is open at that moment.
#[derive(Debug)]
pub(crate) struct Broker(pub(crate) watch::Receiver<Current>);

#[async_trait]
impl Publisher for Broker {
    async fn publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), Failure> {
        let current = self.0.borrow().clone();
        let Some(door) = current else {
            return Err(Failure::later("no broker is open here at the moment"));
        };
        door.publish(topic, payload).await
    }
}

/// Returns who publishes over `doors`.
pub(super) fn publisher(doors: &Doors) -> Current {
    match (&doors.embedded, &doors.external) {
        (Some(door), _) => Some(Arc::new(Embedded(door.clone()))),
        (None, Some(options)) => Some(Arc::new(External::new(options))),
        (None, None) => None,
    }
}

/// Publishes through the embedded broker.
#[derive(Debug)]
struct Embedded(OpenDoor);

#[async_trait]
impl Publisher for Embedded {
    async fn publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), Failure> {
        let published = self.0.publish(topic, payload.into(), Quality::AtLeastOnce);
        published.await.map_err(|error| Failure::later(error.to_string()))
    }
}

/// Publishes through a connection of its own, one letter at a time, so that each acknowledgement
/// is the letter's.
struct External {
    requests: Requests,
    events: Mutex<Events>,
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("External").finish_non_exhaustive()
    }
}

impl External {
    fn new(options: &Options) -> Self {
        // Nothing is left to the session: what is not acknowledged stays in the outbox.
        let (requests, events) = options.for_visit("outbox").open();
        Self { requests, events: Mutex::new(events) }
    }
}

#[async_trait]
impl Publisher for External {
    async fn publish(&self, topic: &str, payload: Vec<u8>) -> Result<(), Failure> {
        let mut events = self.events.lock().await;
        events.forget();
        let asked = self.requests.publish(topic, payload);
        asked.map_err(|error| Failure::later(error.to_string()))?;
        let answer = async {
            loop {
                match events.poll().await {
                    Ok(Heard::Published(answer)) => return Ok(answer),
                    Ok(_) => {}
                    Err(error) => return Err(Failure::later(error.to_string())),
                }
            }
        };
        let answered = tokio::time::timeout(ANSWER_MAX, answer).await;
        let answer = answered.map_err(|_| Failure::later("the broker does not answer"))??;
        answer.map_err(|reason| Failure::later(format!("the broker refuses the letter: {reason}")))
    }
}
