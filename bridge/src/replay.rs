//! Replays for commands: the fold over a file or over the stored log, under one or more sets of
//! rules, with what stands at the end. Nothing is written.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use upturn_core::board::Board;
use upturn_core::engine::{ActiveRule, Engine};
use upturn_core::event::{Event, Position};
use upturn_core::id::DeviceId;
use upturn_core::registry::Registry;
use upturn_core::replay::{self, Keep, Replay};
use upturn_core::rule::{Rule, Stage};
use upturn_core::task::Task;

use self::stored::Side;
use crate::config::Config;
use crate::exit::Exit;
use crate::explain::RegistryRow;
use crate::explain::why_not::{self, Question, WhyNotExplained};
use crate::parquet::TableError;
use crate::runtime::switching::version_of;
use crate::store::error::StoreError;
use crate::supervisor::StartError;
use crate::{registry, rules};

mod digest;
mod file;
mod stored;

pub(crate) use self::digest::{FoldDigest, digest};
pub(crate) use self::stored::{of_live, open};

/// Which rules judge.
#[derive(Clone, Debug)]
pub(crate) enum RuleSet {
    /// Those at a path, from the beginning, drafts too.
    At(PathBuf),
    /// Those that are in force: the log's own switches, or the configured folder for a file.
    Live,
}

/// What to fold.
#[derive(Clone, Debug)]
pub(crate) struct Plan<'p> {
    /// The configuration, if one was named.
    pub(crate) config: Option<&'p Path>,
    /// Files of events; none for the stored log.
    pub(crate) events: &'p [PathBuf],
    /// One fold for each of these.
    pub(crate) sides: Vec<RuleSet>,
    /// Log time before which inputs count.
    pub(crate) until: Option<DateTime<Utc>>,
    /// Whether events are looked at again.
    pub(crate) keep: Keep,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// In the order of the plan's sides.
    pub(crate) folds: Vec<Folded>,
    /// How many events were folded, each once.
    pub(crate) events: u64,
    /// What people should know beside the result.
    pub(crate) notes: Vec<String>,
}

/// A fold that has come to its end.
#[derive(Debug)]
pub(crate) enum Folded {
    /// Over files.
    File(Box<Replay>),
    /// Over the stored log.
    Stored(Box<Side>),
}

/// Why nothing was folded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// Settings, rules, tables or the database.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A file of events.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A Parquet file of events.
    #[error("cannot read {path}", path = .path.display())]
    Table {
        /// Which.
        path: PathBuf,
        /// Why.
        source: TableError,
    },
    /// No line of the files was an event.
    #[error("none of the {0} lines became an event; see above")]
    NothingRead(u64),
    /// There is no database yet.
    #[error("there is no database {path}; name the configuration by --config, or files by --events", path = .0.display())]
    NoStore(PathBuf),
}

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        Self::Start(error.into())
    }
}

impl ReplayError {
    /// Returns the exit code that tells scripts what kind of trouble it is.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Start(error) => error.exit(),
            Self::Read { .. } | Self::NoStore(_) => Exit::NoInput,
            Self::Table { .. } | Self::NothingRead(_) => Exit::DataErr,
        }
    }
}

impl Folded {
    /// Returns the engine.
    pub(crate) fn engine(&self) -> &Engine {
        match self {
            Self::File(replay) => replay.engine(),
            Self::Stored(side) => &side.engine,
        }
    }

    /// Returns what stands.
    pub(crate) fn board(&self) -> &Board {
        match self {
            Self::File(replay) => replay.board(),
            Self::Stored(side) => &side.board,
        }
    }

    /// Returns how often a rule could not judge an event.
    pub(crate) fn faults(&self) -> u64 {
        match self {
            Self::File(replay) => replay.faults().1,
            Self::Stored(side) => side.faults,
        }
    }

    /// Returns the rule of a task in the version that made it; `None` where it is not understood.
    pub(crate) async fn rule_of(&self, task: &Task) -> Result<Option<Rule>, StoreError> {
        let is_it = |a: &&ActiveRule| a.rule.id == task.rule && a.version == task.version;
        if let Some(active) = self.engine().rules().find(is_it) {
            return Ok(Some(Rule::clone(&active.rule)));
        }
        match self {
            Self::File(_) => Ok(None),
            Self::Stored(side) => side.rule_of(task).await,
        }
    }

    /// Returns the version of the registry at a place in the log, asked at log time `at`; `None`
    /// where the registry stands in no log.
    pub(crate) async fn registry_row(
        &self,
        place: (Position, DateTime<Utc>),
    ) -> Result<Option<RegistryRow>, StoreError> {
        match self {
            Self::File(_) => Ok(None),
            Self::Stored(side) => side.registry_row(place).await,
        }
    }

    /// Says why a rule has made no task; `None` for one that is not in force, or not in that stage.
    pub(crate) async fn why_not(
        &self,
        question: &Question,
    ) -> Result<Option<WhyNotExplained>, StoreError> {
        let Some(mut answer) = why_not::ask(self.engine(), question) else { return Ok(None) };
        if let Self::Stored(side) = self {
            why_not::recall(&side.store, &mut answer).await?;
        }
        let mut events = Vec::new();
        for device in &answer.devices {
            events.extend(why_not::with_derived(self.events_of(device).await?));
        }
        let scope = question.scope.clone();
        let examined = why_not::examine(self.engine(), (&answer.rule, &scope), events);
        let row = self.registry_row((Position::MAX, answer.at)).await?;
        Ok(Some(why_not::explain(scope, answer, examined, row)))
    }

    /// Returns the events of a device that were folded, with their places in the log.
    pub(crate) async fn events_of(&self, device: &DeviceId) -> Result<Vec<Event>, StoreError> {
        match self {
            Self::File(replay) => Ok(replay.events_of(device)),
            Self::Stored(side) => side.events_of(device).await,
        }
    }
}

/// Folds what `plan` says.
pub(crate) async fn run(plan: &Plan<'_>) -> Result<Outcome, ReplayError> {
    if plan.events.is_empty() {
        let config = Config::load(plan.config).map_err(StartError::from)?;
        return stored::run(plan, &config).await;
    }
    // Without a configuration a back-test depends on nothing but its own files.
    let config = match plan.config {
        Some(path) => Config::load(Some(path)).map_err(StartError::from)?,
        None => Config::default(),
    };
    let registry = match &config.registry.dir {
        Some(dir) => registry::load(dir).map_err(StartError::from)?,
        None => Registry::default(),
    };
    let mut notes = Vec::new();
    let mut replays = Vec::new();
    for side in &plan.sides {
        let path = match side {
            RuleSet::At(path) => path,
            RuleSet::Live => &config.rules.dir,
        };
        let rules = given(path, &config, &mut notes)?;
        replays.push(Replay::new(rules, registry.clone(), plan.keep));
    }
    file::run(plan, &config.sources(), &mut replays, &mut notes)?;
    let events = replays.first().map_or(0, Replay::events);
    let folds = replays.into_iter().map(|replay| Folded::File(Box::new(replay))).collect();
    Ok(Outcome { folds, events: u64::try_from(events).unwrap_or_default(), notes })
}

/// Returns the rules at `path` as in force from the beginning.
fn given(
    path: &Path,
    config: &Config,
    notes: &mut Vec<String>,
) -> Result<Vec<ActiveRule>, ReplayError> {
    let loaded = rules::load(path, &config.catalogue()).map_err(StartError::from)?;
    for rule in loaded.iter().map(|loaded| &loaded.rule).filter(|r| r.stage == Stage::Draft) {
        notes.push(format!("the draft '{}' is folded as if it were live", rule.id));
    }
    let active =
        loaded.into_iter().map(|each| replay::in_force(each.rule, &version_of(&each.text)));
    Ok(active.collect())
}
