//! OCPP 1.6 from the outside: publishes in, attempts and tasks out.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails where something is missing, and says what it left out"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use upturn_core::board::Board;
use upturn_core::decode::topic::TopicPattern;
use upturn_core::decode::{Format, Message, Receipt, Source, Sources};
use upturn_core::derive::Derivation;
use upturn_core::engine::{ActiveRule, Engine, Memory};
use upturn_core::event::Event;
use upturn_core::id::RuleId;
use upturn_core::input::Input;
use upturn_core::pattern::{Pattern, consecutive};
use upturn_core::registry::Registry;
use upturn_core::rule::{
    EpisodePolicy, Guard, Route, Rule, Scope, Stage, Step, TaskTemplate, Test, When,
};
use upturn_core::task::Title;

fn sources() -> Sources {
    Sources(vec![Source {
        name: "ocpp16".into(),
        topic: TopicPattern::parse("ocpp/1.6/{device}/{action}").unwrap(),
        format: Format::Ocpp16,
        accept_past: Source::ACCEPT_PAST,
        accept_future: Source::ACCEPT_FUTURE,
    }])
}

fn decoded(topic: &str, payload: &str) -> Event {
    let receipt = Receipt::Unknown(DateTime::UNIX_EPOCH);
    let message = Message { topic, payload: payload.as_bytes(), receipt };
    sources().decode(message).unwrap_or_else(|error| panic!("{payload}: {error}"))
}

/// Returns the attempts that `messages` of one device tell of: kind, connector, time, cause.
fn attempts(messages: &[Event]) -> Vec<String> {
    let mut sorted = messages.to_vec();
    sorted.sort_by(upturn_core::event::by_order);
    let mut derivation = Derivation::default();
    let derived = sorted.iter().flat_map(|event| derivation.observe(event));
    let line = |event: &Event| {
        let word = |name| event.attributes.find(name).and_then(|v| v.as_str().map(str::to_owned));
        let words = ["cause", "code", "reason"].map(|name| word(name).unwrap_or("-".into()));
        let channel = event.channel.as_deref().unwrap_or("-").to_owned();
        format!("{} {} {} {}", event.occurred_at.format("%T"), event.kind, channel, words.join(" "))
    };
    derived.map(|event| line(&event)).collect()
}

/// Writes one gateway object a second, on one charger.
fn session(steps: &[(&str, Value)]) -> Vec<Event> {
    let begin: DateTime<Utc> = "2026-01-05T08:00:00Z".parse().unwrap();
    let numbered = (0..).zip(steps);
    let message = |(second, (action, fields)): (i64, &(&str, Value))| {
        let mut body = fields.clone();
        let ts = (begin + TimeDelta::seconds(second)).to_rfc3339();
        body.as_object_mut().unwrap().insert("ts".into(), ts.into());
        decoded(&format!("ocpp/1.6/cp-1/{action}"), &body.to_string())
    };
    numbered.map(message).collect()
}

fn status(status: &str, code: &str) -> (&'static str, Value) {
    ("StatusNotification", json!({"connectorId": 1, "status": status, "errorCode": code}))
}

fn start() -> (&'static str, Value) {
    let fields = json!({"connectorId": 1, "idTag": "T", "meterStart": 1000, "transactionId": 7});
    ("StartTransaction", fields)
}

fn stop(meter: i64, reason: &str) -> (&'static str, Value) {
    ("StopTransaction", json!({"transactionId": 7, "meterStop": meter, "reason": reason}))
}

#[test]
fn each_attempt_has_one_verdict_and_a_cause() {
    for (name, steps, expected) in cases_of_attempts() {
        assert_eq!(attempts(&session(&steps)), expected, "case: {name}");
    }
}

/// A name, what the charger says, and the attempts that ought to come of it.
type Case = (&'static str, Vec<(&'static str, Value)>, &'static [&'static str]);

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases_of_attempts() -> Vec<Case> {
    vec![
        (
            "a fault before the start",
            vec![status("Preparing", "NoError"), status("Faulted", "ConnectorLockFailure")],
            &["08:00:01 charge_failed 1 charger ConnectorLockFailure -"],
        ),
        (
            "unplugged before the start",
            vec![status("Preparing", "NoError"), status("Available", "NoError")],
            &["08:00:01 charge_failed 1 user - unplugged-before-start"],
        ),
        (
            "a fault and its stop are one attempt",
            vec![start(), status("Faulted", "GroundFailure"), stop(1000, "EmergencyStop")],
            &["08:00:01 charge_failed 1 charger GroundFailure -"],
        ),
        (
            "a fault without a code is the charger's",
            vec![start(), status("Faulted", "NoError")],
            &["08:00:01 charge_failed 1 charger NoError -"],
        ),
        (
            "a code nobody knows",
            vec![start(), status("Faulted", "Error")],
            &["08:00:01 charge_failed 1 charger other -"],
        ),
        (
            "too much voltage is the grid's",
            vec![status("Preparing", "NoError"), status("Faulted", "OverVoltage")],
            &["08:00:01 charge_failed 1 grid OverVoltage -"],
        ),
        (
            "next to no energy",
            vec![start(), stop(1099, "EVDisconnected")],
            &["08:00:01 charge_failed 1 user - EVDisconnected"],
        ),
        (
            "the car took nothing",
            vec![start(), status("SuspendedEV", "NoError"), stop(1000, "Local")],
            &["08:00:02 charge_failed 1 vehicle - Local"],
        ),
        (
            "just enough energy",
            vec![start(), stop(1100, "Local")],
            &["08:00:01 charge_ok 1 - - Local"],
        ),
        (
            "the supply went away",
            vec![start(), stop(9000, "PowerLoss")],
            &["08:00:01 charge_failed 1 grid - PowerLoss"],
        ),
        (
            "a rejected card is not the charger's",
            vec![
                ("StartTransaction", json!({"connectorId": 1, "meterStart": 0, "id": "s1"})),
                ("CallResult", json!({"id": "s1", "idTagInfo": {"status": "Blocked"}})),
            ],
            &["08:00:01 charge_failed 1 user - start-not-accepted"],
        ),
        (
            "an accepted card is no verdict",
            vec![
                ("StartTransaction", json!({"connector_id": 1, "meter_start": 0, "id": "s1"})),
                ("", json!({"id": "s1", "transactionId": 9, "idTagInfo": {"status": "Accepted"}})),
                ("StopTransaction", json!({"transaction_id": 9, "meter_stop": 5000})),
            ],
            &["08:00:02 charge_ok 1 - - -"],
        ),
        (
            "a fault of the whole charger hits what runs",
            vec![
                start(),
                (
                    "StatusNotification",
                    json!({"connectorId": 0, "status": "Faulted", "errorCode": "InternalError"}),
                ),
            ],
            &["08:00:01 charge_failed 1 charger InternalError -"],
        ),
        (
            "a stop whose start nobody saw, for a bad reason",
            vec![stop(1000, "DeAuthorized")],
            &["08:00:00 charge_failed - user - DeAuthorized"],
        ),
        ("a stop whose start nobody saw, for a good one", vec![stop(1000, "Local")], &[]),
        ("a fault while nobody tries", vec![status("Faulted", "ReaderFailure")], &[]),
        (
            "a fault and its stop are one attempt, also where the start was lost",
            vec![
                status("Preparing", "NoError"),
                status("Faulted", "GroundFailure"),
                stop(1000, "PowerLoss"),
            ],
            &["08:00:01 charge_failed 1 charger GroundFailure -"],
        ),
        (
            "a stop that comes when the next car is there belongs to its own session",
            vec![
                start(),
                status("Faulted", "GroundFailure"),
                status("Available", "NoError"),
                status("Preparing", "NoError"),
                stop(1000, "PowerLoss"),
            ],
            &["08:00:01 charge_failed 1 charger GroundFailure -"],
        ),
        (
            "a stop does not end a newer session",
            vec![
                start(),
                status("Faulted", "GroundFailure"),
                ("StartTransaction", json!({"connectorId": 1, "meterStart": 1000, "id": "s2"})),
                stop(1000, "EmergencyStop"),
                ("CallResult", json!({"id": "s2", "transactionId": 8})),
                ("StopTransaction", json!({"transactionId": 8, "meterStop": 9000})),
            ],
            &["08:00:01 charge_failed 1 charger GroundFailure -", "08:00:05 charge_ok 1 - - -"],
        ),
        (
            "sessions whose transactions nobody says",
            vec![
                ("StartTransaction", json!({"connectorId": 1, "meterStart": 1000})),
                stop(1000, "EmergencyStop"),
                ("StartTransaction", json!({"connectorId": 1, "meterStart": 1000})),
                stop(9000, "Local"),
            ],
            &["08:00:01 charge_failed 1 user - EmergencyStop", "08:00:03 charge_ok 1 - - Local"],
        ),
        (
            "the answer to a call of the other side with the same id",
            vec![
                ("StartTransaction", json!({"connectorId": 1, "meterStart": 0, "id": "9"})),
                (
                    "CallResult",
                    json!({"id": "9", "transactionId": 5, "idTagInfo": {"status": "Accepted"}}),
                ),
                ("CallResult", json!({"id": "9", "status": "Rejected"})),
                ("StopTransaction", json!({"transactionId": 5, "meterStop": 9000})),
            ],
            &["08:00:03 charge_ok 1 - - -"],
        ),
    ]
}

#[test]
fn three_sessions_that_fail_make_one_task_on_three_distinct_attempts() {
    let one = || [start(), status("Faulted", "GroundFailure"), stop(1000, "EmergencyStop")];
    let sessions = |count| session(&(0..count).flat_map(|_| one()).collect::<Vec<_>>());
    assert_eq!(folded(sessions(2), Scope::Device).len(), 0);
    let tasks = folded(sessions(3), Scope::Device);
    assert_eq!(tasks.len(), 1);
    let (first, second, third) = (&tasks[0].2[0], &tasks[0].2[1], &tasks[0].2[2]);
    assert!(first != second && second != third && first != third, "{tasks:?}");
    assert_eq!(tasks[0].1, "2026-01-05 08:00:07 UTC", "on the fault of the third session");
}

#[test]
fn a_gateway_that_writes_whole_seconds_invents_no_failures() {
    let good = [
        status("Preparing", "NoError"),
        start(),
        status("Charging", "NoError"),
        stop(9000, "Local"),
        status("Available", "NoError"),
    ];
    let in_one_second = |(action, fields): &(&str, Value)| {
        let mut body = fields.clone();
        body.as_object_mut().unwrap().insert("ts".into(), "2026-01-05T08:00:00Z".into());
        decoded(&format!("ocpp/1.6/cp-1/{action}"), &body.to_string())
    };
    let messages: Vec<Event> = good.iter().map(in_one_second).collect();
    assert_eq!(attempts(&messages), ["08:00:00 charge_ok 1 - - Local"]);
}

#[test]
fn a_charger_whose_time_cannot_be_read_is_placed_by_the_gateway() {
    let body = r#"{"ts":"2026-01-05T08:00:00Z","connectorId":1,"status":"Faulted",
        "errorCode":"GroundFailure","timestamp":"2026-01-05T08:00:00"}"#;
    let event = decoded("ocpp/1.6/cp-1/StatusNotification", body);
    assert_eq!(event.occurred_at.to_rfc3339(), "2026-01-05T08:00:00+00:00");
    assert!(event.clock_suspect);
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let one = || [start(), status("Faulted", "GroundFailure"), stop(1000, "EmergencyStop")];
    let sessions = session(&(0..4).flat_map(|_| one()).collect::<Vec<_>>());
    let expected = folded(sessions.clone(), Scope::Channel);
    for turn in 0..sessions.len() {
        let mut arrival = sessions.clone();
        arrival.rotate_left(turn);
        assert_eq!(folded(arrival.clone(), Scope::Channel), expected, "rotated by {turn}");
        arrival.reverse();
        assert_eq!(folded(arrival, Scope::Channel), expected, "reversed after {turn}");
    }
}

fn rule(per: Scope) -> ActiveRule {
    let pattern = Pattern::Consecutive(consecutive::Config {
        times: NonZeroUsize::new(3).unwrap(),
        within: TimeDelta::hours(24),
    });
    let then = TaskTemplate {
        kind: "care".into(),
        title: Title::default(),
        steps: Vec::new(),
        due: None,
        route: Route::default(),
        group: None,
    };
    let rule = Rule {
        id: RuleId::new("care").unwrap(),
        title: Title::default(),
        stage: Stage::Live,
        when: When {
            pattern,
            steps: vec![Step {
                any: vec![Test { event: "charge_failed".into(), condition: None }],
            }],
            forbidden: Vec::new(),
            reset_by: vec!["charge_ok".into()],
            value: None,
            per,
            not_while_maintenance: false,
        },
        episode: EpisodePolicy { cooldown: TimeDelta::days(7), ..EpisodePolicy::default() },
        guard: Guard::default(),
        then,
    };
    ActiveRule::always(rule)
}

/// Returns scope, last evidence and evidence ids of the tasks that stand.
fn folded(events: Vec<Event>, per: Scope) -> Vec<(String, String, Vec<String>)> {
    let mut engine = Engine::new(vec![rule(per)], Registry::default(), Memory::All);
    let (mut board, mut effects) = (Board::default(), Vec::new());
    for (position, event) in (1..).zip(events) {
        let at = event.received_at;
        assert_eq!(engine.handle(position, at, Input::Event(event), &mut effects), None);
        for effect in effects.drain(..) {
            board.apply(effect);
        }
    }
    let tasks = board.by_device_and_time().into_iter().map(|task| {
        let ids = task.occasion.evidence.iter().map(|each| each.id.to_string()).collect();
        (task.scope.to_string(), task.occasion.last_at.to_string(), ids)
    });
    tasks.collect()
}

/// Returns a folder of wider samples beside the repository, if it is there.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    // Past the test runner's capture; where standard error is closed there is nobody to tell.
    drop(writeln!(std::io::stderr(), "not tested: the wider samples; ../shared is not there"));
    None
}

#[test]
fn field_messages_become_the_expected_events() {
    let Some(path) = shared("data/telemetry/ocpp16/field-messages.jsonl") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let mut table = String::new();
    let hidden = ["format", "unique_id", "id_tag"];
    for (number, line) in (1..).zip(text.lines()) {
        let line: Value = serde_json::from_str(line).unwrap();
        let event = decoded("ocpp/1.6/cp-1/x", line["frame"].as_str().unwrap());
        let stated = event.stated_at.map_or("-".into(), |at| at.format("%F %T%.3f").to_string());
        let mut attributes: Value = serde_json::from_str(event.attributes.as_json()).unwrap();
        attributes.as_object_mut().unwrap().retain(|key, _| !hidden.contains(&key.as_str()));
        let channel = event.channel.as_deref().unwrap_or("-").to_owned();
        writeln!(table, "{number:2} {} {channel} {stated} {attributes}", event.kind).unwrap();
    }
    insta::assert_snapshot!("field_messages", table);
}

#[test]
fn the_log_of_a_week_gives_one_task_for_the_charger_whose_lock_fails() {
    let Some(path) = shared("data/telemetry/ocpp16/kwwhat_synthetic_2025-10-01_07.csv") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let mut events = Vec::new();
    for line in text.lines().skip(1) {
        let mut parts = line.splitn(4, ',');
        let (ts, device) = (parts.next().unwrap(), parts.next().unwrap());
        let action = parts.next().unwrap();
        let frame = parts.next().unwrap().trim_matches('"').replace("\"\"", "\"");
        let payload = format!(r#"{{"ts":"{ts}","frame":{frame}}}"#);
        events.push(decoded(&format!("ocpp/1.6/{device}/{action}"), &payload));
    }
    let of_device = |device: &str| {
        let of = events.iter().filter(|event| event.device.as_str() == device);
        attempts(&of.cloned().collect::<Vec<_>>())
    };
    let failed = |of: &[String]| of.iter().filter(|line| line.contains("charge_failed")).count();
    let (first, second) = (of_device("CH-001"), of_device("CH-002"));
    assert_eq!((first.len(), failed(&first)), (19, 0), "nineteen good sessions");
    assert_eq!((second.len(), failed(&second)), (51, 51), "the lock fails every time");

    let tasks = folded(events, Scope::Channel);
    assert_eq!(tasks.len(), 1);
    assert_eq!((tasks[0].0.as_str(), tasks[0].1.as_str()), ("CH-002/1", "2025-10-01 14:35:07 UTC"));
}
