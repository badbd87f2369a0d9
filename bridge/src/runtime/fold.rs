//! The engine and how far it has come; what it needs to know it is told from the store.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use upturn_core::effect::Effect;
use upturn_core::engine::{ActiveRule, Engine, Memory, Need};
use upturn_core::event::{Event, Position};
use upturn_core::input::Input;
use upturn_core::registry::Registry;

use super::failures::Failures;
use super::leads::Fleet;
use super::reading::Reader;
use crate::store::cursor::Epoch;
use crate::store::error::StoreError;
use crate::store::{self, Store, Tx};

/// The engine and how far it has come.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) engine: Engine,
    /// The last place in the log.
    pub(crate) cursor: Position,
    /// The epoch it writes in.
    pub(crate) epoch: Epoch,
    /// The rules in force, drafts and retired ones included.
    pub(crate) rules: Vec<ActiveRule>,
    /// The digest of the registry in force.
    pub(crate) registry: String,
    /// When the next clock of a task is due.
    pub(crate) next_timer: Option<DateTime<Utc>>,
    /// The day for which what feeds tell is in force, and over which folder; none where it may be other.
    pub(crate) told: Option<(NaiveDate, Arc<Registry>)>,
    /// What rules have failed at.
    pub(crate) failures: Failures,
    /// Which devices each account has.
    pub(crate) fleet: Fleet,
}

/// An input with its place in the log.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) position: Position,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) input: Input,
}

impl Fold {
    /// Returns a fold that has seen nothing.
    pub(crate) fn new(memory: Memory) -> Self {
        let engine = Engine::new(Vec::new(), Registry::default(), memory);
        let (rules, registry, failures) = (Vec::new(), String::new(), Failures::default());
        let fleet = Fleet::default();
        let (cursor, epoch, next_timer, told) = (0, Epoch::NONE, None, None);
        Self { engine, cursor, epoch, rules, registry, next_timer, told, failures, fleet }
    }
}

/// Lets `engine` handle an input, and meets what it needs from what `tx` sees.
pub(crate) async fn handle(
    engine: &mut Engine,
    (store, tx): (&Store, &mut Tx),
    placed: Placed,
    effects: &mut Vec<Effect>,
) -> Result<(), StoreError> {
    let Placed { position, received_at, input } = placed;
    match engine.handle(position, received_at, input, effects) {
        None => Ok(()),
        Some(need) => meet(engine, (store, tx), (position, need), effects).await,
    }
}

/// Lets `engine` handle an input that was committed, and meets what it needs without keeping
/// anybody from writing.
pub(crate) async fn handle_reading(
    engine: &mut Engine,
    store: &Store,
    placed: Placed,
    effects: &mut Vec<Effect>,
) -> Result<(), StoreError> {
    let Placed { position, received_at, input } = placed;
    match engine.handle(position, received_at, input, effects) {
        None => Ok(()),
        Some(need) => {
            let mut tx = store.begin_reading().await?;
            meet(engine, (store, &mut tx), (position, need), effects).await
        }
    }
}

async fn meet(
    engine: &mut Engine,
    (store, tx): (&Store, &mut Tx),
    (position, need): (Position, Need),
    effects: &mut Vec<Effect>,
) -> Result<(), StoreError> {
    let mut next = Some(need);
    while let Some(need) = next.take() {
        next = match need {
            Need::Devices(..) | Need::Events(_) => {
                let history = history(tx, position, need).await?;
                engine.supply(history, effects)
            }
            Need::Log => {
                let fresh = replayed(engine, (store, tx), position).await?;
                engine.finish_replay(fresh, effects)
            }
        };
    }
    Ok(())
}

/// Returns what the rules that come into force at `position` find in the log before.
async fn replayed(
    engine: &Engine,
    (store, tx): (&Store, &mut Tx),
    position: Position,
) -> Result<Engine, StoreError> {
    let mut fresh = engine.begin_replay();
    let mut reader = Reader::new(store, position.saturating_sub(1));
    while let Some(page) = reader.next_page().await? {
        tx.touch().await?;
        for Placed { position, received_at, input } in page {
            let mut dropped = Vec::new();
            let mut next = fresh.handle(position, received_at, input, &mut dropped);
            while let Some(need) = next.take() {
                let history = history(tx, position, need).await?;
                next = fresh.supply(history, &mut dropped);
            }
        }
    }
    Ok(fresh)
}

/// Returns the events that are needed at `position`.
async fn history(
    tx: &mut Tx,
    position: Position,
    need: Need,
) -> Result<Vec<(Position, Event)>, StoreError> {
    let mut history = Vec::new();
    match need {
        Need::Devices(devices, since) => {
            for device in devices {
                history.extend(store::event::of_device(tx, &device, since).await?);
            }
        }
        Need::Events(places) => history = store::event::at_places(tx, &places).await?,
        // A replay follows no change of rules.
        Need::Log => {}
    }
    // Later events of this batch are in the store already, but not yet in the fold.
    history.retain(|(at, _)| *at <= position);
    Ok(history)
}
