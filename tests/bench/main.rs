//! Prints what things cost. No figure passes or fails; machines are shared and noisy.
//!
//! `cargo run --release -p upturn-tests --bin bench [EVENTS]` runs job J1: a back-test, and the
//! program behind a broker; without a file of events the small job is repeated. `bench fold [WORDS]`
//! times the fold by itself, or those figures of it whose names have these words in them.
#![expect(
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "figures for people, of a file that was just written"
)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;
use upturn_tests::binary::upturn;
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{Plan, Site};

mod fold;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() == Some("fold") {
        say(&format!("load average {}", std::fs::read_to_string("/proc/loadavg")?.trim()));
        return fold::run(&std::env::args().nth(2).unwrap_or_default());
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/j1");
    let folder = TempDir::new()?;
    let events = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => repeated(&data.join("events.jsonl"), folder.path())?,
    };
    let count = std::fs::read_to_string(&events)?.lines().count();
    say(&format!("load average {}", std::fs::read_to_string("/proc/loadavg")?.trim()));
    backtest(&data.join("rule.toml"), &events, count)?;
    through("the embedded broker", None, &data, &events)?;
    match Mosquitto::start() {
        Some(broker) => through("Mosquitto", Some(broker.port), &data, &events),
        None => Ok(()),
    }
}

/// Writes the small job again and again, each time on other devices.
fn repeated(small: &Path, folder: &Path) -> std::io::Result<PathBuf> {
    let text = std::fs::read_to_string(small)?;
    let path = folder.join("events.jsonl");
    let copies = (0..25).map(|n| text.replace("devices/cp-", &format!("devices/cp{n}-")));
    std::fs::write(&path, copies.collect::<String>())?;
    Ok(path)
}

fn backtest(rule: &Path, events: &Path, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut command = upturn(["backtest", "--json", "--rules"]);
    command.arg(rule).arg("--events").arg(events).stdout(Stdio::piped());
    let (began, before) = (Instant::now(), children_cpu_s()?);
    let output = command.output()?;
    let (wall_s, cpu_s) = (began.elapsed().as_secs_f64(), children_cpu_s()? - before);
    let tasks = String::from_utf8(output.stdout)?.lines().count();
    report("back-test", count, tasks, cpu_s, wall_s);
    Ok(())
}

/// Publishes everything and waits until the last message is committed.
fn through(
    name: &str,
    broker: Option<u16>,
    data: &Path,
    events: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let rule = std::fs::read_to_string(data.join("rule.toml"))?;
    let accept_past = Some("36500d".to_owned());
    let site = Site::start(&Plan { broker, rules: vec![rule], accept_past, ..Plan::default() });
    let text = std::fs::read_to_string(events)?;
    let mut messages = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        let topic = line["topic"].as_str().unwrap_or_default();
        messages.push(Message::new(topic, line["payload"].to_string()));
    }
    let Some(pid) = site.process.as_ref().map(|process| process.0.id()) else { return Ok(()) };
    let (began, before) = (Instant::now(), process_cpu_s(pid)?);
    fleet::publish(site.mqtt, &messages, 4_000, |_| {});
    let wanted = distinct(&messages);
    while committed(site.web) < wanted {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let (wall_s, cpu_s) = (began.elapsed().as_secs_f64(), process_cpu_s(pid)? - before);
    report(name, messages.len(), site.tasks().len(), cpu_s, wall_s);
    say(&format!("  peak memory {}", peak(pid)?));
    Ok(())
}

fn distinct(messages: &[Message]) -> u64 {
    let all: std::collections::BTreeSet<_> =
        messages.iter().map(|m| (&m.topic, &m.payload)).collect();
    u64::try_from(all.len()).unwrap_or_default()
}

fn committed(web: u16) -> u64 {
    let text = http::get(web, "/metrics").map(|(_, text)| text).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("upturn_events_total "));
    line.and_then(|count| count.parse().ok()).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn report(name: &str, events: usize, tasks: usize, cpu_s: f64, wall_s: f64) {
    let events_f = events as f64;
    say(&format!(
        "{name}: {events} events, {tasks} tasks, {:.2} µs CPU an event, {:.0} events a CPU second, \
         {:.0} a second by the clock",
        cpu_s * 1e6 / events_f,
        events_f / cpu_s,
        events_f / wall_s,
    ));
}

/// Returns user and system time of the children that have ended.
fn children_cpu_s() -> Result<f64, Box<dyn std::error::Error>> {
    cpu_s("/proc/self/stat", 15)
}

fn process_cpu_s(pid: u32) -> Result<f64, Box<dyn std::error::Error>> {
    cpu_s(&format!("/proc/{pid}/stat"), 13)
}

/// Reads two neighbouring fields of a `stat` file, in ticks of a hundredth of a second.
fn cpu_s(path: &str, first: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(path)?;
    // The name of the program may hold blanks; what follows its bracket is field 3.
    let rest = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let fields: Vec<&str> = rest.split_whitespace().skip(first - 2).take(2).collect();
    let ticks: f64 = fields.iter().map(|ticks| ticks.parse::<f64>().unwrap_or_default()).sum();
    Ok(ticks / 100.0)
}

fn peak(pid: u32) -> std::io::Result<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.unwrap_or_default().trim().to_owned())
}

#[expect(clippy::print_stdout, reason = "a bench prints")]
fn say(line: &str) {
    println!("{line}");
}
