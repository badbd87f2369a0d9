//! Replay: folds inputs that are all at hand (a file, a scenario, a task's evidence) and keeps the
//! tasks that stand.
//!
//! It is the engine that runs live with its history beside it. Deadlines pass up to the log time
//! of the last input: what would follow from later silence is not known from what was handed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::board::Board;
use crate::effect::{Effect, Fault};
use crate::engine::{ActiveRule, Engine, Memory, Need};
use crate::event::{Event, Position};
use crate::id::DeviceId;
use crate::input::Input;
use crate::registry::Registry;
use crate::rule::{Rule, Stage};

#[expect(clippy::disallowed_types, reason = "looked up only, never iterated")]
type Seen = std::collections::HashSet<u128>;

/// How many faults are kept; the rest are counted.
const FAULTS_MAX: usize = 100;

/// How much of what was handed in stays at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// What the engine can ask for while its rules stay as they are: nothing, unless a rule minds
    /// maintenance.
    Needed,
    /// Everything, so that rules may change and events be looked at again.
    All,
}

/// An engine on its way through inputs, with what stands so far.
#[derive(Clone, Debug)]
pub struct Replay {
    engine: Engine,
    board: Board,
    position: Position,
    keeps: bool,
    /// In the order of the log.
    log: Vec<(Position, DateTime<Utc>, Input)>,
    /// Where each device's events are in `log`.
    by_device: BTreeMap<DeviceId, Vec<usize>>,
    /// What was taken in: 128 bits of hash each.
    seen: Seen,
    faults: Vec<Fault>,
    faults_count: u64,
}

impl Replay {
    /// Returns a replay that has seen nothing, with `rules` in force from the beginning.
    pub fn new(rules: Vec<ActiveRule>, registry: impl Into<Arc<Registry>>, keep: Keep) -> Self {
        let minds = |active: &ActiveRule| active.rule.when.not_while_maintenance;
        let keeps = keep == Keep::All || rules.iter().any(minds);
        Self {
            engine: Engine::new(rules, registry, Memory::All),
            board: Board::default(),
            position: 0,
            keeps,
            log: Vec::new(),
            by_device: BTreeMap::new(),
            seen: Seen::new(),
            faults: Vec::new(),
            faults_count: 0,
        }
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the tasks that stand.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Returns how many events were taken in, repeated ones left out.
    pub fn events(&self) -> usize {
        self.seen.len()
    }

    /// Returns the place of the last input.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the events a rule could not judge, the first of them, and how many there were.
    pub fn faults(&self) -> (&[Fault], u64) {
        (&self.faults, self.faults_count)
    }

    /// Returns the events of `device` that are at hand, in the order they came.
    pub fn events_of(&self, device: &DeviceId) -> Vec<Event> {
        self.history_of(device, Position::MAX).into_iter().map(at_its_place).collect()
    }

    /// Takes `event`, unless it came before; returns whether it is new.
    pub fn take_event(&mut self, event: Event) -> bool {
        if !self.seen.insert(key(&event)) {
            return false;
        }
        self.take(event.received_at, Input::Event(event));
        true
    }

    /// Takes any input. Rules may change only where everything is kept.
    pub fn take(&mut self, received_at: DateTime<Utc>, input: Input) {
        self.position += 1;
        let position = self.position;
        if self.keeps {
            if let Input::Event(event) = &input {
                let places = self.by_device.entry(event.device.clone()).or_default();
                places.push(self.log.len());
            }
            self.log.push((position, received_at, input.clone()));
        }
        if let Input::Action(action) = &input {
            self.board.act(action);
        }
        let mut effects = Vec::new();
        let mut need = self.engine.handle(position, received_at, input, &mut effects);
        while let Some(asked) = need.take() {
            need = match asked {
                Need::Devices(devices, since) => {
                    self.engine.supply(self.history(&devices, since, position), &mut effects)
                }
                Need::Events(places) => self.engine.supply(self.events_at(&places), &mut effects),
                Need::Log => {
                    let fresh = self.replayed(position);
                    self.engine.finish_replay(fresh, &mut effects)
                }
            };
        }
        for effect in effects {
            if let Effect::Fault(fault) = &effect {
                self.faults_count += 1;
                if self.faults.len() < FAULTS_MAX {
                    self.faults.push(Fault::clone(fault));
                }
            }
            self.board.apply(effect);
        }
    }

    /// Returns what the rules that come into force at `until` find in the inputs before.
    fn replayed(&self, until: Position) -> Engine {
        let mut fresh = self.engine.begin_replay();
        let mut dropped = Vec::new();
        for (position, received_at, input) in self.log.iter().filter(|(at, ..)| *at < until) {
            let mut need = fresh.handle(*position, *received_at, input.clone(), &mut dropped);
            while let Some(asked) = need {
                let history = match asked {
                    Need::Devices(devices, since) => self.history(&devices, since, *position),
                    Need::Events(places) => self.events_at(&places),
                    // A replay follows no change of rules.
                    Need::Log => break,
                };
                need = fresh.supply(history, &mut dropped);
            }
            dropped.clear();
        }
        fresh
    }

    fn events_at(&self, places: &[Position]) -> Vec<(Position, Event)> {
        let events = places.iter().filter_map(|place| {
            let at = self.log.binary_search_by_key(place, |(position, ..)| *position).ok()?;
            match self.log.get(at)? {
                (_, _, Input::Event(event)) => Some((*place, event.clone())),
                _ => None,
            }
        });
        events.collect()
    }

    fn history(
        &self,
        devices: &[DeviceId],
        since: DateTime<Utc>,
        until: Position,
    ) -> Vec<(Position, Event)> {
        let all = devices.iter().flat_map(|device| self.history_of(device, until));
        all.filter(|(_, event)| since <= event.occurred_at).collect()
    }

    fn history_of(&self, device: &DeviceId, until: Position) -> Vec<(Position, Event)> {
        let places = self.by_device.get(device).map_or(&[][..], |places| places);
        let logged = places.iter().filter_map(|place| self.log.get(*place));
        let events = logged.filter_map(|(position, _, input)| match input {
            Input::Event(event) if *position <= until => Some((*position, event.clone())),
            Input::Event(_)
            | Input::Registry(_)
            | Input::Entries(_)
            | Input::Rules(_)
            | Input::Action(_)
            | Input::Tick => None,
        });
        events.collect()
    }
}

/// Returns `rule` as in force since before the log began; a draft as if it were live, since what it
/// would do is what is asked.
pub fn in_force(mut rule: Rule, version: &str) -> ActiveRule {
    if rule.stage == Stage::Draft {
        rule.stage = Stage::Live;
    }
    ActiveRule { version: version.into(), ..ActiveRule::always(rule) }
}

fn at_its_place((position, mut event): (Position, Event)) -> Event {
    event.position = position;
    event
}

/// Returns what the store's unique key is made of.
fn key(event: &Event) -> u128 {
    let mut hash = Sha256::new();
    hash.update(event.stated_at.map_or(0, |at| at.timestamp_millis()).to_le_bytes());
    hash.update(event.device.as_str().len().to_le_bytes());
    hash.update(event.device.as_str());
    hash.update(event.id.as_str());
    let mut key = [0; 16];
    key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    u128::from_le_bytes(key)
}
