//! The engine: folds inputs into effects, exactly as the rules say.
//!
//! Stage one folds each (rule, scope) by itself, in event time, so that the order of arrival does
//! not matter: a late event folds its key's recent history again, and the difference to what
//! stood before is what follows ([`key`]). Stage two folds the episodes of each customer, from all
//! rules, into tasks ([`desk`]); a late change folds the customer again.
//!
//! ```text
//! Input -> judge (which rules ask, is the condition met) -> key (pattern, episode) -> desk -> Effect
//!            raw messages -> derive ----^                      deadlines ----^
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::derive::Derivation;
use crate::effect::{Effect, Fault};
use crate::event::{Event, EventRef, Position};
use crate::id::DeviceId;
use crate::input::{Action, Input};
use crate::intern::{Interner, Symbol};
use crate::registry::Registry;
use crate::rule::scope::attribute;
use crate::rule::{Rule, Scope, Stage};

mod desk;
mod episode;
mod explain;
mod judge;
mod key;
mod ledger;
mod maintenance;
mod pairing;
mod raw;
mod registries;
mod retention;
mod supply;
mod switch;
#[cfg(test)]
pub(crate) mod testing;
mod timeline;
mod track;

pub use self::explain::{Attempt, Fate, NearMiss, Occurrence, WhyNot};
pub use self::ledger::Hold;
pub use self::retention::{STATEFUL, reach};

use self::desk::{Desk, Scene};
use self::episode::{Change, Number};
use self::judge::Judge;
use self::key::{Edit, Key, Work};
use self::maintenance::Maintenance;
use self::raw::{Raw, RawChange};
use self::registries::Registries;
use self::supply::Pending;
use self::switch::Switch;
use self::track::Entry;

/// Kinds of service events that the engine itself understands.
const TICKET_OPENED: &str = "ticket_opened";
const TICKET_CLOSED: &str = "ticket_closed";
/// The word for a ticket that stops all selling.
const SEVERE: &str = "severe";

/// How much of each key's history is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// What happened in this last stretch of log time; for an older late event the engine asks
    /// for the history ([`Need`]).
    Recent(TimeDelta),
    /// Everything: for a file that is read once.
    All,
}

/// A rule in force, and since when it is.
#[derive(Clone, Debug)]
pub struct ActiveRule {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Which version of it: a short hash of its document.
    pub version: Arc<str>,
    /// The place in the log since which this version is in force. What it finds in events before
    /// makes no task.
    pub since: Position,
    /// Log time of that place: a deadline before makes no task.
    pub since_at: DateTime<Utc>,
}

impl ActiveRule {
    /// Returns `rule` as in force since before the log began.
    pub fn always(rule: Rule) -> Self {
        let (since, since_at) = (0, DateTime::<Utc>::MIN_UTC);
        Self { rule: Arc::new(rule), version: "".into(), since, since_at }
    }

    /// Returns whether both are the same version of the same rule.
    fn is_version_of(&self, other: &Self) -> bool {
        self.is_of_rule(other) && self.version == other.version && self.since == other.since
    }

    /// Returns whether both are versions of one rule, one in force for trial apart from one that
    /// is in earnest.
    fn is_of_rule(&self, other: &Self) -> bool {
        self.rule.id == other.rule.id && self.rule.stage == other.rule.stage
    }
}

/// Something the engine must be told before it can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// All events of these devices up to and including the input at hand, in any order, to
    /// [`Engine::supply`].
    Devices(Vec<DeviceId>),
    /// Rules changed: all inputs before the one at hand, in the order of the log, to the engine
    /// that [`Engine::begin_replay`] returns, which goes back to [`Engine::finish_replay`].
    Log,
}

/// The fold.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "what the rules ask about, each by itself")]
pub struct Engine {
    /// Rules by their place, which stays theirs over versions; `None` once retired.
    rules: Vec<Option<ActiveRule>>,
    #[serde(skip)]
    judge: Judge,
    /// Whether a rule asks about something that is derived.
    derives: bool,
    /// Whether a guard looks at tickets.
    minds_tickets: bool,
    registries: Registries,
    maintenance: Maintenance,
    #[serde(skip, default = "all")]
    memory: Memory,
    /// What happened before is not judged; whoever keeps the log says so at each start.
    #[serde(skip)]
    horizon: Option<DateTime<Utc>>,
    #[serde(with = "crate::snapshot::time")]
    log_time: DateTime<Utc>,
    scopes: Interner,
    devices: Interner,
    raw: Vec<Option<Box<Raw>>>,
    /// By rule, then by scope.
    keys: Vec<Vec<Option<Box<Key>>>>,
    deadlines: BTreeSet<(DateTime<Utc>, Address)>,
    numbers: Number,
    desk: Desk,
    #[serde(skip)]
    pending: Option<Pending>,
    #[serde(skip)]
    switch: Option<Switch>,
    /// Whether it only replays the log for rules that come into force in another.
    is_replay: bool,
    /// Whether any event was handled.
    has_history: bool,
}

/// Where a key's state is: the rule's place in the list, and the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Address {
    rule: usize,
    scope: Symbol,
}

impl Engine {
    /// Returns an engine that has seen nothing. Drafts and retired rules are left out.
    pub fn new(rules: Vec<ActiveRule>, registry: impl Into<Arc<Registry>>, memory: Memory) -> Self {
        let registries = Registries::new(registry.into());
        let mut engine = Self {
            rules: Vec::new(),
            judge: Judge::default(),
            derives: false,
            minds_tickets: false,
            registries,
            maintenance: Maintenance::default(),
            memory,
            horizon: None,
            log_time: DateTime::<Utc>::MIN_UTC,
            scopes: Interner::default(),
            devices: Interner::default(),
            raw: Vec::new(),
            keys: Vec::new(),
            deadlines: BTreeSet::new(),
            numbers: Number::default(),
            desk: Desk::default(),
            pending: None,
            switch: None,
            is_replay: false,
            has_history: false,
        };
        engine.rules = rules.into_iter().filter(is_in_force).map(Some).collect();
        engine.keys = engine.rules.iter().map(|_| Vec::new()).collect();
        engine.index();
        engine
    }

    /// Returns the newest log time seen.
    pub fn log_time(&self) -> DateTime<Utc> {
        self.log_time
    }

    /// Returns the next deadline; once log time is beyond it, something may follow.
    pub fn next_deadline(&self) -> Option<DateTime<Utc>> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Returns the rules in force.
    pub fn rules(&self) -> impl Iterator<Item = &ActiveRule> {
        self.rules.iter().flatten()
    }

    /// Returns the registry of now.
    pub fn registry(&self) -> &Registry {
        self.registries.newest()
    }

    /// Takes the input at `position`, received at `received_at`, and appends what follows from it
    /// to `effects`.
    ///
    /// The result is a need where the engine cannot go on without history; then the caller meets
    /// it before the next input.
    #[must_use]
    pub fn handle(
        &mut self,
        position: Position,
        received_at: DateTime<Utc>,
        input: Input,
        effects: &mut Vec<Effect>,
    ) -> Option<Need> {
        self.log_time = self.log_time.max(received_at);
        let need = match input {
            Input::Event(event) => self.take_event(position, event, effects),
            Input::Registry(registry) => {
                self.registries.push(position, registry);
                None
            }
            Input::Rules(rules) => self.switch(position, rules, effects),
            Input::Action(action) => {
                self.act(position, &action, effects);
                None
            }
            Input::Tick => None,
        };
        if need.is_none() {
            self.pass_deadlines(position, effects);
        }
        need
    }

    fn take_event(
        &mut self,
        position: Position,
        mut event: Event,
        effects: &mut Vec<Effect>,
    ) -> Option<Need> {
        event.position = position;
        self.has_history = true;
        if self.minds_tickets && matches!(&*event.kind, TICKET_OPENED | TICKET_CLOSED) {
            self.take_ticket(&event, effects);
        }
        let is_marker = self.maintenance.is_minded() && Maintenance::reads(&event.kind);
        let is_raw = self.derives && Derivation::reads(&event.kind);
        let is_asked = (is_raw || self.judge.asks_about(&event.kind)) && !self.is_forgotten(&event);
        if !is_marker && !is_asked {
            return None;
        }
        let event = EventRef::new(event);
        if is_marker {
            self.maintenance.note(&event);
            return Some(self.begin_supply(Pending::whole(position, &event.device)));
        }
        let mut pending = Pending::new(position, &event.device);
        self.route(&event, &mut pending, effects);
        if is_raw {
            self.observe_raw(&event, &mut pending, effects);
        }
        (!pending.is_empty()).then(|| self.begin_supply(pending))
    }

    fn take_ticket(&mut self, event: &Event, effects: &mut Vec<Effect>) {
        let registry = self.registries.at(event.position);
        let Some(account) = registry.find_account_behind(event) else { return };
        let ticket = attribute(event, "ticket").unwrap_or_else(|| event.id.to_string());
        let opens = &*event.kind == TICKET_OPENED;
        if opens && attribute(event, "severity").as_deref() != Some(SEVERE) {
            return;
        }
        let scene = Scene {
            position: event.position,
            at: self.log_time,
            registries: &self.registries,
            scopes: &self.scopes,
        };
        self.desk.ticket(scene, &account, (event, &ticket, opens), effects);
    }

    fn act(&mut self, position: Position, action: &Action, effects: &mut Vec<Effect>) {
        if !action.verb.closes() {
            return;
        }
        let scene = Scene {
            position,
            at: self.log_time,
            registries: &self.registries,
            scopes: &self.scopes,
        };
        let Some(address) = self.desk.close(scene, &action.task, effects) else { return };
        let entry = Entry::Done { at: self.log_time, task: action.task.as_str().into() };
        // Log time is never before what is kept.
        self.change(address, (position, self.log_time), effects, |key, work| key.take(work, entry));
    }

    /// Lets every deadline that log time is beyond pass, in order.
    fn pass_deadlines(&mut self, position: Position, effects: &mut Vec<Effect>) {
        while let Some((at, address)) = self.deadlines.first().copied()
            && at < self.log_time
        {
            let limit = at + TimeDelta::milliseconds(1);
            self.change(address, (position, at), effects, |key, work| {
                Some(key.pass_until(work, limit))
            });
            // A key whose deadline did not move would be asked for ever.
            self.deadlines.remove(&(at, address));
        }
    }

    /// Gives `event` to every rule that asks about it.
    fn route(&mut self, event: &EventRef, pending: &mut Pending, effects: &mut Vec<Effect>) {
        let place = (event.position, self.log_time);
        let device = self.devices.intern(event.device.as_str());
        for (at, entry) in self.entries_of(event, effects) {
            let took = self.change(at, place, effects, |key, work| {
                key.belongs_to(device);
                key.take(work, entry)
            });
            if !took {
                pending.keys.insert(at);
            }
        }
    }

    /// Lets `act` change one key; returns whether it could.
    fn change(
        &mut self,
        address: Address,
        (position, at): (Position, DateTime<Utc>),
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Key, &mut Work<'_>) -> Option<Vec<Change>>,
    ) -> bool {
        let Some(Some(active)) = self.rules.get(address.rule) else { return true };
        let Some(keys) = self.keys.get_mut(address.rule) else { return true };
        let key = slot(keys, address.scope).get_or_insert_with(|| Box::new(Key::new(active)));
        let (log_time, horizon) = (self.log_time, self.horizon);
        let mut work = Work { active, log_time, horizon, numbers: &mut self.numbers };
        let Some(changes) = act(key, &mut work) else { return false };
        if let Memory::Recent(recent) = self.memory {
            key.settle(&work, recent);
        }
        let next = key.next_deadline(active);
        if next != key.deadline {
            if let Some(old) = key.deadline {
                self.deadlines.remove(&(old, address));
            }
            if let Some(next) = next {
                self.deadlines.insert((next, address));
            }
            key.deadline = next;
        }
        if !changes.is_empty() {
            let (registries, scopes) = (&self.registries, &self.scopes);
            let scene = Scene { position, at, registries, scopes };
            self.desk.take(scene, (address, active), changes, effects);
        }
        true
    }

    /// Returns the entries that `event` is for the rules that ask about it.
    fn entries_of(&mut self, event: &EventRef, effects: &mut Vec<Effect>) -> Vec<(Address, Entry)> {
        let questions = self.judge.questions(&event.kind);
        let mut entries = Vec::with_capacity(questions.len());
        let registry = self.registries.at(event.position);
        // Most rules count by device: its number is looked up once.
        let mut of_device = None;
        for question in questions {
            let rule = question.rule;
            let Some(Some(active)) = self.rules.get(rule) else { continue };
            let when = &active.rule.when;
            if when.not_while_maintenance
                && (self.maintenance.covers(event) || registry.is_trial(event))
            {
                continue;
            }
            let (found, has_failed) = question.ask(active, event, registry);
            if has_failed {
                effects.push(Effect::Fault(Box::new(Fault::of(active, event))));
            }
            let Some(part) = found else { continue };
            let scope = if when.per == Scope::Device {
                *of_device.get_or_insert_with(|| self.scopes.intern(event.device.as_str()))
            } else {
                let Some(scope) = when.per.of(event, registry) else { continue };
                self.scopes.intern(&scope)
            };
            let entry = Entry::Event { event: EventRef::clone(event), role: part };
            entries.push((Address { rule, scope }, entry));
        }
        entries
    }

    /// Takes a raw message and gives what it derives to the rules.
    fn observe_raw(&mut self, event: &EventRef, pending: &mut Pending, effects: &mut Vec<Effect>) {
        let device = self.devices.intern(event.device.as_str());
        let raw = slot(&mut self.raw, device).get_or_insert_with(Box::default);
        let Some(changes) = raw.take(EventRef::clone(event)) else {
            pending.is_whole = true;
            return;
        };
        if let Memory::Recent(recent) = self.memory {
            raw.settle(self.log_time, recent);
        }
        let mut edits: BTreeMap<Address, Edit> = BTreeMap::new();
        for change in changes {
            let (RawChange::New(derived) | RawChange::Gone(derived)) = &change;
            for (at, entry) in self.entries_of(derived, effects) {
                let edit = edits.entry(at).or_default();
                match &change {
                    RawChange::New(_) => edit.new.push(entry),
                    RawChange::Gone(gone) => edit.gone.push(EventRef::clone(gone)),
                }
            }
        }
        for (at, edit) in edits {
            let place = (event.position, self.log_time);
            let did = self.change(at, place, effects, |key, work| {
                key.belongs_to(device);
                key.edit(work, edit)
            });
            if !did {
                pending.keys.insert(at);
            }
        }
    }

    /// Says how much is kept in memory from here on.
    pub fn remember(&mut self, memory: Memory) {
        self.memory = memory;
    }

    /// Works out what the rules ask about.
    pub(crate) fn index(&mut self) {
        let in_force = self.rules.iter().enumerate();
        self.judge =
            Judge::of(in_force.filter_map(|(at, rule)| rule.as_ref().map(|rule| (at, rule))));
        self.derives = self.judge.kinds().any(Derivation::makes);
        let any = |test: fn(&Rule) -> bool| self.rules.iter().flatten().any(|a| test(&a.rule));
        self.minds_tickets = any(|rule| rule.guard.not_while_severe_ticket);
        let is_minded = any(|rule| rule.when.not_while_maintenance);
        self.maintenance.mind(is_minded);
    }
}

fn all() -> Memory {
    Memory::All
}

fn is_in_force(active: &ActiveRule) -> bool {
    match active.rule.stage {
        Stage::Shadow | Stage::Live => true,
        Stage::Draft | Stage::Retired => false,
    }
}

/// Returns the place of `symbol`, making the list long enough.
fn slot<T>(slots: &mut Vec<Option<T>>, symbol: Symbol) -> &mut Option<T> {
    let at = symbol.index();
    if slots.len() <= at {
        slots.resize_with(at + 1, || None);
    }
    #[expect(clippy::indexing_slicing, reason = "the list was just made long enough")]
    &mut slots[at]
}
