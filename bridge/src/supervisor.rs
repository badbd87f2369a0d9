//! The supervisor: starts every part, keeps the one writer going, and stops everything in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upturn_core::decode::Sources;
use upturn_core::registry::Registry;

use crate::backoff::Backoff;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::config::retention::RetentionConfig;
use crate::health::Health;
use crate::ingest::connect::Way;
use crate::ingest::door::OpenDoor;
use crate::ingest::inbox::Inbox;
use crate::ingest::submission::Submission;
use crate::reload::Reloader;
use crate::rules::LoadedRule;
use crate::runtime::request::{Request, Wanted};
use crate::runtime::{BATCH_MAX, Queues, Runtime};
use crate::store::claim::Claim;
use crate::store::error::StoreError;
use crate::store::{self, Store};
use crate::telemetry::Metrics;
use crate::web::{self, App, Change, WebSettings};

mod carrier;
mod doors;
mod hangup;
mod start_error;

use self::doors::Doors;
pub(crate) use self::start_error::StartError;

/// What a stop waits for at most before it leaves the rest to the next start.
const STOP_MAX: Duration = Duration::from_secs(8);
/// How often the database is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Messages that wait for the writer: more than the broker sends ahead, so that what comes by
/// acknowledged delivery always fits.
const INBOX_MAX: usize = 4 * BATCH_MAX;
/// Submissions that wait for the writer; who comes later waits at the door, with a time limit.
const SUBMISSIONS_MAX: usize = 8;
/// Changes that a slow page may miss before it must look again.
const CHANGES_MAX: usize = 64;
/// Wishes of people and commands that wait for the writer.
const REQUESTS_MAX: usize = 64;

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The settings.
    pub(crate) config: Config,
    /// The rules in force.
    pub(crate) rules: Vec<LoadedRule>,
    /// Who and what is known.
    pub(crate) registry: Registry,
    /// Whether SIGHUP reads rules and registry again, as services do; else it ends the process.
    pub(crate) reloads: bool,
}

/// Everything, running.
#[derive(Debug)]
pub(crate) struct Running {
    /// Where the pages are.
    pub(crate) web: SocketAddr,
    /// Where the embedded broker listens, if it does.
    pub(crate) mqtt: Option<SocketAddr>,
    /// The store, for whoever wants to read.
    pub(crate) store: Store,
    // The way to the site's broker is open as long as this lives.
    _way: Option<Way>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
    ended: oneshot::Receiver<StartError>,
    // Heard from the first moment, so that a stop during the start is a clean one as well.
    interrupt: Signal,
    terminate: Signal,
}

/// Starts every part; returns once messages are taken in and pages are served.
pub(crate) async fn start(plan: Plan) -> Result<Running, StartError> {
    let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let ([interrupt, terminate], hangup) = signals(plan.reloads).map_err(StartError::Signals)?;
    let store = Store::open(plan.config.store.connection_url()?.expose()).await?;
    let claim = store.claim().await?;
    store.migrate().await?;
    store::session::purge(&store, SystemClock.now()).await?;
    let (listener, web) = bind(plan.config.web.listen).await?;

    let (health, metrics) = (Health::new(&["broker", "database", "ingest"]), Metrics::new());
    let (changes, _) = broadcast::channel(CHANGES_MAX);
    let (deliver, submit, inbox) = Inbox::with_room_for(INBOX_MAX, SUBMISSIONS_MAX);
    let (resets, reset) = watch::channel(0);
    let sources = plan.config.sources();
    let (asks, requests) = mpsc::channel(REQUESTS_MAX);

    let opening = doors::Opening {
        config: &plan.config,
        sources: &sources,
        inbox: deliver,
        resets: reset,
        health: &health,
        metrics: &metrics,
        tracker: &tracker,
        shutdown: &shutdown,
    };
    let doors = match doors::open(opening).await {
        Ok(doors) => doors,
        Err(error) => {
            shutdown.cancel();
            return Err(error);
        }
    };
    let app = app(&plan, &doors, &store, (&health, &metrics, &changes), (submit, asks));
    hangup::start(hangup, &app.reloader, doors.embedded.clone(), (&tracker, &shutdown));
    tracker.spawn(web::serve::serve(listener, web::router(app), shutdown.clone()));
    carrier::start(&plan.config, &doors, &store, &tracker, &shutdown);
    tracker.spawn(ping(store.clone(), health.clone(), shutdown.clone()));

    let writer = Writer {
        store: store.clone(),
        sources,
        wanted: Wanted { rules: plan.rules, registry: plan.registry, actor: "upturn".to_owned() },
        writes_letters: plan.config.outbox.mqtt_topic.is_some(),
        retention: plan.config.retention,
        health,
        metrics,
        changes,
        resets,
        door: doors.embedded.clone(),
    };
    let (end, ended) = oneshot::channel();
    let stop = shutdown.clone();
    tracker.spawn(async move {
        if let Err(error) = writer.run(claim, Queues { inbox, requests }, stop.clone()).await {
            // Nobody listens once a stop has begun.
            drop(end.send(error));
        }
    });
    let mqtt = doors.embedded.and_then(|door| door.plain_addr());
    let way = doors.external;
    Ok(Running { web, mqtt, store, _way: way, tracker, shutdown, ended, interrupt, terminate })
}

impl Running {
    /// Waits until the process is told to stop, or cannot go on.
    pub(crate) async fn until_told(&mut self) -> Result<(), StartError> {
        tokio::select! {
            _ = self.interrupt.recv() => Ok(()),
            _ = self.terminate.recv() => Ok(()),
            ended = &mut self.ended => ended.map_or(Ok(()), Err),
        }
    }

    /// Stops reading, lets the last commit finish, and closes the store.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.tracker.close();
        if tokio::time::timeout(STOP_MAX, self.tracker.wait()).await.is_err() {
            tracing::warn!(
                "some parts did not stop in time; nothing that was acknowledged is lost"
            );
        }
        self.store.close().await;
    }
}

/// Listens for the signals that stop the program, and for the one that makes it reload.
fn signals(reloads: bool) -> io::Result<([Signal; 2], Option<Signal>)> {
    let stops = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
    Ok((stops, reloads.then(|| signal(SignalKind::hangup())).transpose()?))
}

/// Returns what the pages work with.
fn app(
    plan: &Plan,
    doors: &Doors,
    store: &Store,
    (health, metrics, changes): (&Health, &Metrics, &broadcast::Sender<Change>),
    (submit, asks): (mpsc::Sender<Submission>, mpsc::Sender<Request>),
) -> App {
    App {
        store: store.clone(),
        health: health.clone(),
        metrics: metrics.clone(),
        changes: changes.clone(),
        submit,
        reloader: Arc::new(Reloader::new(
            &plan.config,
            asks.clone(),
            Arc::new(SystemClock),
            plan.registry.calendar.zone(),
        )),
        asks,
        clock: Arc::new(SystemClock),
        settings: Arc::new(WebSettings {
            secure_cookies: plan.config.web.secure_cookies,
            broker: doors.embedded.as_ref().and_then(OpenDoor::plain_addr),
        }),
        gate: Arc::default(),
    }
}

async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let fail = |error| StartError::listen(listen, error);
    let listener = TcpListener::bind(listen).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((listener, bound))
}

/// Says every few seconds whether the database is there.
async fn ping(store: Store, health: Health, shutdown: CancellationToken) {
    loop {
        let found = store.ping().await.map_err(|error| error.to_string());
        health.set("database", found);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PING_EVERY) => {}
        }
    }
}

/// The one writer and all it needs to begin again.
#[derive(Debug)]
struct Writer {
    store: Store,
    sources: Sources,
    wanted: Wanted,
    writes_letters: bool,
    retention: RetentionConfig,
    health: Health,
    metrics: Metrics,
    changes: broadcast::Sender<Change>,
    resets: watch::Sender<u64>,
    door: Option<OpenDoor>,
}

impl Writer {
    /// Rebuilds the engine and handles what comes in; after trouble, again.
    async fn run(
        &self,
        claim: Claim,
        mut queues: Queues,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let mut claim = Some(claim);
        // Once they are in the log, the log has the word.
        let mut wanted = Some(&self.wanted);
        let clock = Arc::new(SystemClock);
        let runtime = Runtime {
            store: &self.store,
            clock: clock.as_ref(),
            sources: &self.sources,
            writes_letters: self.writes_letters,
            retention: &self.retention,
            metrics: &self.metrics,
            changes: &self.changes,
        };
        let mut backoff = Backoff::new();
        while !shutdown.is_cancelled() {
            let commits = self.metrics.commits.get();
            let outcome = async {
                self.hold(&mut claim).await?;
                let mut fold = runtime.recover().await?;
                if let Some(first) = wanted {
                    runtime.switch(&mut fold, first).await?;
                    wanted = None;
                }
                self.health.set("ingest", Ok(()));
                runtime.run(&mut fold, &mut queues, &shutdown).await
            };
            let Err(error) = outcome.await else { return Ok(()) };
            self.report(&error);
            if !is_passing(&error) {
                return Err(error.into());
            }
            self.forget(&mut queues);
            if commits < self.metrics.commits.get() {
                backoff.reset();
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = backoff.wait() => {}
            }
        }
        Ok(())
    }

    /// Makes sure that nobody else writes: the claim may have gone with the connection it hung on.
    async fn hold(&self, claim: &mut Option<Claim>) -> Result<(), StoreError> {
        if let Some(held) = claim
            && held.check().await.is_ok()
        {
            return Ok(());
        }
        // The old one is given back first, or it would be in our own way.
        *claim = None;
        *claim = Some(self.store.claim().await?);
        Ok(())
    }

    fn report(&self, error: &StoreError) {
        self.health.set("ingest", Err(format!("nothing is taken in: {error}")));
        let cause = error as &dyn std::error::Error;
        if is_passing(error) {
            tracing::warn!(error = cause, "nothing is acknowledged until the database is back");
        } else {
            tracing::error!(error = cause, "stopping: this does not pass by itself");
        }
    }

    /// Drops what was not committed and has every sender send it again.
    fn forget(&self, queues: &mut Queues) {
        queues.inbox.forget();
        // Who waits is told by the end of the channel.
        while queues.requests.try_recv().is_ok() {}
        self.resets.send_modify(|count| *count += 1);
        if let Some(door) = &self.door {
            door.reset_connections();
        }
    }
}

/// Whether trouble may pass without a person. A moved cursor may be our own commit whose answer was
/// lost: rebuilding the engine finds out, and the claim tells whether anybody else writes. A claim
/// that is taken may still be our own, on a connection whose end the server has not noticed; if it
/// is another's, then this process waits for it to go.
fn is_passing(error: &StoreError) -> bool {
    error.is_transient() || matches!(error, StoreError::Fenced | StoreError::AlreadyRunning(_))
}
