//! Readings: which names are numbers, and what is read there.

use super::*;

#[test]
fn reads_the_number_that_an_event_has() {
    let event = event(&json!({ "t": 21.5, "n": 3, "code": "X", "within": { "deep": -1 } }));
    let registry = registry();
    let cases = [
        ("event.t", Some(21.5)),
        (" event.n ", Some(3.0)),
        ("event[\"t\"]", Some(21.5)),
        ("event.within.deep", Some(-1.0)),
        ("event.seq", Some(7.0)),
        ("event.nothing", None),
        ("event.code", None),
        ("event.within", None),
    ];
    for (text, expected) in cases {
        let (reading, remarks) = Reading::compile(text, &Catalogue::of(OPEN), &["reading"]);
        assert!(remarks.iter().all(|remark| remark.severity == Severity::Warning), "case: {text}");
        let reading = reading.unwrap();
        assert_eq!(reading.of(&Facts::new(&event, &registry)), expected, "case: {text}");
        assert_eq!(reading.as_str(), text.trim(), "case: {text}");
    }
}

#[test]
fn is_one_name_of_a_number_for_each_kind() {
    let both = &["charge_failed", "charge_ok"][..];
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("event.energy_wh", both, &[]),
        ("event.energy_wh", &[], &[]),
        (
            "event.energy_wh",
            &["charge_ok", "meter"],
            &[
                "6..15 unknown-attribute no source is known to send 'energy_wh' with meter; use one of: action, status, code, vendor_code, info, reason, meter_wh, transaction, id_tag, id_tag_status, id, device, channel, kind, seq, occurred_at",
            ],
        ),
        (
            "event.code",
            both,
            &[
                "0..10 condition-type event.code is a text, not a number; name a number: event.temperature",
            ],
        ),
        (
            "device.model",
            both,
            &[
                "0..12 condition-type device.model is a text, not a number; name a number: event.temperature",
            ],
        ),
        ("evnt.n", both, &["0..4 unknown-name 'evnt' is not known; did you mean 'event'?"]),
        (
            "event.energy_wh / 1000",
            both,
            &[
                "0..22 not-a-name 'event.energy_wh / 1000' is not one name; name one number: event.temperature",
            ],
        ),
        ("3", both, &["0..1 not-a-name '3' is not one name; name one number: event.temperature"]),
        (
            "event.energy_wh >",
            both,
            &[
                "17..18 condition-syntax the condition ends too early; write a CEL expression, such as: event.code == \"GroundFailure\" && device.model in [\"X7\"]",
            ],
        ),
    ];
    for (text, kinds, expected) in cases {
        let (reading, remarks) = Reading::compile(text, &Catalogue::of(CLOSED), kinds);
        let said: Vec<_> = remarks.iter().map(written).collect();
        assert_eq!(said, *expected, "case: {text}");
        assert_eq!(reading.is_some(), said.is_empty(), "case: {text}");
    }
}

#[test]
fn what_an_open_source_could_send_is_a_doubt() {
    for text in ["event.colour", "event.code"] {
        let (reading, remarks) = Reading::compile(text, &Catalogue::of(OPEN), &["charge_ok"]);
        assert!(reading.is_some(), "case: {text}");
        assert_eq!(remarks.len(), 1, "case: {text}");
        assert_eq!(remarks[0].severity, Severity::Warning, "case: {text}");
    }
}

fn written(remark: &Remark) -> String {
    let Fault { code, message, cure } = &remark.fault;
    format!("{:?} {code} {message}; {cure}", remark.span)
}
