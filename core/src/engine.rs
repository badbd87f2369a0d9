//! The engine: folds inputs into effects, exactly as the rules say.
//!
//! Stage one folds each (rule, scope) by itself, in event time, so that the order of arrival does
//! not matter: a late event folds its key's recent history again, and the difference to what
//! stood before is what follows. One task stands for each match; it is given its owner and its
//! due time when it is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::decode::digest;
use crate::derive::Derivation;
use crate::effect::Effect;
use crate::event::{Event, Position};
use crate::id::{DeviceId, TaskId};
use crate::intern::{Interner, Symbol};
use crate::pattern::{Pattern, consecutive};
use crate::registry::Registry;
use crate::rule::{Rule, Scope};
use crate::task::{EpisodeState, Evidence, Occasion, Task};

mod timeline;
mod raw;
mod standing;
mod key;
mod pairing;
#[cfg(test)]
pub(crate) mod testing;

use self::key::{Entry, Key};
use self::pairing::Change;
use self::raw::{Raw, RawChange};
use self::standing::Match;

/// How much of each key's history is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// What happened in this last stretch of log time; for an older late event the engine asks
    /// for the history ([`Need`]).
    Recent(TimeDelta),
    /// Everything: for a file that is read once.
    All,
}

/// A rule in force, and the place in the log since which it is.
#[derive(Clone, Debug)]
pub struct ActiveRule {
    /// The rule.
    pub rule: Rule,
    /// Matches whose newest input lies before this make no task.
    pub since: Position,
}

/// Something the engine must be told before it can go on with a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Whose events: all of them, in any order, to [`Engine::supply`].
    pub device: DeviceId,
}

/// The fold.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<ActiveRule>,
    /// Which rules ask about a kind, and what an event of it is to them.
    asked: BTreeMap<Box<str>, Vec<(usize, consecutive::Role)>>,
    /// Whether a rule asks about something that is derived.
    derives: bool,
    registry: Registry,
    memory: Memory,
    log_time: DateTime<Utc>,
    scopes: Interner,
    devices: Interner,
    raw: Vec<Option<Box<Raw>>>,
    /// By rule, then by scope.
    keys: Vec<Vec<Option<Box<Key>>>>,
}

/// Where a key's state is: the rule's place in the list, and the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Address {
    rule: usize,
    scope: Symbol,
}

impl Engine {
    /// Returns an engine that has seen nothing.
    pub fn new(rules: Vec<ActiveRule>, registry: Registry, memory: Memory) -> Self {
        let mut asked: BTreeMap<Box<str>, Vec<_>> = BTreeMap::new();
        for (number, active) in rules.iter().enumerate() {
            let Pattern::Consecutive(config) = &active.rule.when.pattern;
            let counts = std::iter::once((&config.event, consecutive::Role::Counts));
            let resets = config.reset_by.iter().map(|kind| (kind, consecutive::Role::Resets));
            for (kind, role) in counts.chain(resets) {
                asked.entry(kind.clone()).or_default().push((number, role));
            }
        }
        let derives = asked.keys().any(|kind| Derivation::makes(kind));
        let keys = rules.iter().map(|_| Vec::new()).collect();
        let (scopes, devices) = (Interner::default(), Interner::default());
        let (raw, log_time) = (Vec::new(), DateTime::<Utc>::MIN_UTC);
        Self { rules, asked, derives, registry, memory, log_time, scopes, devices, raw, keys }
    }

    /// Returns the newest log time seen.
    pub fn log_time(&self) -> DateTime<Utc> {
        self.log_time
    }

    /// Takes the input at `position` and appends what follows from it to `effects`.
    ///
    /// `event` is new: the caller has left out what was taken in before. The result is a need
    /// where the event is older than what is kept; then nothing has followed yet, and the caller
    /// passes the device's whole history, this event included, to [`Engine::supply`].
    pub fn handle(
        &mut self,
        position: Position,
        event: Event,
        effects: &mut Vec<Effect>,
    ) -> Option<Need> {
        self.log_time = self.log_time.max(event.received_at);
        let is_raw = self.derives && Derivation::reads(&event.kind);
        if !is_raw && !self.asked.contains_key(&event.kind) {
            return None;
        }
        let event = Arc::new(event);
        let mut complete = self.route(position, &event, effects);
        if is_raw {
            complete &= self.observe_raw(position, &event, effects);
        }
        (!complete).then(|| Need { device: event.device.clone() })
    }

    /// Folds the whole history of a device again and appends the difference to `effects`.
    pub fn supply(
        &mut self,
        device: &DeviceId,
        history: Vec<(Position, Event)>,
        effects: &mut Vec<Effect>,
    ) {
        let mut history: Vec<_> = history.into_iter().map(|(p, e)| (p, Arc::new(e))).collect();
        history.sort_by(|(_, one), (_, other)| one.order().cmp(&other.order()));
        let newest = history.iter().map(|(position, _)| *position).max().unwrap_or_default();

        let mut entries: Vec<(Position, Arc<Event>)> = history.clone();
        if self.derives {
            let raw = history.into_iter().filter(|(_, event)| Derivation::reads(&event.kind));
            let (raw, derived) =
                Raw::rebuilt(raw.map(|(position, event)| raw::Item { position, event }));
            entries.extend(derived);
            entries.sort_by(|(_, one), (_, other)| one.order().cmp(&other.order()));
            let symbol = self.devices.intern(device.as_str());
            *slot(&mut self.raw, symbol) = Some(Box::new(raw));
        }
        let mut by_key: BTreeMap<Address, Vec<Entry>> = BTreeMap::new();
        for (position, event) in &entries {
            for (at, entry) in self.entries_of(*position, event) {
                by_key.entry(at).or_default().push(entry);
            }
        }
        for (at, entries) in by_key {
            self.change(at, newest, effects, |key, active| Some(key.rebuild(active, entries)));
        }
    }

    /// Gives `event` to every rule that asks about it; returns whether all could place it.
    fn route(&mut self, position: Position, event: &Arc<Event>, effects: &mut Vec<Effect>) -> bool {
        let mut complete = true;
        for (at, entry) in self.entries_of(position, event) {
            complete &= self.change(at, position, effects, |key, active| key.take(active, entry));
        }
        complete
    }

    /// Makes all edits of one input at once, so that a key is folded again only once.
    fn edit(
        &mut self,
        position: Position,
        edits: BTreeMap<Address, key::Edit>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let mut complete = true;
        for (at, edit) in edits {
            complete &= self.change(at, position, effects, |key, active| key.edit(active, edit));
        }
        complete
    }

    /// Lets `act` change one key; returns whether it could.
    fn change(
        &mut self,
        at: Address,
        position: Position,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Key, &ActiveRule) -> Option<Vec<Change>>,
    ) -> bool {
        let Some(active) = self.rules.get(at.rule) else { return true };
        let Some(keys) = self.keys.get_mut(at.rule) else { return true };
        let key = slot(keys, at.scope).get_or_insert_with(Box::default);
        let Some(changes) = act(key, active) else { return false };
        if let Memory::Recent(recent) = self.memory {
            key.settle(active, self.log_time, recent);
        }
        self.apply(at, position, changes, effects);
        true
    }

    /// Returns the entries that `event` is for the rules that ask about it.
    fn entries_of(&mut self, position: Position, event: &Arc<Event>) -> Vec<(Address, Entry)> {
        let Some(asking) = self.asked.get(&event.kind) else { return Vec::new() };
        let mut entries = Vec::with_capacity(asking.len());
        for (number, role) in asking {
            let Some(active) = self.rules.get(*number) else { continue };
            let when = &active.rule.when;
            let counts = *role == consecutive::Role::Counts;
            let condition = when.condition.as_ref().filter(|_| counts);
            if condition.is_some_and(|condition| !condition.holds(event, &self.registry)) {
                continue;
            }
            let scope = match when.per {
                Scope::Device => self.scopes.intern(event.device.as_str()),
                Scope::Channel => self.scopes.intern(&channel_scope(event)),
            };
            let entry = Entry { position, role: *role, event: Arc::clone(event) };
            entries.push((Address { rule: *number, scope }, entry));
        }
        entries
    }

    /// Takes a raw message and gives what it derives to the rules.
    fn observe_raw(
        &mut self,
        position: Position,
        event: &Arc<Event>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let symbol = self.devices.intern(event.device.as_str());
        let raw = slot(&mut self.raw, symbol).get_or_insert_with(Box::default);
        let item = raw::Item { position, event: Arc::clone(event) };
        let Some(changes) = raw.take(item) else { return false };
        if let Memory::Recent(recent) = self.memory {
            raw.settle(self.log_time, recent);
        }
        let mut edits: BTreeMap<Address, key::Edit> = BTreeMap::new();
        for change in changes {
            match change {
                RawChange::New(position, derived) => {
                    for (at, entry) in self.entries_of(position, &derived) {
                        edits.entry(at).or_default().new.push(entry);
                    }
                }
                RawChange::Gone(derived) => {
                    for (at, _) in self.entries_of(position, &derived) {
                        let edit = edits.entry(at).or_default();
                        edit.gone.push(Arc::clone(&derived));
                    }
                }
            }
        }
        self.edit(position, edits, effects)
    }

    /// Turns the changes of one key into effects.
    fn apply(
        &mut self,
        at: Address,
        position: Position,
        changes: Vec<Change>,
        effects: &mut Vec<Effect>,
    ) {
        for change in changes {
            match change {
                Change::New(found) => {
                    let Some(active) = self.rules.get(at.rule) else { continue };
                    let scope = self.scopes.text(at.scope);
                    let task = self.task(&active.rule, scope, position, &found);
                    let id = task.id.clone();
                    let key = self.keys.get_mut(at.rule).map(|keys| slot(keys, at.scope));
                    if let Some(key) = key.and_then(Option::as_mut) {
                        key.name(&found, id);
                    }
                    effects.push(Effect::Create(Box::new(task)));
                }
                Change::Amended(task, found) => {
                    effects.push(Effect::Amend { task, occasion: occasion_of(&found) });
                }
                Change::Gone(task, device) => effects.push(Effect::Withdraw { task, device }),
            }
        }
    }

    fn task(&self, rule: &Rule, scope: &str, position: Position, found: &Match) -> Task {
        let occasion = occasion_of(found);
        let template = &rule.then;
        let device = found.last().device.clone();
        let ids = occasion.evidence.iter().map(|evidence| evidence.id.as_str().as_bytes());
        let place = position.to_le_bytes();
        let cause = [rule.id.as_str().as_bytes(), scope.as_bytes(), &place].into_iter();
        Task {
            id: TaskId::from_text(&digest(cause.chain(ids))),
            rule: rule.id.clone(),
            scope: scope.into(),
            account: self.registry.find_account_of(&device).map(Into::into),
            kind: template.kind.clone(),
            title: template.title.clone(),
            steps: template.steps.clone(),
            owner: template.route.owner_of(&device, &self.registry),
            due_at: template.due.and_then(|due| due.after(self.log_time, &self.registry.calendar)),
            created_at: self.log_time,
            created_by: position,
            device,
            occasion,
        }
    }
}

fn occasion_of(found: &Match) -> Occasion {
    Occasion {
        first_at: found.first().occurred_at,
        last_at: found.last().occurred_at,
        evidence: found.evidence().map(|event| Evidence::of(event)).collect(),
        // Without a way to close later, an episode closes as it opens.
        episode: EpisodeState::Closed,
    }
}

fn channel_scope(event: &Event) -> String {
    format!("{}/{}", event.device, event.channel.as_deref().unwrap_or("-"))
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
