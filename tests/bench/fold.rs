//! What the fold costs by itself: events in memory in, effects out.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use upturn_core::catalogue::Catalogue;
use upturn_core::decode::Format;
use upturn_core::engine::{ActiveRule, Engine, Memory};
use upturn_core::event::{Attributes, Event};
use upturn_core::id::{DeviceId, EventId};
use upturn_core::input::Input;
use upturn_core::registry::Registry;
use upturn_core::rule::parse;

use super::figures::{Failure, cpu_s, say};

/// Events of each figure.
const EVENTS: u64 = 500_000;

pub(super) fn run(wanted: &str) -> Result<(), Failure> {
    let time = |name: &str, rules, devices| {
        if name.contains(wanted) { time(name, rules, devices) } else { Ok(()) }
    };
    // First, as long as nobody has left room that is used again.
    if "memory".contains(wanted) {
        memory(1_000_000, 3)?;
    }
    let matching = |count| rules(count, "charge");
    let others = |count| rules(count, "other");
    let mut ten = matching(2)?;
    ten.extend(others(8)?);
    time("10 rules, 2 on the kind, 20,000 devices", ten, 20_000)?;
    time("100 rules on the kind, 20,000 devices", matching(100)?, 20_000)?;
    time("200 rules, none on the kind", others(200)?, 20_000)?;
    for devices in [1_000, 100_000, 1_000_000] {
        time(&format!("1 rule on the kind, {devices} devices"), matching(1)?, devices)?;
    }
    Ok(())
}

/// Returns `count` rules that count three failures in a row of what is called `kind`.
fn rules(count: usize, kind: &str) -> Result<Vec<ActiveRule>, Failure> {
    let catalogue = Catalogue::of(&[Format::Native]);
    let mut rules = Vec::with_capacity(count);
    for number in 0..count {
        let text = format!(
            "id = \"{kind}-{number}\"\nkind = \"trigger\"\ntitle = {{ en = \"r\" }}\n[when]\n\
             pattern = \"consecutive\"\nevent = \"{kind}_failed\"\nreset_by = [\"{kind}_ok\"]\n\
             times = 3\nwithin = \"24h\"\n\
             where = 'event.code != \"EVCommunicationError\" && event.cause == \"charger\"'\n\
             [episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\n"
        );
        let (rule, findings) = parse::parse(&text, &catalogue);
        rules.push(ActiveRule::always(rule.ok_or_else(|| format!("{findings:?}"))?));
    }
    Ok(rules)
}

fn event(number: u64, devices: u64) -> Result<Event, Failure> {
    // A second between events, so that a day's memory holds what a day's fleet sends.
    let at = start() + TimeDelta::seconds(i64::try_from(number)?);
    let mut id = String::new();
    write!(id, "{number:032x}")?;
    Ok(Event {
        id: EventId::new(&id)?,
        device: DeviceId::new(&format!("cp-{:07}", number * 7_919 % devices))?,
        channel: None,
        kind: if number.is_multiple_of(20) { "charge_failed" } else { "charge_ok" }.into(),
        stated_at: Some(at),
        occurred_at: at,
        received_at: at,
        seq: None,
        clock_suspect: false,
        attributes: Attributes::from_json_object(
            r#"{"kind":"charge_failed","code":"GroundFailure","cause":"charger","energy_wh":10}"#,
        ),
        position: 0,
    })
}

fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn time(name: &str, rules: Vec<ActiveRule>, devices: u64) -> Result<(), Failure> {
    let memory = Memory::Recent(TimeDelta::hours(24));
    let mut engine = Engine::new(rules, Registry::default(), memory);
    let mut effects = Vec::new();
    // A fleet that is known: its first messages cost its names.
    for number in 0..devices {
        let event = event(number, devices)?;
        let at = event.received_at;
        drop(engine.handle(number + 1, at, Input::Event(event), &mut effects));
    }
    let events = (devices..devices + EVENTS).map(|number| event(number, devices));
    let events: Vec<Event> = events.collect::<Result<_, _>>()?;
    let before = own_cpu_s()?;
    for (position, event) in (devices + 1..).zip(events) {
        let at = event.received_at;
        drop(engine.handle(position, at, Input::Event(event), &mut effects));
    }
    let spent = own_cpu_s()? - before;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let each = spent * 1e6 / EVENTS as f64;
    say(&format!("fold: {name}: {each:.2} µs CPU an event, {} effects", effects.len()));
    Ok(())
}

/// Gives each of `devices` two events of `count` rules within a day, so that all of them are still
/// of use at its end.
fn memory(devices: u64, count: usize) -> Result<(), Failure> {
    let before = resident_kb()?;
    let memory = Memory::Recent(TimeDelta::hours(24));
    let mut engine = Engine::new(rules(count, "charge")?, Registry::default(), memory);
    let mut effects = Vec::new();
    for number in 0..devices * 2 {
        let mut each = event(number * 20, devices)?;
        each.device = DeviceId::new(&format!("cp-{:07}", number % devices))?;
        let at = start() + TimeDelta::milliseconds(i64::try_from(number * 40)?);
        (each.stated_at, each.occurred_at, each.received_at) = (Some(at), at, at);
        let at = each.received_at;
        drop(engine.handle(number + 1, at, Input::Event(each), &mut effects));
    }
    let grown = resident_kb()?.saturating_sub(before);
    let scopes = devices * u64::try_from(count)?;
    say(&format!(
        "memory: {devices} devices, {count} rules: {} MiB, {} bytes an active scope",
        grown / 1024,
        grown * 1024 / scopes,
    ));
    Ok(())
}

fn own_cpu_s() -> Result<f64, Failure> {
    cpu_s("/proc/self/stat", 13)
}

fn resident_kb() -> Result<u64, Failure> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
