//! Rubbish at every door: each message becomes an event or a dead letter with its reason, each
//! request is refused, and good traffic goes on beside it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::Site;

use crate::load;

/// The message that all others are spoilt copies of.
const GOOD: &str = r#"{"id":"g","ts":1767600000000,"kind":"charge_failed","seq":7,"device":"cp-1","code":"E42","energy":"12.50","wear":0.82}"#;
const TOPIC: &str = "devices/cp-1/events";
/// How much all of it may add to the memory in use.
const GROWTH_MAX: u64 = 256 * 1024 * 1024;

/// A payload, and the code of the dead letter it becomes; none for an event.
type Case = (String, Vec<u8>, Option<&'static str>);

fn case(name: &str, payload: impl Into<Vec<u8>>, code: Option<&'static str>) -> Case {
    (name.to_owned(), payload.into(), code)
}

/// Payloads that are no JSON object of one event.
fn shapeless() -> Vec<Case> {
    let not_json = Some("not-json");
    let mut cases = vec![
        case("bytes that are no text", vec![0xC3, 0x28], Some("not-utf8")),
        case("a surrogate as bytes", b"{\"kind\":\"\xED\xA0\x80\"}".to_vec(), Some("not-utf8")),
        case("an overlong slash", b"{\"kind\":\"\xC0\xAF\"}".to_vec(), Some("not-utf8")),
        case("utf-16", b"\xFF\xFE{\0".to_vec(), Some("not-utf8")),
        case("binary", (0..=255).collect::<Vec<u8>>(), Some("not-utf8")),
        case("compressed", b"\x1f\x8b\x08\x00\x00".to_vec(), Some("not-utf8")),
        case("nothing in an object", "{}", Some("missing-field")),
        case("no kind", r#"{"id":"g","kind":null}"#, Some("missing-field")),
    ];
    let broken = [
        "",
        "   ",
        "null",
        "true",
        "42",
        "\"x\"",
        "[]",
        "[{}]",
        "hello",
        "<a/>",
        "\0\0\0\0",
        "}}}}",
        "{\"kind\":}",
        "{'kind':'x'}",
        "/**/{}",
        "{\"kind\":\"a\tb\"}",
        "{\"kind\":\"a\nb\"}",
        "{\"kind\":\"\\x41\"}",
        "{\"kind\":\"\\ud800\"}",
        "{kind:1}",
        "{\"kind\" \"x\"}",
    ];
    cases.extend(broken.map(|text| case(&format!("broken: {text}"), text, not_json)));
    let cut = [GOOD.len() / 2, GOOD.len() - 1].map(|length| &GOOD.as_bytes()[..length]);
    cases.extend(cut.map(|text| case("cut off", text, not_json)));
    for behind in ["xyz", "{}", "\n{}", ",", "\0"] {
        cases.push(case("something behind it", format!("{GOOD}{behind}"), not_json));
    }
    for number in ["NaN", "Infinity", "-Infinity", "0x10", "007", "+1", ".5", "1.", "1e", "--1"] {
        let text = GOOD.replace("0.82", number);
        cases.push(case(&format!("a number {number}"), text, not_json));
    }
    cases
}

/// Payloads that are too large, or too deep.
fn excessive() -> Vec<Case> {
    let with = |more: &str| format!("{},{more}}}", GOOD.trim_end_matches('}'));
    let mut cases = Vec::new();
    for depth in [50, 129, 1_000, 100_000] {
        let lists = with(&format!("\"x\":{}{}", "[".repeat(depth), "]".repeat(depth)));
        cases.push(case(&format!("{depth} lists"), lists, Some("too-deep")));
        let objects = with(&format!("\"x\":{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
        // A depth of 100,000 objects is too large as well.
        let code = if depth == 100_000 { "too-large" } else { "too-deep" };
        cases.push(case(&format!("{depth} objects"), objects, Some(code)));
    }
    for length in [300_000, 900_000] {
        let text = with(&format!("\"note\":\"{}\"", "A".repeat(length)));
        cases.push(case(&format!("a text of {length}"), text, Some("too-large")));
        let spaces = format!("{}{GOOD}", " ".repeat(length));
        cases.push(case(&format!("{length} spaces"), spaces, Some("too-large")));
    }
    // A repeated id would be the same event.
    let unlike = |id: &str, more: &str| with(more).replace("\"g\"", &format!("\"{id}\""));
    cases.push(case(
        "a long note",
        unlike("n", &format!("\"note\":\"{}\"", "A".repeat(60_000))),
        None,
    ));
    cases.push(case("many digits", unlike("d", &format!("\"x\":{}", "9".repeat(1_000))), None));
    cases
}

/// Fields of the wrong type, or with values that nobody can mean.
fn fields() -> Vec<Case> {
    let with = |field: &str, value: &str| {
        let mut event: serde_json::Value = serde_json::from_str(GOOD).unwrap();
        event[field] = serde_json::from_str(value).unwrap();
        event.to_string()
    };
    let wrong = [
        ("kind", "\"\""),
        ("kind", "1"),
        ("kind", "[]"),
        ("ts", "\"yesterday\""),
        ("ts", "\"2026-02-30T00:00:00Z\""),
        ("ts", "\"2026-01-20T24:00:00Z\""),
        ("ts", "\"2026-01-20T10:00:00\""),
        ("ts", "true"),
        ("ts", "{}"),
        ("seq", "1.5"),
        ("seq", "\"x\""),
        ("seq", "9223372036854775808"),
        ("device", "1"),
        ("id", "{}"),
        ("channel", "{}"),
    ];
    let mut cases: Vec<Case> = Vec::new();
    for (field, value) in wrong {
        cases.push(case(&format!("{field} is {value}"), with(field, value), Some("bad-field")));
    }
    let ids = ["\"\"", "\"a\\u0000b\"", "\"a\\nb\""];
    cases.extend(ids.map(|id| case(&format!("id {id}"), with("id", id), Some("bad-id"))));
    for device in ["cp-2", "../cp-1", "+", "#", "$SYS", "cp-1 ", "CP-1", "cp\\u0000-1", "cр-1"] {
        let text = with("device", &format!("\"{device}\""));
        cases.push(case(&format!("device {device}"), text, Some("identity-mismatch")));
    }
    let twice = GOOD.replace("\"seq\"", "\"device\":\"cp-2\",\"seq\"");
    cases.push(case("device twice", twice, Some("not-json")));
    let hurtful = [
        "<script>alert(1)</script>",
        "'; DROP TABLE task;--",
        "=HYPERLINK(1)",
        "$(id)",
        "{{7*7}}",
        "${jndi:ldap://127.0.0.1/a}",
        "ok\\n2026 INFO admin",
        "\\u001b[2J",
        "%s%n",
        "\\u202eevil",
        "a\\u0000b",
        "故障 🔌",
        "../../etc/passwd",
    ];
    for (number, text) in hurtful.into_iter().enumerate() {
        let event =
            with("code", &format!("\"{text}\"")).replace("\"g\"", &format!("\"h{number}\""));
        cases.push(case(&format!("a code {text}"), event, None));
    }
    for (number, time) in ["0", "-1", "253402300799999", "1767600000"].into_iter().enumerate() {
        let event = with("ts", time).replace("\"g\"", &format!("\"t{number}\""));
        cases.push(case(&format!("ts {time}"), event, None));
    }
    cases
}

/// Topics that no source reads, or that name no device there can be.
fn topics() -> Vec<(String, Option<&'static str>)> {
    let no_source = [
        "devices/cp-1",
        "devices/cp-1/events/more",
        "/devices/cp-1/events",
        "devices/cp-1/events/",
        "core/tasks/create",
        "x",
    ];
    let mut topics: Vec<_> =
        no_source.map(|topic| (topic.to_owned(), Some("no-source"))).into_iter().collect();
    for device in ["cp 1", "设备", "cp\u{202e}1", ">", "cp$1"] {
        topics.push((format!("devices/{device}/events"), Some("bad-id")));
    }
    // That may be a device, but not the one that the message names.
    topics.push(("devices/*/events".to_owned(), Some("identity-mismatch")));
    topics.push((format!("devices/{}/events", "d".repeat(5_000)), Some("bad-id")));
    topics
}

/// Bytes that are no MQTT, or not at this place; after a good greeting where marked.
fn packets() -> Vec<(bool, Vec<u8>)> {
    let greeted: [&[u8]; 13] = [
        b"\x00\x00",
        b"\xf0\x00",
        b"\x30\xff\xff\xff\xff\x7f",
        b"\x30\x02\x00\x05",
        b"\x30\x04\xff\xff\x61\x62",
        b"\x30\x02\x00\x00",
        b"\x30\x05\x00\x03a\x00b",
        b"\x30\x04\x00\x02\xc3\x28",
        b"\x36\x06\x00\x01a\x00\x01x",
        b"\x82\x02\x00\x01",
        b"\x62\x02\x12\x34",
        b"\x20\x02\x00\x00",
        b"\x30\x05\x00\x03a/+",
    ];
    let fresh: [&[u8]; 9] = [
        b"\x30\x05\x00\x01ahi",
        b"\x10\x0d\x00\x04MQTX\x04\x02\x00\x3c\x00\x01d",
        b"\x10\x0d\x00\x04MQTT\x63\x02\x00\x3c\x00\x01d",
        b"\x10\x20\x00\x04MQTT\x04\x02",
        b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01d",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"\x16\x03\x01\x00\xc8\x01",
        b"\x10",
    ];
    let greeted = greeted.map(|bytes| (true, bytes.to_vec()));
    let mut all: Vec<_> = fresh.map(|bytes| (false, bytes.to_vec())).into_iter().collect();
    all.extend(greeted);
    all.push((false, vec![0; 65_536]));
    all.push((false, vec![0xff; 65_536]));
    // A packet that says it is larger than any may be.
    let mut giant = vec![0x30, 0xff, 0xff, 0xff, 0x7f];
    giant.resize(2_000_000, b'a');
    all.push((true, giant));
    all
}

fn send_packet(port: u16, is_greeted: bool, bytes: &[u8]) {
    let mut line = TcpStream::connect(("127.0.0.1", port)).unwrap();
    line.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut answer = [0; 64];
    if is_greeted {
        line.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01r").unwrap();
        line.read_exact(&mut answer[..4]).unwrap();
    }
    // Whoever closes before all is read, or says nothing, has done enough.
    drop(line.write_all(bytes));
    drop(line.read(&mut answer));
}

#[test]
fn rubbish_does_no_harm_and_is_accounted_for() {
    let mut site = Site::start(&load::plan());
    let before = site.running().memory();
    let mut cases: Vec<(String, Message, Option<&'static str>)> = Vec::new();
    for (name, payload, code) in [shapeless(), excessive(), fields()].concat() {
        cases.push((name, Message::new(TOPIC, payload), code));
    }
    for (topic, code) in topics() {
        cases.push((format!("topic {topic:.60}"), Message::new(topic, GOOD), code));
    }
    let canaries = load::messages(2_000);
    std::thread::scope(|scope| {
        scope.spawn(|| fleet::publish(site.mqtt, &canaries, 50, |_| {}));
        let messages: Vec<Message> = cases.iter().map(|(_, message, _)| message.clone()).collect();
        fleet::publish(site.mqtt, &messages, 1, |_| {});
        for (is_greeted, bytes) in packets() {
            send_packet(site.mqtt, is_greeted, &bytes);
        }
    });
    let events = cases.iter().filter(|(_, _, code)| code.is_none()).count();
    let expected: Vec<(&str, &str)> =
        cases.iter().filter_map(|(name, _, code)| Some((&**name, (*code)?))).collect();
    let found = site.dead_letters();
    let wrong: Vec<_> =
        expected.iter().zip(&found).filter(|((_, code), found)| code != found).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(found.len(), expected.len());
    assert_eq!(site.events().len(), canaries.len() + events);
    assert_eq!(site.tasks().iter().filter(|task| task["device"] != "cp-1").count(), 49);

    bodies_are_refused(&site);
    assert_eq!(site.events().len(), canaries.len() + events);
    let growth = site.running().memory().saturating_sub(before);
    assert!(growth < GROWTH_MAX, "rubbish takes {growth} bytes");
    assert_eq!(http::get(site.web, "/readyz").unwrap().0, 200);
    let log = site.log();
    assert!(!log.contains("panicked") && !log.contains("\u{1b}["), "{log}");
}

/// The API refuses what the doors keep as dead letters: who sent it is still there to be told.
fn bodies_are_refused(site: &Site) {
    let post = |kind: &str, body: &[u8]| http::post_bytes(site.web, "/api/v1/events", kind, body);
    for (name, payload, code) in [shapeless(), excessive(), fields()].concat() {
        // An empty list is no mistake, nor is room before a body, and a body names its own device.
        let is_fine = payload == b"[]" || payload.trim_ascii_start() == GOOD.as_bytes();
        if code.is_some_and(|code| code != "identity-mismatch") && !is_fine {
            let status = post("application/json", &payload);
            // Where a body is far too large nobody reads on, and the connection may end first.
            let is_refused = status.is_none_or(|status| (400..500).contains(&status));
            assert!(is_refused, "case: {name}: {status:?}");
        }
    }
    for kind in ["application/xml", "text/csv", "multipart/form-data", "application/yaml", ""] {
        assert_eq!(post(kind, GOOD.as_bytes()), Some(415), "{kind}");
    }
}
