//! Power cuts: whatever was acknowledged is there afterwards, once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{Connection as _, SqliteConnection};
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::site::{self, Plan, Site, THREE_FAILURES};

const MESSAGES: usize = 6_000;
const CUTS: usize = 4;

/// Every tenth message is a failure, so that rules have work as well.
fn messages() -> Vec<Message> {
    let message = |number: usize| {
        let kind = if number.is_multiple_of(10) { "charge_failed" } else { "heartbeat" };
        let payload = format!(
            r#"{{"id":"m{number}","ts":{},"kind":"{kind}"}}"#,
            1_767_600_000_000_u64 + 1_000 * number as u64,
        );
        Message::new(format!("devices/cp-{}/events", number % 50), payload)
    };
    (0..MESSAGES).map(message).collect()
}

/// How devices publish: to a port, these messages, so many at a time, telling how far they are.
type Publish = fn(u16, &[Message], u16, &mut dyn FnMut(usize));

/// Publishes everything while the program is killed and started again; returns the ids it kept.
fn cut_while_publishing(plan: &Plan, publish: Publish, end: fn(&mut Site)) -> Vec<String> {
    let site = Mutex::new(Site::start(plan));
    let port = site.lock().unwrap().mqtt;
    let acknowledged = AtomicUsize::new(0);
    let messages = messages();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            publish(port, &messages, 500, &mut |so_far| {
                acknowledged.store(so_far, Ordering::Relaxed);
            });
        });
        for cut in 1..=CUTS {
            let at = cut * MESSAGES / (CUTS + 1);
            while acknowledged.load(Ordering::Relaxed) < at {
                std::thread::yield_now();
            }
            let mut site = site.lock().unwrap();
            end(&mut site);
            site.start_again();
        }
    });
    let mut site = site.into_inner().unwrap();
    if plan.broker.is_some() {
        // Mosquitto acknowledges by itself; the last messages may still be on their way.
        upturn_tests::binary::wait_for("all messages", || {
            (ids(&site).len() == MESSAGES).then_some(())
        });
    }
    site.kill();
    ids(&site)
}

fn ids(site: &Site) -> Vec<String> {
    let url = format!("sqlite:{}", site.folder.path().join("upturn.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut database = SqliteConnection::connect(&url).await.unwrap();
        sqlx::query_scalar("SELECT id FROM event").fetch_all(&mut database).await.unwrap()
    })
}

fn nothing_is_lost_and_nothing_twice(plan: &Plan, publish: Publish) {
    nothing_is_lost_if(plan, publish, Site::kill);
}

fn nothing_is_lost_if(plan: &Plan, publish: Publish, end: fn(&mut Site)) {
    let kept = cut_while_publishing(plan, publish, end);
    let distinct: BTreeSet<&String> = kept.iter().collect();
    assert_eq!((kept.len(), distinct.len()), (MESSAGES, MESSAGES));
}

fn at_least_once(port: u16, all: &[Message], in_flight: u16, told: &mut dyn FnMut(usize)) {
    fleet::publish(port, all, in_flight, told);
}

fn exactly_once(port: u16, all: &[Message], in_flight: u16, told: &mut dyn FnMut(usize)) {
    fleet::publish_exactly_once(port, all, in_flight, told);
}

fn plan() -> Plan {
    let rules = vec![THREE_FAILURES.to_owned()];
    Plan { rules, accept_past: Some(past()), ..Plan::default() }
}

/// Mosquitto, with `more` said about it in `[mqtt.connect]`.
fn behind_mosquitto(more: &str, publish: Publish) {
    let Some(broker) = Mosquitto::start() else { return };
    let doors = site::connect(broker.port, more);
    let plan = Plan { broker: Some(broker.port), doors, ..plan() };
    nothing_is_lost_and_nothing_twice(&plan, publish);
}

#[test]
fn lose_nothing_behind_the_embedded_broker() {
    nothing_is_lost_and_nothing_twice(&plan(), at_least_once);
}

#[test]
fn lose_nothing_behind_the_embedded_broker_exactly_once() {
    nothing_is_lost_and_nothing_twice(&plan(), exactly_once);
}

#[test]
fn a_stop_under_load_loses_nothing() {
    let stop = |site: &mut Site| assert_eq!(site.stop(), Some(0));
    nothing_is_lost_if(&plan(), at_least_once, stop);
    let Some(broker) = Mosquitto::start() else { return };
    let plan = Plan { broker: Some(broker.port), ..plan() };
    nothing_is_lost_if(&plan, at_least_once, stop);
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

/// The messages are of a fixed day, which grows old.
fn past() -> String {
    "36500d".to_owned()
}
