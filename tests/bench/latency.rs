//! How soon a task stands on an open page after the event that made it was published, beside a
//! fleet that sends 500 events a second; how soon the program is ready; what a page of tasks costs.

use std::io::{BufRead as _, BufReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message, Sender};
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES};

use super::figures::{Failure, cpu_of_threads, say};

/// How often it is measured.
const PROBES: usize = 500;
/// How many events a second the rest of the fleet sends.
const BACKGROUND: u32 = 500;
/// How many tasks stand when pages are asked for.
const TASKS: usize = 100_000;
/// How many pages are asked for.
const PAGES: usize = 300;

pub(super) fn run() -> Result<(), Failure> {
    start();
    one_door("the embedded broker", None)?;
    if let Some(broker) = Mosquitto::start() {
        one_door("Mosquitto", Some(broker.port))?;
    }
    pages()
}

/// Prints how long the program takes from its start until it says that it is ready.
fn start() {
    let mut site = Site::start(&plan(None));
    let mut took = Vec::new();
    for _ in 0..20 {
        site.stop();
        let began = Instant::now();
        site.launch();
        while http::get(site.web, "/readyz").is_none_or(|(status, _)| status != 200) {
            thread::sleep(Duration::from_millis(1));
        }
        took.push(began.elapsed());
    }
    say_quantiles("from the start to ready, an empty store", took);
}

fn one_door(name: &str, broker: Option<u16>) -> Result<(), Failure> {
    let site = Site::start(&plan(broker));
    let is_over = Arc::new(AtomicBool::new(false));
    let rest = thread::spawn({
        let (fleet, is_over) = (Sender::connect(site.mqtt, "fleet"), Arc::clone(&is_over));
        move || {
            for n in (0..u64::MAX).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                let payload = format!(r#"{{"id":"h{n}","kind":"heartbeat"}}"#);
                fleet.send(Message::new(format!("devices/cp-{}/events", n % 5_000), payload));
                thread::sleep(Duration::from_secs(1) / BACKGROUND);
            }
        }
    });
    let device = Sender::connect(site.mqtt, "probe");
    let news = listen(site.web)?;
    let mut took = Vec::new();
    for probe in 0..PROBES {
        let failure = |n: usize| {
            let payload = format!(r#"{{"id":"f{n}","kind":"charge_failed"}}"#);
            Message::new(format!("devices/probe-{probe}/events"), payload)
        };
        device.send(failure(0));
        device.send(failure(1));
        thread::sleep(Duration::from_millis(20));
        let began = Instant::now();
        device.send(failure(2));
        let seen = news.recv_timeout(Duration::from_secs(10))?;
        took.push(seen.saturating_duration_since(began));
    }
    is_over.store(true, Ordering::Relaxed);
    rest.join().map_err(|_| "the fleet broke down")?;
    say_quantiles(
        &format!("{name}: from the third failure to the page, {BACKGROUND}/s beside"),
        took,
    );
    Ok(())
}

/// Opens the stream that tells pages of tasks; returns when each piece of news came.
fn listen(port: u16) -> Result<Receiver<Instant>, Failure> {
    let request = ureq::get(format!("http://127.0.0.1:{port}/live"));
    let answer = request.header("Authorization", format!("Bearer {}", http::TOKEN)).call()?;
    let mut lines = BufReader::new(answer.into_body().into_reader()).lines();
    let (sender, news) = channel();
    thread::spawn(move || {
        while let Some(Ok(line)) = lines.next() {
            if line == "event: tasks" && sender.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    Ok(news)
}

/// Prints what a page of tasks costs the program where many stand.
fn pages() -> Result<(), Failure> {
    let site = Site::start(&plan(None));
    let messages: Vec<Message> = (0..TASKS * 3)
        .map(|n| {
            let payload = format!(r#"{{"id":"f{n}","kind":"charge_failed"}}"#);
            Message::new(format!("devices/cp-{}/events", n / 3), payload)
        })
        .collect();
    fleet::publish(site.mqtt, &messages, 4_000, |_| {});
    let pid = site.process.as_ref().map(|process| process.0.id()).unwrap_or_default();
    let mut path = "/api/v1/tasks?limit=50".to_owned();
    let mut took = Vec::new();
    for _ in 0..PAGES {
        let before = cpu_of_threads(pid)?;
        let page = http::json(site.web, &path);
        took.push(cpu_of_threads(pid)?.saturating_sub(before));
        let cursor = page["next"].as_str().ok_or("too few tasks")?;
        path = format!("/api/v1/tasks?limit=50&cursor={cursor}");
    }
    say_quantiles(&format!("CPU of a page of 50 of {TASKS} tasks"), took);
    Ok(())
}

fn plan(broker: Option<u16>) -> Plan {
    Plan { broker, rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() }
}

fn say_quantiles(name: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |part: usize| took.get((took.len() * part / 100).min(took.len() - 1)).copied();
    let [middle, tail] = [50, 99].map(|part| at(part).unwrap_or_default().as_secs_f64() * 1e3);
    say(&format!("{name}: {middle:.1} ms (median of {}), {tail:.1} ms (99 of 100)", took.len()));
}
