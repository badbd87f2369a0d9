//! What is said about wrong conditions, and where.

use super::*;

/// A condition, and its first error.
const WRONG: &[(&str, &str)] = &[
    (
        "event.code = \"X\"",
        "11..12 condition-syntax '=' is not understood here; write == to compare, != for 'is not'",
    ),
    (
        "event.code ==",
        "13..14 condition-syntax the condition ends too early; write a CEL expression, such as: event.code == \"GroundFailure\" && device.model in [\"X7\"]",
    ),
    (
        "event.code == \"X",
        "14..16 condition-syntax the text \"X is not closed; put the same quote at both ends of a text",
    ),
    (
        "",
        "0..1 condition-syntax the condition ends too early; write a CEL expression, such as: event.code == \"GroundFailure\" && device.model in [\"X7\"]",
    ),
    ("evnt.code == \"X\"", "0..4 unknown-name 'evnt' is not known; did you mean 'event'?"),
    (
        "device.model == X7",
        "16..18 unknown-name 'X7' is not known; put a text in quotes: \"X7\"; otherwise use one of: event, device, account, site",
    ),
    (
        "fact.rate > 1",
        "0..4 unknown-name 'fact' is not known; use one of: event, device, account, site",
    ),
    (
        "device.modle == \"X\"",
        "7..12 unknown-field 'device' has no field 'modle'; did you mean 'model'?",
    ),
    (
        "account.colour == \"X\"",
        "8..14 unknown-field 'account' has no field 'colour'; use one of: id, name, owner",
    ),
    (
        "account.attributes == \"X\"",
        "0..18 unknown-field 'account.attributes' names no attribute; name one, as a feed's settings call it: account.attributes.tier",
    ),
    (
        "site.attributes.tier.level == \"X\"",
        "0..26 unknown-field 'site.attributes.tier.level' names no attribute; name one, as a feed's settings call it: site.attributes.tier",
    ),
    (
        "account.attributes.beds > 100",
        "0..29 condition-type account.attributes.beds is a text and 100 is a number; they have no order; compare texts (\"3\") with texts and numbers (3) with numbers",
    ),
    (
        "device.model.name == \"X\"",
        "13..17 unknown-field 'model' is a text and has no fields; drop what follows device.model",
    ),
    (
        "device == \"X\"",
        "0..6 condition-type 'device' is no value; name one of its fields: device.id",
    ),
    (
        "event.ts > 3",
        "6..8 unknown-attribute 'ts' is no attribute; the time of an event is event.occurred_at",
    ),
    (
        "device.model == 3",
        "0..17 condition-type device.model is a text and 3 is a number; they are never equal; compare texts (\"3\") with texts and numbers (3) with numbers",
    ),
    (
        "event.seq < \"3\"",
        "0..15 condition-type event.seq is a number and \"3\" is a text; they have no order; compare texts (\"3\") with texts and numbers (3) with numbers",
    ),
    (
        "device.model in [\"X7\", 3]",
        "23..24 condition-type device.model is a text and 3 is a number; they are never equal; compare texts (\"3\") with texts and numbers (3) with numbers",
    ),
    (
        "event.seq > true",
        "0..16 condition-type true is yes or no, which has no order; compare texts (\"3\") with texts and numbers (3) with numbers",
    ),
    (
        "device.model",
        "0..12 condition-type the condition is a text, not yes or no; compare it: event.code == \"GroundFailure\"",
    ),
    (
        "device.model && true",
        "0..12 condition-type device.model is a text, not yes or no; compare it: event.code == \"GroundFailure\"",
    ),
    (
        "device.model in \"X7\"",
        "16..20 condition-type \"X7\" is a text, not a list; write a list: [\"a\", \"b\"]",
    ),
    (
        "device.model + 1 > 3",
        "0..12 condition-type device.model is calculated with but is a text; name a number here",
    ),
    (
        "event.seq.startsWith(\"1\")",
        "0..9 condition-type event.seq is searched but is a number; name a text here",
    ),
    (
        "device.model.matches(\"X(.*\")",
        "21..27 regular-expression the regular expression is wrong at its character 2: unclosed group; write one such as r\"^EV-[0-9]+$\"",
    ),
    (
        "device.model.matches(\"(?=X)\")",
        "21..28 regular-expression the regular expression is wrong at its character 1: look-around, including look-ahead and look-behind, is not supported; write one such as r\"^EV-[0-9]+$\"",
    ),
    (
        "event.n > 1 ? event.code.matches(\"[z-a]\") : false",
        "33..40 regular-expression the regular expression is wrong at its character 2: invalid character class range, the start must be <= the end; write one such as r\"^EV-[0-9]+$\"",
    ),
    (
        "event.code.matches(r'\\w{1000}')",
        "19..30 regular-expression-too-big the regular expression takes more than 256 KiB; repeat less, name fewer letters ([0-9a-z] for \\w), or use startsWith",
    ),
    (
        "event.code.matches(event.other)",
        "19..30 condition-unsupported a regular expression has to be written out; write .matches(r\"^EV-[0-9]+$\")",
    ),
    (
        "string(event.n).matches(\"3\")",
        "0..14 condition-unsupported string(event.n is not a name, and only a name is searched; name a text: event.code",
    ),
    (
        "event.seq.matches(\"3\")",
        "0..9 condition-type event.seq is searched but is a number; name a text here",
    ),
    (
        "matches(event.code, \"3\")",
        "0..7 condition-type 'matches' is not called like this; write event.code.matches(\"EV\")",
    ),
    (
        "event.n / (1-1) > 1",
        "0..14 division-by-zero event.n / (1-1 divides by zero; divide by another number",
    ),
    (
        "event.n % (2 - 2) > 1",
        "11..16 condition-type a remainder is one of whole numbers, and 2 - 2 is calculated in others; write int(2 - 2)",
    ),
    (
        "event.n % int(2 - 2) > 1",
        "0..19 division-by-zero event.n % int(2 - 2 divides by zero; divide by another number",
    ),
    (
        "event.n / (event.m / (0 * 3)) > 1",
        "11..27 division-by-zero event.m / (0 * 3 divides by zero; divide by another number",
    ),
    (
        "event.n / 0 > 1",
        "0..11 division-by-zero event.n / 0 divides by zero; divide by another number",
    ),
    (
        "1 < event.n % 0u",
        "4..16 division-by-zero event.n % 0u divides by zero; divide by another number",
    ),
    (
        "event.n / -0.0 > 1",
        "0..14 division-by-zero event.n / -0.0 divides by zero; divide by another number",
    ),
    (
        "event.list.exists(x, x > 3)",
        "11..17 condition-unsupported 'exists' walks through a list, which is not supported; compare with 'in' and a list",
    ),
    (
        "device.model.startWith(\"X\")",
        "13..22 unknown-function there is no function 'startWith'; did you mean 'startsWith'?",
    ),
    (
        "startsWith(device.model)",
        "0..10 condition-type 'startsWith' is not called like this; write event.code.startsWith(\"EV\")",
    ),
    (
        "has(device)",
        "4..10 condition-type has() asks whether an event has an attribute; name one: has(event.code)",
    ),
    (
        "device.model == b\"X\"",
        "16..20 condition-unsupported a text of bytes is not supported in conditions; drop the b",
    ),
    (
        "{\"a\": 1} == {\"a\": 2}",
        "0..1 condition-unsupported '{' is not supported in conditions; compare fields",
    ),
];

#[test]
fn says_what_is_wrong_and_where() {
    for (text, expected) in WRONG {
        let remarks = Condition::compile(text, &Catalogue::of(OPEN), None).1;
        let first = remarks.first().unwrap_or_else(|| panic!("nothing is said about {text}"));
        assert_eq!(written(first), *expected, "case: {text}");
        assert_eq!(first.severity, Severity::Error, "case: {text}");
    }
}

#[test]
fn doubts_what_only_an_open_source_could_send_and_refuses_it_of_closed_ones() {
    let cases = [
        (
            "event.cause == \"chager\"",
            "15..23 unknown-literal no source is known to send 'chager' here; did you mean 'charger'?",
        ),
        (
            "\"chager\" == event.cause",
            "0..8 unknown-literal no source is known to send 'chager' here; did you mean 'charger'?",
        ),
        (
            "event.cause in [\"grid\", \"chager\"]",
            "24..32 unknown-literal no source is known to send 'chager' here; did you mean 'charger'?",
        ),
        (
            "event.caus == \"grid\"",
            "6..10 unknown-attribute no source is known to send 'caus' with charge_failed; did you mean 'event.cause'?",
        ),
        (
            "event[\"caus\"] == \"grid\"",
            "6..12 unknown-attribute no source is known to send 'caus' with charge_failed; did you mean 'event.cause'?",
        ),
        (
            "event.energy_wh == \"3\"",
            "0..22 condition-type event.energy_wh is a number and \"3\" is a text; they are never equal; compare texts (\"3\") with texts and numbers (3) with numbers",
        ),
        (
            "event.code",
            "0..10 condition-type the condition is a text, not yes or no; compare it: event.code == \"GroundFailure\"",
        ),
    ];
    for (text, expected) in cases {
        for (formats, severity) in [(OPEN, Severity::Warning), (CLOSED, Severity::Error)] {
            let catalogue = Catalogue::of(formats);
            let (condition, remarks) = Condition::compile(text, &catalogue, Some("charge_failed"));
            let said: Vec<_> = remarks.iter().map(written).collect();
            assert_eq!(said, [expected], "case: {text}");
            assert_eq!(remarks[0].severity, severity, "case: {text}");
            assert_eq!(condition.is_none(), severity == Severity::Error, "case: {text}");
        }
    }
}

fn written(remark: &Remark) -> String {
    let Fault { code, message, cure } = &remark.fault;
    format!("{:?} {code} {message}; {cure}", remark.span)
}
