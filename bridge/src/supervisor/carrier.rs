//! Carries letters over the door that is open: the embedded broker, else the site's.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upturn_connectors::deliver::{self, mqtt};

use super::doors::Doors;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::ingest::door::{OpenDoor, Quality};
use crate::ingest::mqtt::{Events, Heard, Options, Requests};
use crate::outbox::{self, Carrier, CarryError};
use crate::store::Store;
use crate::store::outbox::Letter;

/// How long the broker may take to acknowledge a letter.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Starts the outbox where the settings name a topic for letters.
pub(super) fn start(
    config: &Config,
    doors: &Doors,
    store: &Store,
    tracker: &TaskTracker,
    shutdown: &CancellationToken,
) {
    let Some(topic) = config.outbox.mqtt_topic.clone() else { return };
    let settings = mqtt::Settings { topic };
    let carrier: Box<dyn Carrier> = match (&doors.embedded, &doors.external) {
        (Some(door), _) => Box::new(Embedded { settings, door: door.clone() }),
        (None, Some(options)) => Box::new(External::new(settings, options)),
        (None, None) => return,
    };
    tracker.spawn(outbox::run(store.clone(), SystemClock, carrier, shutdown.clone()));
}

fn publication(settings: &mqtt::Settings, letter: &Letter) -> mqtt::Publication {
    let letter = deliver::Letter {
        key: letter.key.clone(),
        kind: letter.kind.clone(),
        subject: letter.subject.clone(),
        body: letter.body.clone(),
        text: deliver::letter::Text::default(),
        recipient: None,
        remote: None,
    };
    mqtt::compose(settings, &letter)
}

/// Publishes through the embedded broker.
#[derive(Debug)]
struct Embedded {
    settings: mqtt::Settings,
    door: OpenDoor,
}

#[async_trait]
impl Carrier for Embedded {
    async fn carry(&self, letter: &Letter) -> Result<(), CarryError> {
        let sent = publication(&self.settings, letter);
        let published = self.door.publish(&sent.topic, sent.payload.into(), Quality::AtLeastOnce);
        published.await.map_err(|error| CarryError(error.to_string()))
    }
}

/// Publishes through a connection of its own, one letter at a time, so that each acknowledgement
/// is the letter's.
struct External {
    settings: mqtt::Settings,
    requests: Requests,
    events: Mutex<Events>,
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("External").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl External {
    fn new(settings: mqtt::Settings, options: &Options) -> Self {
        // Nothing is left to the session: what is not acknowledged stays in the outbox.
        let (requests, events) = options.for_visit("outbox").open();
        Self { settings, requests, events: Mutex::new(events) }
    }
}

#[async_trait]
impl Carrier for External {
    async fn carry(&self, letter: &Letter) -> Result<(), CarryError> {
        let sent = publication(&self.settings, letter);
        let mut events = self.events.lock().await;
        events.forget();
        self.requests
            .publish(&sent.topic, sent.payload)
            .map_err(|error| CarryError(error.to_string()))?;
        let answer = async {
            loop {
                match events.poll().await {
                    Ok(Heard::Published(answer)) => return Ok(answer),
                    Ok(_) => {}
                    Err(error) => return Err(CarryError(error.to_string())),
                }
            }
        };
        let answered = tokio::time::timeout(ANSWER_MAX, answer).await;
        let answer =
            answered.map_err(|_| CarryError("the broker does not answer".to_owned()))??;
        answer.map_err(|reason| CarryError(format!("the broker refuses the letter: {reason}")))
    }
}
