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
use upturn_core::compliance::policy::Policy;
use upturn_core::registry::Registry;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::delivery::Routing;
use crate::delivery::files::{DeliveryError, Setup};
use crate::failpoint;
use crate::health::Health;
use crate::ingest::inbox::Inbox;
use crate::ingest::submission::Submission;
use crate::leads;
use crate::reload::{Documents, Reloader};
use crate::rules::LoadedRule;
use crate::runtime::Queues;
use crate::runtime::request::{Request, Wanted};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::web::{self, App, WebSettings};

mod doors;
mod duty;
mod hangup;
mod house;
pub(crate) mod publisher;
mod start_error;
mod term;
mod writer;

use self::duty::Duty;
use self::house::{Facts, House};
use self::publisher::Broker;
pub(crate) use self::start_error::StartError;
use self::term::Term;

/// What a stop waits for at most before it leaves the rest to the next start.
const STOP_MAX: Duration = Duration::from_secs(8);
/// What closing the database may take at most.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// How often the database is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(2);
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
    /// The rules of the house on selling.
    pub(crate) policy: Policy,
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
    /// Whether another process works on the database, and this one waits for its end.
    pub(crate) is_standby: bool,
    /// The store, for whoever wants to read.
    pub(crate) store: Store,
    /// To the one writer.
    pub(crate) asks: mpsc::Sender<Request>,
    tracker: TaskTracker,
    shutdown: CancellationToken,
    ended: oneshot::Receiver<StartError>,
    // Heard from the first moment, so that a stop during the start is a clean one as well.
    stops: Stops,
}

/// Starts every part; returns once messages are taken in and pages are served, or once this process
/// stands by for another one on the same database.
pub(crate) async fn start(plan: Plan) -> Result<Running, StartError> {
    failpoint::start();
    let (tracker, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let (mut stops, hangup) = signals(plan.reloads).map_err(StartError::Signals)?;
    let store = Store::open(plan.config.store.connection_url()?.expose()).await?;
    let mut candidate = store.candidate();
    let claim = candidate.try_claim().await?;
    if claim.is_none() && !candidate.stands_by() {
        return Err(candidate.refusal().into());
    }
    let (listener, web) = bind(plan.config.web.listen).await?;

    let publisher = watch::Sender::new(None);
    let (setup, delivery) = delivery(&plan.config, &publisher)?;

    let (submit, inbox) = Inbox::with_room_for(SUBMISSIONS_MAX);
    let (asks, requests) = mpsc::channel(REQUESTS_MAX);
    let house = House {
        store: store.clone(),
        sources: plan.config.sources(),
        config: plan.config.clone(),
        health: Health::new(&["broker", "database", "ingest"]),
        metrics: Metrics::new(),
        changes: broadcast::Sender::new(CHANGES_MAX),
        door: watch::Sender::new(None),
        publisher,
        delivery,
        folder: watch::Sender::new(Arc::new(plan.registry.clone())),
        leads: watch::Sender::new(Arc::new(leads::load(&plan.config.rules.dir)?)),
        setup,
        facts: Facts::open(&plan.config)?,
        asks: asks.clone(),
        tracker: tracker.clone(),
        shutdown: shutdown.clone(),
    };
    let mut queues = Queues { inbox, requests };
    let first = match claim {
        Some(claim) => {
            let begun = Term::begin(&house, claim, &mut queues);
            let begun = unless_told(begun, &mut stops).await;
            Some(begun.inspect_err(|_| shutdown.cancel())?)
        }
        None => None,
    };
    let mqtt = first.as_ref().and_then(Term::embedded);
    let app = app(&plan, &house, mqtt, (submit, asks.clone()));
    hangup::start(hangup, &app.reloader, house.door.subscribe(), (&tracker, &shutdown));
    tracker.spawn(web::serve::serve(listener, web::router(app), shutdown.clone()));
    tracker.spawn(ping(store.clone(), house.health.clone(), shutdown.clone()));

    let is_standby = first.is_none();
    let wanted = plan.wanted();
    let duty = Duty { house, candidate, wanted, is_due: !is_standby, queues };
    let (end, ended) = oneshot::channel();
    tracker.spawn(async move {
        if let Err(error) = Box::pin(duty.run(first)).await {
            // Nobody listens once a stop has begun.
            drop(end.send(error));
        }
    });
    Ok(Running { web, mqtt, is_standby, store, asks, tracker, shutdown, ended, stops })
}

impl Plan {
    /// Returns what comes into force when the process begins.
    fn wanted(self) -> Wanted {
        let Self { rules, registry, policy, .. } = self;
        Wanted { rules, registry, policy, actor: "upturn".to_owned() }
    }
}

impl Running {
    /// Waits until the process is told to stop, or cannot go on.
    pub(crate) async fn until_told(&mut self) -> Result<(), StartError> {
        tokio::select! {
            () = self.stops.told() => Ok(()),
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
        // A database that does not answer is not waited for.
        drop(tokio::time::timeout(CLOSE_MAX, self.store.close()).await);
    }
}

/// Reads who is told of what happens to tasks; letters to devices go out by `publisher`.
fn delivery(
    config: &Config,
    publisher: &watch::Sender<publisher::Current>,
) -> Result<(Setup, watch::Sender<Arc<Routing>>), StartError> {
    let broker = Arc::new(Broker(publisher.subscribe()));
    let setup = Setup::new(config, broker).map_err(DeliveryError::from)?;
    let routing = setup.load()?;
    Ok((setup, watch::Sender::new(Arc::new(routing))))
}

/// Awaits a part of the start, unless a signal ends the program meanwhile.
async fn unless_told<T>(
    part: impl Future<Output = Result<T, StartError>>,
    stops: &mut Stops,
) -> Result<T, StartError> {
    tokio::select! {
        outcome = part => outcome,
        () = stops.told() => Err(StartError::Stopped),
    }
}

/// The signals that stop the program.
#[derive(Debug)]
struct Stops(Signal, Signal);

impl Stops {
    /// Waits for one of them.
    async fn told(&mut self) {
        let Self(interrupt, terminate) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// Listens for the signals that stop the program, and for the one that makes it reload.
fn signals(reloads: bool) -> io::Result<(Stops, Option<Signal>)> {
    let stops = Stops(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok((stops, reloads.then(|| signal(SignalKind::hangup())).transpose()?))
}

/// Returns what the pages work with.
fn app(
    plan: &Plan,
    house: &House,
    mqtt: Option<SocketAddr>,
    (submit, asks): (mpsc::Sender<Submission>, mpsc::Sender<Request>),
) -> App {
    App {
        store: house.store.clone(),
        health: house.health.clone(),
        metrics: house.metrics.clone(),
        changes: house.changes.clone(),
        submit,
        reloader: Arc::new(Reloader::new(
            &plan.config,
            (asks.clone(), house.tracker.clone()),
            Arc::new(SystemClock),
            &plan.registry,
            Documents {
                delivery: (house.setup.clone(), house.delivery.clone()),
                feeds: (house.facts.setup.clone(), house.facts.feeds.clone()),
                folder: house.folder.clone(),
                leads: house.leads.clone(),
            },
        )),
        delivery: house.delivery.subscribe(),
        feeds: house.facts.feeds.subscribe(),
        feed_office: house.feed_office(),
        forecast: house.config.forecast.clone(),
        asks,
        clock: Arc::new(SystemClock),
        settings: Arc::new(WebSettings {
            secure_cookies: plan.config.web.secure_cookies,
            broker: mqtt.or(plan.config.mqtt.listen),
        }),
        throttle: Arc::default(),
        twins: Arc::default(),
        uploads: Arc::default(),
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
