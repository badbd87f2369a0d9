//! Folds the stored log as recovery does, but only looks: the program may be running on it.

use chrono::{DateTime, Utc};
use upturn_core::board::Board;
use upturn_core::effect::Effect;
use upturn_core::engine::{ActiveRule, Engine};
use upturn_core::event::{Event, Position};
use upturn_core::id::DeviceId;
use upturn_core::input::Input;
use upturn_core::registry::Registry;
use upturn_core::rule::Rule;
use upturn_core::task::Task;

use super::{Folded, Outcome, Plan, ReplayError, RuleSet, given};
use crate::config::Config;
use crate::explain::{self, RegistryRow};
use crate::runtime::MEMORY;
use crate::runtime::fold::{self, Placed};
use crate::runtime::reading::{Reader, parse_logged};
use crate::store::error::StoreError;
use crate::store::{self, Store, schema};
use crate::supervisor::StartError;
use crate::web::when::machine;

/// An engine on its way through the log, with what stands so far.
#[derive(Debug)]
pub(crate) struct Side {
    pub(super) engine: Engine,
    pub(super) board: Board,
    pub(super) faults: u64,
    /// Whether the log's own rule switches count.
    is_live: bool,
    pub(super) store: Store,
    /// The last place that was folded.
    last: Position,
}

/// Opens the configured store, which must be there.
pub(crate) async fn open(config: &Config) -> Result<Store, ReplayError> {
    if let Some(file) = config.store.url.file().filter(|file| !file.exists()) {
        return Err(ReplayError::NoStore(file.to_owned()));
    }
    let url = config.store.connection_url().map_err(StartError::from)?;
    Ok(Store::open(url.expose()).await?)
}

/// Folds the log of `store`, under the rules that were in force, as far as `until`.
pub(crate) async fn of_live(
    store: &Store,
    until: Option<DateTime<Utc>>,
) -> Result<Side, StoreError> {
    let mut sides = [Side::live(store)];
    let last = store::cursor::read(store).await?;
    fold(store, &mut sides, (until, last)).await?;
    let [side] = sides;
    Ok(side)
}

/// Folds the log of the configured store.
pub(super) async fn run(plan: &Plan<'_>, config: &Config) -> Result<Outcome, ReplayError> {
    let store = open(config).await?;
    let mut notes = Vec::new();
    let mut sides = Vec::new();
    for set in &plan.sides {
        let (rules, is_live) = match set {
            RuleSet::At(path) => (given(path, config, &mut notes)?, false),
            RuleSet::Live => (Vec::new(), true),
        };
        sides.push(Side::new(&store, rules, is_live));
    }
    schema::require_current(&store).await?;
    if let Some(horizon) = store::retention::deleted(&store).await?.horizon {
        notes.push(format!(
            "older events are deleted; what happened before {} is not judged",
            machine(horizon)
        ));
    }
    // What is committed from here on is left out, so that all of it is one state of the log.
    let last = store::cursor::read(&store).await?;
    let events = fold(&store, &mut sides, (plan.until, last)).await?;
    let folds = sides.into_iter().map(|side| Folded::Stored(Box::new(side))).collect();
    Ok(Outcome { folds, events, notes })
}

/// Folds every input received before `until`, up to the place `last`, and returns how many of them
/// were events.
pub(super) async fn fold(
    store: &Store,
    sides: &mut [Side],
    (until, last): (Option<DateTime<Utc>>, Position),
) -> Result<u64, StoreError> {
    let deleted = store::retention::deleted(store).await?;
    let settled = store::retention::settled(store, deleted).await?;
    for side in sides.iter_mut() {
        side.engine.forget_before(deleted.horizon, settled);
    }
    let mut reader = Reader::new(store, last);
    let mut events = 0;
    while let Some(page) = reader.next_page().await? {
        for mut placed in page {
            let end = until.filter(|until| *until <= placed.received_at);
            if let Some(end) = end {
                // Something came later, so time did pass until then.
                placed = Placed { received_at: end, input: Input::Tick, ..placed };
            }
            events += u64::from(matches!(placed.input, Input::Event(_)));
            for side in &mut *sides {
                side.take(store, placed.clone()).await?;
            }
            if end.is_some() {
                return Ok(events);
            }
        }
    }
    Ok(events)
}

impl Side {
    fn new(store: &Store, rules: Vec<ActiveRule>, is_live: bool) -> Self {
        let engine = Engine::new(rules, Registry::default(), MEMORY);
        let (board, store) = (Board::default(), store.clone());
        Self { engine, board, faults: 0, is_live, store, last: 0 }
    }

    /// Returns the version of the registry at a place, asked at log time `at`.
    pub(super) async fn registry_row(
        &self,
        (position, at): (Position, DateTime<Utc>),
    ) -> Result<Option<RegistryRow>, StoreError> {
        explain::registry_at(&self.store, (position.min(self.last), at)).await
    }

    /// Returns one that has seen nothing and follows the log's own rule switches.
    pub(super) fn live(store: &Store) -> Self {
        Self::new(store, Vec::new(), true)
    }

    async fn take(&mut self, store: &Store, mut placed: Placed) -> Result<(), StoreError> {
        self.last = placed.position;
        if !self.is_live && matches!(placed.input, Input::Rules(_)) {
            placed.input = Input::Tick;
        }
        if let Input::Action(action) = &placed.input {
            self.board.act(action);
        }
        let mut effects = Vec::new();
        fold::handle_reading(&mut self.engine, store, placed, &mut effects).await?;
        for effect in effects {
            self.faults += u64::from(matches!(effect, Effect::Fault(_)));
            self.board.apply(effect);
        }
        Ok(())
    }

    pub(super) async fn events_of(&self, device: &DeviceId) -> Result<Vec<Event>, StoreError> {
        let mut tx = self.store.begin_reading().await?;
        let all = store::event::of_device(&mut tx, device, DateTime::<Utc>::MIN_UTC).await?;
        let folded = all.into_iter().filter(|(position, _)| *position <= self.last);
        Ok(folded.map(|(position, event)| Event { position, ..event }).collect())
    }

    pub(super) async fn rule_of(&self, task: &Task) -> Result<Option<Rule>, StoreError> {
        let (rule, version) = (task.rule.as_str(), &*task.version);
        let document = store::rule::document(&self.store, rule, version).await?;
        Ok(parse_logged(&document))
    }
}
