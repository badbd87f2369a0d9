//! The door, from a client's socket to the intake and back.

mod client;
mod limits;
mod promise;
mod subscribers;
mod wills;

use std::{
    collections::HashSet,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::ingest::delivery::Delivery;
use crate::ingest::door::{self, Homes, Links, OpenDoor, Settings};
use crate::telemetry::Metrics;

/// A safety net against waiting for ever; nothing is measured with it.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open door and the product behind it.
struct House {
    door: OpenDoor,
    intake: mpsc::Receiver<Delivery>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
}

impl House {
    async fn open() -> Self {
        Self::with_intake(10_000).await
    }

    async fn with_intake(capacity: usize) -> Self {
        Self::with(anywhere(), capacity).await
    }

    async fn with(settings: Settings, capacity: usize) -> Self {
        Self::at(settings, Homes::default(), capacity).await
    }

    async fn at(settings: Settings, homes: Homes, capacity: usize) -> Self {
        let (sender, intake) = mpsc::channel(capacity);
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let links = links(sender, &tracker, &shutdown);
        let door = door::open(&settings, homes, links).await.unwrap();
        Self { door, intake, tracker, shutdown }
    }

    fn addr(&self) -> SocketAddr {
        self.door.plain_addr().unwrap()
    }

    async fn delivery(&mut self) -> Delivery {
        timeout(PATIENCE, self.intake.recv()).await.expect("no delivery came").unwrap()
    }

    async fn deliveries(&mut self, count: usize) -> Vec<Delivery> {
        let mut deliveries = Vec::with_capacity(count);
        while deliveries.len() < count {
            deliveries.push(self.delivery().await);
        }
        deliveries
    }

    /// Acknowledges every delivery from now on; none can be looked at any more.
    fn commit_everything(&mut self) {
        let (_, nothing) = mpsc::channel(1);
        let mut intake = std::mem::replace(&mut self.intake, nothing);
        self.tracker.spawn(async move {
            while let Some(delivery) = intake.recv().await {
                delivery.acknowledge();
            }
        });
    }

    async fn stop(self) {
        let Self { door, tracker, shutdown, .. } = self;
        shutdown.cancel();
        tracker.close();
        drop(door);
        timeout(PATIENCE, tracker.wait()).await.expect("the door did not stop");
    }
}

fn anywhere() -> Settings {
    let listen = Some((Ipv4Addr::LOCALHOST, 0).into());
    Settings { listen, rate_max: None, tls: None, sessions: None }
}

fn links(
    intake: mpsc::Sender<Delivery>,
    tracker: &TaskTracker,
    shutdown: &CancellationToken,
) -> Links {
    let (tracker, shutdown) = (tracker.clone(), shutdown.clone());
    Links { intake, metrics: Metrics::new(), tracker, shutdown }
}

/// Opens a door that is expected to stay shut, and returns why.
async fn stays_shut(settings: &Settings) -> String {
    let (sender, _intake) = mpsc::channel(1);
    let links = links(sender, &TaskTracker::new(), &CancellationToken::new());
    door::open(settings, Homes::default(), links).await.unwrap_err().to_string()
}

#[tokio::test]
async fn the_door_stays_shut_for_others() {
    let message = stays_shut(&Settings { listen: "0.0.0.0:0".parse().ok(), ..anywhere() }).await;
    assert!(message.contains("set [mqtt] listen to a loopback address"), "{message}");
}

#[tokio::test]
async fn a_port_in_use_is_said_in_one_line() {
    let house = House::open().await;
    let message = stays_shut(&Settings { listen: Some(house.addr()), ..anywhere() }).await;
    assert_eq!(
        message,
        format!(
            "port {} on 127.0.0.1 is in use; stop the other program or set [mqtt] listen to a \
             free one",
            house.addr().port()
        )
    );
    house.stop().await;
}

#[tokio::test]
async fn a_topic_with_wildcards_cannot_be_published_to() {
    let house = House::open().await;
    let sent = house.door.publish("all/#", "x".into(), door::Quality::AtMostOnce).await;
    assert!(sent.is_err());
    house.stop().await;
}

/// Returns the payloads, each once.
fn payloads(deliveries: &[Delivery]) -> HashSet<Vec<u8>> {
    deliveries.iter().map(|delivery| delivery.payload.to_vec()).collect()
}
