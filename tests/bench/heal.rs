//! How soon the program goes on after trouble with its broker or its database.

use std::thread;
use std::time::{Duration, Instant};

use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::proxy::{Proxy, Upstream};
use upturn_tests::site::{Database, Plan, Site, THREE_FAILURES};

use super::figures::{Failure, say};
use super::path::committed;
use super::postgres::Server;

/// How often each trouble is made.
const TIMES: usize = 3;
/// How long it lasts.
const OUTAGE: Duration = Duration::from_secs(4);
/// How long all is well before it: the program stays away longer from a broker that ends its
/// connections soon after they are made, as one does where another program uses its name.
const QUIET: Duration = Duration::from_secs(11);

/// What happens to a line.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Connections end, and none can be made.
    Cut,
    /// Nothing passes, and nobody is told.
    Silence,
}

pub(super) fn run() -> Result<(), Failure> {
    let Some(broker) = Mosquitto::start() else { return Ok(()) };
    of_broker(&broker);
    if let Some(server) = Server::start()? {
        of_database(&server, &broker);
    }
    Ok(())
}

fn of_broker(broker: &Mosquitto) {
    let line = Proxy::to(Upstream::Port(broker.port));
    let site = Site::start(&Plan { broker: Some(line.port), ..plan() });
    for fault in [Fault::Cut, Fault::Silence] {
        time("the broker", fault, &site, &line, broker.port);
    }
}

fn of_database(server: &Server, broker: &Mosquitto) {
    let database = Database::on(server.url.clone());
    let (line, url) = database.by_proxy();
    let site = Site::start(&Plan { broker: Some(broker.port), database: Some(url), ..plan() });
    for fault in [Fault::Cut, Fault::Silence] {
        time("the database", fault, &site, &line, broker.port);
    }
}

fn plan() -> Plan {
    Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() }
}

/// Makes `fault` again and again while a message waits, and prints how long after its end that is
/// committed.
fn time(what: &str, fault: Fault, site: &Site, line: &Proxy, port: u16) {
    let mut took: Vec<Duration> = (0..TIMES).map(|_| once(fault, site, line, port)).collect();
    took.sort_unstable();
    say(&format!(
        "{what}, {fault:?} for {} s: goes on {:.2} s after its end (median of {TIMES}), {:.2} s at most",
        OUTAGE.as_secs(),
        took[TIMES / 2].as_secs_f64(),
        took[TIMES - 1].as_secs_f64(),
    ));
}

fn once(fault: Fault, site: &Site, line: &Proxy, port: u16) -> Duration {
    thread::sleep(QUIET);
    let before = committed(site.web);
    match fault {
        Fault::Cut => line.cut(),
        Fault::Silence => line.silence(),
    }
    let began = Instant::now();
    let payload = format!(r#"{{"id":"m{before}","kind":"heartbeat"}}"#);
    fleet::publish(port, &[Message::new("devices/cp-1/events", payload)], 1, |_| {});
    thread::sleep(OUTAGE.saturating_sub(began.elapsed()));
    line.heal();
    let healed = Instant::now();
    while committed(site.web) == before {
        thread::sleep(Duration::from_millis(5));
    }
    let took = healed.elapsed();
    site.until_ready();
    took
}
