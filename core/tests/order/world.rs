//! A small world: what happens in it as events, who stands behind the devices, and the engine
//! as the runtime drives it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use upturn_core::board::Board;
use upturn_core::catalogue::Catalogue;
use upturn_core::condition::Reading;
use upturn_core::decode::Format;
use upturn_core::effect::Effect;
use upturn_core::engine::{ActiveRule, Engine, Memory, Need};
use upturn_core::event::{Attributes, Event, Position};
use upturn_core::id::{DeviceId, EventId, RuleId, TaskId};
use upturn_core::input::Input;
use upturn_core::pattern::Pattern;
use upturn_core::registry::{Account, Contact, Device, DeviceStatus, Registry, Site};
use upturn_core::rule::{
    EpisodePolicy, Guard, Route, Rule, Scope, Stage, Step, TaskTemplate, Test, When, parse,
};
use upturn_core::snapshot;
use upturn_core::task::{EpisodeState, Evidence, Occasion, Task, Title};

/// The attribute that rules about numbers watch.
pub(crate) const VALUE: &str = "value";
/// The kind of the events that carry it.
pub(crate) const READING: &str = "reading";

/// Something that happens at a minute of the story.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Happening {
    pub(crate) minute: i64,
    pub(crate) device: u8,
    pub(crate) channel: Option<u8>,
    pub(crate) kind: &'static str,
    pub(crate) seq: Option<i64>,
    /// Comes first in the id, so that ids and counters disagree about the order.
    pub(crate) salt: u8,
    pub(crate) value: Option<i64>,
    /// The number of the tag somebody showed; see [`registry`].
    pub(crate) tag: Option<u8>,
    pub(crate) code: Option<u8>,
    /// The site it names, whatever its device's is.
    pub(crate) site: Option<u8>,
    pub(crate) ticket: Option<Ticket>,
}

/// A ticket of an account, which its number tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) account: u8,
    pub(crate) number: u8,
    pub(crate) is_severe: bool,
}

/// What differs between the worlds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    /// Whether accounts `a0` and `a1` have agreed to be approached.
    pub(crate) consents: [Option<bool>; 2],
    /// Whether device `d2` is still being put up.
    pub(crate) is_d2_on_trial: bool,
}

/// A task that stands, or ought to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Standing {
    pub(crate) rule: String,
    pub(crate) scope: String,
    pub(crate) opened_at: DateTime<Utc>,
    /// As [`piece`] writes each.
    pub(crate) evidence: Vec<String>,
    pub(crate) is_open: bool,
    /// How many further matches joined it, of its own scope and of others.
    pub(crate) joined: usize,
    /// When the newest of them did.
    pub(crate) joined_at: Option<DateTime<Utc>>,
}

/// Returns a minute of the story as a time.
pub(crate) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(500_000) + TimeDelta::minutes(minute)
}

/// Returns the minute of the story that `time` is.
pub(crate) fn minute_of(time: DateTime<Utc>) -> i64 {
    (time - at(0)).num_minutes()
}

/// Returns how an event is written as evidence; ids repeat from device to device and from minute
/// to minute.
pub(crate) fn piece(id: &EventId, device: &DeviceId, occurred_at: DateTime<Utc>) -> String {
    format!("{id}-{device}@{}", minute_of(occurred_at))
}

/// Returns what makes two messages the same.
pub(crate) fn identity(event: &Event) -> (Option<DateTime<Utc>>, DeviceId, EventId) {
    (event.stated_at, event.device.clone(), event.id.clone())
}

/// Returns `arrival` without what came before.
pub(crate) fn fresh(arrival: &[Event]) -> Vec<Event> {
    let mut seen = BTreeSet::new();
    arrival.iter().filter(|event| seen.insert(identity(event))).cloned().collect()
}

/// Returns `happening` as the event that is received at minute `received`.
///
/// Its id names neither the device nor the minute: both are part of the identity.
pub(crate) fn event(happening: &Happening, received: i64) -> Event {
    let Happening { salt, device, kind, .. } = happening;
    Event {
        id: EventId::new(&format!("{salt}-{kind}")).unwrap(),
        device: DeviceId::new(&format!("d{device}")).unwrap(),
        channel: happening.channel.map(|channel| channel.to_string().into()),
        kind: (*kind).into(),
        stated_at: Some(at(happening.minute)),
        occurred_at: at(happening.minute),
        received_at: at(received),
        seq: happening.seq,
        clock_suspect: false,
        attributes: attributes(happening),
        position: 0,
    }
}

fn attributes(happening: &Happening) -> Attributes {
    let mut object = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        object.extend(value.map(|value| (name.to_owned(), value)));
    };
    put(VALUE, happening.value.map(Value::from));
    put("id_tag", happening.tag.map(|tag| format!("t{tag}").into()));
    put("code", happening.code.map(|code| format!("c{code}").into()));
    put("site", happening.site.map(|site| format!("s{site}").into()));
    if let Some(Ticket { account, number, is_severe }) = happening.ticket {
        put("account", Some(format!("a{account}").into()));
        put("ticket", Some(format!("{account}-{number}").into()));
        put("severity", Some(if is_severe { "severe" } else { "minor" }.into()));
    }
    Attributes::from_json_object(Value::Object(object).to_string())
}

/// Returns who stands behind three devices, at two sites of which one has an account:
///
/// `d0` belongs to the account `a0` of its site `s0`; `d1` stands there too and belongs to `a1`;
/// `d2` stands at `s1` and belongs to nobody. The tags `t0`, `t1`, `t2` belong to contacts of
/// `a0`, of `a1` and of nobody; `t3` is our own test card; `t4` is unknown.
pub(crate) fn registry(setting: &Setting) -> Registry {
    let mut registry = Registry::default();
    for (id, account) in [("s0", Some("a0")), ("s1", None)] {
        let site = Site { name: id.into(), account: account.map(Into::into), region: None };
        registry.sites.insert(id.into(), site);
    }
    for (id, consent) in ["a0", "a1"].into_iter().zip(setting.consents) {
        let account = Account { name: id.into(), owner: None, consent };
        registry.accounts.insert(id.into(), account);
    }
    for (id, site, account) in [("d0", "s0", None), ("d1", "s0", Some("a1")), ("d2", "s1", None)] {
        let is_on_trial = id == "d2" && setting.is_d2_on_trial;
        let device = Device {
            model: "X7".into(),
            site: Some(site.into()),
            account: account.map(Into::into),
            status: if is_on_trial { DeviceStatus::Commissioning } else { DeviceStatus::InService },
        };
        registry.devices.insert(DeviceId::new(id).unwrap(), device);
    }
    let contacts = [("0", Some("a0"), false), ("1", Some("a1"), false), ("2", None, false)];
    for (number, account, is_test) in contacts.into_iter().chain([("3", None, true)]) {
        let id: Box<str> = format!("p{number}").into();
        let tags = vec![format!("t{number}").into()];
        let contact = Contact { name: id.clone(), account: account.map(Into::into), is_test, tags };
        registry.contacts.insert(id.clone(), contact);
        registry.tags.insert(format!("t{number}").into(), id);
    }
    registry
}

/// Returns a live rule that counts by device and asks for nothing else; `steps` are kinds, any of
/// which meets the step.
pub(crate) fn rule(id: &str, pattern: Pattern, steps: &[&[&str]]) -> Rule {
    let step = |kinds: &&[&str]| Step { any: kinds.iter().map(|kind| test(kind)).collect() };
    let is_about_numbers = matches!(pattern, Pattern::Sustained(_) | Pattern::Change(_));
    Rule {
        id: RuleId::new(id).unwrap(),
        title: Title::default(),
        stage: Stage::Live,
        when: When {
            pattern,
            steps: steps.iter().map(step).collect(),
            forbidden: Vec::new(),
            reset_by: Vec::new(),
            value: is_about_numbers.then(|| WATCHED.clone()),
            per: Scope::Device,
            not_while_maintenance: false,
        },
        episode: EpisodePolicy::default(),
        guard: Guard::default(),
        then: TaskTemplate {
            kind: "care".into(),
            title: Title::default(),
            steps: Vec::new(),
            due: None,
            route: Route::default(),
            group: None,
        },
    }
}

/// Returns the test that events of `kind` meet.
pub(crate) fn test(kind: &str) -> Test {
    Test { event: kind.into(), condition: None }
}

/// The attribute [`VALUE`] as a rule watches it; only a rule's document makes one.
static WATCHED: LazyLock<Reading> = LazyLock::new(|| {
    let document = format!(
        "id = \"r\"\nkind = \"trigger\"\ntitle = {{ en = \"r\" }}\n\
         [when]\npattern = \"sustained\"\nevent = \"{READING}\"\nvalue = \"event.{VALUE}\"\n\
         above = 1\nfor = \"1m\"\n[episode]\ncooldown = \"0s\"\n[[then]]\ntask = \"care\"\n"
    );
    let (rule, _) = parse::parse(&document, &Catalogue::of(&[Format::Native]));
    rule.unwrap().when.value.unwrap()
});

/// What an engine made of an arrival.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Folded {
    /// What stands, in order.
    pub(crate) standing: Vec<Standing>,
    /// All that followed, in order.
    pub(crate) effects: Vec<Effect>,
    /// The most devices whose history was asked for at once.
    pub(crate) asked_max: usize,
}

/// Folds what arrives, as the runtime does: new events only, history supplied when asked for.
/// Where `ticks` are given, log time goes on at those minutes, and just after each deadline.
pub(crate) fn folded(
    rules: &[Rule],
    registry: &Registry,
    arrival: &[Event],
    memory: Memory,
    ticks: Option<&BTreeSet<i64>>,
) -> Folded {
    let mut runtime = Runtime::new(rules, registry, memory);
    let mut log_time = None;
    for event in fresh(arrival) {
        if let Some((ticks, since)) = ticks.zip(log_time) {
            runtime.tick(ticks, since, event.received_at);
        }
        log_time = Some(event.received_at);
        runtime.take(event);
    }
    runtime.into_folded()
}

/// As [`folded`], but after each event the engine is written down and read again.
pub(crate) fn folded_by_snapshots(
    rules: &[Rule],
    registry: &Registry,
    arrival: &[Event],
    memory: Memory,
) -> Folded {
    let mut runtime = Runtime::new(rules, registry, memory);
    let find = |id: &str, _: &str| {
        rules.iter().find(|rule| rule.id.as_str() == id).map(|rule| Arc::new(rule.clone()))
    };
    for event in fresh(arrival) {
        runtime.take(event);
        let bytes = snapshot::write(&runtime.engine).unwrap();
        runtime.engine = snapshot::read(&bytes, &find).unwrap();
        runtime.engine.remember(memory);
    }
    runtime.into_folded()
}

struct Runtime {
    engine: Engine,
    board: Board,
    /// The tasks that stand.
    tasks: BTreeSet<TaskId>,
    position: Position,
    log: Vec<(Position, Event)>,
    folded: Folded,
}

impl Runtime {
    fn new(rules: &[Rule], registry: &Registry, memory: Memory) -> Self {
        let active = |rule: &Rule| ActiveRule::always(rule.clone());
        Self {
            engine: Engine::new(rules.iter().map(active).collect(), registry.clone(), memory),
            board: Board::default(),
            tasks: BTreeSet::new(),
            position: 0,
            log: Vec::new(),
            folded: Folded::default(),
        }
    }

    fn into_folded(self) -> Folded {
        let Self { board, mut folded, .. } = self;
        let tasks = board.by_device_and_time();
        folded.standing = tasks.into_iter().map(stands).collect();
        folded.standing.sort();
        folded
    }

    /// Lets log time go on from `since` to `until`.
    fn tick(&mut self, ticks: &BTreeSet<i64>, since: DateTime<Utc>, until: DateTime<Utc>) {
        let mut now = since;
        loop {
            let just_after = |deadline| deadline + TimeDelta::milliseconds(1);
            let due = self.engine.next_deadline().map(just_after);
            let tick = ticks.iter().map(|minute| at(*minute)).find(|tick| now < *tick);
            let Some(next) = due.into_iter().chain(tick).filter(|next| *next < until).min() else {
                return;
            };
            // A deadline that log time is beyond has passed.
            assert!(now < next, "a deadline that did not pass");
            now = next;
            self.handle(now, Input::Tick);
        }
    }

    fn take(&mut self, event: Event) {
        self.log.push((self.position + 1, event.clone()));
        self.handle(event.received_at, Input::Event(event));
    }

    fn handle(&mut self, received_at: DateTime<Utc>, input: Input) {
        self.position += 1;
        let mut effects = Vec::new();
        let mut need = self.engine.handle(self.position, received_at, input, &mut effects);
        while let Some(asked) = need {
            let is_asked = |(position, event): &&(Position, Event)| match &asked {
                Need::Devices(devices, since) => {
                    devices.contains(&event.device) && *since <= event.occurred_at
                }
                Need::Events(places) => places.contains(position),
                Need::Log => false,
            };
            if let Need::Devices(devices, _) = &asked {
                self.folded.asked_max = self.folded.asked_max.max(devices.len());
            }
            let history = self.log.iter().filter(is_asked).cloned().collect();
            need = self.engine.supply(history, &mut effects);
        }
        self.folded.effects.extend(effects.iter().cloned());
        for effect in effects {
            let is_sound = match &effect {
                Effect::Create(task) => self.tasks.insert(task.id.clone()),
                Effect::Amend { task, .. } => self.tasks.contains(task),
                Effect::Withdraw { task, .. } => self.tasks.remove(task),
                Effect::Fault(_) => false,
            };
            assert!(is_sound, "{effect:?}");
            self.board.apply(effect);
        }
    }
}

fn stands(task: &Task) -> Standing {
    let Occasion { last_at, evidence, episode, joined, joined_at, .. } = &task.occasion;
    let written = |each: &Evidence| piece(&each.id, &each.device, each.occurred_at);
    Standing {
        rule: task.rule.to_string(),
        scope: task.scope.to_string(),
        opened_at: *last_at,
        evidence: evidence.iter().map(written).collect(),
        is_open: *episode == EpisodeState::Open,
        joined: usize::try_from(*joined).unwrap(),
        joined_at: *joined_at,
    }
}
