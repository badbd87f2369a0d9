//! Power cuts: whatever was acknowledged is there afterwards, once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use upturn_tests::binary::scale;
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::site::{self, Database, Plan, Site};

use crate::load::{self, Kept};

/// How devices publish: to a port, these messages, so many at a time, telling how far they are.
pub(crate) type Publish = fn(u16, &[Message], u16, &mut dyn FnMut(usize));

/// Publishes everything while the program is killed and started again; returns what it kept.
///
/// Every third time it is asked to stop instead, and has to end well.
pub(crate) fn cut_while_publishing(
    plan: &Plan,
    publish: Publish,
    (messages, cuts): (usize, usize),
) -> Kept {
    let site = Mutex::new(Site::start(plan));
    let port = site.lock().unwrap().mqtt;
    let acknowledged = AtomicUsize::new(0);
    let load = load::messages(messages);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            publish(port, &load, 500, &mut |so_far| {
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

fn nothing_is_lost_and_nothing_twice(plan: &Plan, publish: Publish) {
    let load = (scale(6_000, 50_000), scale(4, 20));
    assert_eq!(cut_while_publishing(plan, publish, load), Kept::ALL);
}

/// Publishes at QoS 1.
pub(crate) fn at_least_once(
    port: u16,
    all: &[Message],
    in_flight: u16,
    told: &mut dyn FnMut(usize),
) {
    fleet::publish(port, all, in_flight, told);
}

/// Publishes at QoS 2.
fn exactly_once(port: u16, all: &[Message], in_flight: u16, told: &mut dyn FnMut(usize)) {
    fleet::publish_exactly_once(port, all, in_flight, told);
}

/// Mosquitto, with `more` said about it in `[mqtt.connect]`.
fn behind_mosquitto(more: &str, publish: Publish) {
    let Some(broker) = Mosquitto::start() else { return };
    let doors = site::connect(broker.port, more);
    let plan = Plan { broker: Some(broker.port), doors, ..load::plan() };
    nothing_is_lost_and_nothing_twice(&plan, publish);
}

#[test]
fn lose_nothing_behind_the_embedded_broker() {
    nothing_is_lost_and_nothing_twice(&load::plan(), at_least_once);
}

#[test]
fn lose_nothing_behind_the_embedded_broker_exactly_once() {
    nothing_is_lost_and_nothing_twice(&load::plan(), exactly_once);
}

#[test]
fn lose_nothing_behind_the_embedded_broker_on_postgresql() {
    let Some(database) = Database::create() else { return };
    let plan = Plan { database: Some(database.url.clone()), ..load::plan() };
    nothing_is_lost_and_nothing_twice(&plan, at_least_once);
}

#[test]
fn lose_nothing_behind_mosquitto() {
    behind_mosquitto("", at_least_once);
}

#[test]
fn lose_nothing_behind_mosquitto_by_mqtt_3_1_1() {
    behind_mosquitto("version = \"3.1.1\"", at_least_once);
}

#[test]
fn lose_nothing_behind_mosquitto_exactly_once() {
    behind_mosquitto("qos = 2", exactly_once);
}

#[test]
fn lose_nothing_behind_mosquitto_exactly_once_by_mqtt_3_1_1() {
    behind_mosquitto("version = \"3.1.1\"\nqos = 2", exactly_once);
}

#[test]
fn lose_nothing_behind_a_shared_subscription() {
    behind_mosquitto("share = \"upturn\"", at_least_once);
    behind_mosquitto("share = \"upturn\"\nversion = \"3.1.1\"", at_least_once);
}
