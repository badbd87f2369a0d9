//! Active and standby: one works, the other waits, and whoever comes back too late is refused.

use serde_json::json;
use upturn_tests::binary::{scale, wait_for};
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet;
use upturn_tests::http;
use upturn_tests::site::{Database, Plan, Site};

use crate::load::{self, Kept};

/// Two installations on one database: the first one works, the second stands by.
pub(crate) fn pair(plan: &Plan) -> (Site, Site) {
    let first = Site::start(plan);
    let mut second = Site::install(&Plan { is_second: true, ..plan.clone() });
    second.launch();
    second.until_unready_for("standby");
    (first, second)
}

#[test]
fn a_standby_shows_the_pages_and_takes_nothing_in() {
    let Some(database) = Database::create() else { return };
    let plan = Plan { database: Some(database.url.clone()), ..load::plan() };
    let (first, second) = pair(&plan);
    fleet::publish(first.mqtt, &load::messages(2_000), 100, |_| {});
    assert_eq!(second.until_tasks(load::DEVICES).len(), load::DEVICES);
    assert!(std::net::TcpStream::connect(("127.0.0.1", second.mqtt)).is_err(), "a shut door");

    let event = json!({ "id": "e1", "kind": "charge_failed", "device": "cp-1" });
    let (status, _) = http::post(second.web, "/api/v1/events", &event).unwrap();
    assert_eq!(status, 503);
    let (_, metrics) = http::get(second.web, "/metrics").unwrap();
    assert!(metrics.contains("upturn_active 0"), "{metrics}");
    assert_eq!(first.events().len(), 2_000);
}

#[test]
fn the_standby_takes_over_from_one_that_stops_in_order() {
    let Some(database) = Database::create() else { return };
    let plan = Plan { database: Some(database.url.clone()), ..load::plan() };
    let (mut first, second) = pair(&plan);
    assert_eq!(first.running().terminate(), Some(0));
    second.until_ready();
    fleet::publish(second.mqtt, &load::messages(2_000), 100, |_| {});
    first.launch();
    first.until_unready_for("standby");
    assert_eq!(load::kept(&second, 2_000), Kept::ALL);
}

/// Kills or pauses whoever works, again and again, while a broker holds more than it can take;
/// returns what was kept.
pub(crate) fn hunt(plan: &Plan, messages: usize, faults: usize) -> Kept {
    let (mut active, mut standby) = pair(plan);
    let port = plan.broker.unwrap();
    let load = load::messages(messages);
    for (number, some) in load.chunks(messages.div_ceil(faults)).enumerate() {
        fleet::publish(port, some, 500, |_| {});
        if number.is_multiple_of(2) {
            active.kill();
            standby.until_ready();
            active.launch();
        } else {
            active.running().pause();
            standby.until_ready();
            active.running().resume();
        }
        active.until_unready_for("standby");
        std::mem::swap(&mut active, &mut standby);
    }
    load::until_kept(&active, messages)
}

#[test]
fn nothing_is_lost_and_nothing_twice_whoever_is_killed_or_paused() {
    let (Some(database), Some(broker)) = (Database::create(), Mosquitto::start()) else { return };
    let plan =
        Plan { database: Some(database.url.clone()), broker: Some(broker.port), ..load::plan() };
    assert_eq!(hunt(&plan, scale(8_000, 60_000), scale(4, 20)), Kept::ALL);
}

/// Two failures of a device are in the log; then the active one is stopped, and handed the third
/// before it goes on. Returns whether it took it, and how many tasks stand after everything.
pub(crate) fn wake_up_too_late(plan: &Plan) -> (bool, usize) {
    let (mut first, second) = pair(plan);
    let failure = |number: u64| {
        let at = 1_767_600_000_000 + number * 60_000;
        json!({ "id": format!("f{number}"), "ts": at, "kind": "charge_failed", "device": "cp-1" })
    };
    let (status, _) = http::post(first.web, "/api/v1/events", &failure(1)).unwrap();
    assert_eq!(status, 200);
    first.running().pause();
    second.until_ready();
    let (status, _) = http::post(second.web, "/api/v1/events", &failure(2)).unwrap();
    assert_eq!(status, 200);

    let port = first.web;
    let zombie = std::thread::spawn(move || http::post(port, "/api/v1/events", &failure(3)));
    // The system takes the connection and the request for whoever sleeps.
    wait_for("a request in the queue", || queued(port).then_some(()));
    first.running().resume();
    let was_taken = zombie.join().unwrap().is_some_and(|(status, _)| status == 200);
    if !was_taken {
        // As whoever was refused does.
        let (status, _) = http::post(second.web, "/api/v1/events", &failure(3)).unwrap();
        assert_eq!(status, 200);
    }
    (was_taken, second.tasks().len())
}

/// Whether bytes wait in a connection to `port` that nobody has read.
fn queued(port: u16) -> bool {
    let connections = std::fs::read_to_string("/proc/net/tcp").unwrap();
    connections.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let waiting = fields[4].split_once(':').unwrap().1;
        fields[1].ends_with(&format!(":{port:04X}")) && fields[3] == "01" && waiting != "00000000"
    })
}

#[test]
fn whoever_wakes_up_too_late_acknowledges_nothing_and_stands_by() {
    let Some(database) = Database::create() else { return };
    let plan = Plan { database: Some(database.url.clone()), ..load::plan() };
    assert_eq!(wake_up_too_late(&plan), (false, 1));
}
