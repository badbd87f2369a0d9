//! Conditions: what is said about wrong ones, and that right ones hold where the library says so.

use chrono::DateTime;
use serde_json::{Value, json};

use super::*;
use crate::decode::Format;
use crate::event::{Attributes, Event};
use crate::id::{DeviceId, EventId};
use crate::registry::{Account, Device, DeviceStatus, Registry, Site};

mod explain;
mod oracle;
mod reading;
mod remarks;

const OPEN: &[Format] = &[Format::Native, Format::Ocpp16];
const CLOSED: &[Format] = &[Format::Ocpp16];

fn event(attributes: &Value) -> Event {
    let at = DateTime::from_timestamp_millis(1_759_329_307_000).unwrap();
    Event {
        id: EventId::new("e-1").unwrap(),
        device: DeviceId::new("cp-1").unwrap(),
        channel: None,
        kind: "charge_failed".into(),
        stated_at: Some(at),
        occurred_at: at,
        received_at: at,
        seq: Some(7),
        clock_suspect: false,
        attributes: Attributes::from_json_object(attributes.to_string()),
        position: 0,
    }
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    let device = Device {
        model: "X7".into(),
        site: Some("s-1".into()),
        account: None,
        status: DeviceStatus::InService,
    };
    registry.devices.insert(DeviceId::new("cp-1").unwrap(), device);
    let site =
        Site { name: "Depot".into(), account: Some("a-1".into()), region: Some("north".into()) };
    registry.sites.insert("s-1".into(), site);
    let account = Account { name: "Acme".into(), owner: None, consent: None };
    registry.accounts.insert("a-1".into(), account);
    let told = [("tier", "gold"), ("beds", "120"), ("sector name", "public")];
    let told = told.map(|(name, value)| (name.into(), value.into()));
    registry.account_attributes.insert("a-1".into(), told.into());
    registry.site_attributes.insert("s-1".into(), [("grid".into(), "weak".into())].into());
    registry
}

fn compiled(text: &str) -> Condition {
    let (condition, remarks) = Condition::compile(text, &Catalogue::of(OPEN), None);
    condition.unwrap_or_else(|| panic!("{text}: {remarks:?}"))
}

#[test]
fn what_feeds_tell_of_an_account_and_a_site_is_a_text_or_absent() {
    let (event, registry) = (event(&json!({})), registry());
    let cases = [
        ("account.attributes.tier == \"gold\" && site.attributes.grid == \"weak\"", true),
        ("account.attributes.tier in [\"silver\"] || has(account.attributes.none)", false),
        ("account.attributes[\"sector name\"].startsWith(\"pub\")", true),
        ("double(account.attributes.beds) > 100.0", true),
        ("site.attributes.tier != \"gold\"", true),
    ];
    for (text, expected) in cases {
        let found = compiled(text).holds(&Facts::new(&event, &registry));
        assert_eq!(found, expected, "case: {text}");
    }
}

#[test]
fn holds_where_its_event_and_what_stands_behind_it_meet_it() {
    let event = event(&json!({
        "code": "GroundFailure", "n": 3, "f": 3.5, "yes": true, "none": null, "big": 9_007_199_254_740_993_i64,
        "list": ["a", 2], "within": {"deep": {"n": 1}}, "co-de": "x", "温度": 21, "huge": u64::MAX,
    }));
    let registry = registry();
    let cases = [
        ("event.code == \"GroundFailure\"", true),
        ("event.code != \"GroundFailure\"", false),
        ("event.code in [\"WeakSignal\", \"GroundFailure\"]", true),
        ("!(event.code in [\"WeakSignal\"])", true),
        ("event.code.startsWith(\"Ground\")", true),
        ("event.code.endsWith(\"Ground\")", false),
        ("event.code.contains(\"Fail\")", true),
        ("event.code.matches(\"^Ground\")", true),
        ("event.code.matches(\"ound\") && !event.code.matches(\"^ound\")", true),
        ("event.code.matches(r'^\\w+$')", true),
        ("event[\"co-de\"] == \"x\"", true),
        ("event[\"温度\"] > 20", true),
        ("event.n == 3 && event.n >= 3 && event.n <= 3.0 && event.n < 3.5", true),
        ("event.f > event.n", true),
        ("event.big == 9007199254740993", true),
        ("event.big == 9007199254740992", false),
        ("event.huge > 9223372036854775807", true),
        ("event.yes", true),
        ("!event.yes || event.n == 3", true),
        ("event.within.deep.n == 1", true),
        ("event.within.nothing.n == 1", false),
        ("has(event.code) && !has(event.nothing) && !has(event.none)", true),
        ("event.id == \"e-1\" && event.device == \"cp-1\" && event.seq == 7", true),
        ("event.kind == \"charge_failed\"", true),
        ("event.channel == null", true),
        ("event.occurred_at == \"2025-10-01T14:35:07.000Z\"", true),
        ("device.id == \"cp-1\" && device.model in [\"X7\", \"X9\"]", true),
        ("device.site == \"s-1\" && site.id == \"s-1\"", true),
        ("device.account == \"a-1\" && account.id == \"a-1\"", true),
        ("account.name == \"Acme\" && !has(account.owner)", true),
        ("site.name == \"Depot\" && site.region != \"south\"", true),
        // What the library evaluates.
        ("event.f - event.n == 0.5", true),
        ("event.n / 2 == 1.5", true),
        ("-event.n < 0", true),
        ("event.seq % 2 == 1", true),
        ("size(event.code) > 3 && size(event.list) == 2", true),
        ("event.code.size() == 13", true),
        ("event.list[0] == \"a\"", true),
        ("\"a\" in event.list", true),
        ("(event.yes ? event.n : 0) == 3", true),
        ("int(event.f) == 3 && string(event.n) == \"3\" && double(\"1.5\") < 2", true),
        ("event.n + size(event.code) == 16", true),
        ("has(event.code) ? event.n + 1 == 4 : false", true),
        ("event.yes ? event.code.matches(\"^G\") && device.model.matches(\"7$\") : false", true),
        ("event.code.matches(\"^X\") == false", true),
        ("int(event.n + 1) % 2 == 0", true),
        ("true", true),
        ("false", false),
    ];
    for (text, expected) in cases {
        assert_eq!(compiled(text).holds(&Facts::new(&event, &registry)), expected, "case: {text}");
    }
}

#[test]
fn what_is_absent_is_null_and_what_is_an_error_does_not_hold() {
    let event = event(&json!({ "code": "X", "n": 3, "zero": 0, "nought": -0.0 }));
    let nobody = Registry::default();
    let cases = [
        ("event.nothing != \"X\"", true),
        ("event.nothing == \"X\"", false),
        ("event.nothing == null", true),
        ("event.nothing in [\"X\"]", false),
        ("!(event.nothing in [\"X\"])", true),
        ("event.nothing < 3", false),
        ("!(event.nothing < 3)", false),
        ("event.nothing < 3 || event.n == 3", true),
        ("event.n == 3 || event.nothing < 3", true),
        ("!(event.nothing < 3 && event.n == 4)", true),
        ("event.nothing.startsWith(\"X\")", false),
        ("!event.nothing.startsWith(\"X\")", false),
        ("event.nothing.matches(\"X\")", false),
        ("!event.nothing.matches(\"X\")", false),
        ("event.nothing.matches(\"X\") == false", false),
        ("event.n.matches(\"3\")", false),
        ("event.nothing", false),
        ("!event.nothing", false),
        ("event.code < 3", false),
        ("event.code > 3", false),
        ("event.code == 3", false),
        ("event.nothing + 1 > 0", false),
        ("!(event.nothing + 1 > 0)", false),
        ("event.code + 1 > 0", false),
        ("event.n / event.zero > 5", false),
        ("!(event.n / event.zero > 5)", false),
        ("event.n / event.nought < 5", false),
        ("event.zero / event.zero == 1", false),
        ("6 / (event.n / (event.zero / event.n)) > 0", false),
        ("event.zero / event.n == 0", true),
        ("event.n % event.zero == 1", false),
        ("!(event.n % event.zero == 1)", false),
        ("event.zero != 0 && event.n / event.zero > 5", false),
        ("!(event.zero != 0 && event.n / event.zero > 5)", true),
        ("device.id == \"cp-1\"", true),
        ("device.model != \"X7\"", true),
        ("device.model == \"X7\" || site.name == \"a\" || account.owner == \"b\"", false),
    ];
    for (text, expected) in cases {
        assert_eq!(compiled(text).holds(&Facts::new(&event, &nobody)), expected, "case: {text}");
    }
}

#[test]
fn tells_an_error_from_a_test_that_does_not_hold() {
    let (long, fits) = ("x".repeat(4097), "x".repeat(4096));
    let event = event(&json!({ "code": "X", "n": 3, "zero": 0, "long": long, "fits": fits }));
    let nobody = Registry::default();
    let cases = [
        ("event.n == 3", Some(true)),
        ("event.n == 4", Some(false)),
        ("event.code == 3", Some(false)),
        ("event.nothing == \"X\"", Some(false)),
        ("event.code < 3", None),
        ("event.nothing < 3", None),
        ("event.code", None),
        ("!event.code.startsWith(event.n)", None),
        ("event.code.matches(\"^x\")", Some(false)),
        ("event.code.matches(\"(?i)^x\")", Some(true)),
        ("event.n.matches(\"3\")", None),
        ("event.long.matches(\"x\")", None),
        ("event.fits.matches(\"x$\")", Some(true)),
        ("event.code + 1 > 3", None),
        ("event.n / event.zero > 3", None),
        ("event.n % event.zero > 3", None),
        ("event.n / event.zero > 3 || event.n == 3", Some(true)),
        ("event.n / event.zero > 3 && event.n == 4", Some(false)),
    ];
    for (text, expected) in cases {
        assert_eq!(compiled(text).judge(&Facts::new(&event, &nobody)), expected, "case: {text}");
    }
}

#[test]
fn a_condition_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync + Clone + std::fmt::Debug>(_: &T) {}
    is_shared(&compiled("event.n + 1 > 3 || event.code == \"X\""));
}

#[test]
fn no_condition_is_too_much_for_the_parser() {
    let too_big = [
        ("long", format!("event.code == \"{}\"", "x".repeat(5000))),
        ("names", format!("event{}", ".a".repeat(1000))),
        ("sums", format!("1{} > 0", "+1".repeat(1000))),
        ("brackets", format!("{}true{}", "(".repeat(1000), ")".repeat(1000))),
        ("open brackets", "(".repeat(4000)),
        ("lists", format!("{}1{}", "[".repeat(1000), "]".repeat(1000))),
        ("maps", "{a:".repeat(1000)),
        ("calls", format!("{}1{}", "f(".repeat(1000), ")".repeat(1000))),
        ("methods", format!("a{}", ".f()".repeat(900))),
        ("choices", format!("true{}", "?true:true".repeat(300))),
        ("minus", format!("{}1 > 0", "-".repeat(3000))),
        ("quotes do not hide them", format!("'\\'{}", "(".repeat(1000))),
        ("triple quotes do not hide them", format!("\"\"\" \" \"\"\"{}", "(".repeat(1000))),
    ];
    for (case, text) in too_big {
        let (condition, remarks) = Condition::compile(&text, &Catalogue::of(OPEN), None);
        assert!(condition.is_none(), "case: {case}");
        assert!(!remarks.is_empty(), "case: {case}");
    }
    let nobody = Registry::default();
    // As deep and as long as is allowed, on the stack of a test's thread.
    let nested = format!("{}event.n{} > 1", "(1+(".repeat(3), "))".repeat(3));
    assert!(compiled(&nested).holds(&Facts::new(&event(&json!({ "n": 3 })), &nobody)));
    let wide = vec!["event.n == 1"; 250].join(" || ");
    assert!(compiled(&wide).holds(&Facts::new(&event(&json!({ "n": 1 })), &nobody)));
}

#[test]
fn no_regular_expression_takes_more_than_its_share() {
    let of = |pattern: &str| format!("event.code.matches(r'{pattern}')");
    let cases = [
        ("repeats of repeats", of("((a{100}){100}){100}"), "regular-expression-too-big"),
        ("many words", of("\\w{1000}"), "regular-expression-too-big"),
        (
            "many choices",
            of(&format!("({}){{100}}", "ab|".repeat(150))),
            "regular-expression-too-big",
        ),
        ("long", of(&"a".repeat(600)), "regular-expression-too-big"),
        ("nested groups", of(&"(".repeat(200)), "regular-expression"),
        ("nested classes", of(&"[".repeat(200)), "regular-expression"),
        (
            "closed groups",
            of(&format!("{}{}", "(".repeat(99), ")".repeat(99))),
            "regular-expression",
        ),
        ("a large count", of("a{99999999999}"), "regular-expression"),
        ("many", vec![of("a"); 9].join(" && "), "condition-too-big"),
    ];
    for (case, text, code) in cases {
        let (condition, remarks) = Condition::compile(&text, &Catalogue::of(OPEN), None);
        assert!(condition.is_none(), "case: {case}");
        assert_eq!(remarks[0].fault.code, code, "case: {case}: {remarks:?}");
    }
    // What backtracks elsewhere for longer than anybody waits, on the longest text there is.
    let nobody = Registry::default();
    let long = event(&json!({ "code": format!("{}!", "a".repeat(4095)) }));
    for pattern in ["^(a+)+$", "^(a|aa)+$", "^(a*)*b", "(.*a){10}$", "^([a-z]+)*[0-9]$"] {
        assert_eq!(
            compiled(&of(pattern)).judge(&Facts::new(&long, &nobody)),
            Some(false),
            "case: {pattern}"
        );
    }
    let usual = ["^EV-[0-9]{4}$", "\\w{3}-\\d+", "(?i)ground.*fault|over(heat|temp)", "^\\s*$"];
    for pattern in usual {
        assert_eq!(
            compiled(&of(pattern)).judge(&Facts::new(&long, &nobody)),
            Some(false),
            "case: {pattern}"
        );
    }
}
