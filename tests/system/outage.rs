//! Outages: what is away is named, and work goes on by itself when it is back.

use upturn_tests::binary::{free_port, wait_for};
use upturn_tests::broker::Mosquitto;
use upturn_tests::device::Device;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{self, Database, Plan, Site, THREE_FAILURES};

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
    for version in ["5", "3.1.1"] {
        let Some(broker) = Mosquitto::start() else { return };
        let mut site = Site::start(&Plan {
            broker: Some(broker.port),
            doors: site::connect(broker.port, &format!("version = \"{version}\"")),
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
}

#[test]
fn a_message_that_is_too_large_holds_up_no_other() {
    for (version, dead_letters) in [("5", 0), ("3.1.1", 1)] {
        let Some(broker) = Mosquitto::start_small() else { return };
        let site = Site::start(&Plan {
            broker: Some(broker.port),
            doors: site::connect(broker.port, &format!("version = \"{version}\"")),
            rules: vec![THREE_FAILURES.to_owned()],
            accept_past: Some("36500d".to_owned()),
            ..Plan::default()
        });
        let mut messages = vec![Message::new("devices/cp-1/events", vec![b'x'; 2 * 1024 * 1024])];
        messages.extend(failures("cp-1"));
        fleet::publish(broker.port, &messages, 1, |_| {});
        site.until_tasks(1);
        // MQTT 5 has the broker keep it from us; MQTT 3.1.1 cannot.
        let (_, metrics) = http::get(site.web, "/metrics").unwrap();
        let counted = metrics.contains("upturn_dead_letters_total{code=\"too-large\"} 1");
        assert_eq!(counted, dead_letters == 1, "MQTT {version}: {metrics}");
    }
}

#[test]
fn every_quality_comes_by_every_version() {
    let Some(broker) = Mosquitto::start() else { return };
    for version in ["5", "3.1.1"] {
        for subscribed in 0..=2 {
            let more = format!(
                "version = \"{version}\"\nqos = {subscribed}\nclient_id = \"u{version}{subscribed}\""
            );
            let site = Site::start(&Plan {
                broker: Some(broker.port),
                doors: site::connect(broker.port, &more),
                rules: vec![THREE_FAILURES.to_owned()],
                ..Plan::default()
            });
            let device = Device::new(broker.port, "cp-1");
            for published in 0..=2 {
                let payload = format!(r#"{{"id":"f{published}","kind":"charge_failed"}}"#);
                assert!(device.publishes("devices/cp-1/events", published, &payload));
            }
            site.until_tasks(1);
        }
    }
}

#[test]
fn retained_messages_are_states_and_no_events() {
    for version in ["5", "3.1.1"] {
        let Some(broker) = Mosquitto::start() else { return };
        // Each would make a task, if it were an event.
        let rule = THREE_FAILURES.replace("times = 3", "times = 1");
        let retained = |number: u32| {
            let at = 1_767_600_000_000 + u64::from(number);
            let payload = format!(r#"{{"id":"r{number}","ts":{at},"kind":"charge_failed"}}"#);
            Message::new(format!("devices/r-{number}/events"), payload)
        };
        let retained: Vec<Message> = (0..1_000).map(retained).collect();
        fleet::publish_retained(broker.port, &retained);
        let mut site = Site::start(&Plan {
            broker: Some(broker.port),
            doors: site::connect(broker.port, &format!("version = \"{version}\"")),
            rules: vec![rule],
            accept_past: Some("36500d".to_owned()),
            ..Plan::default()
        });
        let until_kept = |site: &Site| {
            wait_for("states", || {
                let (_, metrics) = http::get(site.web, "/metrics")?;
                metrics.contains("upturn_states_total 1000").then_some(())
            });
        };
        until_kept(&site);
        fleet::publish(broker.port, &failures("cp-3"), 10, |_| {});
        assert_eq!(site.until_tasks(1)[0]["device"], "cp-3", "MQTT {version}");
        // One that is retained while we listen is an event, and stays one when it comes again.
        fleet::publish_retained(broker.port, &failures("cp-4"));
        site.until_tasks(2);
        site.kill();
        site.start_again();
        fleet::publish(broker.port, &failures("cp-5"), 10, |_| {});
        site.until_tasks(3);
    }
}

#[test]
fn a_session_that_the_broker_forgot_is_counted_and_named() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let site = Site::start(&Plan {
        broker: Some(broker.port),
        rules: vec![THREE_FAILURES.to_owned()],
        accept_past: Some("36500d".to_owned()),
        ..Plan::default()
    });
    broker.stop();
    broker.forget();
    broker.start_again();
    let told = wait_for("a warning", || {
        let (status, body) = http::get(site.web, "/readyz")?;
        (status == 200 && body.contains("lost our session")).then_some(body)
    });
    assert!(told.contains("lost our session 1 times"), "{told}");
    let (_, metrics) = http::get(site.web, "/metrics").unwrap();
    assert!(metrics.contains("upturn_session_lost_total 1"), "{metrics}");
    fleet::publish(broker.port, &failures("cp-1"), 10, |_| {});
    site.until_tasks(1);
}

#[test]
fn of_two_programs_with_one_client_id_one_stays_away() {
    let Some(broker) = Mosquitto::start() else { return };
    let plan = Plan {
        broker: Some(broker.port),
        rules: vec![THREE_FAILURES.to_owned()],
        accept_past: Some("36500d".to_owned()),
        ..Plan::default()
    };
    let first = Site::start(&plan);
    let mut second = Site::install(&plan);
    second.launch();
    let sites = [&first, &second];
    let is_away = |site: &Site| {
        let told = http::get(site.web, "/readyz");
        told.is_some_and(|(_, told)| told.contains("client id") && told.contains("staying away"))
    };
    let away = wait_for("one that stays away", || sites.iter().position(|site| is_away(site)));
    let (away, other) = (sites[away], sites[1 - away]);
    let (_, metrics) = http::get(away.web, "/metrics").unwrap();
    assert!(metrics.contains("upturn_taken_over_total 1"), "{metrics}");
    other.until_ready();
    fleet::publish(broker.port, &failures("cp-1"), 10, |_| {});
    other.until_tasks(1);
    assert!(away.tasks().is_empty());
}

#[test]
fn small_limits_of_a_broker_are_named_at_the_start() {
    let rules = vec![THREE_FAILURES.to_owned()];
    let Some(small) = Mosquitto::start_small() else { return };
    let site =
        Site::start(&Plan { broker: Some(small.port), rules: rules.clone(), ..Plan::default() });
    let (_, told) = http::get(site.web, "/readyz").unwrap();
    assert!(told.contains("at most 20 messages in flight"), "{told}");
    assert!(site.log().contains("at most 20 messages in flight"), "{}", site.log());

    let Some(shipped) = Mosquitto::start() else { return };
    let site = Site::start(&Plan { broker: Some(shipped.port), rules, ..Plan::default() });
    let (_, told) = http::get(site.web, "/readyz").unwrap();
    assert!(!told.contains("warnings"), "{told}");
}

#[test]
fn letters_go_out_by_mqtt_3_1_1_too() {
    let Some(broker) = Mosquitto::start() else { return };
    let site = Site::start(&Plan {
        broker: Some(broker.port),
        doors: site::connect(broker.port, "version = \"3.1.1\""),
        rules: vec![THREE_FAILURES.to_owned()],
        accept_past: Some("36500d".to_owned()),
        letters: Some("devices/{device}/tasks".to_owned()),
        ..Plan::default()
    });
    let heard = fleet::listen(broker.port, "devices/+/tasks", 1, || {
        fleet::publish(broker.port, &failures("cp-1"), 10, |_| {});
    });
    assert_eq!(heard[0].topic, "devices/cp-1/tasks");
    site.until_tasks(1);
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
