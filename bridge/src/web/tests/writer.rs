//! The real writer, for as long as a test needs it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use upturn_core::decode::Sources;
use upturn_core::registry::Registry;

use super::site::Site;
use crate::config::retention::RetentionConfig;
use crate::facts::shelf::Shelf;
use crate::ingest::inbox::Inbox;
use crate::runtime::{Queues, Runtime};
use crate::store;

/// Makes `requests` while the real writer runs.
pub(super) async fn with_writer<T>(site: &Site, requests: impl Future<Output = T>) -> T {
    Box::pin(with_folder(site, Registry::default(), Box::pin(requests))).await
}

/// Makes `requests` while the real writer runs with a registry's folder.
pub(super) async fn with_folder<T>(
    site: &Site,
    folder: Registry,
    requests: impl Future<Output = T>,
) -> T {
    let submissions = site.submissions.lock().unwrap().take().expect("one writer at a time");
    let asked = site.requests.lock().unwrap().take().expect("one writer at a time");
    let (_door, deliveries) = mpsc::channel(1);
    let runtime = Runtime {
        store: &site.store,
        clock: site.clock(),
        sources: &Sources::default(),
        delivery: &site.delivery,
        folder: &watch::Sender::new(Arc::new(folder)),
        shelf: &Shelf::default(),
        leads: &site.leads,
        retention: &RetentionConfig::default(),
        metrics: &site.metrics,
        changes: &site.changes,
    };
    let epoch = store::cursor::begin_epoch(runtime.store).await.unwrap();
    let mut fold = runtime.recover(epoch, None).await.unwrap();
    let inbox = Inbox { deliveries, submissions };
    let mut queues = Queues { inbox, requests: asked };
    let shutdown = CancellationToken::new();
    let answer = tokio::select! {
        ended = Box::pin(runtime.run(&mut fold, &mut queues, &shutdown)) => panic!("no writer: {ended:?}"),
        answer = requests => answer,
    };
    *site.submissions.lock().unwrap() = Some(queues.inbox.submissions);
    *site.requests.lock().unwrap() = Some(queues.requests);
    answer
}
