//! Opens the doors that the settings name.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upturn_core::decode::topic::TopicPattern;

use super::StartError;
use super::house::House;
use crate::delivery::Routing;
use crate::ingest::client;
use crate::ingest::connect;
use crate::ingest::delivery::Delivery;
use crate::ingest::door::{self, Homes, OpenDoor, TlsSettings, patterns};
use crate::ingest::mqtt::Options;

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
    pub(super) external: Option<Options>,
}

/// Opens all doors; returns once each takes messages in.
pub(super) async fn open(opening: Opening<'_>) -> Result<Doors, StartError> {
    let embedded = open_embedded(&opening).await?;
    let external = open_external(&opening).await?;
    Ok(Doors { embedded, external })
}

async fn open_embedded(opening: &Opening<'_>) -> Result<Option<OpenDoor>, StartError> {
    let house = opening.house;
    let mqtt = &house.config.mqtt;
    if mqtt.listen.is_none() && mqtt.tls.is_none() {
        return Ok(None);
    }
    let settings = door::Settings {
        listen: mqtt.listen,
        rate_max: mqtt.rate_max,
        tls: mqtt.tls.as_ref().map(TlsSettings::of),
        sessions: Some(house.config.sessions_dir()),
    };
    let (tell, letters) = watch::channel(patterns(&house.delivery.borrow().topics()));
    opening.tracker.spawn(follow(house.delivery.subscribe(), tell, opening.stop.clone()));
    let homes = Homes::new(house.sources.clone(), letters);
    let links = door::Links {
        intake: opening.inbox.clone(),
        metrics: house.metrics.clone(),
        tracker: opening.tracker.clone(),
        shutdown: opening.stop.clone(),
    };
    let door = door::open(&settings, homes, links).await?;
    house.health.set("broker", Ok(()));
    Ok(Some(door))
}

/// Tells the embedded broker which topics letters go to, whenever other documents are in force.
async fn follow(
    mut delivery: watch::Receiver<Arc<Routing>>,
    tell: watch::Sender<Vec<TopicPattern>>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = delivery.changed() => if changed.is_err() {
                return;
            }
        }
        let topics = delivery.borrow_and_update().topics();
        tell.send_replace(patterns(&topics));
    }
}

async fn open_external(opening: &Opening<'_>) -> Result<Option<Options>, StartError> {
    let house = opening.house;
    let Some(connect) = &house.config.mqtt.connect else { return Ok(None) };
    let options = connect::options(connect).await?;
    let filters = house.sources.0.iter().map(|source| source.topic.filter());
    let settings = client::Settings {
        options: options.clone(),
        address: connect.url.to_string(),
        filters: filters.map(|filter| connect.filter(filter)).collect(),
        qos: connect.qos,
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
        return Ok(Some(options));
    }
    match is_ready.await {
        Ok(Ok(())) => Ok(Some(options)),
        Ok(Err(error)) => {
            Err(StartError::Broker { address: connect.url.to_string(), source: Box::new(error) })
        }
        Err(_) => Err(StartError::Stopped),
    }
}
