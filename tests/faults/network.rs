//! Lines to the broker and to the database that end, or fall silent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use upturn_tests::binary::scale;
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet;
use upturn_tests::proxy::{Proxy, Upstream};
use upturn_tests::site::{Database, Plan, Site};

use crate::load::{self, Kept};

/// How many messages are published while a line is broken once.
const EACH: usize = 2_000;

/// What happens to a line.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It ends, and is known to.
    Cut,
    /// Nothing comes, and nobody says so.
    Silence,
}

/// Breaks `line` again and again while devices publish to `port`; each time the program has to
/// say so by the word `named`, and to go on by itself afterwards.
fn break_while_publishing(site: &Site, line: &Proxy, port: u16, named: &str) -> Kept {
    let faults = scale(2, 12);
    let load = load::messages(faults * EACH);
    for (number, messages) in load.chunks(EACH).enumerate() {
        let fault = if number.is_multiple_of(2) { Fault::Cut } else { Fault::Silence };
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                fleet::publish(port, messages, 200, |_| {
                    if !is_over.load(Ordering::Relaxed) {
                        thread::sleep(Duration::from_millis(1));
                    }
                });
            });
            match fault {
                Fault::Cut => line.cut(),
                Fault::Silence => line.silence(),
            }
            let why = site.until_unready();
            assert!(why.contains(named), "{fault:?}: {why}");
            line.heal();
            is_over.store(true, Ordering::Relaxed);
            publishing.join().unwrap();
        });
        site.until_ready();
    }
    load::until_kept(site, load.len())
}

#[test]
fn a_database_behind_a_bad_line_keeps_everything() {
    let Some(database) = Database::create() else { return };
    let (line, url) = database.by_proxy();
    let site = Site::start(&Plan { database: Some(url), ..load::plan() });
    assert_eq!(break_while_publishing(&site, &line, site.mqtt, "database"), Kept::ALL);
}

#[test]
fn a_broker_behind_a_bad_line_keeps_everything() {
    let Some(broker) = Mosquitto::start() else { return };
    let line = Proxy::to(Upstream::Port(broker.port));
    let site = Site::start(&Plan { broker: Some(line.port), ..load::plan() });
    assert_eq!(break_while_publishing(&site, &line, broker.port, "broker"), Kept::ALL);
}
