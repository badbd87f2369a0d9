//! Power cuts: whatever was acknowledged is there afterwards, once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use upturn_tests::binary::scale;
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet;
use upturn_tests::site::{Database, Plan, Site};

use crate::load::{self, Kept};

/// Publishes everything while the program is killed and started again; returns what it kept.
///
/// Every third time it is asked to stop instead, and has to end well.
pub(crate) fn cut_while_publishing(plan: &Plan, messages: usize, cuts: usize) -> Kept {
    let site = Mutex::new(Site::start(plan));
    let port = site.lock().unwrap().mqtt;
    let acknowledged = AtomicUsize::new(0);
    let load = load::messages(messages);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            fleet::publish(port, &load, 500, |so_far| {
                acknowledged.store(so_far, Ordering::Relaxed);
            });
        });
        for cut in 1..=cuts {
            let at = cut * messages / (cuts + 1);
            while acknowledged.load(Ordering::Relaxed) < at {
                std::thread::yield_now();
            }
            let mut site = site.lock().unwrap();
            if cut.is_multiple_of(3) {
                assert_eq!(site.running().terminate(), Some(0), "cut {cut}");
            } else {
                site.kill();
            }
            site.start_again();
        }
    });
    let site = site.into_inner().unwrap();
    if plan.broker.is_some() {
        return load::until_kept(&site, messages);
    }
    load::kept(&site, messages)
}

fn nothing_is_lost_and_nothing_twice(plan: &Plan) {
    let (messages, cuts) = (scale(6_000, 50_000), scale(4, 20));
    assert_eq!(cut_while_publishing(plan, messages, cuts), Kept::ALL);
}

#[test]
fn lose_nothing_behind_the_embedded_broker() {
    nothing_is_lost_and_nothing_twice(&load::plan());
}

#[test]
fn lose_nothing_behind_the_embedded_broker_on_postgresql() {
    let Some(database) = Database::create() else { return };
    nothing_is_lost_and_nothing_twice(&Plan {
        database: Some(database.url.clone()),
        ..load::plan()
    });
}

#[test]
fn lose_nothing_behind_mosquitto() {
    let Some(broker) = Mosquitto::start() else { return };
    nothing_is_lost_and_nothing_twice(&Plan { broker: Some(broker.port), ..load::plan() });
}
