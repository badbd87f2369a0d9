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
use crate::ingest::door::{self, OpenDoor, Settings};

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
        let (sender, intake) = mpsc::channel(capacity);
        let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let door = door::open(&settings, sender, &tracker, shutdown.clone()).await.unwrap();
        Self { door, intake, tracker, shutdown }
    }

    fn addr(&self) -> SocketAddr {
        self.door.local_addr()
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
    Settings { listen: (Ipv4Addr::LOCALHOST, 0).into(), sessions: None }
}

#[tokio::test]
async fn the_door_stays_shut_for_others() {
    let settings = Settings { listen: "0.0.0.0:0".parse().unwrap(), sessions: None };
    let (sender, _intake) = mpsc::channel(1);
    let opened = door::open(&settings, sender, &TaskTracker::new(), CancellationToken::new()).await;
    let message = opened.unwrap_err().to_string();
    assert!(message.contains("set [mqtt] listen to a loopback address"), "{message}");
}

#[tokio::test]
async fn a_port_in_use_is_said_in_one_line() {
    let house = House::open().await;
    let settings = Settings { listen: house.addr(), sessions: None };
    let (sender, _intake) = mpsc::channel(1);
    let opened = door::open(&settings, sender, &TaskTracker::new(), CancellationToken::new()).await;
    assert_eq!(
        opened.unwrap_err().to_string(),
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
