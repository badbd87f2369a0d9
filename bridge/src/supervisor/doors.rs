//! Opens the doors that the settings name.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use super::house::House;
use crate::ingest::client;
use crate::ingest::connect::{self, Way};
use crate::ingest::delivery::Delivery;
use crate::ingest::door::{self, OpenDoor};

/// The longest pause before a door that stays shut is tried again.
pub(super) const RETRY_MAX: Duration = Duration::from_secs(2);

/// What the doors are opened with.
#[derive(Debug)]
pub(super) struct Opening<'o> {
    pub(super) house: &'o House,
    pub(super) inbox: mpsc::Sender<Delivery>,
    pub(super) resets: watch::Receiver<u64>,
    pub(super) tracker: &'o TaskTracker,
    /// Shuts them.
    pub(super) stop: &'o CancellationToken,
    pub(super) patience: Patience,
}

/// Whether a door may open later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// What is not there is a mistake.
    None,
    /// It will be there some day.
    Endless,
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
    let embedded = match opening.house.config.mqtt.listen {
        Some(listen) => Some(open_embedded(&opening, listen).await?),
        None => None,
    };
    let external = open_external(&opening).await?;
    Ok(Doors { embedded, external })
}

async fn open_embedded(opening: &Opening<'_>, listen: SocketAddr) -> Result<OpenDoor, StartError> {
    let settings = door::Settings { listen, sessions: Some(opening.house.config.sessions_dir()) };
    let inbox = opening.inbox.clone();
    let door = door::open(&settings, inbox, opening.tracker, opening.stop.clone()).await?;
    opening.house.health.set("broker", Ok(()));
    Ok(door)
}

async fn open_external(opening: &Opening<'_>) -> Result<Option<Way>, StartError> {
    let house = opening.house;
    let Some(connect) = &house.config.mqtt.connect else { return Ok(None) };
    let way = connect::open(connect, opening.tracker, opening.stop).await?;
    let settings = client::Settings {
        options: way.options.clone(),
        address: connect.url.to_string(),
        filters: house.sources.0.iter().map(|source| source.topic.filter()).collect(),
    };
    let (ready, is_ready) = oneshot::channel();
    let links = client::Links {
        inbox: opening.inbox.clone(),
        resets: opening.resets.clone(),
        health: house.health.clone(),
        metrics: house.metrics.clone(),
        ready,
        shutdown: opening.stop.clone(),
    };
    opening.tracker.spawn(client::run(settings, links));
    if opening.patience == Patience::Endless {
        return Ok(Some(way));
    }
    match is_ready.await {
        Ok(Ok(())) => Ok(Some(way)),
        Ok(Err(error)) => {
            Err(StartError::Broker { address: connect.url.to_string(), source: Box::new(error) })
        }
        Err(_) => Err(StartError::Stopped),
    }
}
