//! Opens the doors that the settings name.

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upturn_core::decode::Sources;

use super::StartError;
use crate::config::Config;
use crate::health::Health;
use crate::ingest::client;
use crate::ingest::connect::{self, Way};
use crate::ingest::delivery::Delivery;
use crate::ingest::door::{self, Homes, OpenDoor, TlsSettings};
use crate::telemetry::Metrics;

/// What the doors are opened with.
#[derive(Debug)]
pub(super) struct Opening<'o> {
    pub(super) config: &'o Config,
    pub(super) sources: &'o Sources,
    pub(super) inbox: mpsc::Sender<Delivery>,
    pub(super) resets: watch::Receiver<u64>,
    pub(super) health: &'o Health,
    pub(super) metrics: &'o Metrics,
    pub(super) tracker: &'o TaskTracker,
    pub(super) shutdown: &'o CancellationToken,
}

/// The open doors.
#[derive(Debug)]
pub(super) struct Doors {
    /// The broker in this process, if the settings ask for one.
    pub(super) embedded: Option<OpenDoor>,
    /// How to reach the site's broker, if the settings name one.
    pub(super) external: Option<Way>,
}

/// Opens all doors; returns once each takes messages in.
pub(super) async fn open(opening: Opening<'_>) -> Result<Doors, StartError> {
    let embedded = open_embedded(&opening).await?;
    let external = open_external(&opening).await?;
    Ok(Doors { embedded, external })
}

async fn open_embedded(opening: &Opening<'_>) -> Result<Option<OpenDoor>, StartError> {
    let mqtt = &opening.config.mqtt;
    if mqtt.listen.is_none() && mqtt.tls.is_none() {
        return Ok(None);
    }
    let settings = door::Settings {
        listen: mqtt.listen,
        rate_max: mqtt.rate_max,
        tls: mqtt.tls.as_ref().map(TlsSettings::of),
        sessions: Some(opening.config.sessions_dir()),
    };
    let letters = opening.config.outbox.mqtt_topic.as_deref();
    let homes = Homes::new(opening.sources.clone(), letters);
    let links = door::Links {
        intake: opening.inbox.clone(),
        metrics: opening.metrics.clone(),
        tracker: opening.tracker.clone(),
        shutdown: opening.shutdown.clone(),
    };
    let door = door::open(&settings, homes, links).await?;
    opening.health.set("broker", Ok(()));
    Ok(Some(door))
}

async fn open_external(opening: &Opening<'_>) -> Result<Option<Way>, StartError> {
    let Some(connect) = &opening.config.mqtt.connect else { return Ok(None) };
    let way = connect::open(connect, opening.tracker, opening.shutdown).await?;
    let filters = opening.sources.0.iter().map(|source| source.topic.filter());
    let settings = client::Settings {
        options: way.options.clone(),
        address: connect.url.to_string(),
        filters: filters.map(|filter| connect.filter(filter)).collect(),
        qos: connect.qos,
    };
    let (ready, is_ready) = oneshot::channel();
    let links = client::Links {
        inbox: opening.inbox.clone(),
        resets: opening.resets.clone(),
        health: opening.health.clone(),
        metrics: opening.metrics.clone(),
        ready,
        shutdown: opening.shutdown.clone(),
    };
    opening.tracker.spawn(client::run(settings, links));
    match is_ready.await {
        Ok(Ok(())) => Ok(Some(way)),
        Ok(Err(error)) => {
            Err(StartError::Broker { address: connect.url.to_string(), source: Box::new(error) })
        }
        Err(_) => Err(StartError::Stopped),
    }
}
