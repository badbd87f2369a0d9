//! The engine: folds inputs into effects, exactly as the rules say.
//!
//! Stage one folds each (rule, scope) by itself, in event time, so that the order of arrival does
//! not matter: a late event folds its scope's recent [`history`] again, and the difference to what
//! stood before is what follows ([`key`]). Stage two folds the episodes of each customer, from all
//! rules, into tasks ([`desk`]); a late change folds the customer again.
//!
//! ```text
//! Input -> judge (which rules ask, is the condition met) -> key (pattern, episode) -> desk -> Effect
//!            raw messages -> derive ----^                      deadlines ----^
//! ```

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::derive::Derivation;
use crate::effect::Effect;
use crate::event::{Event, EventRef, Position};
use crate::id::DeviceId;
use crate::input::{Action, Input};
use crate::intern::{Interner, Symbol};
use crate::registry::Registry;
use crate::rule::scope::attribute;
use crate::rule::{Rule, Stage};

mod context;
mod desk;
mod episode;
mod explain;
mod family;
mod forget;
mod history;
mod judge;
mod key;
mod ledger;
mod maintenance;
mod pairing;
mod raw;
mod recall;
mod recent;
mod registries;
mod retention;
mod route;
mod supply;
mod switch;
#[cfg(test)]
pub(crate) mod testing;
mod track;

pub use self::explain::{Attempt, Fate, NearMiss, Occurrence, WhyNot};
pub use self::forget::RECENT_MAX;
pub use self::ledger::Hold;
pub use self::retention::{STATEFUL, reach};

use self::desk::{Desk, Scene};
use self::episode::Number;
use self::family::Family;
use self::forget::Arrivals;
use self::history::Changed;
use self::judge::Judge;
use self::maintenance::Maintenance;
use self::raw::Raw;
use self::recall::Untold;
use self::registries::Registries;
use self::supply::Pending;
use self::switch::Switch;
use self::track::Extra;

/// Kinds of service events that the engine itself understands.
const TICKET_OPENED: &str = "ticket_opened";
const TICKET_CLOSED: &str = "ticket_closed";
/// The word for a ticket that stops all selling.
const SEVERE: &str = "severe";

/// How much of history is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// What came in during this last stretch of log time, and at most [`RECENT_MAX`] events; for
    /// an older late event the engine asks for the history ([`Need`]).
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
    /// All events of these devices that happened at this time or later, up to and including the
    /// input at hand, in any order, to [`Engine::supply`].
    Devices(Vec<DeviceId>, DateTime<Utc>),
    /// The events at these places in the log, in any order, to [`Engine::supply`].
    Events(Vec<Position>),
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
    /// Of devices and scopes.
    names: Interner,
    /// By the numbers of the devices' names.
    raw: Vec<Option<Box<Raw>>>,
    families: Vec<Family>,
    /// The family each rule counts by.
    #[serde(skip)]
    family_of: Vec<Option<usize>>,
    arrivals: Arrivals,
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
    /// What changed and waits for events that it stands on.
    #[serde(skip)]
    untold: VecDeque<Untold>,
    /// What changed with the input at hand; its room is used again.
    #[serde(skip)]
    changed: Vec<Changed>,
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
            names: Interner::default(),
            raw: Vec::new(),
            families: Vec::new(),
            family_of: Vec::new(),
            arrivals: Arrivals::default(),
            deadlines: BTreeSet::new(),
            numbers: Number::default(),
            desk: Desk::default(),
            pending: None,
            switch: None,
            is_replay: false,
            has_history: false,
            untold: VecDeque::new(),
            changed: Vec::new(),
        };
        engine.rules = rules.into_iter().filter(is_in_force).map(Some).collect();
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
        if !matches!(input, Input::Registry(_) | Input::Entries(_)) {
            self.registries.pass();
        }
        let mut need = match input {
            Input::Event(event) => self.take_event(position, event, effects),
            Input::Registry(registry) => {
                self.registries.push(position, registry);
                None
            }
            Input::Entries(entries) => {
                self.registries.change(position, entries);
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
            need = self.need_recalled();
        }
        self.let_go(position);
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
        let kind = self.judge.find(&event.kind);
        let is_asked = (is_raw || kind.is_some()) && !self.is_forgotten(&event);
        if !is_marker && !is_asked {
            return None;
        }
        let event = EventRef::new(event);
        if is_marker {
            self.maintenance.note(&event);
            return Some(self.begin_supply(Pending::marked(position, &event)));
        }
        let mut pending = Pending::new(position, &event.device);
        if let Some(kind) = kind {
            self.route(&event, kind, &mut pending, effects);
        }
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
            names: &self.names,
        };
        self.desk.ticket(scene, &account, (event, &ticket, opens), effects);
    }

    fn act(&mut self, position: Position, action: &Action, effects: &mut Vec<Effect>) {
        if !action.verb.closes() {
            return;
        }
        let scene =
            Scene { position, at: self.log_time, registries: &self.registries, names: &self.names };
        let Some(address) = self.desk.close(scene, &action.task, effects) else { return };
        let done = Extra::Done { at: self.log_time, task: action.task.as_str().into() };
        self.change(address, (position, self.log_time), effects, |key, work, recent| {
            key.take_done(work, done, recent)
        });
    }

    /// Says how much is kept in memory from here on.
    pub fn remember(&mut self, memory: Memory) {
        self.memory = memory;
    }

    /// Works out what the rules ask about.
    pub(crate) fn index(&mut self) {
        let families = &mut self.families;
        let places = self.rules.iter().map(|rule| {
            let per = &rule.as_ref()?.rule.when.per;
            let known = families.iter().position(|family| family.per == *per);
            Some(known.unwrap_or_else(|| {
                families.push(Family::new(per.clone()));
                families.len() - 1
            }))
        });
        self.family_of = places.collect();
        let in_force = self.rules.iter().zip(&self.family_of).enumerate();
        let known = in_force.filter_map(|(at, (rule, of))| Some((at, (*of)?, rule.as_ref()?)));
        self.judge = Judge::of(known);
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
