//! Outages: what is away is named, and work goes on by itself when it is back.

use upturn_tests::binary::{free_port, wait_for};
use upturn_tests::broker::Mosquitto;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{Database, Plan, Site, THREE_FAILURES};

fn failures(device: &str) -> Vec<Message> {
    let failure = |number: u64| {
        let at = 1_767_600_000_000 + number * 60_000;
        let payload = format!(r#"{{"id":"f{number}","ts":{at},"kind":"charge_failed"}}"#);
        Message::new(format!("devices/{device}/events"), payload)
    };
    (0..3).map(failure).collect()
}

#[test]
fn a_broker_that_goes_away_is_named_and_found_again() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let site = Site::start(&Plan {
        broker: Some(broker.port),
        rules: vec![THREE_FAILURES.to_owned()],
        accept_past: Some("36500d".to_owned()),
        ..Plan::default()
    });
    broker.stop();
    let why = site.until_unready();
    assert!(why.contains("broker"), "{why}");
    broker.start_again();
    site.until_ready();
    fleet::publish(broker.port, &failures("cp-1"), 10, |_| {});
    assert_eq!(site.until_tasks(1)[0]["device"], "cp-1");
}

#[test]
fn a_database_that_goes_away_is_named_and_nothing_is_lost() {
    let Some(database) = Database::create() else { return };
    let (proxy, url) = database.by_proxy();
    let site = Site::start(&Plan {
        database: Some(url),
        rules: vec![THREE_FAILURES.to_owned()],
        accept_past: Some("36500d".to_owned()),
        ..Plan::default()
    });
    fleet::publish(site.mqtt, &failures("cp-1"), 10, |_| {});
    site.until_tasks(1);

    proxy.cut();
    let why = site.until_unready();
    assert!(why.contains("database"), "{why}");
    std::thread::scope(|scope| {
        // Nothing is acknowledged while nothing can be committed.
        let publishing = scope.spawn(|| fleet::publish(site.mqtt, &failures("cp-2"), 10, |_| {}));
        let unready = site.until_unready();
        assert!(unready.contains("database"), "{unready}");
        assert!(!publishing.is_finished());
        proxy.heal();
    });
    site.until_ready();
    let tasks = site.until_tasks(2);
    assert_eq!((&tasks[0]["device"], &tasks[1]["device"]), (&"cp-1".into(), &"cp-2".into()));
}

#[test]
fn a_backlog_is_taken_in_whole() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut site = Site::start(&Plan {
        broker: Some(broker.port),
        rules: vec![THREE_FAILURES.to_owned()],
        ..Plan::default()
    });
    site.kill();
    // More than the inbox holds and than any packet ids there are; brokers send it all at once.
    let beat = |number: u32| {
        Message::new(
            format!("devices/cp-{}/events", number % 9),
            format!(r#"{{"id":"{number}","kind":"beat"}}"#),
        )
    };
    let backlog: Vec<Message> = (0..70_000).map(beat).collect();
    fleet::publish(broker.port, &backlog, 4_000, |_| {});
    site.start_again();
    wait_for("the backlog", || {
        let (_, metrics) = http::get(site.web, "/metrics")?;
        metrics.contains("upturn_events_total 70000").then_some(())
    });
}

#[test]
fn a_retained_message_is_a_state_and_no_event() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut messages = failures("cp-1");
    messages.push(Message::new("devices/cp-2/events", r#"{"kind":"heartbeat"}"#));
    fleet::publish_retained(broker.port, &messages);
    let site = Site::start(&Plan {
        broker: Some(broker.port),
        rules: vec![THREE_FAILURES.to_owned()],
        accept_past: Some("36500d".to_owned()),
        ..Plan::default()
    });
    fleet::publish(broker.port, &failures("cp-3"), 10, |_| {});
    assert_eq!(site.until_tasks(1)[0]["device"], "cp-3");
}

#[test]
fn what_is_away_at_the_start_is_said_in_one_line() {
    let rules = vec![THREE_FAILURES.to_owned()];
    let nobody = free_port();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port();

    let away = Plan { broker: Some(nobody), rules: rules.clone(), ..Plan::default() };
    let cases = [
        ("a broker that is away", Site::install(&away), "broker", 69),
        ("a web port in use", with_web_port(taken, &rules), "in use", 69),
    ];
    for (name, site, words, code) in cases {
        let output = upturn_tests::binary::run(site.command(["serve"]), "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "case: {name}: {said}");
        let line = said.lines().last().unwrap_or_default();
        assert!(line.starts_with("upturn: ") && line.contains(words), "case: {name}: {said}");
    }
}

fn with_web_port(port: u16, rules: &[String]) -> Site {
    let site = Site::install(&Plan { rules: rules.to_vec(), ..Plan::default() });
    let path = site.folder.path().join("upturn.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    let settings = settings.replace(&format!(":{}\"", site.web), &format!(":{port}\""));
    std::fs::write(path, settings).unwrap();
    site
}
