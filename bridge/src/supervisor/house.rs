//! What all parts share, as long as the process runs.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upturn_core::decode::Sources;
use upturn_core::lead::policy::Policy;
use upturn_core::registry::Registry;

use super::StartError;
use super::publisher::Current;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::delivery::Routing;
use crate::delivery::files::Setup;
use crate::facts::shelf::Shelf;
use crate::feeds::files::FeedsError;
use crate::feeds::vault::Vault;
use crate::feeds::{self, Feeds};
use crate::health::Health;
use crate::ingest::door::OpenDoor;
use crate::runtime::request::Request;
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
    /// Who publishes, while a door is open.
    pub(super) publisher: watch::Sender<Current>,
    /// Who is told of what happens to tasks.
    pub(super) delivery: watch::Sender<Arc<Routing>>,
    /// The registry of the folder.
    pub(super) folder: watch::Sender<Arc<Registry>>,
    /// What leads are judged by.
    pub(super) leads: watch::Sender<Arc<Policy>>,
    /// Reads who is told.
    pub(super) setup: Setup,
    /// Where facts come from.
    pub(super) facts: Facts,
    /// To the one writer.
    pub(super) asks: mpsc::Sender<Request>,
    pub(super) tracker: TaskTracker,
    /// Ends everything.
    pub(super) shutdown: CancellationToken,
}

/// Where facts come from, and what that takes.
#[derive(Debug)]
pub(super) struct Facts {
    /// The feeds in force.
    pub(super) feeds: watch::Sender<Arc<Feeds>>,
    /// Reads them, and the way out to their sources.
    pub(super) setup: feeds::files::Setup,
    /// Opens their secrets.
    pub(super) vault: Arc<Vault>,
    /// Sets that were read already.
    pub(super) shelf: Shelf,
}

impl Facts {
    /// Reads the feeds that `config` names, and the key of their secrets.
    pub(super) fn open(config: &Config) -> Result<Self, StartError> {
        let setup = feeds::files::Setup::new(config, Arc::new(SystemClock));
        let setup = setup.map_err(FeedsError::from)?;
        let feeds = watch::Sender::new(Arc::new(setup.load()?));
        let vault = Arc::new(Vault::open(&config.feeds)?);
        Ok(Self { feeds, setup, vault, shelf: Shelf::default() })
    }
}

impl House {
    /// Returns what runs of feeds share.
    pub(super) fn feed_office(&self) -> feeds::job::Office {
        feeds::job::Office {
            store: self.store.clone(),
            clock: Arc::new(SystemClock),
            metrics: self.metrics.clone(),
            asks: self.asks.clone(),
            http: self.facts.setup.http.clone(),
            vault: Arc::clone(&self.facts.vault),
            shelf: self.facts.shelf.clone(),
        }
    }
}
