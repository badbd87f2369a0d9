//! What all parts share, as long as the process runs.

use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upturn_core::decode::Sources;

use crate::config::Config;
use crate::health::Health;
use crate::ingest::door::OpenDoor;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::web::Change;

/// What all parts share, as long as the process runs.
#[derive(Debug)]
pub(super) struct House {
    pub(super) config: Config,
    pub(super) sources: Sources,
    pub(super) store: Store,
    pub(super) health: Health,
    pub(super) metrics: Metrics,
    pub(super) changes: broadcast::Sender<Change>,
    /// The broker in this process, while it is open.
    pub(super) door: watch::Sender<Option<OpenDoor>>,
    pub(super) tracker: TaskTracker,
    /// Ends everything.
    pub(super) shutdown: CancellationToken,
}
