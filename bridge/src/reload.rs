//! Reads rules, registry, destinations, routes and feeds again while everything runs: all or nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;
use upturn_core::catalogue::Catalogue;
use upturn_core::compliance::policy::Policy;
use upturn_core::lead::policy::Policy as LeadPolicy;
use upturn_core::registry::Registry;
use upturn_core::registry::hand_over::HandOvers;
use upturn_core::rule::finding::Finding;

use crate::clock::Clock;
use crate::compliance;
use crate::config::Config;
use crate::delivery::Routing;
use crate::delivery::files::{DeliveryError, Setup};
use crate::feeds::files::FeedsError;
use crate::feeds::{self, Feeds};
use crate::leads;
use crate::people::Registry as People;
use crate::registry;
use crate::registry::problem::{Problem, RegistryError};
use crate::rules::{self, CheckedFile, LoadedRule, RulesError};
use crate::runtime::request::{Changes, Request, Wanted};

/// Reads what the settings name and hands it to the writer.
#[derive(Debug)]
pub(crate) struct Reloader {
    files: Arc<Files>,
    asks: mpsc::Sender<Request>,
    /// What is read again is done whether anybody waits for it or not.
    tracker: TaskTracker,
    clock: Arc<dyn Clock>,
    /// What was read last comes into force last.
    turn: tokio::sync::Mutex<()>,
    /// The last try, if it was refused.
    refused: Mutex<Option<Refusal>>,
    /// The zone of the calendar that was read last.
    zone: Mutex<Tz>,
    /// The people of the registry that was read last.
    people: Mutex<Arc<People>>,
    /// The kinds of hand-over of the registry that was read last.
    hand_overs: Mutex<Arc<HandOvers>>,
    /// Who is told of what happens to tasks.
    delivery: watch::Sender<Arc<Routing>>,
    /// Where facts come from.
    feeds: watch::Sender<Arc<Feeds>>,
    /// The registry of the folder, over which its records lie.
    folder: watch::Sender<Arc<Registry>>,
    /// What leads are judged by.
    leads: watch::Sender<Arc<LeadPolicy>>,
}

/// Documents that the writer does not ask for: what reads them, and where those in force are put.
#[derive(Debug)]
pub(crate) struct Documents {
    /// Who is told of what happens to tasks.
    pub(crate) delivery: (Setup, watch::Sender<Arc<Routing>>),
    /// Where facts come from.
    pub(crate) feeds: (feeds::files::Setup, watch::Sender<Arc<Feeds>>),
    /// The registry of the folder.
    pub(crate) folder: watch::Sender<Arc<Registry>>,
    /// What leads are judged by; they lie among the rules.
    pub(crate) leads: watch::Sender<Arc<LeadPolicy>>,
}

/// Where rules and registry are.
#[derive(Debug)]
struct Files {
    rules: PathBuf,
    registry: Option<PathBuf>,
    compliance: Option<PathBuf>,
    catalogue: Catalogue,
    delivery: Setup,
    feeds: feeds::files::Setup,
}

/// A try that changed nothing, because files are wrong.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// What is wrong.
    pub(crate) findings: Vec<FileFinding>,
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct FileFinding {
    /// The file.
    pub(crate) file: String,
    /// The line, counted from 1; none if it is the file as a whole.
    pub(crate) line: Option<u64>,
    /// The column, counted from 1.
    pub(crate) column: Option<u64>,
    /// A stable word for the kind of mistake.
    pub(crate) code: &'static str,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

/// Why everything stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// Files are wrong.
    #[error("rules and registry stay as they are, since files are wrong: {}", listed(.0))]
    Wrong(Vec<FileFinding>),
    /// The writer is away.
    #[error(
        "rules and registry stay as they are: the database is away; reload again once it is back"
    )]
    NoAnswer,
    /// Reading them was cut short.
    #[error("rules and registry could not be read")]
    Reading(#[from] tokio::task::JoinError),
}

impl Reloader {
    /// Returns what reads the files that `config` names, for the writer behind `asks`; `registry` is
    /// the one that is in force.
    pub(crate) fn new(
        config: &Config,
        (asks, tracker): (mpsc::Sender<Request>, TaskTracker),
        clock: Arc<dyn Clock>,
        registry: &Registry,
        documents: Documents,
    ) -> Self {
        let Documents { delivery: (setup, delivery), feeds: (feed_setup, feeds), folder, leads } =
            documents;
        let files = Files {
            rules: config.rules.dir.clone(),
            registry: config.registry.dir.clone(),
            compliance: config.compliance.dir.clone(),
            catalogue: config.catalogue(),
            delivery: setup,
            feeds: feed_setup,
        };
        let (turn, refused) = (tokio::sync::Mutex::default(), Mutex::default());
        let zone = Mutex::new(registry.calendar.zone());
        let people = Mutex::new(Arc::new(registry.people.clone()));
        let hand_overs = Mutex::new(Arc::new(registry.hand_overs.clone()));
        let files = Arc::new(files);
        Self {
            files,
            asks,
            tracker,
            clock,
            turn,
            refused,
            zone,
            people,
            hand_overs,
            delivery,
            feeds,
            folder,
            leads,
        }
    }

    /// Reads everything again and puts it in force; `actor` is who wants it. Whoever asked may give up
    /// waiting: it is done to its end, or not at all.
    pub(crate) async fn reload(self: &Arc<Self>, actor: &str) -> Result<Changes, ReloadError> {
        let (reloader, actor) = (Arc::clone(self), actor.to_owned());
        let done = self.tracker.spawn(async move { reloader.read_again(&actor).await });
        done.await?
    }

    async fn read_again(&self, actor: &str) -> Result<Changes, ReloadError> {
        let _turn = self.turn.lock().await;
        let files = Arc::clone(&self.files);
        let Read { rules, registry, policy, delivery, feeds, leads } =
            match tokio::task::spawn_blocking(move || files.read()).await? {
                Ok(read) => read,
                Err(findings) => {
                    let refusal = Refusal { at: self.clock.now(), findings: findings.clone() };
                    self.note(Some(refusal));
                    return Err(ReloadError::Wrong(findings));
                }
            };
        let (reply, changes) = oneshot::channel();
        let (zone, people) = (registry.calendar.zone(), Arc::new(registry.people.clone()));
        let hand_overs = Arc::new(registry.hand_overs.clone());
        let folder = Arc::new(registry.clone());
        let wanted = Box::new(Wanted { rules, registry, policy, actor: actor.to_owned() });
        let asked = self.asks.send(Request::Reload { wanted, reply }).await;
        asked.map_err(|_| ReloadError::NoAnswer)?;
        let mut changes = changes.await.map_err(|_| ReloadError::NoAnswer)?;
        self.folder.send_replace(folder);
        changes.delivery = self.replace(delivery);
        let leads = Arc::new(leads);
        changes.leads = self.leads.send_replace(Arc::clone(&leads)) != leads;
        let feeds = Arc::new(feeds);
        changes.feeds = !self.feeds.send_replace(Arc::clone(&feeds)).is_same(&feeds);
        self.note(None);
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner) = zone;
        *self.people.lock().unwrap_or_else(PoisonError::into_inner) = people;
        *self.hand_overs.lock().unwrap_or_else(PoisonError::into_inner) = hand_overs;
        Ok(changes)
    }

    /// Puts destinations and routes in force, also the same ones, since files with secrets may be
    /// others; returns whether the documents are.
    fn replace(&self, delivery: Routing) -> bool {
        let delivery = Arc::new(delivery);
        let old = self.delivery.send_replace(Arc::clone(&delivery));
        !old.is_same(&delivery)
    }

    /// Returns the zone of the calendar in force, which pages show times in.
    pub(crate) fn zone(&self) -> Tz {
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the people of the registry in force, who get tasks whether they sign in or not.
    pub(crate) fn people(&self) -> Arc<People> {
        Arc::clone(&self.people.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the registry of the folder that was read last.
    pub(crate) fn folder(&self) -> Arc<Registry> {
        Arc::clone(&self.folder.borrow())
    }

    /// Returns what has to be said when tasks change hands.
    pub(crate) fn hand_overs(&self) -> Arc<HandOvers> {
        Arc::clone(&self.hand_overs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the last try, if it was refused and none has succeeded since.
    pub(crate) fn refused(&self) -> Option<Refusal> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, refusal: Option<Refusal>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }
}

impl Files {
    fn read(&self) -> Result<Read, Vec<FileFinding>> {
        let delivery = self.delivery.load();
        let rules = rules::load(&self.rules, &self.catalogue);
        let registry = self.registry.as_deref().map(registry::load).transpose();
        let feeds = self.feeds.load();
        let leads = leads::load(&self.rules);
        let policy = self.compliance.as_deref().map(compliance::load).transpose();
        match (rules, registry, policy, (delivery, feeds, leads)) {
            (Ok(rules), Ok(registry), Ok(policy), (Ok(delivery), Ok(feeds), Ok(leads))) => {
                let (registry, policy) = (registry.unwrap_or_default(), policy.unwrap_or_default());
                Ok(Read { rules, registry, policy, delivery, feeds, leads })
            }
            (rules, registry, policy, (delivery, feeds, leads)) => {
                let mut findings = rules.as_ref().err().map(of_rules).unwrap_or_default();
                findings.extend(leads.as_ref().err().map(of_rules).unwrap_or_default());
                findings.extend(registry.as_ref().err().map(of_registry).unwrap_or_default());
                findings.extend(delivery.as_ref().err().map(of_delivery).unwrap_or_default());
                findings.extend(feeds.as_ref().err().map(of_feeds).unwrap_or_default());
                findings.extend(policy.as_ref().err().map(of_rules).unwrap_or_default());
                Err(findings)
            }
        }
    }
}

/// What was read, all of it sound.
#[derive(Debug)]
struct Read {
    rules: Vec<LoadedRule>,
    registry: Registry,
    policy: Policy,
    delivery: Routing,
    feeds: Feeds,
    leads: LeadPolicy,
}

fn of_delivery(error: &DeliveryError) -> Vec<FileFinding> {
    match error {
        DeliveryError::Wrong(files) => of_files(files),
        DeliveryError::Folder(error) => of_rules(error),
        DeliveryError::Http(error) => {
            vec![FileFinding::of_file(Path::new("http"), "http", error.to_string())]
        }
    }
}

fn of_feeds(error: &FeedsError) -> Vec<FileFinding> {
    match error {
        FeedsError::Wrong(files) => of_files(files),
        FeedsError::Folder(error) => of_rules(error),
        FeedsError::Http(error) => {
            vec![FileFinding::of_file(Path::new("http"), "http", error.to_string())]
        }
    }
}

fn of_files(files: &[CheckedFile]) -> Vec<FileFinding> {
    let all = files
        .iter()
        .flat_map(|file| file.findings.iter().map(move |finding| of_finding(&file.path, finding)));
    all.collect()
}

fn of_rules(error: &RulesError) -> Vec<FileFinding> {
    match error {
        RulesError::Wrong(files) => {
            let errors = files.iter().flat_map(|file| {
                let errors = file.findings.iter().filter(|finding| finding.is_error());
                errors.map(|finding| of_finding(&file.path, finding))
            });
            errors.collect()
        }
        RulesError::Missing(path) | RulesError::Unreadable { path, .. } => {
            vec![FileFinding::of_file(path, "unreadable", error.to_string())]
        }
    }
}

fn of_finding(path: &Path, finding: &Finding) -> FileFinding {
    FileFinding {
        line: u64::try_from(finding.line).ok(),
        column: u64::try_from(finding.column).ok(),
        ..FileFinding::of_file(path, finding.code, format!("{}; {}", finding.message, finding.cure))
    }
}

fn of_registry(error: &RegistryError) -> Vec<FileFinding> {
    match error {
        RegistryError::Wrong(problems) => {
            let listed = problems.listed().iter().map(|Problem { file, line, message }| {
                let of_file = FileFinding::of_file(file, "registry", message.clone());
                FileFinding { line: *line, ..of_file }
            });
            listed.collect()
        }
        RegistryError::Folder { path, .. } => {
            vec![FileFinding::of_file(path, "unreadable", error.to_string())]
        }
    }
}

impl FileFinding {
    fn of_file(file: &Path, code: &'static str, message: String) -> Self {
        Self { file: file.display().to_string(), line: None, column: None, code, message }
    }
}

/// Returns the findings in one line, the first ones in full.
fn listed(findings: &[FileFinding]) -> String {
    const NAMED_MAX: usize = 3;

    let named = findings.iter().take(NAMED_MAX).map(|finding| {
        let FileFinding { file, line, column, message, .. } = finding;
        let number = |n: &Option<u64>| n.map(|n| format!(":{n}")).unwrap_or_default();
        format!("{file}{}{}: {message}", number(line), number(column))
    });
    let mut text = named.collect::<Vec<_>>().join("; ");
    if let Some(more) = findings.len().checked_sub(NAMED_MAX).filter(|more| 0 < *more) {
        text = format!("{text}; and {more} more");
    }
    text
}
